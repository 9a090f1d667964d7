"""What a subscription renews at as it stands, before any change, and whether a change asks for more than that."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import NamedTuple

from app.billing.discounts import after_periods, off
from app.billing.facts import Interval, Item, Subscription
from app.billing.result import Quote
from app.billing.rounding import ROUNDINGS
from app.billing.rulebook import Policy
from app.billing.schedule import local_day, zone_of


def standing_renewal(subscription: Subscription, policy: Policy) -> int:
    """The sum of the lots that fall due on the earliest next date, after their discounts, in minor units.

    Dates are the merchant's local days, as in a quote's renewal: what ends on one day is renewed together.
    """
    if not subscription.items:
        return 0
    zone = zone_of(policy.timezone)
    days = [local_day(item.period.end, zone) for item in subscription.items]
    first, together = min(days), list[Item]()
    for item, day in zip(subscription.items, days, strict=True):
        if day == first:
            together.append(item)
    return _sum_of(together, policy)


class StandingRenewal(NamedTuple):
    """What falls due on a local day and goes on at one interval, in minor units."""

    day: date
    interval: Interval
    amount: int


def standing_renewals(subscription: Subscription, policy: Policy) -> tuple[StandingRenewal, ...]:
    """The same for each day on which something falls due, the earliest first, and for each interval by itself."""
    zone, groups = zone_of(policy.timezone), dict[tuple[date, Interval], list[Item]]()
    for item in subscription.items:
        groups.setdefault((local_day(item.period.end, zone), item.interval), []).append(item)
    found = [StandingRenewal(day, interval, _sum_of(items, policy)) for (day, interval), items in groups.items()]
    return tuple(sorted(found, key=lambda one: one.day))


def _sum_of(items: list[Item], policy: Policy) -> int:
    rounding, total = ROUNDINGS[policy.rounding], 0
    for item in items:
        for lot in item.lots:
            total += lot.quantity * lot.unit_price
            if lot.discount:
                total -= rounding(*off(lot, lot.discount, (1, 1)))
    return total


def rises(held: Subscription, quote: Quote, standing: int) -> bool:
    """Whether something will be paid, now or later, that would not be paid without the change: it has to be agreed to.

    ``standing`` is what ``held`` renews at today (`standing_renewal`). Another interval always counts: a smaller amount
    that comes oftener may be more, and it was never agreed to. So does a renewal that rises only once a discount has ended.
    """
    if quote.due_now > 0:
        return True
    if quote.renewal.date is None:
        return False
    if quote.deferred > 0:  # collected with the next renewal, however little that itself changes
        return True
    before = 0 if quote.next_billing_before is None else standing
    if quote.renewal.amount > before or _other_rhythm(held.items, quote.after):
        return True
    steps = _steps((*held.items, *quote.after))
    if len(held.items) == 1 and not quote.later:
        steps.discard(0)  # the one renewal, compared above as it is rounded
    return any(_dearer(held, quote, step) for step in steps)


def _steps(items: tuple[Item, ...]) -> set[int]:
    """After how many renewals an amount may be another one than before: at once, and where a discount ends."""
    ends = [lot.discount.periods_left or 0 for item in items for lot in item.lots if lot.discount]
    return {0, *ends}


def _dearer(held: Subscription, quote: Quote, step: int) -> bool:
    """After ``step`` renewals, what renews together on some day costs more than the same items, and those that leave it, did.

    Together is what has one day and one interval: a sum of other things says nothing of what is paid in the end. Without it
    a second item that rises would hide behind the earliest date, or behind a yearly one that falls.
    """
    zone = zone_of(quote.timezone)
    renews = quote.next_billing_before is not None
    after = {item.running_number: item for item in quote.after}
    leaving = {
        item.running_number: (local_day(item.period.end, zone), item.interval)
        for item in held.items
        if item.running_number not in after
    }
    groups: dict[tuple[date | None, Interval], set[int]] = {}
    for renewal in (quote.renewal, *quote.later):
        for line in renewal.lines:
            groups.setdefault((renewal.date, line.interval), set()).add(line.item)
    for (day, interval), together in groups.items():
        before = sum(
            _regular(item, step)
            for item in held.items
            if renews and (item.running_number in together or leaving.get(item.running_number) == (day, interval))
        )
        if sum(_regular(after[number], step) for number in together) > before:
            return True
    return False


def _regular(item: Item, step: int) -> Fraction:
    """What an item renews at after that many renewals, not rounded: both sides of a comparison are alike."""
    total = Fraction(0)
    for lot in item.lots:
        total += lot.quantity * lot.unit_price
        total -= Fraction(*off(lot, after_periods(lot.discount, step), (1, 1)))
    return total


def _other_rhythm(held: tuple[Item, ...], after: tuple[Item, ...]) -> bool:
    """Something that costs money renews at another interval than before."""
    intervals = {item.running_number: item.interval for item in held}
    return any(
        intervals.get(item.running_number, item.interval) != item.interval and any(lot.unit_price for lot in item.lots)
        for item in after
    )
