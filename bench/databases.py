"""The two databases as a bench needs them: on a disk, durable, with their own commit rate and a count of what was written."""

from __future__ import annotations

import atexit
import sqlite3
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from app.migrations import upgrade
from app.models.store import Store
from bench.scratch import scratch
from tests.postgres import DURABLE, Cluster, programs

ROW = "x" * 100


class Database(ABC):
    """One database at the newest step, in a folder that goes when the process ends."""

    name: str
    url: str

    @abstractmethod
    def commit(self) -> None:
        """The reference: one small row in one durable commit, by one client that does nothing else."""

    @abstractmethod
    def written(self) -> int:
        """Transactions that have written since it was made, whoever made them."""

    def commits_a_second(self, times: int) -> float:
        begun = time.perf_counter()
        for _ in range(times):
            self.commit()
        return times / (time.perf_counter() - begun)


class SqliteFile(Database):
    """The application's file; what the reference commits to lies beside it, or it would wait for the application's lock."""

    name = "SQLite"

    def __init__(self) -> None:
        folder = scratch()
        self._path = folder / "liftlink.sqlite3"
        self.url = f"sqlite:///{self._path}"
        _migrate(self.url)
        self._own = sqlite3.connect(folder / "commits.sqlite3", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._own.execute(f"PRAGMA {pragma}")
        self._own.execute("CREATE TABLE rows_written (id INTEGER PRIMARY KEY, text TEXT)")
        # The index of the write-ahead log goes with the last connection, so one stays.
        self._open = sqlite3.connect(self._path)
        self._open.execute("SELECT count(*) FROM sqlite_master")

    def commit(self) -> None:
        self._own.execute("BEGIN IMMEDIATE")
        self._own.execute("INSERT INTO rows_written (text) VALUES (?)", (ROW,))
        self._own.execute("COMMIT")

    def written(self) -> int:
        """``iChange`` of the write-ahead log's index: SQLite counts every transaction there, for all processes."""
        with Path(f"{self._path}-shm").open("rb") as index:
            index.seek(8)
            return int.from_bytes(index.read(4), "little")


class PostgresServer(Database):
    """A server of the bench's own, as the tests start theirs, but on a disk and with ``fsync``."""

    name = "PostgreSQL"

    def __init__(self) -> None:
        self.cluster = Cluster(settings=DURABLE, where=Path(tempfile.gettempdir())).start()
        atexit.register(self.cluster.remove)
        self.url = self.cluster.new_database("liftlink")
        self._connect()
        self._own.execute("CREATE TABLE rows_written (id bigserial PRIMARY KEY, text text)")

    def _connect(self) -> None:
        self._own = self.cluster.connect("postgres")
        self._looking = self.cluster.connect("liftlink")

    def commit(self) -> None:
        self._own.execute("BEGIN")
        self._own.execute("INSERT INTO rows_written (text) VALUES (%s)", (ROW,))
        self._own.execute("COMMIT")

    def written(self) -> int:
        """Numbers of transactions: a server gives one to each that writes, and to no other."""
        found = self._looking.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
        return int(found[0]) if found else 0

    def restart(self) -> None:
        """In immediate mode, as when the machine loses its power. By the thread that made it, with which it would end."""
        self.cluster.stop()
        self.cluster.start()
        self._connect()


def has_postgres() -> bool:
    """Whether this machine has the programs."""
    return programs() is not None


def backends(store: Store) -> list[int]:
    """The server's processes that answer this store's database, by number."""
    with store.read() as connection:
        found = connection.execute(text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()"))
        return [int(pid) for pid in found.scalars()]


def _migrate(url: str) -> None:
    store = Store(url)
    upgrade(store.engine)
    store.close()


def until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait for it, looking now and then; False when the time is over first."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def count(store: Store, statement: str) -> int:
    """The one number that a statement gives."""
    with store.read() as connection:
        return int(connection.execute(text(statement)).scalar() or 0)
