"""Takes plain JSON values apart, strictly: each value by name and type, whatever is left over is refused.

Errors are ``CaseError`` with the path of the field: ``change.quantity: must be a whole number ≥ 0``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any, NoReturn, cast

from app.billing.errors import CaseError
from app.billing.facts import RATE_WHOLE, UNITS, Interval
from app.billing.vocabulary import KNOWN, check_known
from app.kit.money import MoneyError, format_minor, parse_minor

REQUIRED: Any = object()
_INTERVALS = {(unit, count): Interval(unit, count) for unit in ("month", "year") for count in (1, 2, 3, 6)}
"""The usual ones, so that a long list of cases need not take each apart."""
# The amounts and instants of many cases repeat. What is refused is not kept.
_minor = lru_cache(4096)(parse_minor)
_instant = lru_cache(4096)(datetime.fromisoformat)
_named_interval = lru_cache(256)(Interval.parse)


class Reader:
    """One JSON object being read; ``finish`` refuses what nobody asked for. A null counts as left out.

    The path is put together only when an error needs it: ten thousand good cases must not pay for it.
    """

    __slots__ = ("_name", "_parent", "_rest")

    def __init__(self, stated: object, name: str, parent: Reader | None = None) -> None:
        self._name, self._parent = name, parent
        if type(stated) is not dict:
            raise CaseError(self.path or "case", "is missing" if stated is None else "must be an object")
        self._rest: dict[str, Any] = stated.copy()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]

    @property
    def path(self) -> str:
        return self._name if self._parent is None else self._parent.at(self._name)

    def at(self, name: str) -> str:
        path = self.path
        return f"{path}.{name}" if path else name

    def pop(self, name: str, default: Any = None) -> Any:
        """The value as it is."""
        value = self._rest.pop(name, None)
        if value is None:
            return default if default is not REQUIRED else self._left_out(name)
        return value

    def _left_out(self, name: str) -> NoReturn:
        raise CaseError(self.at(name), "is missing")

    def states(self, name: str) -> bool:
        """Whether the field is there at all, a null included."""
        return name in self._rest

    def peek(self, names: Iterable[str]) -> list[Any]:
        """The values as they are, still to be read; None for what is left out."""
        return list(map(self._rest.get, names))

    def drop(self, names: Iterable[str]) -> None:
        """Take these as read: they are known to be good."""
        for name in names:
            self._rest.pop(name, None)

    def is_read(self) -> bool:
        """Whether nothing is left: what most cases leave out need not be asked for one by one."""
        return not self._rest

    def finish(self) -> None:
        if self._rest:
            raise CaseError(self.at(next(iter(self._rest))), "is unknown here")

    def text(self, name: str, default: Any = REQUIRED) -> Any:
        value = self._rest.pop(name, None)
        if value is None:
            return default if default is not REQUIRED else self._left_out(name)
        if type(value) is not str or not 0 < len(value) <= 200:
            raise CaseError(self.at(name), "must be a text of 1 to 200 characters")
        return value

    def choice(self, field: str, name: str, default: Any = REQUIRED) -> Any:
        """One of the words that the specification knows for ``field``."""
        value = self._rest.pop(name, None)
        if value is None:
            return default if default is not REQUIRED else self._left_out(name)
        if value not in KNOWN[field]:
            check_known(field, value, self.at(name))
        return value

    def whole(self, name: str, default: Any = REQUIRED, least: int = 0, most: int = 10**9) -> Any:
        value = self._rest.pop(name, None)
        if value is None:
            return default if default is not REQUIRED else self._left_out(name)
        if type(value) is not int or value < least:
            raise CaseError(self.at(name), f"must be a whole number ≥ {least}")
        if value > most:
            raise CaseError(self.at(name), f"must be at most {most}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self._rest.pop(name, None)
        if value is None:
            return default
        if type(value) is not bool:
            raise CaseError(self.at(name), "must be true or false")
        return value

    def money(self, name: str, currency: str, default: Any = REQUIRED, negative: bool = False) -> Any:
        """An amount as a decimal string, in minor units."""
        value = self._rest.pop(name, None)
        if value is None:
            return default if default is not REQUIRED else self._left_out(name)
        try:
            minor = _minor(value, currency)
        except (MoneyError, TypeError):
            return money_of(value, self.at(name), currency, negative)
        return minor if minor >= 0 or negative else money_of(value, self.at(name), currency)

    def percent(self, name: str, default: Any = REQUIRED, most: int = RATE_WHOLE) -> Any:
        """A percentage as a decimal string, as a rate in parts per million."""
        value = self._rest.pop(name, None)
        if value is None:
            return default if default is not REQUIRED else self._left_out(name)
        return rate_of(value, self.at(name), most)

    def instant(self, name: str, zone: tzinfo, default: Any = REQUIRED) -> Any:
        """An ISO 8601 instant with its offset; a bare date is that local day's beginning."""
        value = self._rest.pop(name, None)
        if value is None:
            return default if default is not REQUIRED else self._left_out(name)
        try:
            instant = _instant(value)
        except (ValueError, TypeError):
            instant = None
        if instant is None or instant.tzinfo is None:
            instant = instant_of(value, self.at(name), zone)
        if not 1 < instant.year < 9999:  # so that every zone has a local day for it
            raise CaseError(self.at(name), "must lie in the years 2 to 9998")
        return instant

    def interval(self, name: str, default: Any = REQUIRED) -> Any:
        """``{"unit": "year", "count": 1}``, or the text ``"1year"``."""
        value = self._rest.pop(name, None)
        if value is None:
            return default if default is not REQUIRED else self._left_out(name)
        if isinstance(value, str):
            try:
                return _named_interval(value)
            except CaseError:
                return Interval.parse(value, self.at(name))
        known = _usual_interval(value)
        if known is not None:
            return known
        inner = Reader(value, name, self)
        unit = inner.text("unit")
        if unit not in UNITS:
            raise CaseError(inner.at("unit"), f"{unit!r} is none of {', '.join(UNITS)}")
        count = inner.whole("count", 1, least=1, most=9999)
        inner.finish()
        return Interval(unit, count)

    def object(self, name: str) -> Reader | None:
        """The object of that name, None if it is left out."""
        value = self._rest.pop(name, None)
        return None if value is None else Reader(value, name, self)

    def objects(self, name: str, required: bool = True) -> list[Reader] | None:
        value = self._rest.pop(name, None)
        if value is None:
            return self._left_out(name) if required else None
        if not isinstance(value, list):
            raise CaseError(self.at(name), "must be a list")
        listed = cast("list[Any]", value)
        if len(listed) == 1:
            return [Reader(listed[0], f"{name}[0]", self)]
        return [Reader(one, f"{name}[{number}]", self) for number, one in enumerate(listed)]

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts, None if it is left out."""
        value = self._rest.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in cast("list[Any]", value)):
            raise CaseError(self.at(name), "must be a list of texts")
        return tuple(cast("list[str]", value))

    def named(self, name: str) -> dict[str, Any]:
        """An object whose keys are names (of products, intervals, …), as it is."""
        value = self._rest.pop(name, None)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise CaseError(self.at(name), "must be an object")
        return cast("dict[str, Any]", value)

    def readers(self, name: str) -> dict[str, Reader]:
        """An object whose keys are names and whose values are objects."""
        return {code: Reader(value, f"{name}.{code}", self) for code, value in self.named(name).items()}

    def prices(self, name: str, currency: str) -> dict[str, int]:
        """Amounts by interval, ``{"1month": "10.00"}``."""
        stated = self.named(name)
        try:
            prices = {text: _minor(amount, currency) for text, amount in stated.items() if _named_interval(text)}
        except (CaseError, MoneyError, TypeError):
            prices = {}
        if len(prices) == len(stated) and all(minor >= 0 for minor in prices.values()):
            return prices
        for text, amount in stated.items():
            path = f"{self.at(name)}.{text}"
            prices[str(Interval.parse(text, path))] = money_of(amount, path, currency)
        return prices

    def rest(self) -> dict[str, Reader]:
        """Everything not read yet: objects by name."""
        rest, self._rest = self._rest, {}
        return {code: Reader(value, code, self) for code, value in rest.items()}


def _usual_interval(stated: Any) -> Interval | None:
    """The interval where it is a usual one and stated in full."""
    if type(stated) is not dict:
        return None
    fields = cast("dict[str, Any]", stated)
    if len(fields) != 2:
        return None
    unit, count = fields.get("unit"), fields.get("count")
    return _INTERVALS.get((unit, count)) if type(count) is int and type(unit) is str else None


def money_of(value: object, path: str, currency: str, negative: bool = False) -> int:
    if not isinstance(value, str):
        raise CaseError(path, f'must be a text such as "{format_minor(4000, currency)}"')
    try:
        minor = parse_minor(value, currency)
    except MoneyError as error:
        raise CaseError(path, error.message) from None
    if minor < 0 and not negative:
        raise CaseError(path, "must not be negative")
    return minor


def rate_of(value: object, path: str, most: int = RATE_WHOLE) -> int:
    whole, _, part = value.partition(".") if isinstance(value, str) else ("", "", "")
    digits = whole + part
    if not whole or not digits.isascii() or not digits.isdigit() or len(part) > 4 or len(whole) > 4:
        raise CaseError(path, 'must be a percentage as a text such as "20" or "8.875", with at most four places')
    if isinstance(value, str) and value.endswith("."):
        raise CaseError(path, 'must be a percentage as a text such as "20" or "8.875", with at most four places')
    rate = int(whole) * 10_000 + int(part.ljust(4, "0"))
    if rate > most:
        raise CaseError(path, f"must be at most {most // 10_000}")
    return rate


def instant_of(value: object, path: str, zone: tzinfo) -> datetime:
    try:
        instant = datetime.fromisoformat(cast("str", value))
    except (ValueError, TypeError):
        raise CaseError(path, "must be an ISO 8601 instant such as 2018-07-01T00:00:00Z") from None
    if instant.tzinfo is not None:
        return instant
    if len(cast("str", value)) == 10:
        return instant.replace(tzinfo=zone)
    raise CaseError(path, "must say its offset from UTC, such as 2018-07-01T00:00:00Z")
