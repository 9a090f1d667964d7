"""PostgreSQL as the database under test: a durable cluster of the harness's own, which may be killed at any time."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg.rows import dict_row

from app.migrations import upgrade
from app.models.store import Store
from tests.faults.databases import GUARDS
from tests.postgres import _SET_BACK, DURABLE, Cluster


class PostgresDatabase:
    """One database in one cluster, set back between iterations."""

    name = "postgresql"

    def __init__(self) -> None:
        # The server dies with the thread that started it, so one thread starts it every time.
        self._hands = ThreadPoolExecutor(1)
        self.cluster = self._hands.submit(lambda: Cluster(settings=DURABLE).start()).result()
        with self.cluster.connect("postgres") as admin:
            admin.execute("CREATE DATABASE liftlink")
        self.url = self.cluster.url("liftlink")
        store = Store(self.url)
        upgrade(store.engine)
        store.close()
        with self.cluster.connect("liftlink") as connection:
            connection.execute(_SET_BACK)
            # Without it nothing could be said of I42: then the run does not begin.
            connection.execute("CREATE EXTENSION amcheck")
            self._lost_keys = _without_parent(connection)
        self._changed: tuple[str, ...] = ()

    def freeze(self) -> None:
        with self.cluster.connect("liftlink") as connection:
            connection.execute("SELECT testing.keep()")

    def reset(self) -> None:
        with self.cluster.connect("liftlink") as connection:
            connection.execute("SELECT testing.set_back()")
            for name in self._changed:
                for statement in GUARDS[name].put_back:
                    connection.execute(statement)
        self._changed = ()

    def rows(self, *statements: str) -> list[list[dict[str, Any]]]:
        # A restart may be under way; the judge is patient.
        for patience in range(200):
            try:
                with psycopg.connect(
                    f"user=liftlink dbname=liftlink host={self.cluster.folder}", row_factory=dict_row
                ) as connection:
                    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                    return [list(connection.execute(statement)) for statement in statements]  # type: ignore[arg-type,call-overload]
            except psycopg.OperationalError:
                if patience == 199:
                    raise
                self._hands.submit(lambda: None).result()
        raise AssertionError

    def change(self, what: Sequence[str]) -> None:
        self._changed = tuple(what)
        with self.cluster.connect("liftlink") as connection:
            for name in what:
                for statement in GUARDS[name].postgres:
                    connection.execute(statement)

    def hold_lock(self, milliseconds: int, last: Callable[[], None]) -> int | None:
        return None

    def fill_disk(self) -> bool:
        return False

    def seal_disk(self) -> bool:
        return False

    def free_disk(self) -> None:
        """Its disk is never filled."""

    def copy(self) -> None:
        """The files of a server that was cut off, as a snapshot of the disk has them."""
        self._replace("data", "copied")

    def put_back(self) -> None:
        self._replace("copied", "data")

    def _replace(self, source: str, target: str) -> None:
        folder = self.cluster.folder

        def work() -> None:
            self.cluster.stop()
            subprocess.run(["rm", "-rf", str(folder / target)], check=True)
            subprocess.run(["cp", "-a", str(folder / source), str(folder / target)], check=True)
            (folder / target / "postmaster.pid").unlink(missing_ok=True)
            self.cluster.start()

        self._hands.submit(work).result()

    def restart(self) -> bool:
        def again() -> None:
            self.cluster.stop()
            self.cluster.start()

        self._hands.submit(again).result()
        return True

    def faults(self) -> list[str]:
        """Indexes against their tables, and every foreign key against what it names."""
        with self.cluster.connect("liftlink") as connection:
            try:
                connection.execute(
                    "SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam "
                    "WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace"
                )
                lost = connection.execute(self._lost_keys).fetchall()  # type: ignore[arg-type,call-overload]
            except psycopg.Error as error:
                return [str(error)]
        return [f"foreign key: {count} rows break {name}" for name, count in lost]

    def close(self) -> None:
        self._hands.submit(self.cluster.remove).result()
        self._hands.shutdown()


def _without_parent(connection: psycopg.Connection[Any]) -> str:
    """One statement: by name of each foreign key, how many rows name what is not there. No row where all are kept."""
    keys = connection.execute(
        """
        SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,
          string_agg(format('child.%I IS NOT NULL', own.attname), ' AND ' ORDER BY place),
          string_agg(format('parent.%I = child.%I', theirs.attname, own.attname), ' AND ' ORDER BY place)
        FROM pg_constraint c
          CROSS JOIN LATERAL unnest(c.conkey, c.confkey) WITH ORDINALITY AS pair(child, parent, place)
          JOIN pg_attribute own ON own.attrelid = c.conrelid AND own.attnum = pair.child
          JOIN pg_attribute theirs ON theirs.attrelid = c.confrelid AND theirs.attnum = pair.parent
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
        GROUP BY c.oid, c.conname, c.conrelid, c.confrelid ORDER BY c.conname
        """
    ).fetchall()
    if not keys:
        raise RuntimeError("the database has no foreign keys: nothing could be said of them")
    return " UNION ALL ".join(
        f"SELECT '{name}', count(*) FROM {child} child WHERE {given} "
        f"AND NOT EXISTS (SELECT FROM {parent} parent WHERE {same}) HAVING count(*) > 0"
        for name, child, parent, given, same in keys
    )
