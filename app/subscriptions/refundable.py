"""What our own captures for a subscription still hold: a total below zero goes back to these, the newest first."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, exists, select

from app.models.base import whole_sum
from app.models.customers import StoredCard
from app.models.orders import Attempt, Dispute, Order, Refund


class Refundable(NamedTuple):
    """A capture with what is left of it, and the card that it was taken from."""

    attempt_id: str
    order_id: str
    left: int
    currency: str
    brand: str
    last4: str


class Share(NamedTuple):
    """What one capture gives back of a sum."""

    capture: Refundable
    amount: int


def shares(captures: list[Refundable], owed: int) -> list[Share]:
    """``owed`` taken from the captures in their order; less in all where they do not hold as much."""
    found: list[Share] = []
    for one in captures:
        part = min(owed, one.left)
        if part:
            found.append(Share(one, part))
            owed -= part
    return found


_BACK = (
    select(whole_sum(Refund.amount))
    .where(Refund.attempt_id == Attempt.id, Refund.state != "FAILED")
    .correlate(Attempt)
    .scalar_subquery()
)
_CONTESTED = exists(select(Dispute.gw_ref).where(Dispute.attempt_id == Attempt.id, Dispute.state.in_(("OPEN", "LOST"))))
_QUERY = (
    select(
        Attempt.id, Order.id, (Attempt.amount - _BACK).label("left"), Attempt.currency, StoredCard.brand,
        StoredCard.last4,
    )
    .join(Order, Order.id == Attempt.order_id)
    .join(StoredCard, StoredCard.id == Attempt.card_id)
    .where(
        Order.book_id == bindparam("book"),
        Order.subscription_id == bindparam("subscription"),
        Order.state.in_(("PAID", "PART_REFUNDED")),
        Attempt.state == "SUCCEEDED",
        ~_CONTESTED,
    )
    .order_by(Order.paid_at.desc(), Order.id)
)  # fmt: skip


def refundable(conn: Connection, book_id: int, subscription_id: int, currency: str) -> list[Refundable]:
    """The captures that may give something back, newest first; none of them is in a dispute or lost in one."""
    rows = conn.execute(_QUERY, {"book": book_id, "subscription": subscription_id})
    return [row for row in (Refundable(*each) for each in rows) if row.left > 0 and row.currency == currency]
