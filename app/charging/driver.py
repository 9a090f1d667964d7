"""What the steps of a drive share: who drives, for how long, and how a row is put down for later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from app.charging.attempts import LEASE, AttemptRow, Moved, lease, move, released
from app.charging.backoff import next_look
from app.charging.telling import tell_person
from app.charging.transitions import Move, log
from app.gateways.port import Answer, AnswerKind, Gateway, Gateways
from app.kit.clock import Clock
from app.models.store import Store
from app.outbox import record_once

NOT_REACHED = (AnswerKind.BUSY, AnswerKind.NOT_SENT, AnswerKind.MERCHANT_FAULT)
"""Nothing happened at the gateway."""
PAUSES = (0.2, 0.6)
"""Seconds before a call is repeated under its own key while the shopper waits; nothing happened at the gateway."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver: its lease name, and the instant at which it starts no more calls."""

    store: Store
    gateways: Gateways
    clock: Clock
    by: str
    until: datetime

    @property
    def is_late(self) -> bool:
        return self.clock.now() >= self.until

    def gateway(self, row: AttemptRow) -> Gateway:
        return self.gateways.of(row.gateway, row.account, livemode=row.livemode)

    def call(self, row: AttemptRow, ask: Callable[[], Answer]) -> Answer:
        """One call, repeated under the same key while the gateway says that nothing happened and time is left."""
        self.keep_lease(row)
        for pause in PAUSES:
            answer = ask()
            wait = timedelta(seconds=max(pause, answer.retry_after or 0))
            if answer.kind not in (AnswerKind.BUSY, AnswerKind.NOT_SENT) or self.clock.now() + wait >= self.until:
                return answer
            self.clock.sleep(wait.total_seconds())
        return ask()

    def keep_lease(self, row: AttemptRow) -> None:
        """Half the lease must be left when a call begins, so that nobody takes the row while it runs."""
        now = self.clock.now()
        if row.lease_until is not None and row.lease_until - now >= LEASE / 2:
            return
        with self.store.write() as conn:
            if not lease(conn, row.id, self.by, now, is_mine=True):
                raise Moved(row.id)


def put(d: Driver, row: AttemptRow, state: str, cause: str, **values: Any) -> AttemptRow:
    """Move a row that goes on being driven: one commit. Raises ``Moved`` when it is not ours any more."""
    now = d.clock.now()
    with d.store.write() as conn:
        move(conn, row, d.by, {"state": state, **values})
        if state != row.state:
            log(conn, row.book_id, [Move("attempt", row.id, row.state, state, cause)], actor=d.by, at=now, of=row)
    return replace(row, state=state, **values)


def put_down(d: Driver, row: AttemptRow, kind: AnswerKind, cause: str, *, state: str = "", **values: Any) -> None:
    """Give the lease back and say when to look again; ``state`` moves the row as well. One commit."""
    now = d.clock.now()
    state = state or row.state
    tries = row.tries if state == row.state else 0
    with d.store.write() as conn:
        changed = {"state": state, "last_class": kind.value, "tries": tries + 1, **values} | promise(row, state, kind)
        move(conn, row, d.by, changed | released(now, next_look(row, tries, kind, now)))
        if state != row.state:
            log(conn, row.book_id, [Move("attempt", row.id, row.state, state, cause)], actor=d.by, at=now, of=row)
        if kind is AnswerKind.MERCHANT_FAULT:
            body = {"attempt": row.id, "order": row.order_id, "gateway": row.gateway, "account": row.account}
            record_once(conn, row.book_id, "gateway.refused", row.id, 1, "event", body, now)


def promise(row: AttemptRow, state: str, kind: AnswerKind | None = None) -> dict[str, bool]:
    """What to write of an attempt that nobody drives for a while: whether its page tells the shopper to wait for a mail.

    Not while the bank asks, nor of one that never reached the gateway: that is taken back, and told as not charged. But one
    that a restore may have made forget its object is not.
    """
    waits = row.gw_ref is not None or state == "UNKNOWN" or row.is_shut or row.is_from_before_restore
    waits = waits or (state == "CREATED" and kind not in NOT_REACHED)
    return {"told_to_wait": True} if waits and state != "REQUIRES_ACTION" else {}


def quarantine(d: Driver, row: AttemptRow, why: str, *, known: str = "quarantine") -> None:
    """Something does not agree: no code decides about this money any more, a person does. The row blocks new attempts.

    ``known`` is what is certain all the same: ``paid`` when the gateway holds the money.
    """
    now = d.clock.now()
    with d.store.write() as conn:
        move(conn, row, d.by, {"state": "QUARANTINED", "last_class": known, "told_to_wait": True} | released(now, None))
        log(conn, row.book_id, [Move("attempt", row.id, row.state, "QUARANTINED", why)], actor=d.by, at=now, of=row)
        body = {"attempt": row.id, "order": row.order_id, "why": why, "payment": row.gw_ref}
        record_once(conn, row.book_id, "attempt.quarantined", row.id, 1, "event", body, now)
        tell_person(row.book_id, "attempt", row.id, why, of=row)
