"""Opens the database: many readers that cost one round trip, one writer at a time that is safe to repeat.

Reading connections are in autocommit (a SELECT needs no BEGIN and no ROLLBACK); several reads of one page may see
different moments, which is why every figure that is charged is computed again inside ``write``.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError

from app.kit import fence
from app.models import postgres
from app.models.afterwards import doing_afterwards

T = TypeVar("T")
BUSY_SECONDS = 10
IMPATIENT_MILLISECONDS = 200
IDLE_READERS = 8
"""How many reading connections are kept open at most."""
PAUSES = (0.01, 0.05, 0.2)
"""Seconds before a transaction that the database took back is tried again; after the last the error goes up."""


class Store:
    """The application's database. Hand it around; it opens connections when asked and none before."""

    def __init__(self, url: str) -> None:
        self.url = postgres.with_driver(make_url(url))
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self._idle: deque[Connection] = deque()
        self._reader = _make_engine(self.url, reading=True)
        self._writer = _make_engine(self.url, reading=False)
        if self.is_sqlite:
            event.listen(self._reader, "connect", _prepare_sqlite)
            event.listen(self._writer, "connect", _prepare_sqlite)
            event.listen(self._writer, "begin", _begin_immediate)

    @property
    def engine(self) -> Engine:
        """The writing engine, for migrations and set-up only."""
        return self._writer

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A connection for queries; each statement stands alone. Writing through it is a bug."""
        connection = self._idle_reader()
        try:
            yield connection
        finally:
            # Kept open after prepared statements, since to take one from the pool and give it back costs as much as three
            # of them. Any other statement has begun a transaction of SQLAlchemy's, which only giving it back ends.
            if connection.invalidated:  # the server went away, so the others are no better
                self._close_idle()
            if (
                connection.closed
                or connection.invalidated
                or connection.in_transaction()
                or len(self._idle) >= IDLE_READERS
            ):
                connection.close()
            else:
                self._idle.append(connection)

    def _idle_reader(self) -> Connection:
        with suppress(IndexError):
            while True:
                idle = self._idle.pop()
                if self.is_sqlite or not _is_dead(idle):
                    return idle
                idle.invalidate()
                idle.close()
        return self._reader.connect()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    @contextmanager
    def write(self) -> Generator[Connection]:
        """One transaction: commits at the end, rolls back on any exception. Nothing outside may be called within."""
        with doing_afterwards(), fence.transaction(), self._writer.begin() as connection:
            yield connection

    def writing(self, work: Callable[[Connection], T]) -> T:
        """``work(connection)`` in one transaction, and again when the database took it back (deadlock, serialization).

        For what may run twice because nothing but this database sees it: ``work`` asks nothing outside, and keeps nothing
        of a run that failed. A connection that is lost while it commits is no such case: it may have committed.
        """
        for pause in PAUSES:
            try:
                with self.write() as connection:
                    return work(connection)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in postgres.REPEATABLE:
                    raise
            time.sleep(pause)
        with self.write() as connection:
            return work(connection)

    @contextmanager
    def write_if_free(self) -> Generator[Connection]:
        """Like ``write``, for counters that are not worth waiting for: a lock that somebody else holds raises within 0.2 s."""
        with fence.transaction(), self._writer.connect() as connection:
            if not self.is_sqlite:
                with connection.execution_options(**{postgres.IMPATIENT: True}).begin():
                    yield connection
                return
            raw: Any = connection.connection.dbapi_connection
            raw.execute(f"PRAGMA busy_timeout={IMPATIENT_MILLISECONDS}")
            try:
                with connection.begin():
                    yield connection
            finally:
                raw.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")

    def close(self) -> None:
        """Give all connections back, for the end of a process or before a fork."""
        self._close_idle()
        self._reader.dispose()
        self._writer.dispose()


def _is_dead(connection: Connection) -> bool:
    return connection.closed or connection.invalidated or postgres.is_dead(connection.connection.dbapi_connection)


def _make_engine(url: Any, *, reading: bool) -> Engine:
    if url.get_backend_name() == "postgresql":
        return postgres.make_engine(url, reading=reading)
    # The values of a statement are customers' data: an error must not carry them into a log.
    if not reading:
        return create_engine(url, hide_parameters=True)
    return create_engine(url, hide_parameters=True, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin by itself: _begin_immediate does
    for pragma in (
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",  # NORMAL may lose a commit at power loss
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that turns into a writing one fails at once when another wrote meanwhile.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
