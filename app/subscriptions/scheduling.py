"""Changes that wait for the next billing date: kept beside the subscription, shown, undone. At most one at a time.

While one waits nothing else is sold (``change_in_progress``); carrying it out belongs to the renewal.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, literal_column, select, update

from app.billing.codec import dump_change, dump_items, load_change, load_items
from app.billing.facts import Change, Item
from app.billing.result import Quote
from app.billing.schedule import midnight, zone_of
from app.kit.clock import Clock
from app.models.prepared import Prepared
from app.models.store import Store
from app.models.subscriptions import ScheduledChange, Subscription
from app.outbox import record
from app.subscriptions.apply import take_version, write_history
from app.subscriptions.holdings import held_items


class Scheduled(NamedTuple):
    """A change that waits. From ``due_on``, the merchant's local day, the items are ``after``.

    ``changes`` is what was asked for; ``renewal_amount`` (minor units, before exclusive ``renewal_tax``) is what is due on
    ``renewal_date``, which is None where no renewal follows.
    """

    id: int
    order_id: str
    due_on: date
    changes: tuple[Change, ...]
    after: tuple[Item, ...]
    currency: str
    renewal_date: date | None
    renewal_amount: int
    renewal_tax: int
    created_at: datetime
    later: tuple[tuple[date, int, int], ...] = ()
    """What is due on each further date: the day, the amount, its exclusive tax."""


PENDING_COLUMNS = (
    ScheduledChange.id, ScheduledChange.order_id, ScheduledChange.due_on, ScheduledChange.change, ScheduledChange.after,
    ScheduledChange.facts, ScheduledChange.created_at,
)  # fmt: skip
IS_PENDING = ScheduledChange.state == literal_column("'PENDING'")
"""Written out, since a partial index serves only a condition that is in the text of the statement."""

_PENDING = Prepared(
    select(*PENDING_COLUMNS).where(
        ScheduledChange.book_id == bindparam("book"),
        ScheduledChange.subscription_id == bindparam("subscription"),
        IS_PENDING,
    )
)


def scheduled_from(row: tuple[Any, ...]) -> Scheduled | None:
    """What the ``PENDING_COLUMNS`` of a row say; None where they are empty."""
    identity, order_id, due_on, changes, after, facts, created_at = row
    if identity is None:
        return None
    renewal = facts["renewal"]
    return Scheduled(
        identity,
        order_id,
        date.fromisoformat(due_on),
        tuple([load_change(change) for change in changes]),
        load_items(after),
        facts["currency"],
        date.fromisoformat(renewal["date"]) if renewal["date"] else None,
        renewal["amount"],
        renewal["tax"],
        created_at,
        tuple([(date.fromisoformat(day), amount, tax) for day, amount, tax in facts.get("later", ())]),
    )


def pending_change(conn: Connection, book_id: int, subscription_id: int) -> Scheduled | None:
    """The change that waits, None if there is none."""
    row = _PENDING.first(conn, {"book": book_id, "subscription": subscription_id})
    return None if row is None else scheduled_from(row)


def schedule_state(conn: Connection, book_id: int, order_id: str) -> str | None:
    """What became of the change that this order scheduled: ``PENDING``, ``APPLIED``, ``UNDONE``; None if it scheduled none."""
    return conn.scalar(
        select(ScheduledChange.state).where(ScheduledChange.book_id == book_id, ScheduledChange.order_id == order_id)
    )


def schedule_change(
    conn: Connection,
    *,
    book_id: int,
    subscription_id: int,
    quote: Quote,
    changes: tuple[Change, ...],
    expected_version: int,
    order_id: str,
    mandate: dict[str, Any] | None,
    at: datetime,
) -> int:
    """Keep what ``quote`` says for its day, in the caller's transaction; the subscription's new version.

    Items and ledger stay as they are, and so does the mandate: the new one begins with the change. Raises
    ``SubscriptionMoved``, with nothing written, when the subscription is no longer at ``expected_version``. A second one
    while the first waits is an ``IntegrityError``.
    """
    if quote.effective_on is None:
        raise ValueError("the quote takes effect at once")  # a bug of the caller
    take_version(conn, book_id, subscription_id, expected_version)
    version, renewal = expected_version + 1, quote.renewal
    conn.execute(
        insert(ScheduledChange),
        {
            "book_id": book_id,
            "subscription_id": subscription_id,
            "order_id": order_id,
            "due_at": midnight(quote.effective_on, zone_of(quote.timezone)),
            "due_on": quote.effective_on.isoformat(),
            "change": [dump_change(change) for change in changes],
            "after": dump_items(quote.after),
            "facts": {
                "currency": quote.currency,
                "renewal": {
                    "date": renewal.date.isoformat() if renewal.date else None,
                    "amount": renewal.amount,
                    "tax": renewal.tax,
                },
                "later": [[each.date.isoformat(), each.amount, each.tax] for each in quote.later if each.date],
                "mandate": mandate,
            },
            "state": "PENDING",
            "created_at": at,
        },
    )
    before = held_items(conn, book_id, subscription_id)
    due = {"due_on": quote.effective_on.isoformat()}
    write_history(
        conn, book_id, subscription_id, version, before, quote.after, cause="schedule", order_id=order_id, at=at, **due
    )
    return version


def undo_change(
    store: Store, clock: Clock, book_id: int, subscription_id: int, *, actor: str, order_id: str | None = None
) -> bool:
    """Take the waiting change back: the subscription stays as it is. False when none waits (undone before, or carried out).

    With ``order_id`` only the change of that order is undone, so that a page left open undoes nothing else.
    """
    with store.write() as conn:
        return undo_in(conn, book_id, subscription_id, actor=actor, at=clock.now(), order_id=order_id)


def undo_in(
    conn: Connection, book_id: int, subscription_id: int, *, actor: str, at: datetime, order_id: str | None = None
) -> bool:
    """``undo_change`` in the caller's transaction."""
    waiting = pending_change(conn, book_id, subscription_id)
    if waiting is None or order_id not in (None, waiting.order_id):
        return False
    undone = conn.execute(
        update(ScheduledChange)
        .where(ScheduledChange.book_id == book_id, ScheduledChange.id == waiting.id, IS_PENDING)
        .values(state="UNDONE", ended_at=at)
    )
    if undone.rowcount != 1:
        return False
    version: int = conn.execute(
        select(Subscription.version).where(Subscription.book_id == book_id, Subscription.id == subscription_id)
    ).scalar_one()
    take_version(conn, book_id, subscription_id, version)
    items = held_items(conn, book_id, subscription_id)
    write_history(
        conn, book_id, subscription_id, version + 1, waiting.after, items,
        cause="undo", order_id=waiting.order_id, at=at, actor=actor,
    )  # fmt: skip
    event = {"order": waiting.order_id, "due_on": waiting.due_on.isoformat(), "actor": actor}
    record(conn, book_id, "change.undone", waiting.order_id, version + 1, "event", event, at)
    return True
