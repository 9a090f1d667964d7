"""The only code that advances attempts. Anyone may call it at any time, again and again."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import timedelta

from app.charging.attempts import RESTING, AttemptRow, Moved, lease, move, read_attempt
from app.charging.cancelling import cancel
from app.charging.driver import Driver, promise, put, put_down
from app.charging.looking import look
from app.charging.making import make_object
from app.charging.paying import pay_object
from app.charging.telling import tell_taken_over
from app.gateways.port import AnswerKind, GatewayError, Gateways
from app.kit.clock import Clock
from app.kit.faults import fault_point
from app.kit.ids import Randomness, system_randomness
from app.models.store import Store

MOST_STEPS = 12
"""More steps than any honest run needs; a loop that does not end is a bug, and the row waits for the next driver."""


def driver_name(role: str, randomness: Randomness = system_randomness) -> str:
    """A name for one driver at one time: two calls never share a lease."""
    return f"{role}-{os.getpid()}-{threading.get_ident():x}-{randomness(6).hex()}"


def drive(
    store: Store,
    gateways: Gateways,
    clock: Clock,
    attempt_ids: Sequence[str],
    *,
    by: str,
    budget_seconds: float,
) -> bool:
    """Advance each attempt as far as the gateway lets it go within ``budget_seconds``; read the rows for the result.

    True when this call settled all of them, so that nothing is left for a worker to look at.
    ``by`` is this driver's name (``driver_name``). A row whose lease another driver holds is left alone at once.
    When the budget ends first, the row is due and a worker goes on. Never raises for what a gateway answers.
    """
    until = clock.now() + timedelta(seconds=budget_seconds)
    driver = Driver(store, gateways, clock, by, until)
    settled = [_advance(driver, attempt_id) for attempt_id in attempt_ids]
    fault_point("C8")
    return all(settled)


def _advance(d: Driver, attempt_id: str) -> bool:
    """Whether the money is there; whatever else became of the row, somebody should look."""
    row = _take(d, attempt_id)
    steps = 0
    while row is not None and row.state not in RESTING:
        steps += 1
        try:
            if d.is_late or steps > MOST_STEPS:
                _leave_due(d, row)
                return False
            row = _step(d, row)
        except Moved:
            row = _again(d, attempt_id)
    return row is not None and row.state == "SUCCEEDED"


def _take(d: Driver, attempt_id: str) -> AttemptRow | None:
    """The row under this driver's lease. A lease taken when the attempt was written costs no commit."""
    with d.store.read() as conn:
        row = read_attempt(conn, attempt_id)
    if row is None or row.state in RESTING:
        return None
    now = d.clock.now()
    if row.lease_by == d.by and row.lease_until is not None and row.lease_until > now:
        return row
    if not row.is_free_for(d.by, now):
        return None
    with d.store.write() as conn:
        if not lease(conn, attempt_id, d.by, now):
            return None
        taken = read_attempt(conn, attempt_id)
        if taken is not None and row.lease_by is not None and row.lease_by != d.by:
            tell_taken_over(
                row.book_id, "attempt", row.id, of=row, left_by=row.lease_by, since=row.lease_until, by=d.by
            )
            promised = promise(taken, taken.state)  # whoever held it put nothing down, and its page could be seen
            if promised:
                move(conn, taken, d.by, promised)
        return taken


def _again(d: Driver, attempt_id: str) -> AttemptRow | None:
    """After the row moved under us: go on only if the lease is still ours."""
    with d.store.read() as conn:
        row = read_attempt(conn, attempt_id)
    return row if row is not None and row.lease_by == d.by else None


def _leave_due(d: Driver, row: AttemptRow) -> None:
    """No time left: the next worker goes on at once."""
    now = d.clock.now()
    with d.store.write() as conn:
        move(conn, row, d.by, {"lease_by": None, "lease_until": now, "next_at": now} | promise(row, row.state))


def _step(d: Driver, row: AttemptRow) -> AttemptRow | None:
    """One step of the protocol; the row as it is now, or None when it was put down."""
    try:
        return _next(d, row)
    except GatewayError as error:
        return put_down(d, row, AnswerKind.MERCHANT_FAULT, error.code)


def _next(d: Driver, row: AttemptRow) -> AttemptRow | None:
    if row.is_shut:
        return look(d, row)
    late = d.clock.now() >= row.deadline_at
    if late and row.state in ("CREATED", "INTENT", "REQUIRES_ACTION"):
        return put(d, row, "CANCELLING", "deadline")
    if row.state == "CANCELLING":
        return cancel(d, row)
    if row.gw_ref is None:
        return make_object(d, row)
    return pay_object(d, row)
