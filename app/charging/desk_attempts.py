"""What a person does with an attempt: one that was quarantined, or has no certain end."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from app.charging.adopting import take_over
from app.charging.attempts import AttemptRow, move, read_attempt
from app.charging.closing import end_attempt
from app.charging.closing_orders import close_order
from app.charging.comparing import mismatch
from app.charging.desk_deciding import DeskRefused, Resolving, Truth, give_back, truth_of
from app.charging.refund_finding import found_refunds
from app.charging.refund_rows import refunds_of
from app.charging.refund_settling import mail
from app.gateways.port import Gateway, Payment, PaymentStatus
from app.subscriptions.errors import SubscriptionMoved


def quarantined(r: Resolving, act: str) -> str:
    """``adopt``, ``cancel`` or ``refund``, after a look at the gateway."""
    with r.watch.store.read() as conn:
        row = read_attempt(conn, r.matter.key[0])
    if row is None or row.state != "QUARANTINED":
        raise r.too_late()
    gateway = r.watch.gateways.of(row.gateway, row.account, livemode=row.livemode)
    truth = truth_of(gateway, row, r.watch.clock)
    if truth.payment is None and not truth.gone:
        raise DeskRefused("gateway_silent", f"the gateway did not say what became of it: {truth.detail}")
    if act == "cancel":
        return _cancel(r, row, gateway, truth)
    return {"adopt": _adopt, "refund": _give_back}[act](r, row, gateway, truth.payment)


def _adopt(r: Resolving, row: AttemptRow, _gateway: Gateway, payment: Payment | None) -> str:
    """QUARANTINED → SUCCEEDED: the money is there and is what the order asks for."""
    if payment is None or payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit("the gateway holds no money of this attempt")
    wrong = mismatch(replace(row, gw_ref=payment.ref), payment)
    if wrong or payment.refunded:
        raise r.unfit(wrong or "it was given back already")
    now = r.watch.clock.now()

    def book(conn: Connection) -> None:
        take_over(conn, row, payment, actor=r.actor, at=now)
        r.note(conn, "adopt", leaves=False)

    try:
        r.decide(row.order_id, book)
    except SubscriptionMoved:
        raise DeskRefused("subscription_moved", "the order cannot be carried out any more: refund it") from None
    return f"the payment is adopted: order {r.matter.order} is paid"


def _cancel(r: Resolving, row: AttemptRow, gateway: Gateway, truth: Truth) -> str:
    """QUARANTINED → CANCELLED: for certain no money, now and later. Then another attempt may be made."""
    objects = [each for each in (truth.payment, *truth.others) if each is not None]
    for payment in objects:
        if payment.status in (PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING):
            raise r.unfit(f"the payment is {payment.status} at the gateway")
    for payment in objects:
        if payment.status is PaymentStatus.CANCELED:
            continue
        answer = gateway.cancel_payment(payment.ref, key=f"{row.id}:desk:{payment.ref}:{row.tries}")
        if answer.payment is None or answer.payment.status is not PaymentStatus.CANCELED:
            raise DeskRefused(
                "gateway_silent", f"the gateway did not confirm the cancel: {answer.detail or answer.kind}"
            )

    def end(conn: Connection) -> None:
        _end(conn, r, row)
        r.note(conn, "cancel", leaves=False)

    r.decide(row.order_id, end)
    return "cancelled: no money was taken, and the subscription may be changed again"


def _give_back(r: Resolving, row: AttemptRow, gateway: Gateway, payment: Payment | None) -> str:
    """The money goes back and the order ends."""
    if payment is None or payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit("the gateway holds no money of this attempt")
    if row.gw_ref is None:  # found by its mark: what is given back must be known as this attempt's
        r.decide(row.order_id, lambda conn: move(conn, row, None, {"gw_ref": payment.ref}))
        row = replace(row, gw_ref=payment.ref)
    give_back(r, gateway, payment, row.tries)
    refunds = gateway.list_refunds(payment.ref)
    if refunds.value is None:
        raise DeskRefused("gateway_silent", f"given back, but it did not say as what: {refunds.detail or refunds.kind}")
    found_refunds(r.watch.store, r.watch.clock, row.id, refunds.value)

    def end(conn: Connection) -> None:
        now = r.watch.clock.now()
        _end(conn, r, row, returned=True)
        for refund in refunds_of(conn, row.book_id, row.order_id):
            if refund.state != "FAILED":
                mail(conn, row.book_id, refund.id, now)
        close_order(conn, row.book_id, row.order_id, "CANCELLED", cause="refunded by a person", actor=r.actor, at=now)
        r.note(conn, "refund", leaves=False)

    r.decide(row.order_id, end)
    return f"given back in full; order {r.matter.order} is cancelled"


def _end(conn: Connection, r: Resolving, row: AttemptRow, *, returned: bool = False) -> None:
    now = r.watch.clock.now()
    end_attempt(conn, row, "CANCELLED", r.reason, returned=returned, by=None, actor=r.actor, at=now)


def undecided(r: Resolving, _act: str) -> str:
    """Driven once more, now."""
    with r.watch.store.write() as conn:
        r.note(conn, "release", leaves=False)
        row = read_attempt(conn, r.matter.key[0])
    after = None if row is None else r.watch.drive(row)
    return f"looked at again: it is {after.state if after else 'gone'}"
