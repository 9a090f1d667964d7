"""Takes a waiting change back, as long as its renewal is not near.

LiftlinkError
└── UndoRefused   renewal_in_progress: the renewal is near or under way, or the change is due; ``due_on``, ``since``
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from app.billing.eligibility import locked_from
from app.billing.errors import CaseError
from app.billing.schedule import midnight, zone_of
from app.kit.clock import Clock
from app.kit.errors import LiftlinkError
from app.models.locks import hold_subscription
from app.models.store import Store
from app.models.subscriptions import ScheduledChange, Subscription
from app.outbox import record
from app.subscriptions.apply import take_version, write_history
from app.subscriptions.facts import Held, load
from app.subscriptions.holdings import held_items
from app.subscriptions.pricing import policy_for
from app.subscriptions.scheduling import IS_PENDING


class UndoRefused(LiftlinkError):
    """``renewal_in_progress``, as for any other change at that time."""


def undo_change(
    store: Store, clock: Clock, book_id: int, subscription_id: int, *, actor: str, order_id: str | None = None
) -> bool:
    """Take the waiting change back: the subscription stays as it is. False when none waits (undone before, or carried out).

    With ``order_id`` only the change of that order is undone, so that a page left open undoes nothing else. ``UndoRefused``
    from ``undoable_until`` on.
    """
    return store.writing(
        lambda conn: undo_in(conn, book_id, subscription_id, actor=actor, at=clock.now(), order_id=order_id)
    )


def undo_in(
    conn: Connection, book_id: int, subscription_id: int, *, actor: str, at: datetime, order_id: str | None = None
) -> bool:
    """``undo_change`` in the caller's transaction."""
    hold_subscription(conn, book_id, subscription_id)
    number = conn.scalar(
        select(Subscription.number).where(Subscription.book_id == book_id, Subscription.id == subscription_id)
    )
    held = None if number is None else load(conn, book_id, number)
    waiting = held.scheduled if held else None
    if held is None or waiting is None or order_id not in (None, waiting.order_id):
        return False
    if not may_undo(conn, held, at):
        raise UndoRefused(
            "renewal_in_progress",
            f"the change scheduled for {waiting.due_on} can no longer be undone: its renewal is near or under way",
            due_on=waiting.due_on.isoformat(), since=undoable_until(conn, held, at).isoformat(),
        )  # fmt: skip
    undone = conn.execute(
        update(ScheduledChange)
        .where(ScheduledChange.book_id == book_id, ScheduledChange.id == waiting.id, IS_PENDING)
        .values(state="UNDONE", ended_at=at)
    )
    if undone.rowcount != 1:
        return False
    take_version(conn, book_id, subscription_id, held.version)
    items = held_items(conn, book_id, subscription_id)
    write_history(
        conn, book_id, subscription_id, held.version + 1, waiting.after, items,
        cause="undo", order_id=waiting.order_id, at=at, actor=actor,
    )  # fmt: skip
    event = {"order": waiting.order_id, "due_on": waiting.due_on.isoformat(), "actor": actor}
    record(conn, book_id, "change.undone", waiting.order_id, held.version + 1, "event", event, at)
    return True


def may_undo(conn: Connection, held: Held, at: datetime) -> bool:
    """Whether the change that waits may be taken back at ``at``; False too where none waits."""
    if held.scheduled is None or held.facts.renewal_in_progress:
        return False
    return at < undoable_until(conn, held, at)


def is_due(held: Held, at: datetime) -> bool:
    """Whether the day of the change that waits has begun: it is carried out with the renewal."""
    return held.scheduled is not None and at >= _due_at(held)


def undoable_until(conn: Connection, held: Held, at: datetime) -> datetime:
    """The beginning of the lock window before the next renewal, or of the change's own day, whichever is first.

    ``held`` has a change that waits; ``at`` is the instant whose rules count.
    """
    if held.scheduled is None:
        raise ValueError("no change waits")  # a bug of the caller
    try:
        policy = policy_for(conn, held, held.scheduled.changes, at)
    except CaseError:  # its path has a price by now that this currency does not have: none of undoing's business
        policy = policy_for(conn, held, (), at)
    locked = locked_from(held.facts, policy)
    due = _due_at(held)
    return due if locked is None else min(due, locked)


def _due_at(held: Held) -> datetime:
    if held.scheduled is None:
        raise ValueError("no change waits")  # a bug of the caller
    return midnight(held.scheduled.due_on, zone_of(held.book.timezone))
