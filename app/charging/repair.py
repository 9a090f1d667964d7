"""Finds what a crash, a lost ring or a silent gateway left behind, and drives it on."""

from __future__ import annotations

from collections.abc import Sequence

from app.charging.attempts import due_attempts, waited_for
from app.charging.drive import drive
from app.gateways.port import Gateways
from app.kit.clock import Clock
from app.models.store import Store

BUDGET_SECONDS = 60.0


def sweep(
    store: Store, gateways: Gateways, clock: Clock, *, by: str, limit: int = 10, rung: bool = False
) -> Sequence[str]:
    """Drive every attempt whose time has come, at most ``limit``; their ids.

    ``rung``: somebody rang the bell and may be waiting, so young undecided attempts are looked at before their time.
    """
    now = clock.now()
    with store.read() as conn:
        ids = list(due_attempts(conn, now, limit))
        if rung:
            ids += [one for one in waited_for(conn, now, limit) if one not in ids]
    for attempt_id in ids:
        drive(store, gateways, clock, [attempt_id], by=by, budget_seconds=BUDGET_SECONDS)
    return ids
