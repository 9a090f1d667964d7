"""Back-off spares a gateway that is down; it must not keep people waiting for an hour once it is back (I12)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, select, update

from app.charging.attempts import LEASE
from app.kit.clock import Clock
from app.models.orders import Attempt, Order
from app.models.store import Store

HEALTHY_FOR = timedelta(minutes=5)
"""A gateway that settled something so recently is taken for healthy."""
ORDERS_OF = timedelta(hours=2)
MOST = 200
_WAITING = ("UNKNOWN", "CREATED", "INTENT", "CANCELLING")


def hasten(store: Store, clock: Clock) -> int:
    """Whatever waits long for a gateway that answers others is due now; the number of rows."""
    now = clock.now()
    with store.read() as conn:
        waiting = conn.execute(
            select(Attempt.id, Attempt.book_id)
            .where(
                Attempt.next_at.is_not(None),
                Attempt.next_at > now + LEASE,
                Attempt.state.in_(_WAITING),
                # A look that was taken since the gateway came back need not be repeated at once.
                Attempt.lease_until < now - HEALTHY_FOR,
            )
            .limit(MOST)
        ).all()
        healthy = {book for book in {row.book_id for row in waiting} if _settled_lately(conn, book, now)}
    ids = [row.id for row in waiting if row.book_id in healthy]
    if ids:
        with store.write() as conn:
            conn.execute(update(Attempt).where(Attempt.id.in_(ids), Attempt.next_at > now).values(next_at=now))
    return len(ids)


def _settled_lately(conn: Connection, book_id: int, now: datetime) -> bool:
    """Asked through the orders of the last hours, which have an index by time; a book has one gateway account."""
    lately = (
        select(Attempt.id)
        .join(Order, Order.id == Attempt.order_id)
        .where(Order.book_id == book_id, Order.created_at > now - ORDERS_OF, Attempt.settled_at > now - HEALTHY_FOR)
    )
    return bool(conn.execute(select(exists(lately))).scalar())
