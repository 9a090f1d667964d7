"""What the gateway holds of one attempt, asked so narrowly that the answer is short in an account of any size."""

from __future__ import annotations

from dataclasses import replace

from app.charging.attempts import REPEATED_WITHIN, AttemptRow
from app.gateways.port import AnswerKind, Gateway, Payment, PaymentStatus, Reply
from app.models.leases import CLOCKS_DIFFER

_MATTERS = {PaymentStatus.SUCCEEDED: 0, PaymentStatus.CANCELED: 2}


def objects_of(gateway: Gateway, row: AttemptRow) -> Reply[tuple[Payment, ...]]:
    """Every object that bears this attempt's mark, none older than its attempt; ``value`` None when the gateway did not say.

    The one that matters comes first: where the money is, then what is still alive, of each the oldest. No object moves money
    before its id was committed here.
    """
    customer, since = row.gw_customer, row.created_at - CLOCKS_DIFFER
    if _may_be_pressed_again(row):
        # What was lost with the restored database may have been paid with a card of another of the holder's customers.
        customer, since = None, since - REPEATED_WITHIN
    reply = gateway.list_payments(customer=customer, order=row.order_id, since=since)
    if customer is not None and reply.kind is AnswerKind.BUG_OR_GONE:
        # The customer is gone there, its payments are not: only the time narrows the question now.
        reply = gateway.list_payments(order=row.order_id, since=since)
    if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        return replace(reply, value=None)
    mine = [each for each in reply.value if each.metadata.attempt == row.id]
    return replace(reply, value=tuple(sorted(mine, key=lambda payment: _MATTERS.get(payment.status, 1))))


def _may_be_pressed_again(row: AttemptRow) -> bool:
    """It was written after a restore, and so soon that the same button may have been pressed before it, under the same id."""
    closed = row.gate_closed_at
    return closed is not None and closed - CLOCKS_DIFFER < row.created_at <= closed + REPEATED_WITHIN
