"""Connections to PostgreSQL: what each one is opened with, how a dead one is told, how a transaction begins.

Nothing is set for a session, everything in the message that begins a transaction: behind a pooler such as pgbouncer, which
lends a server connection for one transaction at a time, what was set for a session would be another client's.
"""

from __future__ import annotations

import select
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

DRIVER = "postgresql+psycopg"
POOL, MORE = 8, 24
"""Connections of one process that are kept open, and how many more there may be for a moment."""
WAIT_SECONDS = 10
"""For a connection of the pool, and for another transaction's lock: as long as SQLite is waited for."""
IMPATIENT = "liftlink_impatient"
"""The execution option of transactions that are not worth waiting for."""

_LIMITS = "SET LOCAL idle_in_transaction_session_timeout TO '60s'"
_BEGIN = (
    f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit TO on; "
    f"SET LOCAL lock_timeout TO '{WAIT_SECONDS}s'; {_LIMITS}"
)
# Counters only: they need not outlive a power cut, and nobody waits for a disk because of them.
_BEGIN_IMPATIENT = (
    f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit TO off; "
    f"SET LOCAL lock_timeout TO '200ms'; {_LIMITS}"
)
_USUAL: dict[str, Any] = {
    "application_name": "liftlink",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "prepare_threshold": None,  # a pooler hands the next statement to a server that has not prepared it
}
REPEATABLE = frozenset({"40001", "40P01"})
"""Serialization failure and deadlock: the database took everything back, so that the same may be tried again."""


def with_driver(url: URL) -> URL:
    """``postgresql://`` and ``postgres://``, as providers write them, mean our driver."""
    return url.set(drivername=DRIVER) if url.drivername in ("postgresql", "postgres") else url


def make_engine(url: URL, *, reading: bool) -> Engine:
    """An engine in the driver's autocommit: a query costs one round trip; writing transactions are begun by ``_begin``."""
    given = {name: value for name, value in _USUAL.items() if name not in url.query}
    engine = create_engine(
        url,
        hide_parameters=True,  # values are customers' data: an error must not carry them into a log
        isolation_level="AUTOCOMMIT",
        connect_args=given,
        pool_size=POOL,
        max_overflow=MORE,
        pool_timeout=WAIT_SECONDS,
        pool_use_lifo=True,
        pool_reset_on_return=None if reading else "rollback",
    )
    event.listen(engine, "checkout", _refuse_dead)
    if not reading:
        event.listen(engine, "begin", _begin)
    return engine


def is_dead(connection: Any) -> bool:
    """Whether the server has closed this idle connection of psycopg's. Asks the socket, not the server: no round trip.

    Something to read where nothing was asked is the end of the stream, or the server's last words before it.
    """
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def _refuse_dead(connection: Any, _record: object, _proxy: object) -> None:
    # One is dead because the server went away, so those that are as old are no better.
    if is_dead(connection):
        raise InvalidatePoolError


def _begin(connection: Connection) -> None:
    impatient = connection.get_execution_options().get(IMPATIENT)
    # One message for all of it. Without parameters the driver sends it as it is, so that it may hold several statements.
    connection.exec_driver_sql(_BEGIN_IMPATIENT if impatient else _BEGIN, execution_options={"no_parameters": True})
