"""The restore gate (I49): whoever runs on an older copy of the database takes no money until the gateway's books were read.

Noticed in three ways: the setting ``LIFTLINK_RESTORE_EPOCH`` differs from what the database last ran under; a PostgreSQL
server follows another timeline than before (a standby was promoted, or a base backup recovered); a file beside an SQLite
database holds a newer mark than the database itself.

While an account's gate is closed no new attempt of it is written (``place``) and open ones are only read (``drive``). It
opens when ``compare`` read the account's whole list twice, the second time later than any late effect of a lost call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, func, select
from sqlalchemy.orm import aliased

from app.kit.clock import Clock
from app.kit.ids import Randomness, base32, system_randomness
from app.models.afterwards import after_commit
from app.models.merchants import Book
from app.models.orders import Attempt
from app.models.prepared import Prepared
from app.models.store import Store
from app.models.upsert import insert_or_update
from app.models.work import GatewayWatch, InstallationFact

EPOCH, TIMELINE, MARK = "restore_epoch", "database_timeline", "database_mark"
RESTORED = "restored_copy"
"""Up to when the copy went that was restored last: what was sold later may be lost."""
RESTORE_COUNTS_FOR = timedelta(days=30)
"""So long an account that the copy does not know may be one that was sold through and lost with it: who restores repeats
soon what the copy lacks. One that is added later is new."""
_TIMELINE_DIGITS = 8
_log = structlog.get_logger(__name__)

_GATE = Prepared(
    select(GatewayWatch.gate).where(
        GatewayWatch.gateway == bindparam("gateway"),
        GatewayWatch.account == bindparam("account"),
        GatewayWatch.livemode == bindparam("livemode", type_=GatewayWatch.livemode.type),
    )
)


@dataclass(frozen=True, slots=True)
class Account:
    """One account at one gateway in one mode: what a gate and a comparison are about."""

    gateway: str
    account: str
    livemode: bool


def is_shut(gateway: Any, account: Any, livemode: Any) -> ColumnElement[bool]:
    """The same as a condition: of rows that name their account, those that may not charge now."""
    watch = aliased(GatewayWatch)
    scope = (watch.gateway == gateway, watch.account == account, watch.livemode == livemode)
    return exists(select(watch.gate).where(*scope, watch.gate == "CLOSED"))


def is_closed(conn: Connection, gateway: str, account: str, livemode: bool) -> bool:
    """Whether that account may not charge now. Asked inside TX1.

    One that nobody watches yet may have been sold through and lost with a restored database.
    """
    gate = _GATE.first(conn, {"gateway": gateway, "account": account, "livemode": livemode})
    return gate == ("CLOSED",) or (gate is None and restored_copy(conn) is not None)


def restored_copy(conn: Connection) -> datetime | None:
    """Up to when the copy went that this installation was restored from last; None if it never was, or long ago."""
    query = select(InstallationFact.value).where(InstallationFact.name == RESTORED)
    told: str | None = conn.execute(query).scalar()
    return None if told is None else datetime.fromisoformat(told)


def forget_restore(conn: Connection, now: datetime) -> None:
    """In the caller's transaction: a restore of long ago says nothing about accounts that are new now."""
    old = (InstallationFact.name == RESTORED, InstallationFact.at <= now - RESTORE_COUNTS_FOR)
    conn.execute(delete(InstallationFact).where(*old))


def gate_of(conn: Connection, gateway: str, account: str, livemode: bool) -> tuple[str, datetime | None]:
    """``OPEN`` or ``CLOSED``, and when it was closed last: what was written before then may have lost its later commits."""
    row = conn.execute(
        select(GatewayWatch.gate, GatewayWatch.closed_at).where(
            GatewayWatch.gateway == gateway, GatewayWatch.account == account, GatewayWatch.livemode == livemode
        )
    ).first()
    return ("OPEN", None) if row is None else (row.gate, row.closed_at)


def open_or_close(
    store: Store,
    clock: Clock,
    epoch: str = "",
    *,
    mark_file: Path | None = None,
    renew: bool = False,
    randomness: Randomness = system_randomness,
) -> str:
    """Close every account's gate if this database was restored since it last ran; why, or nothing where it was not.

    ``epoch`` is the setting (empty: it says nothing). ``mark_file`` holds the marks that an SQLite database may have;
    ``renew`` gives both a new one, which servers do at their start and every few minutes. Safe to call in many processes.
    """
    with store.read() as conn:
        facts, now_is = _facts(conn), _observed(conn, epoch)
    marks = _marks(mark_file)
    if not renew and not _why(facts, now_is, marks) and _is_remembered(facts, now_is, mark_file):
        return ""
    with store.write() as conn:
        # Again inside the transaction: another process may have noticed it first.
        facts, marks, now = _facts(conn), _marks(mark_file), clock.now()
        why = _why(facts, now_is, marks)
        if why:
            close_all(conn, now)
            copied = conn.execute(select(func.max(InstallationFact.at))).scalar_one()  # while it ran it noted its facts
            _remember(conn, RESTORED, copied.isoformat(), now)
            shut = [
                f"{each.gateway}:{each.account}:{'live' if each.livemode else 'test'}" for each in accounts_of(conn)
            ]
            after_commit(lambda: _log.warning("charging_closed", why=why, accounts=shut))
        new = {EPOCH: facts.get(EPOCH, ""), **now_is}
        if mark_file is not None and (renew or why or MARK not in facts):
            new[MARK] = base32(int.from_bytes(randomness(10), "big"), 16)
            # Both are good until the database has the new one: a crash in between is no restore.
            _write_marks(mark_file, [new[MARK], *([facts[MARK]] if MARK in facts else [])])
        for name, value in new.items():
            _remember(conn, name, value, now)
    return why


