"""Ends of an attempt without money: definite at the gateway, written with what follows from them, one commit each."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select, update

from app.charging.attempts import AttemptRow, move, released
from app.charging.catching_up import tell_known
from app.charging.driver import Driver
from app.charging.news import not_charged_body
from app.charging.telling import tell_person
from app.charging.transitions import Move, log
from app.gateways.port import Decline, DeclineReason, RetrySameCard
from app.models.customers import StoredCard
from app.models.orders import Order
from app.models.subscriptions import Subscription
from app.outbox import record

Returned = Literal["", "refunded", "disputed"]
"""How money that was taken all the same went back: by refunds, or by the bank alone in disputes that are lost."""


def close(
    d: Driver, row: AttemptRow, state: str, cause: str, decline: Decline | None = None, *, refused: str = ""
) -> None:
    """The attempt is ``DECLINED`` or ``CANCELLED`` for good: ``end_attempt`` in one commit, by whoever drives it."""
    now = d.clock.now()

    def end(conn: Connection) -> None:
        end_attempt(conn, row, state, cause, decline, refused=refused, by=d.by, actor=d.by, at=now)

    d.store.writing(end)


def end_attempt(
    conn: Connection, row: AttemptRow, state: str, cause: str, decline: Decline | None = None, *, refused: str = "",
    returned: Returned = "", by: str | None, actor: str, at: datetime,
) -> None:  # fmt: skip
    """In the caller's transaction: ``DECLINED`` or ``CANCELLED`` for good; the order stays open for another attempt.

    A card that may never be tried again is blocked. Whoever was told to wait gets a mail: that nothing was charged, or how
    money that was taken was ``returned``; of what was ``refunded`` the caller tells. ``refused`` is why the gateway would not have the payment at all: the merchant is
    alarmed. Raises ``Moved`` when the row is not as it was read, or not ``by``'s (None: whoever drives it).
    """
    reason = decline.reason.value if decline else None
    done = {
        "state": state,
        "decline_reason": reason,
        "settled_at": at,
        "last_class": "definite",
        "action_url": None,
    }
    move(conn, row, by, done | released(at, None))
    log(conn, row.book_id, _moves(row, state, cause), actor=actor, at=at, of=row)
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
        record(conn, row.book_id, "attempt.refused", row.id, 1, "event", body, at)
        if reason != DeclineReason.CARD_GONE:  # that card is blocked: nothing is left to decide
            tell_person(row.book_id, "attempt", row.id, refused, of=row)
    event = {"order": row.order_id, "attempt": row.id, "state": state}
    record(conn, row.book_id, "attempt.failed", row.id, 1, "event", event, at)
    if row.gw_ref is not None:
        tell_known(conn, row.book_id, row.order_id, row.id, at)
    if _was_told_to_wait(row, at) and returned != "refunded":
        _mail(conn, row, returned or state.lower(), at)


def _moves(row: AttemptRow, state: str, cause: str) -> list[Move]:
    """An object cancelled at the gateway while we thought it alive: the row goes by way of ``CANCELLING``."""
    if state == "CANCELLED" and row.state in ("CREATED", "INTENT", "REQUIRES_ACTION"):
        return [
            Move("attempt", row.id, row.state, "CANCELLING", cause),
            Move("attempt", row.id, "CANCELLING", state, cause),
        ]
    return [Move("attempt", row.id, row.state, state, cause)]


def _was_told_to_wait(row: AttemptRow, now: datetime) -> bool:
    """Everybody else saw the result on the page, or left the bank's check an hour ago."""
    return row.told_to_wait or now >= row.deadline_at


def _mail(conn: Connection, row: AttemptRow, why: str, now: datetime) -> None:
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
    body = not_charged_body({str(name): value for name, value in order.items()}, why)
    record(conn, row.book_id, "not_charged", row.id, 1, "mail", body, now)
