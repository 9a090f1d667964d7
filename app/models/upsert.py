"""INSERT … ON CONFLICT, spelled the same for both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, dialects
from sqlalchemy.sql.elements import ColumnElement

from app.models.base import Base


def _insert(connection: Connection, table: type[Base], values: Mapping[str, Any]) -> Any:
    # The engine has loaded its own dialect; naming both here would load the other's two megabytes as well.
    own: Any = getattr(dialects, connection.dialect.name)
    return own.insert(table).values(**values)


def insert_new(connection: Connection, table: type[Base], values: Mapping[str, Any]) -> bool:
    """Inserts the row unless one with its key is there already; says whether it did."""
    statement = _insert(connection, table, values).on_conflict_do_nothing()
    # Said expressly: psycopg forgets the count with its cursor, which is closed as soon as an INSERT is done.
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def insert_or_update(
    connection: Connection,
    table: type[Base],
    values: Mapping[str, Any],
    *,
    key: Sequence[str],
    update: Mapping[str, ColumnElement[Any] | Any],
) -> None:
    """Inserts the row or, where ``key`` is taken, sets ``update`` on the one that is there."""
    statement = _insert(connection, table, values).on_conflict_do_update(index_elements=list(key), set_=dict(update))
    connection.execute(statement)
