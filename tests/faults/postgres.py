"""PostgreSQL as the database under test: a durable cluster of the harness's own, which may be killed at any time."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
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

    def hold_lock(self, milliseconds: int) -> int | None:
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
        """Indexes against their tables, where the extension is installed."""
        with self.cluster.connect("liftlink") as connection:
            try:
                connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
                connection.execute(
                    "SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam "
                    "WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace"
                )
            except psycopg.Error as error:
                return [] if "amcheck" in str(error) and "control file" in str(error) else [str(error)]
        return []

    def close(self) -> None:
        self._hands.submit(self.cluster.remove).result()
        self._hands.shutdown()
