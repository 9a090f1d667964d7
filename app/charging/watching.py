"""The rows of ``gateway_watch``: who compares an account now, how far its list was read, and when its gate opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true, update

from app.charging.attempts import RESTING
from app.charging.gate import Account, accounts_of, book_of, forget_restore, restored_copy
from app.models.leases import CLOCKS_DIFFER, Leases
from app.models.orders import Attempt
from app.models.upsert import insert_new
from app.models.work import GatewayWatch

LEASE = timedelta(minutes=15)
"""A comparison that dies is taken over then; one at work keeps it."""
ACCOUNTS = Leases(GatewayWatch, LEASE, works=true(), born=GatewayWatch.lease_until)
EVERY = timedelta(days=1)
AGAIN = timedelta(minutes=15)
"""After a list that could not be read whole."""
OVERLAP = timedelta(hours=1)
"""What is listed anew each time: clocks differ, and lists may lag behind."""
_LATE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Watched:
    """An account under our lease. ``since`` is from when on its objects are listed; ``book`` gets what names no order;
    ``closed_at``: the closing that this reading began under."""

    account: Account
    gate: str
    closed_at: datetime | None
    first_compare_at: datetime | None
    since: datetime
    book: int


def begin_watching(conn: Connection, now: datetime) -> None:
    """In the caller's transaction: a row for every account that has none, first due in a day.

    Where a database was restored, what was sold through it after the copy may be lost with the row: its gate begins closed.
    """
    forget_restore(conn, now)
    copied = restored_copy(conn)
    new: dict[str, Any] = {"gate": "OPEN", "next_at": now + EVERY}
    if copied is not None:
        new = {"gate": "CLOSED", "closed_at": now, "next_at": now, "compared_until": copied}
    for each in accounts_of(conn):
        key = {"gateway": each.gateway, "account": each.account, "livemode": each.livemode}
        insert_new(conn, GatewayWatch, key | new)


def is_unwatched(conn: Connection) -> bool:
    """Whether some account has no row yet."""
    return bool(set(accounts_of(conn)) - set(_accounts(conn, true())))


def due_accounts(conn: Connection, now: datetime) -> list[Account]:
    """Accounts whose comparison is due and that nobody compares now."""
    due = _accounts(conn, ACCOUNTS.is_due(now))
    ours = accounts_of(conn) if due else []
    return [each for each in due if each in ours]


def _accounts(conn: Connection, which: ColumnElement[bool]) -> list[Account]:
    query = select(GatewayWatch.gateway, GatewayWatch.account, GatewayWatch.livemode).where(which)
    return [Account(*row) for row in conn.execute(query)]


def take(conn: Connection, account: Account, by: str, now: datetime) -> Watched | None:
    """The account under the lease of ``by``; None while somebody else compares it."""
    taken = ACCOUNTS.take(conn, (account.gateway, account.account, account.livemode), by, now)
    book = book_of(conn, account)
    if not taken or book is None:
        return None
    w = GatewayWatch
    row = conn.execute(select(w.gate, w.closed_at, w.first_compare_at, w.compared_until).where(_is(account))).one()
    book_id, begins = book
    since = (row.compared_until or begins) - OVERLAP
    return Watched(account, row.gate, row.closed_at, row.first_compare_at, since, book_id)


def keep(conn: Connection, watched: Watched, by: str, now: datetime, read_until: datetime | None = None) -> bool:
    """The lease anew, and the watermark where everything before it was compared; False when somebody else has the account,
    or its gate was closed since: what this reading began with no longer counts.

    While its gate is closed the watermark stays: the second reading lists the same objects again.
    """
    account = watched.account
    if not ACCOUNTS.take(conn, (account.gateway, account.account, account.livemode), by, now, is_mine=True):
        return False
    if conn.execute(select(GatewayWatch.gate).where(_as_begun(watched))).first() is None:
        return False
    if read_until is not None:
        behind = or_(GatewayWatch.compared_until.is_(None), GatewayWatch.compared_until < read_until)
        of = and_(_is(account), GatewayWatch.gate == "OPEN", behind)
        conn.execute(update(GatewayWatch).where(of).values(compared_until=read_until))
    return True


def put_down(
    conn: Connection,
    watched: Watched,
    by: str,
    began: datetime,
    now: datetime,
    late: timedelta | None,
    *,
    again: timedelta = AGAIN,
) -> bool:
    """After the comparison; ``late`` is the gateway's latest late effect, None when the list was not read whole,
    and it is read ``again`` then. Where the gate was closed meanwhile, the reading counts for nothing and is due anew.

    True when this opens the account's gate: it was closed, and the list was read whole once more after anything that was
    on its way when it closed had its time.
    """
    free: dict[str, Any] = {"lease_by": None, "lease_until": now}
    opens = False
    if late is None:
        values = {"next_at": now + again}
    elif watched.gate != "CLOSED":
        values = {"compared_until": began, "next_at": now + EVERY}
    elif watched.first_compare_at is None or began < watched.first_compare_at + late + CLOCKS_DIFFER:
        first = watched.first_compare_at or began  # by the clock of whoever read it then
        # The watermark stays: the second reading lists the same objects again.
        values = {"first_compare_at": first, "next_at": max(now, first + late + CLOCKS_DIFFER) + _LATE}
    else:
        opens = True
        values = {"gate": "OPEN", "compared_until": began, "next_at": now + EVERY}
    mine = GatewayWatch.lease_by == by
    written = conn.execute(update(GatewayWatch).where(_as_begun(watched), mine).values(values | free)).rowcount == 1
    if not written:
        conn.execute(update(GatewayWatch).where(_is(watched.account), mine).values(next_at=now, **free))
    if opens and written:
        _go_on(conn, watched.account, now)
    return opens and written


def _go_on(conn: Connection, account: Account, now: datetime) -> None:
    """What was only read while the gate was closed is due."""
    conn.execute(
        update(Attempt)
        .where(
            Attempt.gateway == account.gateway,
            Attempt.account == account.account,
            Attempt.livemode == account.livemode,
            Attempt.state.not_in(RESTING),
            Attempt.next_at > now,
        )
        .values(next_at=now)
    )


def _as_begun(watched: Watched) -> ColumnElement[bool]:
    """Its gate stands as it did when this reading began: the same closing, and nobody read the account since."""
    return and_(
        _is(watched.account),
        GatewayWatch.gate == watched.gate,
        GatewayWatch.closed_at.is_not_distinct_from(watched.closed_at),
        GatewayWatch.first_compare_at.is_not_distinct_from(watched.first_compare_at),
    )


def _is(account: Account) -> ColumnElement[bool]:
    return and_(
        GatewayWatch.gateway == account.gateway,
        GatewayWatch.account == account.account,
        GatewayWatch.livemode == account.livemode,
    )
