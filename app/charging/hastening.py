"""Back-off spares a gateway that is down; it must not keep people waiting for an hour once it is back (I12)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, func, select, update

from app.charging.attempts import LEASE
from app.kit.clock import Clock
from app.models.orders import Attempt, Order
from app.models.store import Store

HEALTHY_FOR = timedelta(minutes=5)
"""A gateway that settled something so recently is taken for healthy."""
PROBED_EVERY = timedelta(minutes=2)
"""So long a book's waiting rows go without any look: then one of them is looked at, whatever its back-off says."""
ORDERS_OF = timedelta(hours=2)
MOST = 200
_WAITING = ("UNKNOWN", "CREATED", "INTENT", "CANCELLING")


class _Waiting(NamedTuple):
    id: str
    looked_at: datetime


def hasten(store: Store, clock: Clock) -> int:
    """Whatever waits long for a gateway that answers others is due now; the number of rows.

    Of a book for which nothing was settled lately one row is due now, the one whose last look is the oldest: if the gateway
    is back it is settled, and the others follow; if not, it was asked one question in two minutes.
    """
    now = clock.now()
    with store.read() as conn:
        waiting = conn.execute(
            select(Attempt.id, Attempt.book_id, Attempt.lease_until)
            .where(Attempt.next_at > now + LEASE, Attempt.lease_until.is_not(None), Attempt.state.in_(_WAITING))
            .order_by(Attempt.lease_until)
            .limit(MOST)
        ).all()
        by_book: dict[int, list[_Waiting]] = defaultdict(list)
        for attempt, book, looked_at in waiting:
            by_book[book].append(_Waiting(attempt, looked_at or now))
        ids = [each for book, rows in by_book.items() for each in _due(rows, _settled_at(conn, book, now), now)]
    if ids:
        with store.write() as conn:
            conn.execute(update(Attempt).where(Attempt.id.in_(ids), Attempt.next_at > now).values(next_at=now))
    return len(ids)


def _due(rows: list[_Waiting], settled_at: datetime | None, now: datetime) -> Iterator[str]:
    """Rows come with the oldest look first. A look that was taken since the gateway came back is not repeated at once."""
    if settled_at is not None:
        yield from (row.id for row in rows if row.looked_at < settled_at)
    elif rows[-1].looked_at < now - PROBED_EVERY:
        yield rows[0].id


def _settled_at(conn: Connection, book_id: int, now: datetime) -> datetime | None:
    """When the book's gateway last settled something, if lately. Asked through the orders of the last hours, which have an
    index by time; a book has one gateway account."""
    return conn.execute(
        select(func.max(Attempt.settled_at))
        .join(Order, Order.id == Attempt.order_id)
        .where(Order.book_id == book_id, Order.created_at > now - ORDERS_OF, Attempt.settled_at > now - HEALTHY_FOR)
    ).scalar()
