"""Accounts that comparisons try in vain: nothing of theirs is proved, and a closed gate stays closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from app.charging.attempts import PERSON_AFTER
from app.charging.gate import Account, book_of
from app.charging.watching import EVERY
from app.models.merchants import Book
from app.models.orders import Attempt
from app.models.work import GatewayWatch


class Overdue(NamedTuple):
    """``since`` when it was not compared whole, or its gate waits for a reading; ``book`` sells through it, or did until it
    left (not ``is_sold_through``)."""

    account: Account
    book: int
    since: datetime
    is_shut: bool
    is_sold_through: bool


def overdue_accounts(conn: Connection) -> Iterator[Overdue]:
    """Those that were still not read whole when that was due for a day. One that nobody tries is none of them: it has no
    key, or no worker runs."""
    w = GatewayWatch
    query = select(
        w.gateway, w.account, w.livemode, w.gate, w.closed_at, w.first_compare_at, w.compared_until, w.lease_until
    )
    for row in conn.execute(query.where(w.lease_by.is_(None), w.lease_until.is_not(None))).all():
        account, is_shut = Account(row.gateway, row.account, row.livemode), row.gate == "CLOSED"
        since = row.first_compare_at or row.closed_at if is_shut else row.compared_until or _sells_since(conn, account)
        book = book_of(conn, account)
        if since is None or book is None:
            continue
        if row.lease_until >= since + (PERSON_AFTER if is_shut else EVERY + PERSON_AFTER):
            yield Overdue(account, book[0], since, is_shut, _is_sold_through(conn, account))


def _is_sold_through(conn: Connection, account: Account) -> bool:
    at = (Book.gateway == account.gateway, Book.gateway_account == account.account)
    mode = "live" if account.livemode else "test"
    return conn.execute(select(Book.id).where(*at, Book.mode == mode).limit(1)).first() is not None


def _sells_since(conn: Connection, account: Account) -> datetime | None:
    """When its first attempt was made: there is nothing to compare before."""
    at = (Attempt.gateway == account.gateway, Attempt.account == account.account, Attempt.livemode == account.livemode)
    return conn.execute(select(func.min(Attempt.created_at)).where(*at)).scalar()
