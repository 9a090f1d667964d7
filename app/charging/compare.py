"""The two-way comparison (section 9 of the protocol): the gateway's list against our attempts, and our attempts against it.

What only the list can show: money that no row of ours knows, rows whose object is gone, and whatever a lost notice would
have told: refunds made by hand, disputes. Where both sides agree nothing is asked; each difference is looked at on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy import select

from app.charging.attempts import read_attempt
from app.charging.cells import agrees
from app.charging.compare_refunds import COMES_BACK_WITHIN, miss_refunds, take_refunds
from app.charging.compare_rows import Ours, differs, made_since, ours_at, ours_of
from app.charging.contradicting import contradicted
from app.charging.disputing import take_disputes
from app.charging.gate import Account, accounts_of
from app.charging.namesakes import by_account
from app.charging.observing import Place, Watch, look_at_payment
from app.charging.watching import Watched, begin_watching, due_accounts, is_unwatched, put_down, take
from app.gateways.port import AnswerKind, Dispute, Gateway, GatewayError, Gateways, Payment
from app.kit.clock import Clock
from app.models.orders import Attempt
from app.models.orders import Dispute as DisputeRow
from app.models.outages import is_outage
from app.models.store import Store

CHUNK = 500
ESCALATES_WITHIN = timedelta(days=150)
"""An inquiry is no dispute, and gateways list it by when it was opened: it may become one about 120 days later."""
T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Compared:
    """How one comparison, or several, went. ``unread``: accounts whose list was not read whole; ``closed``: that still
    may not charge."""

    accounts: int = 0
    listed: int = 0
    differed: int = 0
    refunds: int = 0
    disputes: int = 0
    undecided: int = 0
    unread: int = 0
    busy: int = 0
    opened: int = 0
    closed: int = 0

    def __add__(self, other: Compared) -> Compared:
        return Compared(*[getattr(self, each.name) + getattr(other, each.name) for each in fields(self)])


def compare(
    store: Store,
    gateways: Gateways,
    clock: Clock,
    *,
    by: str,
    only: Iterable[Account] | None = None,
    since: datetime | None = None,
) -> Compared:
    """Compare these accounts now, or all. ``since``: list further back than from the last whole comparison.

    One account that cannot be read stops no other; its watermark stays where it was.
    """
    with store.write() as conn:
        begin_watching(conn, clock.now())
        accounts = list(only) if only is not None else accounts_of(conn)
    done = Compared()
    with store.read() as conn:
        groups = by_account(conn, gateways, accounts)
    for names in groups:
        done += _one(Watch(store, gateways, clock, by), names, since)
    return done


def compare_due(store: Store, gateways: Gateways, clock: Clock, *, by: str) -> Compared:
    """Compare the accounts whose day is over, or whose gate is closed. For the worker, every minute."""
    now = clock.now()
    with store.read() as conn:
        due, unwatched = due_accounts(conn, now), is_unwatched(conn)
    if unwatched:
        with store.write() as conn:
            begin_watching(conn, now)
    return compare(store, gateways, clock, by=by, only=due) if due else Compared()


def _one(watch: Watch, names: Sequence[Account], since: datetime | None) -> Compared:
    """One account under all its names: its lists are read once, and each name's watermark and gate move on."""
    began, account = watch.clock.now(), names[0]
    held = _take(watch, names, began)
    if not held:
        return Compared(busy=1)
    done, late = Compared(unread=1), None
    try:
        gateway = watch.gateways.of(account.gateway, account.account, livemode=account.livemode)
        begins = [each.since for each in held]
        found = _read(watch, names, held[0], gateway, min(begins if since is None else [since, *begins]))
        if found is not None:
            done, late = found, gateway.capabilities.late_effect_max
    except GatewayError as error:
        if _is_unused(watch, names):
            done = Compared()  # such as the live book of an installation that has a test key only: nothing to compare
        else:
            _log.warning("not_compared", gateway=account.gateway, account=account.account, code=error.code)
    except Exception as error:
        if is_outage(error):
            raise  # it could not even be put down; the lease ends by itself
        _log.exception("compare_failed", gateway=account.gateway, account=account.account)
    with watch.store.write() as conn:
        opened = [put_down(conn, each, watch.by, began, watch.clock.now(), late) for each in held]
    opens = [each.account for each, did in zip(held, opened, strict=True) if did]
    for each in opens:
        _log.warning("charging_opened", gateway=each.gateway, account=each.account, livemode=each.livemode)
    shut = [each for each in held if each.gate == "CLOSED" and each.account not in opens]
    return done + Compared(accounts=len(held), opened=len(opens), closed=len(shut))


def _is_unused(watch: Watch, names: Sequence[Account]) -> bool:
    called = [each.account for each in names]
    query = select(Attempt.id).where(
        Attempt.gateway == names[0].gateway, Attempt.account.in_(called), Attempt.livemode == names[0].livemode
    )
    with watch.store.read() as conn:
        return conn.execute(query.limit(1)).first() is None


class _Busy(Exception):
    """Somebody else compares one of the names."""


