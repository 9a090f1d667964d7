"""A book with a bit of everything in it, and the audit over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text

from app.charging.audit import Finding, run
from tests.usecases.charging.desk import Desk


class Names(NamedTuple):
    """Ids of orders that the tests damage."""

    paid: str
    retried: str
    left: str


@dataclass
class Busy:
    """``paid`` is refunded in part, ``retried`` was declined once and is refunded in full, ``left`` ended at the bank."""

    desk: Desk
    paid: str
    retried: str
    left: str

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

    def damage_index(self, name: str) -> None:
        """The constraint is gone first: a database that has it refuses the damage."""
        with self.desk.store.write() as conn:
            conn.execute(text(f"DROP INDEX {name}"))

    def damage_without_keys(self, statement: str, **values: object) -> None:
        """SQLite checks references only on connections that ask for it."""
        with self.desk.store.engine.connect() as conn:
            raw = conn.connection.dbapi_connection
            assert raw is not None
            raw.execute("PRAGMA foreign_keys=OFF")
            raw.execute(statement, values)
            raw.commit()
            raw.execute("PRAGMA foreign_keys=ON")
