"""An attempt that is to end without money: left at the bank, not wanted any more, or past its deadline."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from app.charging.attempts import Moved, move, read_attempt
from app.charging.transitions import Move, log
from app.kit.clock import Clock
from app.models.leases import CLOCKS_DIFFER
from app.models.orders import Attempt
from app.models.store import Store

CANCELLABLE = ("CREATED", "INTENT", "REQUIRES_ACTION")
"""An unknown end is read first; it is never cancelled unseen."""


def abandon(store: Store, clock: Clock, book_id: int, order_id: str, *, actor: str = "shopper") -> bool:
    """The order's open attempt goes to ``CANCELLING``; ring the bell afterwards, a driver cancels it at the gateway.

    False when there is nothing to cancel (paid, closed, or its end is not known yet, as after a restore). It may still turn
    out paid.
    """
    with store.write() as conn:
        attempt_id: str | None = conn.execute(
            select(Attempt.id).where(
                Attempt.book_id == book_id, Attempt.order_id == order_id, Attempt.state.in_(CANCELLABLE)
            )
        ).scalar()
        return attempt_id is not None and start_cancelling(conn, attempt_id, "left", actor=actor, at=clock.now())


def start_cancelling(conn: Connection, attempt_id: str, cause: str, *, actor: str, at: datetime) -> bool:
    """In the caller's transaction, whoever drives the row: a driver that is at work finds out before it writes.

    A lease stays where it is, so that two never work on one row. It is due by every clock, however far this one is ahead.
    Behind a closed gate it stays as it is: it may be older than the restore and paid, and is only looked at.
    """
    row = read_attempt(conn, attempt_id)
    if row is None or row.is_shut or row.state not in CANCELLABLE:
        return False
    try:
        move(conn, row, None, {"state": "CANCELLING", "next_at": at - CLOCKS_DIFFER, "tries": 0})
    except Moved:
        return False
    log(conn, row.book_id, [Move("attempt", row.id, row.state, "CANCELLING", cause)], actor=actor, at=at, of=row)
    return True
