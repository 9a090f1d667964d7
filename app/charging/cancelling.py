"""Makes sure at the gateway that an attempt takes no money, and finds out when it already did."""

from __future__ import annotations

from app.charging.attempts import AttemptRow
from app.charging.closing import close
from app.charging.comparing import mismatch
from app.charging.driver import NOT_REACHED, Driver, put_down, quarantine
from app.charging.making import note_ref
from app.charging.objects import look_for_objects
from app.charging.settle import settle
from app.gateways.port import Answer, AnswerKind, Decline, Payment, PaymentStatus
from app.kit.faults import fault_point


def cancel(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """``CANCELLING`` → ``CANCELLED``, or ``SUCCEEDED`` when the money was taken before the cancel came."""
    if row.gw_ref is None:
        return _cancel_unseen(d, row)
    answer = _ask(d, row)
    if answer.payment is not None and answer.payment.status is PaymentStatus.CANCELED:
        return close(d, row, "CANCELLED", "cancelled at the gateway")
    if answer.kind is AnswerKind.BUG_OR_GONE:
        return _look(d, row, refused=f"cancel refused: {answer.detail}")
    if answer.kind is AnswerKind.BUG:
        return quarantine(d, row, f"cancel: {answer.detail}")
    if answer.kind in NOT_REACHED:
        return put_down(d, row, answer.kind, f"cancel: {answer.kind}")
    return _look(d, row)


def _cancel_unseen(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """No id was ever committed, so nothing can have been confirmed; objects that were made are cancelled all the same.

    Unless the commit was lost with a restore: then the money may be there, and the attempt is paid after all.
    """
    mine = look_for_objects(d, row)
    if mine.value is None:
        return put_down(d, row, mine.kind, f"list: {mine.kind}")
    for payment in mine.value:
        if payment.status in (PaymentStatus.CANCELED, PaymentStatus.SUCCEEDED):
            continue
        answer = d.gateway(row).cancel_payment(payment.ref, key=_key(row, payment.ref))
        if answer.payment is None or answer.payment.status is not PaymentStatus.CANCELED:
            return put_down(d, row, answer.kind, f"cancel: {answer.kind}")
    if mine.value and mine.value[0].status is PaymentStatus.SUCCEEDED:
        return _paid_unseen(d, row, mine.value[0])
    return close(d, row, "CANCELLED", "nothing was confirmed")


def _paid_unseen(d: Driver, row: AttemptRow, payment: Payment) -> AttemptRow | None:
    if not row.is_from_before_restore:
        return quarantine(d, row, f"payment {payment.ref} succeeded though it was never confirmed by us")
    found = note_ref(d, row, payment.ref)
    return None if found is None else _look(d, found)


def _look(d: Driver, row: AttemptRow, *, refused: str = "") -> AttemptRow | None:
    """The cancel had no certain answer, or the object was final already: what it says now decides.

    ``refused``: the gateway would not cancel, for a reason or because it has no such object; only a read tells which. An
    object that stands can still take money, so nobody is told that it will not: a person decides.
    """
    ref = row.gw_ref or ""
    seen = d.call(row, lambda: d.gateway(row).read_payment(ref))
    payment = seen.payment
    if payment is None and refused and seen.kind is AnswerKind.BUG_OR_GONE:
        return close(d, row, "CANCELLED", "the gateway has no such payment")
    if payment is None:
        kind = AnswerKind.UNKNOWN if seen.kind not in NOT_REACHED else seen.kind
        return put_down(d, row, kind, "read: no answer")
    if payment.status is PaymentStatus.CANCELED:
        return close(d, row, "CANCELLED", "cancelled at the gateway")
    if payment.status is PaymentStatus.SUCCEEDED:
        return _paid_after_all(d, row, payment)
    if refused and payment.status is not PaymentStatus.PROCESSING:
        return quarantine(d, row, refused)
    waiting = AnswerKind.PENDING if payment.status is PaymentStatus.PROCESSING else AnswerKind.UNKNOWN
    return put_down(d, row, waiting, "cancel: not final yet")


def _paid_after_all(d: Driver, row: AttemptRow, payment: Payment) -> AttemptRow | None:
    wrong = mismatch(row, payment)
    if wrong:
        return quarantine(d, row, wrong)
    fault_point("C7")
    return settle(d, row)


def cancel_declined(d: Driver, row: AttemptRow, decline: Decline | None) -> AttemptRow | None:
    """The bank refused. Only when the object can never be confirmed again may another attempt be made."""
    answer = _ask(d, row)
    if answer.payment is not None and answer.payment.status is PaymentStatus.CANCELED:
        return close(d, row, "DECLINED", "declined", decline)
    if answer.kind in (AnswerKind.BUG, AnswerKind.BUG_OR_GONE):
        return quarantine(d, row, f"cancel after a decline: {answer.detail or answer.kind}")
    if answer.kind in NOT_REACHED:
        return put_down(d, row, answer.kind, f"cancel: {answer.kind}")
    return put_down(d, row, AnswerKind.UNKNOWN, "declined, cancel: no certain answer", state="UNKNOWN")


def _ask(d: Driver, row: AttemptRow) -> Answer:
    ref = row.gw_ref or ""
    return d.call(row, lambda: d.gateway(row).cancel_payment(ref, key=_key(row, ref)))


def _key(row: AttemptRow, ref: str) -> str:
    """A cancel may be repeated under any key; ``tries`` leaves a poisoned one behind."""
    return f"{row.id}:cancel:{ref}:{row.tries}"
