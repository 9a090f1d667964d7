"""What we hold for paid and the gateway does not: nothing a machine may undo, so a person is told of each difference once."""

from __future__ import annotations

import hashlib
from typing import Protocol

from app.charging.telling import Sum, tell_person
from app.kit.clock import Clock
from app.models.store import Store
from app.outbox import record_once


class Paid(Protocol):
    """A paid attempt, however much of its row was read."""

    @property
    def id(self) -> str: ...
    @property
    def book_id(self) -> int: ...
    @property
    def order_id(self) -> str: ...
    @property
    def gw_ref(self) -> str | None: ...
    @property
    def amount(self) -> int: ...
    @property
    def currency(self) -> str: ...


def contradicted(store: Store, clock: Clock, row: Paid, why: str) -> bool:
    """Put it before a person; False when this very difference was put there before, whatever became of it."""
    body = {"attempt": row.id, "order": row.order_id, "payment": row.gw_ref, "why": why}
    what_differs = hashlib.sha256(why.encode()).hexdigest()[:16]
    with store.write() as conn:
        is_new = record_once(
            conn, row.book_id, "attempt.contradicted", row.id, what_differs, "event", body, clock.now()
        )
        if is_new:
            tell_person(row.book_id, "attempt", row.id, why, of=Sum("", row.amount, row.currency))
    return is_new
