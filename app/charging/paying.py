"""The second half: read the object, compare it with the row, confirm it, and apply what it says. The object decides."""

from __future__ import annotations

from app.charging.attempts import AttemptRow
from app.charging.cancelling import cancel_declined
from app.charging.closing import close
from app.charging.comparing import mismatch
from app.charging.driver import NOT_REACHED, Driver, put, put_down, quarantine
from app.charging.settle import settle
from app.gateways.port import Answer, AnswerKind, Payment, PaymentStatus
from app.kit.faults import fault_point


def pay_object(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """Read, then go where the object's status leads."""
    fault_point("C4")
    answer = read(d, row)
    if answer.payment is None:
        return _not_read(d, row, answer)
    return _apply(d, row, answer.payment, may_confirm=True)


def read(d: Driver, row: AttemptRow) -> Answer:
    ref = row.gw_ref or ""
    return d.call(row, lambda: d.gateway(row).read_payment(ref))


def _not_read(d: Driver, row: AttemptRow, answer: Answer) -> None:
    """Reading asks for nothing, so a reading without an answer changes nothing but when to read again."""
    if answer.kind in (AnswerKind.BUG, AnswerKind.BUG_OR_GONE):
        return quarantine(d, row, f"read: {answer.detail or answer.kind}")
    kind = answer.kind if answer.kind in NOT_REACHED else AnswerKind.UNKNOWN
    return put_down(d, row, kind, "read: no answer")


def _apply(d: Driver, row: AttemptRow, payment: Payment, *, may_confirm: bool) -> AttemptRow | None:
    """One table for what was read and for what confirm answered."""
    wrong = mismatch(row, payment)
    if wrong:
        return quarantine(d, row, wrong)
    match payment.status:
        case PaymentStatus.SUCCEEDED:
            fault_point("C7")
            return settle(d, row)
        case PaymentStatus.CANCELED:
            return _was_cancelled(d, row, payment)
        case PaymentStatus.REQUIRES_PAYMENT_METHOD:
            return cancel_declined(d, row, payment.decline)
        case PaymentStatus.PROCESSING:
            return put_down(d, row, AnswerKind.PENDING, "the bank is at work", state="INTENT")
        case PaymentStatus.REQUIRES_ACTION:
            return _ask_the_bank(d, row, payment)
        case PaymentStatus.REQUIRES_CONFIRMATION:
            return _confirm(d, row) if may_confirm else put_down(d, row, AnswerKind.UNKNOWN, "confirm had no effect")


def _was_cancelled(d: Driver, row: AttemptRow, payment: Payment) -> None:
    if payment.decline is not None:
        return close(d, row, "DECLINED", "declined", payment.decline)
    return close(d, row, "CANCELLED", "cancelled at the gateway")


def _ask_the_bank(d: Driver, row: AttemptRow, payment: Payment) -> AttemptRow | None:
    if d.clock.now() >= row.deadline_at:
        return put(d, row, "CANCELLING", "deadline")
    url = payment.action_url
    return put_down(d, row, AnswerKind.DEFINITE, "the bank asks", state="REQUIRES_ACTION", action_url=url)


def _confirm(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """Ask for the money. May be repeated under any key, because the object can succeed only once."""
    if d.clock.now() >= row.deadline_at:
        return put(d, row, "CANCELLING", "deadline")
    ref, key = row.gw_ref or "", f"{row.id}:confirm:{row.confirm_try}"
    return_url = None if row.off_session else row.return_url

    def ask() -> Answer:
        fault_point("C5")
        return d.gateway(row).confirm_payment(ref, key=key, return_url=return_url)

    answer = d.call(row, ask)
    fault_point("C6")
    match answer.kind:
        case AnswerKind.DEFINITE | AnswerKind.PENDING if answer.payment is not None:
            return _apply(d, row, answer.payment, may_confirm=False)
        case AnswerKind.DECLINE:
            return cancel_declined(d, row, answer.decline)
        case AnswerKind.READ:
            seen = read(d, row)
            if seen.payment is None:
                return _not_read(d, row, seen)
            return _apply(d, row, seen.payment, may_confirm=False)
        case AnswerKind.BUSY | AnswerKind.NOT_SENT | AnswerKind.MERCHANT_FAULT:
            return put_down(d, row, answer.kind, f"confirm: {answer.kind}")
        case AnswerKind.BUG | AnswerKind.BUG_OR_GONE:
            return quarantine(d, row, f"confirm: {answer.detail or answer.kind}")
        case _:
            return put_down(
                d, row, AnswerKind.UNKNOWN, "confirm: no certain answer", state="UNKNOWN",
                confirm_try=row.confirm_try + 1,
            )  # fmt: skip
