"""Gives back what an orphan took: all that is left of it, once, whatever the answers say."""

from __future__ import annotations

from app.gateways.port import AnswerKind, DisputeStatus, Gateway, Payment, RefundStatus


def mark_of(payment: Payment) -> str:
    """Of the refunds that are made here."""
    return f"orphan:{payment.ref}"


def lost_of(gateway: Gateway, payment: str) -> int | None:
    """What the bank took of this payment in disputes that are lost, in minor units; None when the gateway does not say."""
    disputes = gateway.list_disputes(payment=payment)
    if disputes.kind is not AnswerKind.DEFINITE or disputes.value is None:
        return None
    return sum(each.amount for each in disputes.value if each.status is DisputeStatus.LOST)


def return_money(gateway: Gateway, payment: Payment, *, tries: int) -> tuple[str, str]:
    """``REFUNDED`` or ``PERSON`` with the reason; an empty state with the reason when it must be looked at again.

    The gateway's own lists are read first, so that no repetition gives anything back twice and nothing that is contested
    is refunded (I8). What the bank took in a dispute that is lost went back as well. What is asked for is always all that is left, so that the gateway refuses a second one under any key.
    """
    disputes = gateway.list_disputes(payment=payment.ref)
    if disputes.kind is not AnswerKind.DEFINITE or disputes.value is None:
        return "", f"disputes: {disputes.kind}"
    if any(each.status is DisputeStatus.OPEN for each in disputes.value):
        return "PERSON", "the cardholder contests it"
    lost = [each for each in disputes.value if each.status is DisputeStatus.LOST]
    refunds = gateway.list_refunds(payment.ref)
    if refunds.kind is not AnswerKind.DEFINITE or refunds.value is None:
        return "", f"refunds: {refunds.kind}"
    counted = [each for each in refunds.value if each.status is not RefundStatus.FAILED]
    left = payment.captured - sum(each.amount for each in (*counted, *lost))
    if left <= 0:
        if any(each.status is RefundStatus.PENDING for each in counted):
            return "", "the refund is under way"
        return "REFUNDED", f"given back as {', '.join(each.ref for each in (*counted, *lost))}"
    if lost:
        return "PERSON", "the cardholder contests it"
    mark = mark_of(payment)
    reply = gateway.refund(payment.ref, amount=left, mark=mark, key=f"{mark}:refund:{tries}")
    if reply.kind is AnswerKind.DEFINITE and reply.value is not None:
        if reply.value.status is RefundStatus.SUCCEEDED:
            return "REFUNDED", f"given back as {reply.value.ref}"
        return "", "the refund is under way"
    if reply.kind in (AnswerKind.BUG, AnswerKind.BUG_OR_GONE):
        return "PERSON", f"refund: {reply.detail or reply.kind}"
    return "", f"refund: {reply.kind}"
