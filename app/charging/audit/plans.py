"""A page of subscriptions, by key, with everything that made them what they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from app.charging.audit.cells import every
from app.charging.audit.rows import PAID_STATES, Row, among
from app.models.orders import Deferral, Dispute, Order, Refund
from app.models.subscriptions import (
    Entitlement,
    Lot,
    ScheduledChange,
    Subscription,
    SubscriptionChange,
    SubscriptionItem,
)


@dataclass(frozen=True)
class PlanPage:
    """Some subscriptions. ``orders`` are those that were paid, oldest first, ``refunds`` what went back of them."""

    subscriptions: Sequence[Row]
    items: dict[int, list[Row]]
    lots: dict[int, list[Row]]
    """By item."""
    changes: dict[int, list[Row]]
    entitlements: dict[int, list[Row]]
    orders: dict[int, list[Row]]
    refunds: dict[str, list[Row]]
    """By order."""
    disputes: dict[str, list[Row]]
    """By order."""
    scheduled: dict[int, list[Row]]
    deferrals: dict[int, list[Row]]

    @property
    def name(self) -> str:
        return name_of(self.subscriptions[0])

    def each(self) -> Iterator[PlanPage]:
        """Every subscription on a page of its own."""
        for one in self.subscriptions:
            yield replace(self, subscriptions=[one])


def name_of(subscription: Row) -> str:
    return f"subscription {subscription['number']} of book {subscription['book_id']}"


def plans_of(conn: Connection, after: int, size: int) -> PlanPage:
    """The next ``size`` subscriptions after that id."""
    query = every(Subscription).where(Subscription.id > after).order_by(Subscription.id).limit(size)
    found = conn.execute(query).mappings().all()
    ids = [row["id"] for row in found]
    items = among(conn, SubscriptionItem, SubscriptionItem.subscription_id, ids, SubscriptionItem.running_number)
    paid = Order.state.in_(PAID_STATES)
    orders = among(conn, Order, Order.subscription_id, ids, Order.subscription_version, where=paid)
    return PlanPage(
        subscriptions=found,
        items=_by(items, "subscription_id"),
        lots=_by(among(conn, Lot, Lot.item_id, [row["id"] for row in items], Lot.position), "item_id"),
        changes=_by(
            among(conn, SubscriptionChange, SubscriptionChange.subscription_id, ids, SubscriptionChange.version)
        ),
        entitlements=_by(among(conn, Entitlement, Entitlement.subscription_id, ids, Entitlement.id)),
        orders=_by(orders),
        refunds=_by(among(conn, Refund, Refund.order_id, [row["id"] for row in orders]), "order_id"),
        disputes=_by(among(conn, Dispute, Dispute.order_id, [row["id"] for row in orders]), "order_id"),
        scheduled=_by(among(conn, ScheduledChange, ScheduledChange.subscription_id, ids, ScheduledChange.id)),
        deferrals=_by(among(conn, Deferral, Deferral.subscription_id, ids)),
    )


def _by(rows: Iterable[Row], column: str = "subscription_id") -> defaultdict[Any, list[Row]]:
    found: defaultdict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return found
