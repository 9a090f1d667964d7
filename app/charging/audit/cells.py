"""Rows as they stand, also where somebody wrote what cannot be read: such a value is ``UNREADABLE``, and nothing raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, Text, select, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from app.models.base import Instant, Int64, Json


class Unreadable:
    """Stands for a value that is not what its column holds. Whoever uses it as one fails, and the row is named."""


UNREADABLE: Final = Unreadable()


class _Document(TypeDecorator[Any]):
    """JSON of one kind."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[Any]) -> None:
        super().__init__()
        self.kind = kind

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            found = json.loads(value)
        except ValueError:
            return UNREADABLE
        return found if isinstance(found, self.kind) else UNREADABLE


class _Moment(TypeDecorator[Any]):
    """An instant, however far off."""

    impl = Int64
    cache_ok = True
    _exact = Instant()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        try:
            return self._exact.process_result_value(value, dialect)
        except OverflowError:
            return UNREADABLE


@cache
def every(table: type[Any]) -> Select[Any]:
    """All columns of a table, under their names."""
    return select(*[type_coerce(column, _kind(table, column)).label(column.name) for column in table.__table__.c])


def _kind(table: type[Any], column: Any) -> Any:
    if isinstance(column.type, Json):
        return _Document(list if "list[" in str(table.__annotations__[column.name]) else dict)
    return _Moment() if isinstance(column.type, Instant) else column.type


def unreadable_in(row: Mapping[str, Any]) -> list[str]:
    """The columns of a row that cannot be read."""
    return [name for name, value in row.items() if value is UNREADABLE]
