"""Changes that wait for the next billing date: kept beside the subscription and shown. At most one at a time.

While one waits nothing else is sold (``change_in_progress``); carrying it out belongs to the renewal; taking it back: undoing.py.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, literal_column, select

from app.billing.codec import dump_change, dump_items, load_change, load_items
from app.billing.facts import Change, Item
from app.billing.result import Quote
from app.billing.schedule import midnight, zone_of
from app.models.prepared import Prepared
from app.models.subscriptions import ScheduledChange
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
