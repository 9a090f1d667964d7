"""What a person does with an attempt: one that was quarantined, or has no certain end."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from app.charging.adopting import take_over
from app.charging.attempts import LEASE, AttemptRow, Moved, move, read_attempt
from app.charging.closing import Returned, end_attempt
from app.charging.closing_orders import close_order
from app.charging.comparing import mismatch
from app.charging.desk_deciding import DeskRefused, Resolving, Truth, give_back, truth_of
from app.charging.disputing import take_disputes
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
    if not row.is_free_for(r.watch.by, r.watch.clock.now()):
        raise r.too_late()  # somebody is giving its money back
    gateway = r.watch.gateways.of(row.gateway, row.account, livemode=row.livemode)
    truth = truth_of(gateway, row, r.watch.clock)
    if truth.payment is None and not truth.gone:
        raise DeskRefused("gateway_silent", f"the gateway did not say what became of it: {truth.detail}")
    if act == "cancel":
        return _cancel(r, row, gateway, truth)
    return {"adopt": _adopt, "refund": _give_back}[act](r, row, gateway, truth)


def _adopt(r: Resolving, row: AttemptRow, _gateway: Gateway, truth: Truth) -> str:
    """QUARANTINED → SUCCEEDED: the money is there and is what the order asks for."""
    payment = truth.payment
    if payment is None or payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit("the gateway holds no money of this attempt")
    wrong = mismatch(replace(row, gw_ref=payment.ref), payment)
    if wrong or payment.refunded:
        raise r.unfit(wrong or "it was given back already")
    now = r.watch.clock.now()

    def book(conn: Connection) -> None:
        _check_unchanged(conn, r, row)
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
        _check_unchanged(conn, r, row)
        _end(conn, r, row)
        r.note(conn, "cancel", leaves=False)

    r.decide(row.order_id, end)
    return "cancelled: no money was taken, and the subscription may be changed again"


def _give_back(r: Resolving, row: AttemptRow, gateway: Gateway, truth: Truth) -> str:
    """The money goes back and the order ends. The decision is committed first: whoever comes meanwhile decides nothing."""
    payment = truth.payment
    if payment is None or payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit("the gateway holds no money of this attempt")
    row = _claim(r, row, payment)
    try:
        _return_and_end(r, row, gateway, payment)
    except DeskRefused:
        _let_go(r, row)
        raise
    more = [each.ref for each in truth.others if each.status is PaymentStatus.SUCCEEDED]
    also = f"; the gateway also took {', '.join(more)} for it, which the next comparison brings up" if more else ""
    return f"payment {payment.ref} is given back in full; order {r.matter.order} is cancelled{also}"


def _claim(r: Resolving, row: AttemptRow, payment: Payment) -> AttemptRow:
    """This decision's alone for as long as a lease; who decided is on record before any money moves.

    A payment that was found by its mark must be known as this attempt's from here on.
    """
    until = r.watch.clock.now() + LEASE
    claimed = replace(row, gw_ref=payment.ref, tries=row.tries + 1, lease_by=r.watch.by, lease_until=until)

    def claim(conn: Connection) -> None:
        _check_unchanged(conn, r, row)
        move(conn, row, None, {name: getattr(claimed, name) for name in _CLAIM})
        r.note(conn, "refund", leaves=False)

    r.decide(row.order_id, claim)
    return claimed


def _let_go(r: Resolving, row: AttemptRow) -> None:
    """It was not done: whoever comes next may decide, by what the gateway says then."""
    try:
        with r.watch.store.write() as conn:
            move(conn, row, r.watch.by, {"lease_by": None, "lease_until": r.watch.clock.now()})
    except Moved:
        pass  # the lease was over and somebody else decides


def _check_unchanged(conn: Connection, r: Resolving, row: AttemptRow) -> None:
    """Nobody decided, or began to, since ``row`` was read."""
    now = read_attempt(conn, row.id)
    if now is None or any(getattr(now, name) != getattr(row, name) for name in ("state", *_CLAIM)):
        raise r.too_late()


_CLAIM = ("gw_ref", "tries", "lease_by", "lease_until")


def _return_and_end(r: Resolving, row: AttemptRow, gateway: Gateway, payment: Payment) -> None:
    give_back(r, gateway, payment, row.tries)
    refunds = gateway.list_refunds(payment.ref)
    if refunds.value is None:
        raise DeskRefused("gateway_silent", f"given back, but it did not say as what: {refunds.detail or refunds.kind}")
    found_refunds(r.watch.store, r.watch.clock, row.id, refunds.value)
    # Of one that is lost the money is back already, and nobody was told yet.
    if why := take_disputes(r.watch.store, gateway, r.watch.clock, row.id, actor=r.actor):
        raise DeskRefused("gateway_silent", f"given back, but it did not say whether it is contested: {why}")

    def end(conn: Connection) -> None:
        now = r.watch.clock.now()
        refunds = [each for each in refunds_of(conn, row.book_id, row.order_id) if each.attempt_id == row.id]
        back = [each.id for each in refunds if each.state != "FAILED"]
        _end(conn, r, row, by=r.watch.by, returned="refunded" if back else "disputed")
        for refund_id in back:
            mail(conn, row.book_id, refund_id, now)
        close_order(conn, row.book_id, row.order_id, "CANCELLED", cause="refunded by a person", actor=r.actor, at=now)

    r.decide(row.order_id, end)


def _end(conn: Connection, r: Resolving, row: AttemptRow, *, by: str | None = None, returned: Returned = "") -> None:
    now = r.watch.clock.now()
    end_attempt(conn, row, "CANCELLED", r.reason, returned=returned, by=by, actor=r.actor, at=now)


def undecided(r: Resolving, _act: str) -> str:
    """Driven once more, now."""
    with r.watch.store.write() as conn:
        r.note(conn, "release", leaves=False)
        row = read_attempt(conn, r.matter.key[0])
    after = None if row is None else r.watch.drive(row)
    return f"looked at again: it is {after.state if after else 'gone'}"
