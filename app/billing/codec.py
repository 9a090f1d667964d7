"""Quotes and changes as plain JSON values, there and back exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from functools import cache, partial
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from app.billing.facts import Change, Entitlement, Interval, Item
from app.billing.result import Quote

T = TypeVar("T")


def dump_quote(quote: Quote) -> dict[str, Any]:
    """Plain values for JSON: instants and dates in ISO 8601, intervals as text, money in minor units."""
    return _dump(quote)


def load_quote(stored: dict[str, Any]) -> Quote:
    """The very quote that was dumped. Fields that a later release added take their defaults."""
    return _load(Quote, stored)


def dump_change(change: Change) -> dict[str, Any]:
    return _dump(change)


def load_change(stored: dict[str, Any]) -> Change:
    return _load(Change, stored)


def dump_items(items: tuple[Item, ...]) -> list[Any]:
    return _dump(items)


def load_items(stored: list[Any]) -> tuple[Item, ...]:
    return tuple([_load(Item, item) for item in stored])


def dump_rows(rows: Iterable[Entitlement]) -> list[Any]:
    """Rows of the ledger."""
    return [_dump(row) for row in rows]


def load_rows(stored: list[Any]) -> tuple[Entitlement, ...]:
    return tuple([_load(Entitlement, row) for row in stored])


def _dump(value: Any) -> Any:
    if isinstance(value, (str, int)) or value is None:
        return value
    if type(value) is tuple:
        return [_dump(part) for part in cast("tuple[object, ...]", value)]
    if isinstance(value, Interval):
        return str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return {name: _dump(getattr(value, name)) for name in _names(value.__class__)}


def _is_named_tuple(kind: Any) -> bool:
    return hasattr(kind, "_fields")


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return kind._fields if _is_named_tuple(kind) else tuple(field.name for field in fields(kind))


def _load(kind: type[T], stored: dict[str, Any]) -> T:
    readers, optional = _readers(kind)
    values: dict[str, Any] = {}
    for name, read in readers.items():
        if name in stored:
            values[name] = read(stored[name])
        elif name not in optional:
            raise KeyError(f"{kind.__name__}.{name}")
    return kind(**values)


@cache
def _readers(kind: Any) -> tuple[dict[str, Callable[[Any], Any]], frozenset[str]]:
    hints = get_type_hints(kind)
    if _is_named_tuple(kind):
        optional = frozenset(kind._field_defaults)
    else:
        optional = frozenset(
            field.name for field in fields(kind) if field.default is not MISSING or field.default_factory is not MISSING
        )
    return {name: _reader(hints[name]) for name in _names(kind)}, optional


def _reader(hint: Any) -> Callable[[Any], Any]:
    """How a value of that annotation is read back; the annotations here are ``X``, ``X | None`` and tuples of them."""
    parts = get_args(hint)
    if get_origin(hint) is tuple:
        inner = _reader(parts[0])
        return lambda values: tuple([inner(value) for value in values])
    if parts:
        inner = _reader(next(part for part in parts if part is not type(None)))
        return lambda value: None if value is None else inner(value)
    if hint is Interval:
        return Interval.parse
    if hint in (datetime, date):
        return hint.fromisoformat
    if is_dataclass(hint) or _is_named_tuple(hint):
        return partial(_load, hint)  # pyright: ignore[reportUnknownVariableType, reportArgumentType]
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
