"""What a subscription renews at as it stands, before any change: the figure that a cart compares with."""

from __future__ import annotations

from app.billing.discounts import off
from app.billing.facts import Policy, Subscription
from app.billing.rounding import ROUNDINGS
from app.billing.schedule import local_day, zone_of


def standing_renewal(subscription: Subscription, policy: Policy) -> int:
    """The sum of the lots that fall due on the earliest next date, after their discounts, in minor units.

    Dates are the merchant's local days, as in a quote's renewal: what ends on one day is renewed together.
    """
    if not subscription.items:
        return 0
    rounding = ROUNDINGS[policy.rounding]
    zone = zone_of(policy.timezone)
    days = [local_day(item.period.end, zone) for item in subscription.items]
    first, total = min(days), 0
    for item, day in zip(subscription.items, days, strict=True):
        for lot in item.lots if day == first else ():
            total += lot.quantity * lot.unit_price
            if lot.discount:
                total -= rounding(*off(lot, lot.discount, (1, 1)))
    return total
