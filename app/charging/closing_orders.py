"""Orders that end without money: expired or cancelled, never with an open attempt, and what they held given back: link, balance."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, exists, select, update

from app.billing.states import ATTEMPT_CLOSED
from app.charging import balances
from app.charging.transitions import Move, log
from app.charging.uses import give_back
from app.models.locks import hold_subscription_of
from app.models.orders import Attempt, Order


def close_order(
    conn: Connection, book_id: int, order_id: str, state: str, *, cause: str, actor: str, at: datetime
) -> bool:
    """``OPEN`` → ``EXPIRED`` or ``CANCELLED`` in the caller's transaction; False when an attempt is open or it is closed."""
    # Before the look for attempts: whoever begins one holds it too. Without it each would miss what the other writes.
    hold_subscription_of(conn, book_id, order_id)
    no_open_attempt = ~exists(
        select(Attempt.id).where(Attempt.order_id == Order.id, Attempt.state.not_in(ATTEMPT_CLOSED))
    )
    closed = conn.execute(
        update(Order)
        .where(Order.book_id == book_id, Order.id == order_id, Order.state == "OPEN", no_open_attempt)
        .values(state=state, outcome="failed", version=Order.version + 1)
    )
    if closed.rowcount != 1:
        return False
    give_back(conn, book_id, order_id)
    balances.give_back(conn, book_id, order_id, at)
    log(conn, book_id, [Move("order", order_id, "OPEN", state, cause)], actor=actor, at=at)
    return True
