"""A change whose total is below zero gives money back: to our captures for the subscription, newest first, never above them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.billing.result import Quote
from app.charging.errors import ChargingError
from app.charging.ordering import NewOrder
from app.charging.refund_rows import next_id
from app.charging.refund_writing import Capture, write_refund
from app.models.orders import Order
from app.subscriptions.refundable import refundable, shares


def check_captures(conn: Connection, new: NewOrder) -> None:
    """``balance_moved`` unless the captures of this moment give back what the quote says: no more, no less.

    Holds the subscription's orders until the transaction ends, so that two that give back follow one another.
    """
    quote = new.quote
    if not quote.refunded:
        return
    conn.execute(
        select(Order.id)
        .where(Order.book_id == new.book_id, Order.subscription_id == new.subscription_id)
        .order_by(Order.id)
        .with_for_update()
    ).all()
    left = sum([one.left for one in refundable(conn, new.book_id, new.subscription_id, quote.currency)])
    if min(left, -quote.unbounded_total) != quote.refunded:
        raise ChargingError("balance_moved", "what can be given back changed since it was quoted")


def give_back(conn: Connection, order: Mapping[str, Any], quote: Quote, actor: str, at: datetime) -> None:
    """Promise the cards what the paid order owes them, in its own transaction; a driver sends it.

    The ledger has followed already: the order's credit rows took back what is given.
    """
    owed = quote.refunded
    if not owed:
        return
    for one, part in shares(refundable(conn, order["book_id"], order["subscription_id"], quote.currency), owed):
        capture = Capture(one.attempt_id, order["book_id"], one.order_id, part, one.currency)
        write_refund(
            conn, capture, next_id(conn, one.order_id), part, "negative", reason=f"order {order['number']}", actor=actor,
            at=at, cause_order=order["id"],
        )  # fmt: skip
        owed -= part
    if not owed:
        return
    raise ChargingError("balance_moved", "what can be given back changed since it was quoted")
