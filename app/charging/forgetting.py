"""What was received and worked is not kept for ever: the notice's body goes, that it came stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import literal_column, select, tuple_, update

from app.kit.clock import Clock
from app.models.store import Store
from app.models.work import Inbox

BATCH: Final = 200
"""So many bodies go in one short transaction."""
MOST: Final = 25
"""So many transactions in one pass; the next pass goes on."""

_KEY = (Inbox.gateway, Inbox.account, Inbox.event_id)


def forget_bodies(store: Store, clock: Clock, keep: timedelta, *, batch: int = BATCH, most: int = MOST) -> int:
    """Empty the bodies of notices that were worked (or given up) longer ago than ``keep``; how many.

    Row and hash stay, so that the same event sent again is still known, and one with other bytes still differs. What waits
    to be worked keeps its body however old it is.
    """
    until, emptied = clock.now() - keep, 0
    for _ in range(most):
        with store.write() as conn:
            old = conn.execute(
                select(*_KEY)
                .where(literal_column("inbox.body <> ''"), Inbox.done_at.is_not(None), Inbox.done_at <= until)
                .order_by(Inbox.done_at)
                .limit(batch)
            ).all()
            if old:
                conn.execute(update(Inbox).where(tuple_(*_KEY).in_([tuple(key) for key in old])).values(body=""))
        emptied += len(old)
        if len(old) < batch:
            break
    return emptied
