"""The first half: an object at the gateway that moves no money, whose id is committed before anything else is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.charging.attempts import AttemptRow, Moved, move, read_attempt
from app.charging.closing import close
from app.charging.driver import Driver, put, put_down, quarantine
from app.charging.objects import look_for_objects
from app.charging.transitions import Move, log
from app.charging.uses import mark_of_use
from app.gateways.port import (
    Answer,
    AnswerKind,
    CreatePayment,
    Decline,
    DeclineReason,
    Gateway,
    Marks,
    Payment,
    PaymentStatus,
)
from app.kit.faults import fault_point

KEYS_FADE_AFTER = timedelta(hours=20)
"""Gateways forget keys after a day: an older attempt may have an object that its key no longer finds."""


def make_object(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """Find the attempt's object at the gateway or make it, and commit its id (TX2)."""
    gateway = d.gateway(row)
    if _may_exist(row, gateway, d.clock.now()):
        mine = look_for_objects(d, row)
        if mine.value is None:
            return put_down(d, row, mine.kind, f"list: {mine.kind}")
        if mine.value:
            return _adopt(d, row, mine.value)
    if row.state == "UNKNOWN" and d.clock.now() >= row.deadline_at:
        return put(d, row, "CANCELLING", "deadline")
    return _create(d, row, gateway)


def _may_exist(row: AttemptRow, gateway: Gateway, now: datetime) -> bool:
    fade = min(KEYS_FADE_AFTER, gateway.capabilities.idempotency_ttl * 5 / 6)
    if row.is_from_before_restore:
        return True  # TX2 of its object may be among the commits that were lost
    return row.create_try > 0 or row.state == "UNKNOWN" or now - row.created_at >= fade


def request_of(row: AttemptRow) -> CreatePayment:
    """Built from the row alone, so that the same key always comes with the same parameters."""
    use = mark_of_use(row.book_id, row.use_jti, row.use_n or 0) if row.use_jti else ""
    return CreatePayment(
        amount=row.amount,
        currency=row.currency,
        customer=row.gw_customer,
        payment_method=row.payment_method,
        marks=Marks(order=row.order_id, attempt=row.id, use=use),
        description=row.order_number,
    )


def _create(d: Driver, row: AttemptRow, gateway: Gateway) -> AttemptRow | None:
    def ask() -> Answer:
        fault_point("C2")
        return gateway.create_payment(request_of(row), key=f"{row.id}:create:{row.create_try}")

    answer = d.call(row, ask)
    fault_point("C3")
    match answer.kind:
        case AnswerKind.DEFINITE | AnswerKind.PENDING | AnswerKind.READ if answer.payment is not None:
            return commit_ref(d, row, answer.payment.ref)
        case AnswerKind.DECLINE:
            if answer.payment is not None:
                return commit_ref(d, row, answer.payment.ref)
            return close(d, row, "CANCELLED", "refused without an object", answer.decline)
        case AnswerKind.BUSY | AnswerKind.NOT_SENT | AnswerKind.MERCHANT_FAULT:
            return put_down(d, row, answer.kind, f"create: {answer.kind}")
        case AnswerKind.BUG_OR_GONE:
            return _refused(d, row, answer)
        case AnswerKind.BUG:
            return quarantine(d, row, f"create: {answer.detail or answer.kind}")
        case _:
            return put_down(
                d, row, AnswerKind.UNKNOWN, "create: no certain answer", state="UNKNOWN", create_try=row.create_try + 1
            )


def _refused(d: Driver, row: AttemptRow, answer: Answer) -> None:
    """The gateway would not even make an object. Nothing is asked again, the merchant hears of it, the shopper may go on.

    Section 5 of the protocol quarantines a 400 so that no loop repeats it and no code decides about money that may be there.
    Here none can be: an object that was never confirmed moves none, and an earlier try's was looked for just before. So it is
    section 9's "none at gateway": the attempt is given up (CANCELLING) and, since there is nothing to cancel, CANCELLED.
    """
    decline = answer.decline or Decline(DeclineReason.NOT_TAKEN)
    why = f"create refused: {answer.detail or answer.kind}"
    return close(d, row, "CANCELLED", why, decline, refused=why)


def commit_ref(d: Driver, row: AttemptRow, ref: str) -> AttemptRow | None:
    """TX2, the fence: only the driver that holds the lease of a row without an object may give it one.

    A driver that slept finds the row taken; unless it is the very same object, it cancels its own and stops.
    """
    try:
        return note_ref(d, row, ref)
    except Moved:
        _fenced(d, row, ref)
        raise


def note_ref(d: Driver, row: AttemptRow, ref: str) -> AttemptRow | None:
    """TX2 for an object that was found: nothing is asked of the gateway, and an attempt that is to end goes on ending."""
    now, state = d.clock.now(), "CANCELLING" if row.state == "CANCELLING" else "INTENT"

    def tx2(conn: Connection) -> None:
        move(conn, row, d.by, {"state": state, "gw_ref": ref, "last_class": None}, unreferenced=True)
        if state != row.state:
            moves = [Move("attempt", row.id, row.state, state, "object made")]
            log(conn, row.book_id, moves, actor=d.by, at=now, of=row)

    try:
        d.store.writing(tx2)
    except IntegrityError:
        return quarantine(d, row, f"payment {ref} belongs to another attempt")
    return replace(row, state=state, gw_ref=ref, last_class=None)


def _fenced(d: Driver, row: AttemptRow, ref: str) -> None:
    """Cancel the object that this driver made, unless the row's present driver has it or is about to find it."""
    with d.store.read() as conn:
        now_is = read_attempt(conn, row.id)
    if now_is is None or now_is.gw_ref == ref:
        return
    if now_is.gw_ref is None and now_is.state in ("CREATED", "UNKNOWN"):
        return  # the same key or the list gives this object to the other driver; if not, the sweep of leftovers cancels it
    d.gateway(row).cancel_payment(ref, key=f"{row.id}:stray:{ref}")


def _adopt(d: Driver, row: AttemptRow, found: Sequence[Payment]) -> AttemptRow | None:
    """Objects of this attempt that we made and lost sight of: keep the one that matters, cancel the others."""
    adopted = commit_ref(d, row, found[0].ref)
    for stray in found[1:]:
        if stray.status not in (PaymentStatus.CANCELED, PaymentStatus.SUCCEEDED):
            d.gateway(row).cancel_payment(stray.ref, key=f"{row.id}:stray:{stray.ref}")
    return adopted
