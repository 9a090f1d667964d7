"""The rules of pricing that a merchant may set for a book, as text on the command line and as checked JSON in the row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from app.accounts.errors import AccountError

CHOICES: Mapping[str, tuple[str, ...]] = {
    "basis": ("month", "day", "thirty", "second", "none"),
    "change_day": ("new", "old"),
    "rounding": ("half_up", "half_even", "down"),
    "negative": ("refuse", "zero", "credit", "refund"),
    "orphan_capture": ("person", "refund"),
}
"""What is settled and priced today is decided by the pricing room, which refuses by name what it cannot do."""


def _wrong(rule: str, reason: str) -> AccountError:
    return AccountError("policy_invalid", f"{rule}: {reason}", field=rule, reason=reason)


def _whole(least: int, most: int) -> Callable[[str, object], int]:
    def check(rule: str, value: object) -> int:
        text = str(value)
        if isinstance(value, bool) or not text.isdecimal() or not least <= int(text) <= most:
            raise _wrong(rule, f"{value!r} is no whole number from {least} to {most}")
        return int(text)

    return check


def _yes_or_no(rule: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("yes", "true", "no", "false"):
        return value in ("yes", "true")
    raise _wrong(rule, f"{value!r} is neither yes nor no")


_BELOW = ("waive", "defer", "charge")
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?", re.ASCII)


def _minimum_charge(rule: str, value: object) -> dict[str, str]:
    """``0.50:waive`` on a command line, ``{"amount": "0.50", "below": "waive"}`` elsewhere."""
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
        if not {"amount"} <= given.keys() <= {"amount", "below"}:
            raise _wrong(rule, "it holds an amount and what happens below it")
        amount, below = str(given["amount"]), str(given.get("below", "charge"))
    else:
        amount, colon, below = str(value).partition(":")
        below = below if colon else "charge"
    if not _AMOUNT.fullmatch(amount):
        raise _wrong(rule, f"{amount!r} is no amount such as 0.50 (write 0.50:waive)")
    if below not in _BELOW:
        raise _wrong(rule, f"{below!r} is none of {', '.join(_BELOW)}")
    return {"amount": amount, "below": below}


_WAYS = ("code", "card", "either")
_STEP_UP = ("amount", "link_age_days", "how")


def _step_up(rule: str, value: object) -> dict[str, Any]:
    """``amount:100.00,link_age_days:7,how:code`` on a command line, the same names as JSON elsewhere."""
    given: Mapping[str, object]
    if isinstance(value, Mapping):
        given = cast("Mapping[str, object]", value)
    else:
        given = {name: text for name, _, text in (part.partition(":") for part in str(value).split(","))}
    if not given.keys() & {"amount", "link_age_days"} or not given.keys() <= set(_STEP_UP):
        raise _wrong(rule, "it holds an amount, an age (link_age_days) or both, and how: amount:100.00,how:code")
    checked: dict[str, Any] = {"how": str(given.get("how", "code"))}
    if checked["how"] not in _WAYS:
        raise _wrong(rule, f"{checked['how']!r} is none of {', '.join(_WAYS)}")
    if "amount" in given:
        checked["amount"] = str(given["amount"])
        if not _AMOUNT.fullmatch(checked["amount"]):
            raise _wrong(rule, f"{checked['amount']!r} is no amount such as 100.00")
    if "link_age_days" in given:
        checked["link_age_days"] = _whole(0, 3650)(rule, given["link_age_days"])
    return checked


_OTHERS: Mapping[str, Callable[[str, object], Any]] = {
    "lock_window": _whole(0, 30 * 86400),
    "unpaid_limit": _whole(1, 1000),
    "decline_limit": _whole(1, 100),
    "tax_inclusive": _yes_or_no,
    "minimum_charge": _minimum_charge,
    "best_date_hint": _yes_or_no,
    "step_up": _step_up,
}
RULES = (*CHOICES, *_OTHERS)


def checked_policy(values: Mapping[str, object]) -> dict[str, Any]:
    """The rules as they are stored; a value of None or "" takes one away. ``policy_invalid`` names the rule."""
    policy: dict[str, Any] = {}
    for rule, value in values.items():
        if value in (None, ""):
            continue
        if rule in CHOICES:
            if value not in CHOICES[rule]:
                raise _wrong(rule, f"{value!r} is none of {', '.join(CHOICES[rule])}")
            policy[rule] = value
        elif rule in _OTHERS:
            policy[rule] = _OTHERS[rule](rule, value)
        else:
            raise _wrong(rule, f"there is no such rule (there are {', '.join(RULES)})")
    return policy
