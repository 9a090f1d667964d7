"""What a subscription renews at as it stands, before any change, and whether a change asks for more than that."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from app.billing.discounts import off
from app.billing.facts import Item, Subscription
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


def standing_renewals(subscription: Subscription, policy: Policy) -> tuple[tuple[date, int], ...]:
    """The same for each day on which something falls due, the earliest first."""
    zone, by_day = zone_of(policy.timezone), dict[date, list[Item]]()
    for item in subscription.items:
        by_day.setdefault(local_day(item.period.end, zone), []).append(item)
    return tuple((day, _sum_of(by_day[day], policy)) for day in sorted(by_day))


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
    that comes oftener may be more, and it was never agreed to.
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
    return len(held.items) > 1 and _dearer_on_a_day(held, quote)


def _dearer_on_a_day(held: Subscription, quote: Quote) -> bool:
    """Items that end apart: what renews together on some day costs more than the same items, and those that leave it, did.

    Without it a second item that rises would hide behind the earliest date, which is all that ``renewal`` tells.
    """
    zone = zone_of(quote.timezone)
    days = {item.running_number: local_day(item.period.end, zone) for item in held.items}
    if not quote.later and len(set(days.values())) == 1:
        return False
    renews = quote.next_billing_before is not None
    after = {item.running_number: item for item in quote.after}
    for renewal in (quote.renewal, *quote.later):
        together = {line.item for line in renewal.lines}
        gone = {number for number, day in days.items() if number not in after and day == renewal.date}
        before = sum(_regular(item) for item in held.items if renews and item.running_number in together | gone)
        if sum(_regular(after[number]) for number in together) > before:
            return True
    return False


def _regular(item: Item) -> Fraction:
    """What an item renews at, not rounded: both sides of a comparison are alike."""
    total = Fraction(0)
    for lot in item.lots:
        total += lot.quantity * lot.unit_price
        if lot.discount:
            total -= Fraction(*off(lot, lot.discount, (1, 1)))
    return total


def _other_rhythm(held: tuple[Item, ...], after: tuple[Item, ...]) -> bool:
    """Something that costs money renews at another interval than before."""
    intervals = {item.running_number: item.interval for item in held}
    return any(
        intervals.get(item.running_number, item.interval) != item.interval and any(lot.unit_price for lot in item.lots)
        for item in after
    )
