"""What a subscription renews at as it stands, before any change: the figure that a cart compares with."""

from __future__ import annotations

from app.billing.discounts import off
from app.billing.facts import Policy, Subscription
from app.billing.rounding import ROUNDINGS


def standing_renewal(subscription: Subscription, policy: Policy) -> int:
    """The sum of the lots that fall due on the earliest next date, after their discounts, in minor units."""
    if not subscription.items:
        return 0
    rounding = ROUNDINGS[policy.rounding]
    first = min(item.period.end for item in subscription.items)
    total = 0
    for item in subscription.items:
        for lot in item.lots if item.period.end == first else ():
            total += lot.quantity * lot.unit_price
            if lot.discount:
                total -= rounding(*off(lot, lot.discount, (1, 1)))
    return total
