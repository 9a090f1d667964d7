"""The row of a refund that is promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from app.charging.telling import Sum
from app.charging.transitions import BORN, Move, log
from app.models.orders import Refund


class Capture(NamedTuple):
    """An attempt whose money the gateway took."""

    id: str
    book_id: int
    order_id: str
    amount: int
    currency: str


def write_refund(
    conn: Connection,
    attempt: Capture,
    refund_id: str,
    amount: int,
    kind: str,
    *,
    reason: str,
    actor: str,
    at: datetime,
    takes: Sequence[Any] = (),
    cause_order: str | None = None,
) -> None:
    """``CREATED``, due at once, in the caller's transaction."""
    conn.execute(
        insert(Refund),
        {
            "id": refund_id,
            "book_id": attempt.book_id,
            "order_id": attempt.order_id,
            "attempt_id": attempt.id,
            "cause_order": cause_order,
            "kind": kind,
            "reason": reason,
            "actor": actor,
            "amount": amount,
            "currency": attempt.currency,
            "state": "CREATED",
            "takes": list(takes),
            "next_at": at,
            "created_at": at,
        },
    )
    of = Sum("", amount, attempt.currency)
    log(conn, attempt.book_id, [Move("refund", refund_id, BORN, "CREATED", kind)], actor=actor, at=at, of=of)
