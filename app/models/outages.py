"""Tells a database that cannot be reached, or cannot write, from a mistake of ours: the first passes by itself."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

_CLASSES: Final = ("08", "25006", "53", "57P", "58")
"""PostgreSQL: connection, read-only (a standby, or the old primary after a fail-over), too many of something (a full disk as
well), shut down or starting, the machine below it."""
_SQLITE: Final = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
})  # fmt: skip


def is_outage(error: BaseException | None) -> bool:
    """Whether the database did not answer, rather than refuse what it was asked. Also for the driver's own errors."""
    if isinstance(error, (DisconnectionError, NoConnectionFree)):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_outage(error.orig)
    if isinstance(error, sqlite3.Error):
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _SQLITE
    return _is_postgres_outage(error)


def _is_postgres_outage(error: BaseException | None) -> bool:
    # Told by its names, since an installation on SQLite need not have the driver.
    names = {f"{each.__module__.partition('.')[0]}.{each.__name__}" for each in type(error).__mro__}
    state: str | None = getattr(error, "sqlstate", None)
    if state is None:
        return "psycopg.OperationalError" in names
    return "psycopg.Error" in names and state.startswith(_CLASSES)


def outage_code(error: BaseException) -> str:
    """What the driver calls it, in a word or two; never an address or a name, which may stand in its message."""
    cause: BaseException = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__
