"""What is held once a quote is paid: the items as they will be, each with its ledger."""

from __future__ import annotations

from dataclasses import replace

from app.billing.credits import assumed_payment, pinned
from app.billing.facts import Item, Subscription
from app.billing.measures import measure_of
from app.billing.result import Quote
from app.billing.rounding import ROUNDINGS
from app.billing.rulebook import Policy


def apply_quote(subscription: Subscription, made: Quote, policy: Policy) -> Subscription:
    """The subscription once the quote is paid: its items as they will be, each with its ledger and the new rows.

    A change at the next billing is applied as it will be then, with the ledger that it has now. What was credited to the
    customer or taken from the balance is in ``balance``. A trial that was paid for is over.
    """
    rounding = ROUNDINGS[policy.rounding]
    measure = measure_of(policy.basis, policy.timezone)
    held = {item.running_number: item for item in subscription.items}
    items: list[Item] = []
    for item in made.after:
        before = held.get(item.running_number)
        if before is None:
            rows = ()
        elif before.entitlements is None:
            paid = subscription.status != "trialing"
            rows = tuple(assumed_payment(lot, before, measure, rounding) for lot in before.lots if paid)
        else:
            rows = pinned(before)
        added = tuple(row for row in (*made.entitlements, *made.unpaid) if row.item == item.running_number)
        items.append(replace(item, entitlements=rows + added))
    balance = subscription.balance + made.balance_used + made.credited
    last = max([subscription.last_item, *held, *[item.running_number for item in items]])
    over = subscription.status == "trialing" and made.lines
    status = "active" if over else subscription.status
    left = None if subscription.refundable is None else subscription.refundable - made.refunded
    return replace(subscription, items=tuple(items), status=status, balance=balance, last_item=last, refundable=left)
