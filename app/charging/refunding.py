"""Refunds of captured money, in full and in part: asked for here, driven by ``refund_driving``.

LiftlinkError
└── RefundRefused
    order_unknown          no such order in this book
    before_a_person        a payment of this order waits for a decision in the queue
    nothing_captured       no money was taken for this order: it is open, ended without money, cost nothing, or was invoiced
    amount_invalid         not an amount above zero
    nothing_left           everything is given back, or on its way; ``captured``
    refund_too_large       more than is left; ``left``, ``currency``
    on_the_balance         a later change put part of it on the customer's balance: nobody gets it twice; ``left``, ``currency``
    payment_disputed       a dispute of the payment is open or lost
    change_in_progress     a change of the same subscription is being paid; ``order``
    charging_closed        the database was restored: what was given back before is not known until the gateway's books were read

None of them wrote anything.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, RowMapping, or_, select

from app.charging.gate import is_closed
from app.charging.refund_driving import drive_refund, drive_refunds, state_of
from app.charging.refund_finding import found_refunds
from app.charging.refund_ledger import take_back_once
from app.charging.refund_rows import RefundRow, given_back, is_contested, next_id, refunds_of
from app.charging.refund_settling import follow
from app.charging.refund_writing import Capture, write_refund
from app.kit.clock import Clock
from app.kit.errors import LiftlinkError
from app.kit.faults import fault_point
from app.kit.money import format_minor
from app.models.locks import hold_paid_order
from app.models.orders import Attempt, Order
from app.models.store import Store
from app.models.subscriptions import Subscription

__all__ = [
    "RefundRefused", "RefundRow", "ask_refund", "ask_within", "drive_refund", "drive_refunds", "find_order", "follow", "found_refunds", "refunds_of",
    "state_of",
]  # fmt: skip

REFUNDABLE = ("PAID", "PART_REFUNDED")


class RefundRefused(LiftlinkError):
    """``code`` is one of the list above; nothing happened."""


def ask_refund(
    store: Store, clock: Clock, book_id: int, order: str, amount: int | None, *, reason: str, actor: str
) -> str:
    """Promise ``amount`` minor units of an order's money back, or all that is left; the refund's id.

    ``order`` is its id or number. The row, its transition and what the ledger gives up are one commit; then a driver sends
    it. The subscription's plan stays. Two calls are two refunds. Raises ``RefundRefused``.
    """
    with store.write() as conn:
        refund_id = ask_within(conn, book_id, order, amount, reason=reason, actor=actor, at=clock.now())
    fault_point("R1")
    return refund_id


def ask_within(
    conn: Connection, book_id: int, order: str, amount: int | None, *, reason: str, actor: str, at: datetime
) -> str:
    """``ask_refund`` in the caller's transaction."""
    known = find_order(conn, book_id, order)
    if known is None:
        raise RefundRefused("order_unknown", f"there is no order {order}", order=order)
    hold_paid_order(conn, book_id, known["id"])
    found = find_order(conn, book_id, known["id"]) or known  # as it is now that nobody else changes it
    attempt = capture_of(conn, book_id, found["id"])
    if found["state"] in ("DISPUTED", "LOST") or (attempt is not None and is_contested(conn, attempt.id)):
        raise RefundRefused("payment_disputed", "the payment is in dispute, or lost in one", order=found["id"])
    if attempt is None and _is_before_a_person(conn, book_id, found["id"]):
        why = "a payment of this order is before a person, who may give it back: see liftlink queue"
        raise RefundRefused("before_a_person", why, order=found["id"])
    if attempt is None or found["state"] not in (*REFUNDABLE, "REFUNDED"):
        raise RefundRefused("nothing_captured", "no money was taken for this order", order=found["id"])
    _check_open(conn, attempt.id)
    amount = _within(attempt, amount, given_back(conn, attempt.id))
    _check_no_change(conn, book_id, found["subscription_id"])
    takes, on_the_balance = take_back_once(conn, found, amount, at)
    if on_the_balance:
        left = amount - on_the_balance
        raise RefundRefused(
            "on_the_balance",
            f"a later change put {format_minor(on_the_balance, attempt.currency)} {attempt.currency} of it on the customer's balance;"
            f" at most {format_minor(left, attempt.currency)} {attempt.currency} can be given back",
            left=left, currency=attempt.currency,
        )  # fmt: skip
    refund_id = next_id(conn, found["id"])
    write_refund(conn, attempt, refund_id, amount, "asked", reason=reason, actor=actor, at=at, takes=takes)
    return refund_id


def find_order(conn: Connection, book_id: int, order: str) -> RowMapping | None:
    """An order by id or number."""
    query = (
        select(Order, Subscription.number.label("subscription_number"))
        .join(Subscription, Subscription.id == Order.subscription_id)
        .where(Order.book_id == book_id, or_(Order.id == order, Order.number == order.upper()))
    )
    return conn.execute(query).mappings().first()


def capture_of(conn: Connection, book_id: int, order_id: str) -> Capture | None:
    """The order's attempt that took its money; there is at most one."""
    columns = (Attempt.id, Attempt.book_id, Attempt.order_id, Attempt.amount, Attempt.currency)
    taken = (Attempt.book_id == book_id, Attempt.order_id == order_id, Attempt.state == "SUCCEEDED")
    row = conn.execute(select(*columns).where(*taken)).first()
    return None if row is None else Capture(*row)


def _check_open(conn: Connection, attempt_id: str) -> None:
    """Behind a closed gate nobody knows how much of it went back already, nor which ids its lost refunds had."""
    account = (Attempt.gateway, Attempt.account, Attempt.livemode)
    if is_closed(conn, *conn.execute(select(*account).where(Attempt.id == attempt_id)).one()):
        why = "the database was restored and is not compared with the gateway yet: ask again once charging is open"
        raise RefundRefused("charging_closed", why)


def _is_before_a_person(conn: Connection, book_id: int, order_id: str) -> bool:
    held = (Attempt.book_id == book_id, Attempt.order_id == order_id, Attempt.state == "QUARANTINED")
    return conn.execute(select(Attempt.id).where(*held)).first() is not None


def _within(attempt: Capture, amount: int | None, back: int) -> int:
    """The amount, if the capture still holds it; None is all that is left."""
    left = attempt.amount - back
    if amount is not None and amount <= 0:
        raise RefundRefused("amount_invalid", "a refund is above zero", field="amount")
    if left <= 0:
        raise RefundRefused("nothing_left", "everything is given back, or on its way", captured=attempt.amount)
    if amount is not None and amount > left:
        raise RefundRefused(
            "refund_too_large", "more than is left of this payment", left=left, currency=attempt.currency
        )
    return amount or left


def _check_no_change(conn: Connection, book_id: int, subscription_id: int) -> None:
    """A change that is being paid may count on what this refund would take back."""
    being_paid = (
        select(Order.id)
        .join(Attempt, Attempt.order_id == Order.id)
        .where(
            Order.book_id == book_id,
            Order.subscription_id == subscription_id,
            Order.state == "OPEN",
            Attempt.state.not_in(("DECLINED", "CANCELLED")),
        )
    )
    other = conn.execute(being_paid.limit(1)).scalar()
    if other is not None:
        raise RefundRefused(
            "change_in_progress", "a change of this subscription is being paid; try again soon", order=other
        )
