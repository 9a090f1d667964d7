"""Works what the gateways told: each kept notice leads to one look at the gateway. What a notice says never sets a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, and_, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from app.charging.observing import Place, Watch, look_at_payment
from app.charging.refreshing import refresh_cards
from app.gateways.port import Gateways
from app.kit.clock import Clock
from app.models.leases import Leases
from app.models.outages import is_outage
from app.models.store import Store
from app.models.work import Inbox
from app.outbox import record_once

LEASE = timedelta(minutes=2)
"""Longer than one look may take: its calls are few, and each has its own time-out."""
NOTICES = Leases(Inbox, LEASE, works=Inbox.state == "READY", born=Inbox.received_at, counts=True)
STEPS = tuple(timedelta(seconds=each) for each in (5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600))
"""After the last of these a notice is dead: visible, and its truth is found by the comparison with the gateway."""
HEAR_FOR = timedelta(seconds=20)
"""After this a pass begins no other notice, so that a silent gateway keeps nobody else waiting."""
RUNG_AFTER = timedelta(seconds=1)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Notice:
    gateway: str
    account: str
    event_id: str
    book_id: int
    livemode: bool
    kind: str
    payment: str | None
    customer: str | None
    tries: int
    """This look included."""


def hear(
    store: Store, gateways: Gateways, clock: Clock, *, by: str, limit: int = 10, rung: bool = False
) -> Sequence[str]:
    """Work the notices whose time has come, at most ``limit`` and for about ``HEAR_FOR``; their event ids.

    A notice that cannot be decided yet is kept and looked at again later; one that raises is logged and stops no other.
    ``rung``: also those that wait for a second look and had none for a second.
    """
    began = clock.now()
    with store.read() as conn:
        due = _due(conn, began, limit, rung=rung)
    watch, worked = Watch(store, gateways, clock, by), list[str]()
    for key in due:
        if clock.now() - began >= HEAR_FOR:
            break
        notice = _lease(store, clock, by, key)
        if notice is not None:
            worked.append(notice.event_id)
            _work(watch, notice)
    return worked


def _due(conn: Connection, now: datetime, limit: int, *, rung: bool) -> Sequence[tuple[str, str, str]]:
    when: ColumnElement[bool] = Inbox.next_at <= now
    if rung:
        when = or_(when, and_(Inbox.tries < len(STEPS), Inbox.lease_until <= now - RUNG_AFTER))
    rows = conn.execute(
        select(Inbox.gateway, Inbox.account, Inbox.event_id)
        .where(Inbox.next_at.is_not(None), Inbox.state == "READY", NOTICES.is_free(now), when)
        .order_by(Inbox.next_at)
        .limit(limit)
    )
    return [(row.gateway, row.account, row.event_id) for row in rows]


def _lease(store: Store, clock: Clock, by: str, key: tuple[str, str, str]) -> _Notice | None:
    """The notice under our lease. A try counts from here, so that one that kills its worker dies in the end as well."""
    now = clock.now()
    columns = [getattr(Inbox, name) for name in _Notice.__dataclass_fields__]
    with store.write() as conn:
        if not NOTICES.take(conn, key, by, now):
            return None
        return _Notice(*conn.execute(select(*columns).where(NOTICES.is_it(key))).one())


def _work(watch: Watch, notice: _Notice) -> None:
    try:
        why = "looked at too often" if notice.tries > len(STEPS) + 1 else _look(watch, notice)
    except Exception as error:
        if is_outage(error):
            raise
        _log.exception("notice_failed", event_id=notice.event_id, book=notice.book_id)
        why = type(error).__name__
    _put_down(watch, notice, why)


def _look(watch: Watch, notice: _Notice) -> str:
    """Empty when everything is as the gateway says; else why a later look is needed."""
    at = Place(notice.book_id, notice.gateway, notice.account, notice.livemode)
    if notice.payment is not None:
        return look_at_payment(watch, at, notice.payment)
    if notice.customer is not None:
        return refresh_cards(watch, at, notice.customer)
    return ""


def _put_down(watch: Watch, notice: _Notice, why: str) -> None:
    now = watch.clock.now()
    values: dict[str, Any] = {"lease_by": None, "lease_until": now, "last_error": why[:500] or None}
    dead = bool(why) and notice.tries > len(STEPS)
    if why and not dead:
        values |= {"next_at": now + STEPS[notice.tries - 1]}
    else:
        values |= {"state": "DEAD" if dead else "DONE", "next_at": None, "done_at": now}
    key = (notice.gateway, notice.account, notice.event_id)
    with watch.store.write() as conn:
        ours = and_(NOTICES.is_it(key), Inbox.state == "READY", Inbox.lease_by == watch.by)
        written = conn.execute(update(Inbox).where(ours).values(values))
        if dead and written.rowcount == 1:
            body = {"gateway": notice.gateway, "event": notice.event_id, "payment": notice.payment, "why": why[:500]}
            record_once(conn, notice.book_id, "notice.dead", ":".join(key), 1, "event", body, now)
