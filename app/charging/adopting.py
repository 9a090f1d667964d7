"""A captured payment whose attempt was given up: the order takes it over, if it is open and everything agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from app.billing.states import ATTEMPT_CLOSED
from app.charging.abandon import CANCELLABLE, start_cancelling
from app.charging.attempts import AttemptRow, Moved, move, released
from app.charging.comparing import mismatch
from app.charging.observing import Watch
from app.charging.settle import pay
from app.charging.transitions import Move, log
from app.gateways.port import Payment
from app.models.locks import hold_paid_order
from app.models.orders import Attempt, Order
from app.subscriptions.errors import SubscriptionMoved


def why_not(watch: Watch, row: AttemptRow | None, payment: Payment) -> str:
    """Empty when the attempt that this payment names may have it; else why not, for the person who decides."""
    if row is None:
        return "no attempt of ours"
    if row.gw_ref not in (None, payment.ref):
        return f"attempt {row.id} has another payment"
    wrong = mismatch(replace(row, gw_ref=payment.ref), payment)
    if wrong:
        return wrong
    if payment.metadata.order not in ("", row.order_id):
        return f"order is {payment.metadata.order}, not {row.order_id}"
    if payment.refunded:
        return "it was refunded"
    with watch.store.read() as conn:
        order = conn.execute(
            select(Order.state, Order.total, Order.currency).where(
                Order.book_id == row.book_id, Order.id == row.order_id
            )
        ).one()
    if order.state != "OPEN":
        return f"order {row.order_id} is {order.state}"
    if (order.total, order.currency) != (payment.captured, payment.currency):
        return f"order {row.order_id} asks for {order.total} {order.currency}"
    return ""


def adopt(
    watch: Watch, row: AttemptRow, payment: Payment, *, actor: str, also: Callable[[Connection], None] | None = None
) -> str:
    """The closed attempt has succeeded after all: ``take_over``, and ``also``, in one commit. Empty when done; else why not.

    ``also`` may run twice; whatever it raises undoes everything.
    """
    now = watch.clock.now()

    def book(conn: Connection) -> None:
        take_over(conn, row, payment, actor=actor, at=now)
        if also is not None:
            also(conn)

    try:
        watch.store.writing(book)
    except SubscriptionMoved:
        return "the subscription moved meanwhile"
    except Moved:
        return "somebody else decided it at the same moment"
    except IntegrityError:
        return "another attempt of its order is open, or another has this payment"
    return ""


def take_over(conn: Connection, row: AttemptRow, payment: Payment, *, actor: str, at: datetime) -> None:
    """In the caller's transaction: the attempt has this money, and TX3 with everything that follows.

    A closed one goes by way of ``QUARANTINED``, so that the log tells that it was final once. Raises ``Moved`` when the row is
    not as it was read, ``SubscriptionMoved`` when the change cannot be made any more, and ``IntegrityError`` when another
    attempt of the order is open or has this payment; the transaction must then not commit.
    """
    hold_paid_order(conn, row.book_id, row.order_id)
    done = {"state": "SUCCEEDED", "gw_ref": payment.ref, "settled_at": at, "decline_reason": None, "action_url": None}
    move(conn, row, None, done | {"last_class": "definite"} | released(at, None))
    if row.state != "QUARANTINED":
        found = Move("attempt", row.id, row.state, "QUARANTINED", "captured all the same")
        log(conn, row.book_id, [found], actor=actor, at=at, of=row)
    between = replace(row, state="QUARANTINED", gw_ref=payment.ref)
    pay(conn, row.book_id, row.order_id, attempt=between, outcome="paid", actor=actor, at=at)


def stop_rival(watch: Watch, row: AttemptRow) -> bool:
    """True while another attempt of the order may still take money; one that can be cancelled begins to be."""
    with watch.store.read() as conn:
        rival = conn.execute(
            select(Attempt.id, Attempt.state).where(
                Attempt.book_id == row.book_id,
                Attempt.order_id == row.order_id,
                Attempt.id != row.id,
                Attempt.state.not_in((*ATTEMPT_CLOSED, "SUCCEEDED", "QUARANTINED")),
            )
        ).first()
    if rival is None:
        return False
    if rival.state in CANCELLABLE:
        with watch.store.write() as conn:
            cause = "another payment of its order was captured"
            start_cancelling(conn, rival.id, cause, actor=watch.by, at=watch.clock.now())
    return True
