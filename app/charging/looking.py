"""What a driver may do behind a closed gate: look at the object and believe it. Nothing is asked of the gateway."""

from __future__ import annotations

from app.charging.attempts import AttemptRow
from app.charging.closing import close
from app.charging.comparing import mismatch
from app.charging.driver import Driver, put_down, quarantine
from app.charging.making import note_ref
from app.charging.objects import look_for_objects
from app.charging.settle import settle
from app.gateways.port import AnswerKind, PaymentStatus


def look(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """Apply what is final at the gateway; everything else waits until the gate is open."""
    if row.gw_ref is None:
        return _find(d, row)
    answer = d.call(row, lambda: d.gateway(row).read_payment(row.gw_ref or ""))
    payment = answer.payment
    if payment is None:
        if answer.kind in (AnswerKind.BUG, AnswerKind.BUG_OR_GONE):
            return quarantine(d, row, f"read: {answer.detail or answer.kind}")
        return put_down(d, row, AnswerKind.BUSY, "read: no answer")
    wrong = mismatch(row, payment)
    if wrong:
        return quarantine(d, row, wrong)
    if payment.status is PaymentStatus.SUCCEEDED:
        return settle(d, row)
    if payment.status is PaymentStatus.CANCELED and (payment.decline is None or row.state == "CANCELLING"):
        return close(d, row, "CANCELLED", "cancelled at the gateway")
    if payment.status is PaymentStatus.CANCELED:
        return close(d, row, "DECLINED", "declined", payment.decline)
    return _wait(d, row)


def _find(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """An object whose reference was lost is noted, so that compare and the next driver know it.

    Of an attempt that is to end only one that is paid: the others all have to be cancelled, once something may be asked.
    """
    mine = look_for_objects(d, row).value
    if not mine or (row.state == "CANCELLING" and mine[0].status is not PaymentStatus.SUCCEEDED):
        return _wait(d, row)
    return note_ref(d, row, mine[0].ref)


def _wait(d: Driver, row: AttemptRow) -> None:
    return put_down(d, row, AnswerKind.BUSY, "charging is closed until the gateway's books were read")
