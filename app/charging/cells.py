"""Section 9 of the protocol as a table: our row × the gateway's object → whether both say the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.gateways.port import PaymentStatus

_S = PaymentStatus

AGREES: Mapping[str | None, frozenset[PaymentStatus | None]] = {
    None: frozenset({None, _S.CANCELED}),
    "CREATED": frozenset(),
    "INTENT": frozenset({_S.PROCESSING}),
    "UNKNOWN": frozenset({_S.PROCESSING}),
    "REQUIRES_ACTION": frozenset({_S.REQUIRES_ACTION, _S.PROCESSING}),
    "CANCELLING": frozenset({_S.PROCESSING}),
    "DECLINED": frozenset({None, _S.REQUIRES_PAYMENT_METHOD, _S.CANCELED}),
    "CANCELLED": frozenset({None, _S.REQUIRES_PAYMENT_METHOD, _S.CANCELED}),
    "SUCCEEDED": frozenset({_S.SUCCEEDED}),
    # A person has it: no machine decides about this money any more.
    "QUARANTINED": frozenset({None, *PaymentStatus}),
}
"""What needs no act. Everything else is looked at anew (``observing.look_at_payment``): an open attempt is driven, a closed
one whose object is alive becomes an orphan, a paid one that the gateway does not hold for paid raises the alarm."""


def agrees(state: str | None, status: PaymentStatus | None) -> bool:
    """``state`` None: no row of ours; ``status`` None: no object at the gateway."""
    return status in AGREES[state]
