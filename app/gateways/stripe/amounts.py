"""Amounts on Stripe's wire: its own minor units, which are not everywhere those of ISO 4217.

Source: https://docs.stripe.com/currencies, "Zero-decimal currencies", "Three-decimal currencies", "Special cases", "Minimum
and maximum charge amounts". HUF and TWD count without decimals for payouts only; charges, refunds and disputes have two, as here.
"""

from __future__ import annotations

from app.kit.currencies import PLACES

ZERO_DECIMAL = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
"""One whole unit is 1. Stripe's list names UGX as well and takes it back among the special cases."""
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""The last digit must be 0: card networks count these in steps of ten."""
WHOLE_IN_HUNDREDTHS = frozenset({"ISK", "UGX"})
"""Without decimals, but written with two for older integrations: the last two digits must be 00."""
DIGITS, MORE_DIGITS = 8, {"COP": 12, "HUF": 12, "IDR": 12, "INR": 9, "JPY": 10, "LBP": 14}
"""How long an amount on the wire may be: the only limit that Stripe itself sets. Card networks may set smaller ones.

COP, HUF, JPY and LBP have theirs for cards. The page's largest charge counts where its digits say something else.
"""


class AmountError(ValueError):
    """Stripe cannot hold this amount exactly; the message names both."""


def wire_places(currency: str) -> int:
    """Decimal places of one unit on Stripe's wire: 0, 2 or 3. An unknown currency counts as Stripe's rule: two."""
    return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2


def largest(currency: str) -> int:
    """The most that one charge may be, as Stripe counts it."""
    return int(10 ** MORE_DIGITS.get(currency, DIGITS)) - 1


def to_wire(minor: int, currency: str) -> int:
    """ISO 4217 minor units as Stripe counts them. Never rounds: ``AmountError`` for what it cannot hold."""
    if currency not in PLACES:
        raise AmountError(f"{currency!r} is no currency")
    if minor <= 0:
        raise AmountError(f"{minor} is no amount to ask for")
    wire = _scaled(minor, PLACES[currency], wire_places(currency), currency)
    step = 10 if currency in THREE_DECIMAL else 100 if currency in WHOLE_IN_HUNDREDTHS else 1
    if wire % step:
        raise AmountError(f"Stripe takes {currency} in steps of {step}, and {wire} is none")
    if wire > largest(currency):
        raise AmountError(
            f"{wire} is more than the {len(str(largest(currency)))} digits that Stripe has for {currency}"
        )
    return wire


def from_wire(wire: int, currency: str) -> int:
    """Stripe's count as ISO 4217 minor units. ``AmountError`` where ISO has too few places, or no such currency."""
    if currency not in PLACES:
        raise AmountError(f"{currency!r} is no currency")
    return _scaled(wire, wire_places(currency), PLACES[currency], currency)


def _scaled(amount: int, have: int, want: int, currency: str) -> int:
    if want >= have:
        return amount * 10 ** (want - have)
    whole, rest = divmod(amount, 10 ** (have - want))
    if rest:
        raise AmountError(f"{amount} with {have} decimals of {currency} does not fit into {want}")
    return whole
