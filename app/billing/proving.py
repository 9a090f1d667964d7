"""Whether a merchant's policy asks the holder of a link to prove who they are before this change is bought (the step-up)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from app.kit.money import MoneyError, parse_minor

PROVED_FOR: Final = timedelta(hours=1)
"""As long as a check that was passed counts, in the cart session that it was passed in."""


def way_asked(
    policy: Mapping[str, Any],
    *,
    currency: str,
    due: int,
    renewal: int,
    asks_card: bool,
    rises: bool,
    issued: datetime,
    now: datetime,
) -> str | None:
    """How the holder has to prove themselves for this change; None: not at all. Only what costs something is guarded.

    The amount is the larger of what is ``due`` today and what the next ``renewal`` comes to, in minor units of ``currency``:
    a change late in the period costs little today and all of it from then on. Where no card is charged a card proves
    nothing, so then it is a code.
    """
    rule: Mapping[str, Any] | None = policy.get("step_up")
    if rule is None or not rises:
        return None
    if not (
        _is_large(rule.get("amount"), max(due, renewal), currency) or _is_old(rule.get("link_age_days"), now - issued)
    ):
        return None
    return rule.get("how", "code") if asks_card else "code"


def _is_large(threshold: str | None, amount: int, currency: str) -> bool:
    if threshold is None:
        return False
    try:
        return amount >= parse_minor(threshold, currency)
    except MoneyError:
        return True  # 0.50 of a yen: the merchant meant less than any amount


def _is_old(days: int | None, age: timedelta) -> bool:
    return days is not None and age >= timedelta(days=days)
