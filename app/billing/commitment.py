"""Whether a change leaves less than what the customer is committed to."""

from __future__ import annotations

from app.billing.extras import scaled
from app.billing.facts import Interval, Lot
from app.billing.plan import Plan
from app.billing.schedule import days_of, months_of


def lowers(plan: Plan) -> bool:
    """Whether less is left than was committed to: fewer units, less of an option or feature that nothing of at least its
    price replaces, a shorter interval or a lower price."""
    item = plan.item
    if plan.quantity < item.quantity:
        return True
    if plan.interval != item.interval and _days(plan.interval) < _days(item.interval):
        return True
    if plan.product == item.product and _less_chosen(plan):
        return True
    return _cheaper(item.lots, plan.kept + plan.added, plan)


def _less_chosen(plan: Plan) -> bool:
    """Whether there is less of some option or feature, and what comes in its place, if anything, is cheaper."""
    before = _chosen(plan.item.options, plan.item.lots)
    after = _chosen(plan.options, plan.kept + plan.added)
    if all(after.get(code, 0) >= count for code, count in before.items()):
        return False
    if not any(count > before.get(code, 0) for code, count in after.items()):
        return True
    return _cheaper(_extras(plan.item.lots), _extras(plan.kept + plan.added), plan)


def _chosen(options: tuple[str, ...], lots: tuple[Lot, ...]) -> dict[tuple[str, str], int]:
    """How much of each option and feature is chosen: users=7 counts seven."""
    chosen: dict[tuple[str, str], int] = {}
    for text in options:
        code, count = scaled(text)
        chosen["option", code] = count
    for lot in lots:
        if lot.kind == "feature":
            chosen["feature", lot.code] = chosen.get(("feature", lot.code), 0) + lot.quantity
    return chosen


def _extras(lots: tuple[Lot, ...]) -> tuple[Lot, ...]:
    return tuple([lot for lot in lots if lot.kind != "product"])


def _cheaper(before: tuple[Lot, ...], after: tuple[Lot, ...], plan: Plan) -> bool:
    """Whether the lots after the change cost less in the same time, discounts apart."""
    old, new = (sum([lot.quantity * lot.unit_price for lot in lots]) for lots in (before, after))
    return new * _days(plan.item.interval) < old * _days(plan.interval)


def _days(interval: Interval) -> int:
    """A rough length, good enough to tell a longer interval from a shorter one."""
    return days_of(interval) or 30 * months_of(interval)
