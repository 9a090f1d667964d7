"""Finds what a crash, a lost ring or a silent gateway left behind, and drives it on. Every pass may run anywhere, twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, Integer, cast, exists, literal, literal_column, select

from app.billing.states import ATTEMPT_CLOSED
from app.charging.abandon import CANCELLABLE, start_cancelling
from app.charging.attempts import PERSON_AFTER, RESTING, due_attempts, waited_for
from app.charging.closing_orders import close_order
from app.charging.drive import drive
from app.charging.gate import is_shut
from app.charging.telling import tell_person
from app.gateways.port import Gateways
from app.kit.clock import Clock
from app.models.merchants import Book
from app.models.orders import Attempt, Order
from app.models.outages import is_outage
from app.models.store import Store
from app.models.work import Outbox
from app.outbox import outbox_id, record_once

BUDGET_SECONDS = 60.0
"""A worker has time: an attempt's calls are few, and each has its own time-out."""
SWEEP_FOR = timedelta(seconds=20)
"""After this a sweep begins no other attempt."""
UNDECIDED = "attempt.undecided"
PASS = 200
"""Rows that one pass of the expirer takes; the next pass takes the rest."""
_log = structlog.get_logger(__name__)


def sweep(
    store: Store, gateways: Gateways, clock: Clock, *, by: str, limit: int = 10, rung: bool = False
) -> Sequence[str]:
    """Drive every attempt whose time has come, at most ``limit`` and for about ``SWEEP_FOR``; the ids of those driven.

    ``rung``: somebody rang the bell and may be waiting, so young undecided attempts are looked at before their time. What
    one attempt raises is logged and stops no other; its lease ends, and it is due again. A database that is away ends the sweep.
    """
    now = clock.now()
    with store.read() as conn:
        ids = list(due_attempts(conn, now, limit))
        if rung:
            ids += [one for one in waited_for(conn, now, limit) if one not in ids]
    driven: list[str] = []
    for attempt_id in ids:
        if clock.now() - now >= SWEEP_FOR:
            break  # a silent gateway must not keep mails and card pages waiting; the rest is still due
        driven.append(attempt_id)
        try:
            drive(store, gateways, clock, [attempt_id], by=by, budget_seconds=BUDGET_SECONDS)
        except Exception as error:
            if is_outage(error):
                raise  # the rows that are left would fail as well
            _log.exception("drive_failed", attempt=attempt_id)
    return driven


def expire(store: Store, clock: Clock, *, actor: str = "expirer") -> int:
    """Deadlines and ends of validity: attempts start to be cancelled, orders expire and give their link's use back.

    An attempt that is undecided for a day is put before a person, once, and goes on being looked at. What a restore left
    behind a closed gate may be paid: it is neither cancelled nor closed. The number of rows that moved.
    """
    now = clock.now()
    with store.read() as conn:
        late, ended, old = _late(conn, now), _ended(conn, now), _old(conn, now)
    moved = 0
    for attempt_id in late:
        with store.write() as conn:
            moved += start_cancelling(conn, attempt_id, "deadline", actor=actor, at=now)
    for book_id, order_id in ended:
        with store.write() as conn:
            moved += close_order(conn, book_id, order_id, "EXPIRED", cause="validity", actor=actor, at=now)
    for book_id, attempt_id, order_id in old:
        with store.write() as conn:
            body = {"attempt": attempt_id, "order": order_id, "why": "undecided for a day"}
            if record_once(conn, book_id, UNDECIDED, attempt_id, 1, "event", body, now):
                tell_person(book_id, "attempt", attempt_id, body["why"])
                moved += 1
    return moved


def _late(conn: Connection, now: datetime) -> Sequence[str]:
    query = select(Attempt.id).where(
        Attempt.next_at.is_not(None),
        Attempt.deadline_at <= now,
        Attempt.state.in_(CANCELLABLE),
        ~is_shut(Attempt.gateway, Attempt.account, Attempt.livemode),
    )
    return conn.execute(query.limit(PASS)).scalars().all()


def _ended(conn: Connection, now: datetime) -> Sequence[tuple[int, str]]:
    open_attempt = exists(select(Attempt.id).where(Attempt.order_id == Order.id, Attempt.state.not_in(ATTEMPT_CLOSED)))
    shut_books = select(Book.id).where(is_shut(Book.gateway, Book.gateway_account, cast(Book.mode == "live", Integer)))
    query = select(Order.book_id, Order.id).where(
        Order.state == literal_column("'OPEN'"),
        Order.valid_until <= now,
        ~open_attempt,
        Order.book_id.not_in(shut_books),
    )
    return [(row.book_id, row.id) for row in conn.execute(query.limit(PASS))]


def _old(conn: Connection, now: datetime) -> Sequence[tuple[int, str, str]]:
    """Those of whom nobody was told yet."""
    before, after = outbox_id(UNDECIDED, "|", 1).split("|")  # the attempt's id is the statement's
    told = exists(select(Outbox.id).where(Outbox.id == literal(before) + Attempt.id + literal(after)))
    query = select(Attempt.book_id, Attempt.id, Attempt.order_id).where(
        Attempt.next_at.is_not(None), Attempt.created_at <= now - PERSON_AFTER, Attempt.state.not_in(RESTING), ~told
    )
    return [(row.book_id, row.id, row.order_id) for row in conn.execute(query.limit(PASS))]
