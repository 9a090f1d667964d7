"""Ends of an attempt without money: definite at the gateway, written with what follows from them, one commit each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from app.charging.attempts import AttemptRow, move, released
from app.charging.driver import Driver
from app.charging.news import not_charged_body
from app.charging.telling import tell_person
from app.charging.transitions import Move, log
from app.gateways.port import Decline, DeclineReason, RetrySameCard
from app.models.customers import StoredCard
from app.models.orders import Order
from app.models.subscriptions import Subscription
from app.outbox import record


def close(
    d: Driver, row: AttemptRow, state: str, cause: str, decline: Decline | None = None, *, refused: str = ""
) -> None:
    """The attempt is ``DECLINED`` or ``CANCELLED`` for good; its order stays open for another attempt.

    A card that may never be tried again is blocked. Whoever was told to wait gets a mail. ``refused`` is why the gateway would
    not have the payment at all: the merchant is alarmed.
    """
    now = d.clock.now()

    def end(conn: Connection) -> None:
        reason = decline.reason.value if decline else None
        done = {
            "state": state,
            "decline_reason": reason,
            "settled_at": now,
            "last_class": "definite",
            "action_url": None,
        }
        move(conn, row, d.by, done | released(now, None))
        log(conn, row.book_id, _moves(row, state, cause), actor=d.by, at=now, of=row)
        conn.execute(
            update(Order)
            .where(Order.book_id == row.book_id, Order.id == row.order_id, Order.state == "OPEN")
            .values(outcome="failed", version=Order.version + 1)
        )
        if decline is not None and decline.retry_same_card is RetrySameCard.NEVER:
            conn.execute(
                update(StoredCard)
                .where(StoredCard.book_id == row.book_id, StoredCard.id == row.card_id)
                .values(blocked=True)
            )
        if refused:
            body = {"attempt": row.id, "order": row.order_id, "why": refused, "reason": reason, "payment": None}
            record(conn, row.book_id, "attempt.refused", row.id, 1, "event", body, now)
            if reason != DeclineReason.CARD_GONE:  # that card is blocked: nothing is left to decide
                tell_person(row.book_id, "attempt", row.id, refused, of=row)
        _tell(conn, row, state, now)

    d.store.writing(end)


def _moves(row: AttemptRow, state: str, cause: str) -> list[Move]:
    """An object cancelled at the gateway while we thought it alive: the row goes by way of ``CANCELLING``."""
    if state == "CANCELLED" and row.state in ("CREATED", "INTENT", "REQUIRES_ACTION"):
        return [
            Move("attempt", row.id, row.state, "CANCELLING", cause),
            Move("attempt", row.id, "CANCELLING", state, cause),
        ]
    return [Move("attempt", row.id, row.state, state, cause)]


def _tell(conn: Connection, row: AttemptRow, state: str, now: datetime) -> None:
    event = {"order": row.order_id, "attempt": row.id, "state": state}
    record(conn, row.book_id, "attempt.failed", row.id, 1, "event", event, now)
    was_unknown = row.create_try or row.confirm_try
    if not was_unknown and now < row.deadline_at:
        return  # the shopper saw the result on the page
    order = (
        conn.execute(
            select(
                Order.id, Order.number, Order.email, Order.language, Order.currency, Order.total,
                Subscription.number.label("subscription_number"),
            )
            .join(Subscription, Subscription.id == Order.subscription_id)
            .where(Order.book_id == row.book_id, Order.id == row.order_id)
        )
        .mappings()
        .one()
    )  # fmt: skip
    record(conn, row.book_id, "not_charged", row.id, 1, "mail", not_charged_body(order, state.lower()), now)
