"""TX3: the attempt succeeded, the order is paid, the subscription changes and the news is written, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from app.billing.codec import load_quote
from app.billing.facts import Change
from app.charging.attempts import AttemptRow, move, released
from app.charging.balances import book_paid
from app.charging.catching_up import catch_up
from app.charging.driver import Driver, quarantine
from app.charging.giving_back import give_back
from app.charging.news import receipt_body
from app.charging.telling import Sum
from app.charging.transitions import Move, log
from app.models.orders import Consent, Fulfilment, Order
from app.models.prepared import Prepared, PreparedWrite, inserting
from app.models.subscriptions import Subscription
from app.outbox import record
from app.subscriptions.apply import apply_paid
from app.subscriptions.errors import SubscriptionMoved
from app.subscriptions.scheduling import schedule_change

_ORDER = Prepared(
    select(Order.__table__, Subscription.number.label("subscription_number"))
    .join(Subscription, Subscription.id == Order.subscription_id)
    .where(Order.book_id == bindparam("book"), Order.id == bindparam("order"))
)
_CONSENT = Prepared(
    select(Consent.text, Consent.version, Consent.language, Consent.card, Consent.at).where(
        Consent.book_id == bindparam("book"), Consent.attempt_id == bindparam("attempt")
    )
)
_FULFILMENT = inserting(Fulfilment)
_PAID = PreparedWrite(
    update(Order)
    .where(Order.book_id == bindparam("book"), Order.id == bindparam("order"), Order.state == "OPEN")
    .values(
        state="PAID",
        outcome=bindparam("how"),
        paid_at=bindparam("at", type_=Order.paid_at.type),
        version=Order.version + 1,
    )
)


def settle(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """Record that the gateway holds the money of this attempt, and do what was bought. One commit. The row as it is then.

    Raises ``Moved`` when another driver got there first. A subscription that moved meanwhile is a person's business: the
    money is there, the change cannot be made.
    """
    now = d.clock.now()

    def tx3(conn: Connection) -> None:
        done = {"state": "SUCCEEDED", "settled_at": now, "last_class": "definite", "action_url": None}
        move(conn, row, d.by, done | released(now, None))
        pay(conn, row.book_id, row.order_id, attempt=row, outcome="paid", actor=d.by, at=now)

    try:
        d.store.writing(tx3)
    except SubscriptionMoved:
        return quarantine(d, row, "paid, but the subscription moved meanwhile", known="paid")
    return replace(row, state="SUCCEEDED")


def pay(
    conn: Connection,
    book_id: int,
    order_id: str,
    *,
    attempt: AttemptRow | None,
    outcome: str,
    actor: str,
    at: datetime,
    changes: tuple[Change, ...] = (),
    seal: str = "",
) -> None:
    """In the caller's transaction: OPEN → PAID, the change applied, receipt and event written, transitions logged.

    A change that takes effect at the next billing is scheduled instead, with the ``changes`` it consists of.
    ``attempt`` None: nothing was due here; ``seal`` is then that of the order's own consent. What an invoice asks for (outcome ``due``) is granted and gets no receipt: no
    money is there. Raises ``SubscriptionMoved``; the transaction must then not commit.
    """
    (order,) = _ORDER.named(conn, {"book": book_id, "order": order_id})
    if _PAID.run(conn, {"book": book_id, "order": order_id, "how": outcome, "at": at}) != 1:
        # An order is closed only without an open attempt, so this cannot be; if it is, nobody may guess.
        raise SubscriptionMoved(order["subscription_id"], order["subscription_version"])
    proof = attempt.id if attempt else f"{order_id}.0"
    (consent,) = _CONSENT.named(conn, {"book": book_id, "attempt": proof})
    _fulfil(conn, order, consent, attempt, actor, at, changes)
    moves = [Move("order", order_id, "OPEN", "PAID", f"{outcome} on consent {seal}" if seal else outcome)]
    if attempt is not None:
        moves.insert(0, Move("attempt", attempt.id, attempt.state, "SUCCEEDED", "the gateway holds the money"))
    of = Sum(attempt.gateway if attempt else "", order["total"], order["currency"])
    log(conn, book_id, moves, actor=actor, at=at, of=of)
    version = order["version"] + 1
    if outcome != "due":
        record(conn, book_id, "receipt", order_id, version, "mail", receipt_body(order, consent, outcome, at), at)
    event = {"order": order_id, "number": order["number"], "outcome": outcome, "total": order["total"]}
    record(conn, book_id, "order.paid", order_id, version, "event", event, at)
    if attempt is not None:
        catch_up(conn, order, attempt.id, actor=actor, at=at)


def _fulfil(
    conn: Connection,
    order: Mapping[str, Any],
    consent: Mapping[str, Any],
    attempt: AttemptRow | None,
    actor: str,
    at: datetime,
    changes: tuple[Change, ...],
) -> None:
    quote = load_quote(order["quote"])
    book_id, order_id = order["book_id"], order["id"]
    # Nothing was agreed to where nothing rises: what was agreed to before goes on.
    mandate = (
        None
        if not consent["text"]
        else {
            "at": consent["at"].isoformat(),
            "text": consent["text"],
            "version": consent["version"],
            "source": order["source"],
            "consent": attempt.id if attempt else f"{order_id}.0",
        }
    )
    what: dict[str, Any] = {
        "book_id": book_id,
        "subscription_id": order["subscription_id"],
        "quote": quote,
        "expected_version": order["subscription_version"],
        "order_id": order_id,
        "mandate": mandate,
        "at": at,
    }
    if quote.effective == "next_billing":
        version = schedule_change(conn, changes=changes, **what)
    else:
        version = apply_paid(conn, card_id=attempt.card_id if attempt else consent["card"].get("id"), **what)
    _FULFILMENT.run(
        conn,
        {
            "order_id": order_id,
            "book_id": book_id,
            "subscription_id": order["subscription_id"],
            "from_version": order["subscription_version"],
            "to_version": version,
            "at": at,
        },
    )
    book_paid(conn, order, quote, at)
    give_back(conn, order, quote, actor, at)