def close_all(conn: Connection, at: datetime) -> None:
    """In the caller's transaction: no account charges until it was compared twice from now on."""
    for each in accounts_of(conn):
        key = {"gateway": each.gateway, "account": each.account, "livemode": each.livemode}
        closed = {"gate": "CLOSED", "closed_at": at, "first_compare_at": None, "next_at": at}
        insert_or_update(conn, GatewayWatch, {**key, **closed}, key=tuple(key), update=closed)


def accounts_of(conn: Connection) -> list[Account]:
    """Every account that a book sells through or ever sold through. One that a book left unused is none of ours."""
    books = select(Book.gateway, Book.gateway_account, Book.mode).distinct()
    found = {Account(row.gateway, row.gateway_account, row.mode == "live") for row in conn.execute(books)}
    watched = select(GatewayWatch.gateway, GatewayWatch.account, GatewayWatch.livemode)
    left = {Account(*row) for row in conn.execute(watched)} - found
    found |= {each for each in left if was_used(conn, each)}
    return sorted(found, key=lambda each: (each.gateway, each.account, each.livemode))


def was_used(conn: Connection, account: Account) -> bool:
    """Whether a payment of ours was ever made there."""
    return conn.execute(select(Attempt.id).where(_made_at(account)).limit(1)).first() is not None


def book_of(conn: Connection, account: Account) -> tuple[int, datetime] | None:
    """The eldest book that sells through the account, or that sold through it and left, and since when that book is there."""
    eldest = select(Book.id, Book.created_at).order_by(Book.created_at, Book.id).limit(1)
    sells = and_(
        Book.gateway == account.gateway,
        Book.gateway_account == account.account,
        Book.mode == ("live" if account.livemode else "test"),
    )
    sold = Book.id.in_(select(Attempt.book_id).where(_made_at(account)))
    row = conn.execute(eldest.where(sells)).first() or conn.execute(eldest.where(sold)).first()
    return None if row is None else (row.id, row.created_at)


def _made_at(account: Account) -> ColumnElement[bool]:
    return and_(
        Attempt.gateway == account.gateway,
        Attempt.account == account.account,
        Attempt.livemode == account.livemode,
        Attempt.gw_ref.is_not(None),
    )


def closed_accounts(conn: Connection) -> list[Account]:
    """The accounts whose gate is closed now."""
    query = select(GatewayWatch.gateway, GatewayWatch.account, GatewayWatch.livemode)
    return [Account(*row) for row in conn.execute(query.where(GatewayWatch.gate == "CLOSED"))]


def _facts(conn: Connection) -> dict[str, str]:
    return {row.name: row.value for row in conn.execute(select(InstallationFact.name, InstallationFact.value))}


def _observed(conn: Connection, epoch: str) -> dict[str, str]:
    """What is true of this start, by the name of the fact."""
    seen = {EPOCH: epoch} if epoch else {}
    if conn.dialect.name == "postgresql":
        segment: str = conn.execute(select(func.pg_walfile_name(func.pg_current_wal_lsn()))).scalar_one()
        seen[TIMELINE] = segment[:_TIMELINE_DIGITS]
    return seen


def _why(facts: Mapping[str, str], now_is: Mapping[str, str], marks: list[str] | None) -> str:
    """Nothing is a restore before the first start noted its facts."""
    if not facts:
        return ""
    # An epoch that was never noted counts as the empty one: it is set at the first restore.
    if EPOCH in now_is and now_is[EPOCH] != facts.get(EPOCH, ""):
        return EPOCH
    if TIMELINE in now_is and now_is[TIMELINE] != facts.get(TIMELINE, now_is[TIMELINE]):
        return TIMELINE
    if marks is not None and MARK in facts and facts[MARK] not in marks:
        return MARK
    return ""


def _is_remembered(facts: Mapping[str, str], now_is: Mapping[str, str], mark_file: Path | None) -> bool:
    if EPOCH not in facts or (mark_file is not None and MARK not in facts):
        return False
    return all(facts.get(name) == value for name, value in now_is.items())


def _marks(mark_file: Path | None) -> list[str] | None:
    """None where no file is kept; an empty list where it is missing, as in a folder that a backup was laid into."""
    if mark_file is None:
        return None
    try:
        return mark_file.read_text().split()
    except FileNotFoundError:
        return []


def _write_marks(mark_file: Path, marks: list[str]) -> None:
    """Whole or not at all, and on the disk before the database says so."""
    fresh = mark_file.with_name(f"{mark_file.name}.{os.getpid()}")
    with fresh.open("w") as file:
        file.write("\n".join(marks) + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(mark_file)


def _remember(conn: Connection, name: str, value: str, at: datetime) -> None:
    fact = {"value": value, "at": at}
    insert_or_update(conn, InstallationFact, {"name": name, **fact}, key=("name",), update=fact)
