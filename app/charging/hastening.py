"""Back-off spares a gateway that is down; it must not keep people waiting for an hour once it is back (I12)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, func, select, update

from app.charging.attempts import LEASE
from app.kit.clock import Clock
from app.models.orders import Attempt
from app.models.store import Store

HEALTHY_FOR = timedelta(minutes=5)
"""A gateway that settled something so recently is taken for healthy."""
PROBED_EVERY = timedelta(minutes=2)
"""So long a book's waiting rows go without any look: then one of them is looked at, whatever its back-off says."""
EACH, MOST = 50, 500
"""Rows of one book that are looked through at once, and of all books: one with many waiting holds up no other's."""
_WAITING = ("UNKNOWN", "CREATED", "INTENT", "CANCELLING")


class _Waiting(NamedTuple):
    id: str
    looked_at: datetime
    book_looked_at: datetime
    """The last look at any waiting row of its book."""


def hasten(store: Store, clock: Clock) -> int:
    """Whatever waits long for a gateway that answers others is due now; the number of rows.

    Of a book for which nothing was settled lately one row is due now, the one whose last look is the oldest: if the gateway
    is back it is settled, and the others follow; if not, it was asked one question in two minutes.
    """
    now = clock.now()
    with store.read() as conn:
        by_book: dict[int, list[_Waiting]] = defaultdict(list)
        for row in _waiting(conn, now):
            by_book[row.book_id].append(_Waiting(row.id, row.looked_at, row.book_looked_at))
        ids = [each for book, rows in by_book.items() for each in _due(rows, _settled_at(conn, book, now), now)]
    if ids:
        with store.write() as conn:
            conn.execute(update(Attempt).where(Attempt.id.in_(ids), Attempt.next_at > now).values(next_at=now))
    return len(ids)


def _waiting(conn: Connection, now: datetime) -> Sequence[Row[Any]]:
    """The oldest looks of each book, every book's first before any book's second."""
    place = func.row_number().over(partition_by=Attempt.book_id, order_by=Attempt.lease_until).label("place")
    last = func.max(Attempt.lease_until).over(partition_by=Attempt.book_id).label("book_looked_at")
    rows = (
        select(Attempt.id, Attempt.book_id, Attempt.lease_until.label("looked_at"), last, place)
        .where(Attempt.next_at > now + LEASE, Attempt.lease_until.is_not(None), Attempt.state.in_(_WAITING))
        .subquery()
    )
    each = select(rows).where(rows.c.place <= EACH).order_by(rows.c.place, rows.c.looked_at).limit(MOST)
    return conn.execute(each).all()


def _due(rows: list[_Waiting], settled_at: datetime | None, now: datetime) -> Iterator[str]:
    """Rows come with the oldest look first. A look that was taken since the gateway came back is not repeated at once."""
    if settled_at is not None:
        yield from (row.id for row in rows if row.looked_at < settled_at)
    elif rows[0].book_looked_at < now - PROBED_EVERY:
        yield rows[0].id


def _settled_at(conn: Connection, book_id: int, now: datetime) -> datetime | None:
    """When the book's gateway last settled something, if lately; a book has one gateway account."""
    return conn.execute(settled_since(book_id, now - HEALTHY_FOR)).scalar()


def settled_since(book_id: int, since: datetime) -> Select[datetime | None]:
    """The last time after ``since``, however old what was settled is: after a long outage that is all there is to see."""
    return select(func.max(Attempt.settled_at)).where(Attempt.book_id == book_id, Attempt.settled_at > since)
