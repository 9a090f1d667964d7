"""A book with a bit of everything in it, and the audit over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import text

from app.charging.audit import Finding, run
from tests.usecases.charging.desk import Desk


class Names(NamedTuple):
    """Ids of orders that the tests damage."""

    paid: str
    retried: str
    left: str
    waits: str


@dataclass
class Busy:
    """``paid`` is refunded in part, ``retried`` was declined once and is refunded in full, ``left`` ended at the bank,
    ``waits`` is for the next billing date."""

    desk: Desk
    paid: str
    retried: str
    left: str
    waits: str
    taken_off: list[str] = field(default_factory=list)

    def audit(self) -> list[Finding]:
        return list(run(self.desk.store, self.desk.gateways, self.desk.clock))

    def damage(self, statement: str, **values: object) -> None:
        """Somebody with a shell on the database."""
        with self.desk.store.write() as conn:
            changed = conn.execute(text(statement), values)
            assert changed.rowcount > 0, "nothing was damaged"

    def broken(self, invariant: str) -> list[str]:
        """The rows that the audit names for that invariant, with what it says."""
        return [
            f"{one.row}: {one.what}"
            for finding in self.audit()
            if finding.invariant == invariant
            for one in finding.broken
        ]

    def damage_all(self, statements: Sequence[str]) -> None:
        """As somebody does whose database looks at no keys meanwhile."""
        with self.desk.store.engine.connect() as conn:
            raw = conn.connection.dbapi_connection
            assert raw is not None
            sqlite = self.desk.store.is_sqlite
            raw.cursor().execute("PRAGMA foreign_keys=OFF" if sqlite else "SET session_replication_role = replica")
            for statement in statements:
                cursor = raw.cursor()
                cursor.execute(statement)
                assert cursor.rowcount != 0, f"nothing was damaged: {statement}"
            raw.commit()
            raw.cursor().execute("PRAGMA foreign_keys=ON" if sqlite else "SET session_replication_role = origin")
            raw.commit()

    def damage_index(self, name: str) -> None:
        """The constraint is gone first: a database that has it refuses the damage."""
        asked = "SELECT sql FROM sqlite_master WHERE name = :name"
        if not self.desk.store.is_sqlite:
            asked = "SELECT indexdef FROM pg_indexes WHERE indexname = :name"
        with self.desk.store.write() as conn:
            self.taken_off.append(str(conn.execute(text(asked), {"name": name}).scalar_one()))
            conn.execute(text(f"DROP INDEX {name}"))

    def put_on_again(self) -> None:
        """On PostgreSQL the next test has the same tables; a file that is put back has its indexes by itself."""
        if not self.desk.store.is_sqlite:
            with self.desk.store.write() as conn:
                for statement in self.taken_off:
                    conn.execute(text(statement))

    def damage_without_keys(self, statement: str, **values: object) -> None:
        """SQLite checks references only on connections that ask for it."""
        with self.desk.store.engine.connect() as conn:
            raw = conn.connection.dbapi_connection
            assert raw is not None
            raw.execute("PRAGMA foreign_keys=OFF")
            raw.execute(statement, values)
            raw.commit()
            raw.execute("PRAGMA foreign_keys=ON")

    def leave_unproved(self, table: str) -> None:
        """PostgreSQL lets nobody write a reference that leads nowhere, unless it was told to look at new rows only."""
        with self.desk.store.write() as conn:
            conn.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT left_unproved CHECK (true) NOT VALID"))
        self.taken_off.append(f"ALTER TABLE {table} DROP CONSTRAINT left_unproved")