def _take(watch: Watch, names: Sequence[Account], at: datetime) -> list[Watched]:
    """The account under our lease by all its names, or by none."""
    try:
        with watch.store.write() as conn:
            held = [take(conn, each, watch.by, at) for each in names]
            if None in held:
                raise _Busy
            return [each for each in held if each is not None]
    except _Busy:
        return []


def _read(
    watch: Watch, names: Sequence[Account], watched: Watched, gateway: Gateway, since: datetime
) -> Compared | None:
    """Both lists, then each difference; None when a list was not read whole."""
    now = watch.clock.now()
    given_since = min(since, now - COMES_BACK_WITHIN)
    payments = gateway.list_payments(since=since)
    refunds = gateway.list_refunds(since=given_since)
    disputes = gateway.list_disputes(since=min(since, now - ESCALATES_WITHIN))
    for reply in (payments, refunds, disputes):
        if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
            _log.warning("not_listed", gateway=gateway.name, account=gateway.account, answer=reply.kind)
            return None
    listed = payments.value or ()
    done = Compared(listed=len(listed))
    for chunk in _chunks(listed):
        done += _compare_payments(watch, names, watched, chunk)
    done += _compare_missing(watch, names, gateway, {payment.ref for payment in listed}, since)
    given = refunds.value or ()
    for chunk in _chunks(given):
        done += Compared(refunds=take_refunds(watch, names, chunk))
    done += Compared(refunds=miss_refunds(watch, names, gateway, given, given_since))
    return done + _compare_disputes(watch, names, gateway, disputes.value or ())


def _compare_payments(watch: Watch, names: Sequence[Account], watched: Watched, listed: Sequence[Payment]) -> Compared:
    with watch.store.read() as conn:
        by_ref, by_id = ours_of(conn, names, listed)
    done = Compared()
    for payment in listed:
        row = by_ref.get(payment.ref)
        if row is None and not (payment.metadata.attempt or payment.metadata.order):
            continue  # the merchant's own business, made by somebody else
        if row is None:
            done += _unclaimed(watch, watched, payment, by_id.get(payment.metadata.attempt))
            continue
        if not agrees(row.state, payment.status) or (row.state == "SUCCEEDED" and differs(row, payment)):
            done += _look(watch, watched, payment.ref)
    return done


def _unclaimed(watch: Watch, watched: Watched, payment: Payment, marked: Ours | None) -> Compared:
    """No row has this object. Its attempt may be about to find it; then it is driven to it."""
    state = None if marked is None or marked.gw_ref is not None else marked.state
    if agrees(None, payment.status) and state in (None, "DECLINED", "CANCELLED", "QUARANTINED"):
        return Compared()
    return _look(watch, watched, payment.ref)


def _look(watch: Watch, watched: Watched, ref: str) -> Compared:
    at = Place(watched.book, watched.account.gateway, watched.account.account, watched.account.livemode)
    why = look_at_payment(watch, at, ref)
    if why:
        _log.info("compared_undecided", payment=ref, why=why)
    return Compared(differed=1, undecided=int(bool(why)))


def _compare_missing(
    watch: Watch, names: Sequence[Account], gateway: Gateway, listed: set[str], since: datetime
) -> Compared:
    """The other way round: attempts of that time whose object the list does not have."""
    with watch.store.read() as conn:
        rows = made_since(conn, names, since)
    done = Compared()
    for row in rows:
        if row.gw_ref in listed or agrees(row.state, None):
            continue
        if row.state != "SUCCEEDED":
            _drive(watch, row)
            done += Compared(differed=1)
        elif row.gw_ref and gateway.read_payment(row.gw_ref).kind is AnswerKind.BUG_OR_GONE:
            contradicted(watch.store, watch.clock, row, "the gateway does not have this payment")
            done += Compared(differed=1)
    return done


def _compare_disputes(watch: Watch, names: Sequence[Account], gateway: Gateway, listed: Sequence[Dispute]) -> Compared:
    """Disputes that are new, and those of ours that were open when we last looked."""
    called = [each.account for each in names]
    with watch.store.read() as conn:
        known = select(DisputeRow.gw_ref, DisputeRow.state, DisputeRow.attempt_id).where(
            DisputeRow.gateway == gateway.name, DisputeRow.account.in_(called)
        )
        rows = {row.gw_ref: row for row in conn.execute(known)}
        attempts = {row.attempt_id for row in rows.values() if row.state == "OPEN"}
        new = [each.payment for each in listed if each.ref not in rows or rows[each.ref].state != each.status.upper()]
        for chunk in _chunks(new):
            refs, _ = ours_at(conn, names, chunk, ())
            attempts |= {row.id for row in refs.values()}
    undecided = sum([
        bool(take_disputes(watch.store, gateway, watch.clock, each, actor=watch.by)) for each in sorted(attempts)
    ])  # fmt: skip
    return Compared(disputes=len(attempts), undecided=undecided)


def _drive(watch: Watch, row: Ours) -> None:
    with watch.store.read() as conn:
        full = read_attempt(conn, row.id)
    if full is not None:
        watch.drive(full)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
