"""What earlier orders put off to the next renewal, and how much of it a change takes back before it was ever paid.

Such an amount gives no credit, since nobody paid it; the ledger says so. So that nobody pays it for time that is not used
either, the change is priced a second time as if it had been paid: what that would have credited is no longer owed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection, select

from app.billing.codec import load_quote
from app.billing.facts import Entitlement, Subscription
from app.billing.result import Quote
from app.models.orders import Deferral, Order
from app.subscriptions.facts import Held


def relieve(
    conn: Connection, held: Held, facts: Subscription, made: Quote, again: Callable[[Subscription], Quote]
) -> Quote:
    """The quote with what it relieves of ``held.owed``. ``again`` prices the same change for other facts."""
    paid = _as_if_paid(facts, put_off_rows(conn, held))
    other = again(paid)
    rows = _beside(other.entitlements, made.entitlements)
    relieved = min(max(made.unbounded_total - other.unbounded_total, 0), held.owed)
    return made._replace(relieved=relieved, put_off=rows) if rows else made


def put_off_rows(conn: Connection, held: Held) -> list[Entitlement]:
    """What the ledger would hold beside its rows if everything that was put off and is not collected had been paid."""
    orders = conn.execute(
        select(Order.quote, Deferral.collected_order)
        .outerjoin(Deferral, Deferral.order_id == Order.id)
        .where(Order.book_id == held.book.id, Order.subscription_id == held.id, Order.paid_at.is_not(None))
        .order_by(Order.paid_at)
    )
    rows: list[Entitlement] = []
    for stored, collected in orders:
        if not stored["deferred"] and not stored.get("put_off"):
            continue
        quote = load_quote(stored)
        if quote.deferred and collected is None:
            rows += [row._replace(amount=-row.amount) for row in quote.unpaid]
        rows += quote.put_off
    return rows


def _as_if_paid(facts: Subscription, rows: list[Entitlement]) -> Subscription:
    items = [
        replace(item, entitlements=(*item.entitlements, *[row for row in rows if row.item == item.running_number]))
        if item.entitlements is not None
        else item
        for item in facts.items
    ]
    return replace(facts, items=tuple(items))


def _beside(others: tuple[Entitlement, ...], rows: tuple[Entitlement, ...]) -> tuple[Entitlement, ...]:
    """What ``others`` hold beyond ``rows``, an amount for each lot and span."""
    sums: dict[Entitlement, int] = {}
    for sign, some in ((1, others), (-1, rows)):
        for row in some:
            place = row._replace(amount=0)
            sums[place] = sums.get(place, 0) + sign * row.amount
    return tuple([place._replace(amount=amount) for place, amount in sums.items() if amount])
