"""Which class an observation belongs to: the table of the charging protocol as one function that adapters share."""

from __future__ import annotations

from dataclasses import dataclass

from app.gateways.port import AnswerKind, PaymentStatus

ALREADY_FINAL = "already_final"
"""The adapter's word for "already succeeded, cancelled or refused": whatever its gateway calls it."""
KEY_MISMATCH = "idempotency_mismatch"
"""The adapter's word for one key with two sets of parameters."""
LOCK_TIMEOUT = "lock_timeout"


@dataclass(frozen=True, slots=True)
class Observation:
    """What came back. ``status`` is None when no whole answer did; ``parsed`` is False when its body made no sense."""

    sent: bool = True
    status: int | None = None
    code: str = ""
    parsed: bool = True
    payment_status: PaymentStatus | None = None


def classify(seen: Observation) -> AnswerKind:
    """Whatever is not known for certain is ``UNKNOWN``: a wrong "failed" charges twice, a wrong "unknown" only waits."""
    if not seen.sent:
        return AnswerKind.NOT_SENT
    if seen.status is None or not seen.parsed:
        return AnswerKind.UNKNOWN
    if 200 <= seen.status < 300:
        return AnswerKind.PENDING if seen.payment_status is PaymentStatus.PROCESSING else AnswerKind.DEFINITE
    if seen.code == LOCK_TIMEOUT:
        return AnswerKind.BUSY
    if seen.status == 400:
        return {ALREADY_FINAL: AnswerKind.READ, KEY_MISMATCH: AnswerKind.BUG}.get(seen.code, AnswerKind.BUG_OR_GONE)
    return _BY_STATUS.get(seen.status, AnswerKind.UNKNOWN)


_BY_STATUS = {
    401: AnswerKind.MERCHANT_FAULT,
    402: AnswerKind.DECLINE,
    403: AnswerKind.MERCHANT_FAULT,
    404: AnswerKind.BUG_OR_GONE,
    409: AnswerKind.BUSY,
    429: AnswerKind.BUSY,
}
