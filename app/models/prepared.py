"""The statements of the page that people wait for, run on the database's driver itself.

SQLAlchemy writes each of them, once for a kind of database. Running one through it costs several times what the database
needs for the answer, so the text goes straight to the driver and the columns' own converters do the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from sqlalchemy import CompoundSelect, Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError

Query = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]
_Row = tuple[Any, ...]
_Converter = Callable[[Any], Any]


class _Text(NamedTuple):
    """``order`` names the values by place, None where the driver takes them by name."""

    sql: str
    usual: Mapping[str, Any]
    order: tuple[str, ...] | None
    into: tuple[tuple[str, _Converter], ...]
    out_of: tuple[tuple[int, _Converter], ...]


class Prepared:
    """One query. Make it once, as a module's constant: its values are ``bindparam``s, none of them a list."""

    def __init__(self, statement: Query) -> None:
        self.statement = statement
        self._texts: dict[tuple[str, str], _Text] = {}

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[_Row]:
        """Every row as a plain tuple, converted by the columns' types. Errors are SQLAlchemy's."""
        dialect = connection.dialect
        text = self._texts.get((dialect.name, dialect.driver)) or self._write(dialect)
        given = {**text.usual, **values}
        for name, convert in text.into:
            given[name] = convert(given[name])
        cursor = None
        try:
            cursor = connection.connection.cursor()
            cursor.execute(text.sql, given if text.order is None else [given[name] for name in text.order])
            rows = cast("list[_Row]", cursor.fetchall())
        except dialect.loaded_dbapi.Error as error:
            if dialect.name != "sqlite" and connection.in_transaction():
                # PostgreSQL answers nothing more in a transaction that failed; asking again would hide why it did.
                raise DBAPIError.instance(
                    text.sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
                ) from error
            # Again through SQLAlchemy, which tells a lost connection from a bad statement and says so in its own errors.
            return [tuple(row) for row in connection.execute(self.statement, values).all()]
        finally:
            if cursor is not None:
                cursor.close()
        return [_converted(row, text.out_of) for row in rows] if text.out_of else rows

    def first(self, connection: Connection, values: Mapping[str, Any]) -> _Row | None:
        """The first row, None if there is none."""
        rows = self.all(connection, values)
        return rows[0] if rows else None

    def _write(self, dialect: Dialect) -> _Text:
        compiled = self.statement.compile(dialect=dialect)
        into = [
            (name, bind.type.dialect_impl(dialect).bind_processor(dialect))
            for bind, name in compiled.bind_names.items()
        ]
        out_of = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in self.statement.selected_columns
        ]
        text = self._texts[dialect.name, dialect.driver] = _Text(
            compiled.string,
            compiled.params,
            tuple(compiled.positiontup or ()) if compiled.positional else None,
            tuple([(name, convert) for name, convert in into if convert is not None]),
            tuple([(place, convert) for place, convert in enumerate(out_of) if convert is not None]),
        )
        return text


def _converted(row: _Row, out_of: tuple[tuple[int, _Converter], ...]) -> _Row:
    values = list(row)
    for place, convert in out_of:
        values[place] = convert(values[place])
    return tuple(values)
