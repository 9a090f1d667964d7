"""The statements that people wait for, run on the database's driver itself.

SQLAlchemy writes each of them, once for a kind of database. Running one through it costs several times what the database
needs for the answer, so the text goes straight to the driver and the columns' own converters do the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

from sqlalchemy import CompoundSelect, Connection, Delete, Dialect, Insert, Select, Table, Update, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.compiler import Compiled

Query = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]
_Row = tuple[Any, ...]
_Converter = Callable[[Any], Any]
_Values = Mapping[str, Any]


class _Text(NamedTuple):
    """``order`` names the values by place, None where the driver takes them by name; ``usual`` are those that are not given."""

    sql: str
    usual: _Values
    needed: frozenset[str]
    order: tuple[str, ...] | None
    into: tuple[tuple[str, _Converter], ...]

    def given(self, values: _Values) -> dict[str, Any] | list[Any]:
        """The values as the driver takes them. ``ValueError`` when one is missing: an empty one would be written for it."""
        if not self.needed <= values.keys():
            raise ValueError(f"no value for {', '.join(sorted(self.needed - values.keys()))}: {self.sql}")
        given = {**self.usual, **values}
        for name, convert in self.into:
            given[name] = convert(given[name])
        return given if self.order is None else [given[name] for name in self.order]


def _text_of(compiled: Compiled, dialect: Dialect) -> _Text:
    written = cast("Any", compiled)
    if written.post_compile_params or written.literal_execute_params:
        raise ValueError(f"a list among the values, which SQLAlchemy would write anew each time: {written}")
    into = [
        (name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for bind, name in written.bind_names.items()
    ]
    return _Text(
        written.string,
        {name: bind.effective_value for bind, name in written.bind_names.items() if not bind.required},
        frozenset([name for bind, name in written.bind_names.items() if bind.required]),
        tuple(written.positiontup or ()) if written.positional else None,
        tuple([(name, convert) for name, convert in into if convert is not None]),
    )


class Prepared:
    """One query. Make it once, as a module's constant: its values are ``bindparam``s, none of them a list."""

    def __init__(self, statement: Query) -> None:
        self.statement = statement
        self._texts: dict[tuple[str, str], tuple[_Text, tuple[tuple[int, _Converter], ...]]] = {}

    def all(self, connection: Connection, values: _Values) -> list[_Row]:
        """Every row as a plain tuple, converted by the columns' types. Errors are SQLAlchemy's."""
        dialect = connection.dialect
        text, out_of = self._texts.get((dialect.name, dialect.driver)) or self._write(dialect)
        cursor = None
        try:
            cursor = connection.connection.cursor()
            cursor.execute(text.sql, text.given(values))
            rows = cast("list[_Row]", cursor.fetchall())
        except dialect.loaded_dbapi.Error as error:
            if dialect.name != "sqlite" and connection.in_transaction():
                # PostgreSQL answers nothing more in a transaction that failed; asking again would hide why it did.
                raise _told(connection, text.sql, error) from error
            # Again through SQLAlchemy, which tells a lost connection from a bad statement and says so in its own errors.
            return [tuple(row) for row in connection.execute(self.statement, values).all()]
        finally:
            if cursor is not None:
                cursor.close()
        return [_converted(row, out_of) for row in rows] if out_of else rows

    def first(self, connection: Connection, values: _Values) -> _Row | None:
        """The first row, None if there is none."""
        rows = self.all(connection, values)
        return rows[0] if rows else None

    def named(self, connection: Connection, values: _Values) -> list[dict[str, Any]]:
        """Every row by the names of its columns."""
        return [dict(zip(self._names, row, strict=True)) for row in self.all(connection, values)]

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple([str(column.key) for column in self.statement.selected_columns])

    def _write(self, dialect: Dialect) -> tuple[_Text, tuple[tuple[int, _Converter], ...]]:
        out_of = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in self.statement.selected_columns
        ]
        made = self._texts[dialect.name, dialect.driver] = (
            _text_of(self.statement.compile(dialect=dialect), dialect),
            tuple([(place, convert) for place, convert in enumerate(out_of) if convert is not None]),
        )
        return made


class PreparedWrite:
    """One UPDATE or DELETE, or an INSERT of whatever columns are given. A module's constant, like ``Prepared``.

    For the inside of ``Store.write``, which begins the transaction: an error leaves it to be rolled back.
    """

    def __init__(self, statement: Insert | Update | Delete) -> None:
        self._statement = statement
        self._inserts = isinstance(statement, Insert)
        self._texts: dict[tuple[str, str, tuple[str, ...]], _Text] = {}

    def run(self, connection: Connection, values: _Values) -> int:
        """How many rows were written. Errors are SQLAlchemy's."""
        text = self._text(connection.dialect, values)
        return self._execute(connection, text.sql, text.given(values))

    def run_all(self, connection: Connection, rows: Sequence[_Values]) -> None:
        """For several rows of the same columns, in their order."""
        if len(rows) == 1:
            self.run(connection, rows[0])
        elif rows:
            text = self._text(connection.dialect, rows[0])
            self._execute(connection, text.sql, [text.given(row) for row in rows], many=True)

    def _execute(self, connection: Connection, sql: str, given: Any, *, many: bool = False) -> int:
        cursor = None
        try:
            cursor = connection.connection.cursor()
            (cursor.executemany if many else cursor.execute)(sql, given)
            return int(cursor.rowcount)
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, sql, error) from error
        finally:
            if cursor is not None:
                cursor.close()

    def _text(self, dialect: Dialect, values: _Values) -> _Text:
        columns = tuple(values) if self._inserts else ()
        return self._texts.get((dialect.name, dialect.driver, columns)) or self._write(dialect, columns)

    def _write(self, dialect: Dialect, columns: tuple[str, ...]) -> _Text:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=list(columns) if self._inserts else None)
        computed = [
            *compiled.update_prefetch,
            *(each for each in compiled.insert_prefetch if not each.default.is_scalar),
        ]
        if computed:
            raise ValueError(f"SQLAlchemy would compute what is written to {computed}")
        text = _text_of(compiled, dialect)
        usual = {**text.usual, **{column.key: column.default.arg for column in compiled.insert_prefetch}}
        text = self._texts[dialect.name, dialect.driver, columns] = text._replace(
            usual=usual, needed=text.needed - usual.keys()
        )
        return text


def inserting(table: type[DeclarativeBase]) -> PreparedWrite:
    """INSERT of rows whose keys the caller knows or does not need."""
    return PreparedWrite(insert(cast("Table", table.__table__)).inline())


def _told(connection: Connection, sql: str, error: Exception) -> BaseException:
    """The driver's error as SQLAlchemy says it; a connection that is lost is not used again."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(cast("Any", error), cast("Any", connection.connection.dbapi_connection), None)
    if lost:
        connection.invalidate(error)
    return DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )


def _converted(row: _Row, out_of: tuple[tuple[int, _Converter], ...]) -> _Row:
    values = list(row)
    for place, convert in out_of:
        values[place] = convert(values[place])
    return tuple(values)
