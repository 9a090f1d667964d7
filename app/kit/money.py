"""Money is an integer count of a currency's minor unit, never a float, not even for display.

MoneyError   money_malformed · currency_unknown · currency_mixed · money_too_large
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.kit.currencies import PLACES
from app.kit.errors import LiftlinkError

LARGEST = 2**53
"""No amount may be larger, so that every reader of our JSON can hold it exactly (I9)."""

_DECIMAL = re.compile(r"(-?)([0-9]{1,17})(?:\.([0-9]{1,6}))?", re.ASCII)


class MoneyError(LiftlinkError):
    """The text, the currency or the mixture of currencies is wrong; ``code`` says which."""


def places(currency: str) -> int:
    """The number of decimal places of a currency: 2 for USD, 0 for JPY, 3 for KWD."""
    try:
        return PLACES[currency]
    except (KeyError, TypeError):
        raise MoneyError("currency_unknown", f"{currency!r} is no ISO 4217 currency", currency=currency) from None


def parse_minor(text: str, currency: str) -> int:
    """``"40.00"`` in USD is 4000. More places than the currency has, exponents, signs but a leading minus: refused."""
    digits = places(currency)
    match = _DECIMAL.fullmatch(text)
    fraction = (match[3] or "") if match else ""
    if match is None or len(fraction) > digits:
        raise MoneyError(
            "money_malformed", f"{text!r} is no amount in {currency} (a string such as {format_minor(4000, currency)!r})",
            text=text, currency=currency,
        )  # fmt: skip
    minor = int(match[2] + fraction.ljust(digits, "0"))
    if minor > LARGEST:
        raise MoneyError("money_too_large", f"{text!r} is too large an amount", text=text)
    return -minor if match[1] else minor


def format_minor(minor: int, currency: str) -> str:
    """4000 in USD is ``"40.00"``; −5 is ``"-0.05"``; 500 in JPY is ``"500"``."""
    digits = places(currency)
    if not digits:
        return str(minor)
    text = str(abs(minor)).zfill(digits + 1)
    return f"{'-' if minor < 0 else ''}{text[:-digits]}.{text[-digits:]}"


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount with its currency. Sums of different currencies raise ``currency_mixed``."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        return cls(parse_minor(text, currency), currency)

    def __str__(self) -> str:
        return format_minor(self.minor, self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise MoneyError("currency_mixed", f"{self.currency} and {other.currency} do not add up")
        return other.minor
