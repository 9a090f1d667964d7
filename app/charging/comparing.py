"""Whether the gateway's object is the one that the row asked for."""

from __future__ import annotations

from app.charging.attempts import AttemptRow
from app.gateways.port import Payment, PaymentStatus


def mismatch(row: AttemptRow, payment: Payment) -> str:
    """What differs, in words for the person who must decide; empty when all agrees.

    The metadata of an object that does not carry ours is not compared: gateways may drop it.
    """
    pairs = (
        ("reference", row.gw_ref, payment.ref),
        ("amount", row.amount, payment.amount),
        ("currency", row.currency, payment.currency),
        ("customer", row.gw_customer, payment.customer),
        ("card", row.payment_method, payment.payment_method),
        ("account", row.account, payment.account),
        ("live mode", row.livemode, payment.livemode),
        ("attempt", row.id, payment.metadata.attempt or row.id),
        ("captured", row.amount if payment.status is PaymentStatus.SUCCEEDED else 0, payment.captured),
    )
    return "; ".join(f"{name} is {theirs}, not {ours}" for name, ours, theirs in pairs if ours != theirs)
