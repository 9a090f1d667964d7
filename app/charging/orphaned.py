"""Looks after orphans: adopt, cancel, refund by the merchant's policy, or put before a person. Section 8 of the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, and_, or_, select, update

from app.charging import adopting
from app.charging.attempts import ATTEMPT_LIFE, RESTING, AttemptRow
from app.charging.observing import Place, Watch, attempt_marked, attempt_with, known_by
from app.charging.orphan_returns import RefundOf, returned_by_us, tell_returned
from app.charging.orphans import orphan_facts, put_orphan
from app.charging.returning import lost_of, return_money
from app.gateways.port import AnswerKind, Gateway, GatewayError, Gateways, Payment, PaymentStatus
from app.kit.clock import Clock
from app.models.leases import Leases
from app.models.merchants import Book
from app.models.orders import Orphan
from app.models.outages import is_outage
from app.models.store import Store

LEASE = timedelta(minutes=2)
ORPHANS = Leases(Orphan, LEASE, works=Orphan.state == "FOUND", born=Orphan.found_at, counts=True)
STEPS = tuple(timedelta(seconds=each) for each in (15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 24 * 3600, 24 * 3600))
"""Between looks that decided nothing; after the last a person must."""
REFUND_AFTER = timedelta(hours=24)
"""So long a captured orphan waits for its order to be found, or for a person, before policy gives the money back."""
WORK_FOR = timedelta(seconds=20)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Orphan:
    gateway: str
    account: str
    gw_ref: str
    book_id: int
    facts: dict[str, Any]
    found_at: datetime
    tries: int
    """This look included."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.gateway, self.account, self.gw_ref


@dataclass(frozen=True, slots=True)
class _Verdict:
    """``state`` empty: look again, at ``at`` or by the steps. ``facts`` are added to what is kept."""

    state: str
    why: str
    at: datetime | None = None
    facts: dict[str, Any] | None = None
    returned: tuple[RefundOf, ...] = ()
    """Refunds to tell of in the commit that puts it down."""


def look_after_orphans(store: Store, gateways: Gateways, clock: Clock, *, by: str, limit: int = 10) -> int:
    """Decide the orphans whose time has come, at most ``limit`` and for about ``WORK_FOR``; how many were looked at.

    One that cannot be decided is looked at again later and in the end put before a person; it never stops another.
    """
    began = clock.now()
    with store.read() as conn:
        due = _due(conn, began, limit)
    watch, looked = Watch(store, gateways, clock, by), 0
    for key in due:
        if clock.now() - began >= WORK_FOR:
            break
        orphan = _lease(store, clock, by, key)
        if orphan is not None:
            looked += 1
            _put_down(watch, orphan, _tried(watch, orphan))
    return looked


def _due(conn: Connection, now: datetime, limit: int) -> Sequence[tuple[str, str, str]]:
    rows = conn.execute(
        select(Orphan.gateway, Orphan.account, Orphan.gw_ref)
        .where(ORPHANS.is_due(now))
        .order_by(Orphan.next_at)
        .limit(limit)
    )
    return [(row.gateway, row.account, row.gw_ref) for row in rows]


def _lease(store: Store, clock: Clock, by: str, key: tuple[str, str, str]) -> _Orphan | None:
    now = clock.now()
    columns = [getattr(Orphan, name) for name in _Orphan.__dataclass_fields__]
    with store.write() as conn:
        if not ORPHANS.take(conn, key, by, now):
            return None
        return _Orphan(*conn.execute(select(*columns).where(ORPHANS.is_it(key))).one())


def _tried(watch: Watch, orphan: _Orphan) -> _Verdict:
    try:
        gateway = watch.gateways.of(orphan.gateway, orphan.account, livemode=bool(orphan.facts["livemode"]))
        return _judge(watch, gateway, orphan)
    except GatewayError as error:
        return _Verdict("", error.code)
    except Exception as error:
        if is_outage(error):
            raise
        _log.exception("orphan_failed", payment=orphan.gw_ref, book=orphan.book_id)
        return _Verdict("", type(error).__name__)


def _put_down(watch: Watch, orphan: _Orphan, verdict: _Verdict) -> None:
    now = watch.clock.now()
    facts = orphan.facts | (verdict.facts or {})
    if not verdict.state and verdict.at is None and orphan.tries > len(STEPS):
        verdict = _Verdict("PERSON", f"undecided after {orphan.tries} looks: {verdict.why}")
    with watch.store.write() as conn:
        if verdict.state:
            values = {"facts": facts | {"decision": verdict.why}}
            if put_orphan(
                conn, orphan.key, orphan.book_id, verdict.state, values, by=watch.by, cause=verdict.why, now=now
            ):
                tell_returned(conn, verdict.returned, now)
            return
        waits = verdict.at is not None
        values = {
            "next_at": verdict.at or now + STEPS[min(orphan.tries, len(STEPS)) - 1],
            "tries": orphan.tries - waits,  # to wait for a known moment is no failure
            "facts": facts | {"waits_for": verdict.why},
        }
        conn.execute(
            update(Orphan)
            .where(ORPHANS.is_it(orphan.key), Orphan.state == "FOUND", Orphan.lease_by == watch.by)
            .values(lease_by=None, lease_until=now, **values)
        )


def _judge(watch: Watch, gateway: Gateway, orphan: _Orphan) -> _Verdict:
    """The payment as it stands now, and our attempts as they stand now, decide."""
    at = Place(orphan.book_id, orphan.gateway, orphan.account, gateway.livemode)
    with watch.store.read() as conn:
        at = known_by(watch, conn, at)
        owner = attempt_with(conn, at, orphan.gw_ref)
    if owner is not None and owner.state not in ("DECLINED", "CANCELLED"):
        watch.drive(owner)
        return _Verdict("ADOPTED", f"attempt {owner.id} has it")
    answer = gateway.read_payment(orphan.gw_ref)
    payment = answer.payment
    if payment is None:
        if answer.kind is AnswerKind.BUG_OR_GONE:
            # The same answer comes with another account's key: of money that was seen a person must hear.
            took = orphan.facts.get("captured") or orphan.facts["status"] == PaymentStatus.PROCESSING
            return _Verdict("PERSON" if took else "CANCELLED", "the gateway no longer has it")
        return _Verdict("", f"read: {answer.kind}")
    with watch.store.read() as conn:
        row = owner or attempt_marked(conn, at, payment)
    if row is not None and row.account != at.account:
        own = watch.gateways.of(row.gateway, row.account, livemode=row.livemode)
        answer = own.read_payment(payment.ref)
        if answer.payment is None and answer.kind is not AnswerKind.BUG_OR_GONE:
            return _Verdict("", f"read: {answer.kind}")
        # Where that name reaches another account, the payment is of no attempt of ours.
        gateway, payment, row = (gateway, payment, None) if answer.payment is None else (own, answer.payment, row)
    match payment.status:
        case PaymentStatus.CANCELED:
            return _Verdict("CANCELLED", "cancelled at the gateway")
        case PaymentStatus.PROCESSING:
            return _Verdict("", "the bank is at work", watch.clock.now() + timedelta(minutes=1))
        case PaymentStatus.SUCCEEDED:
            return _captured(watch, gateway, orphan, row, payment)
        case _:
            return _unconfirmed(watch, gateway, orphan, row, payment)


def _unconfirmed(watch: Watch, gateway: Gateway, orphan: _Orphan, row: AttemptRow | None, payment: Payment) -> _Verdict:
    """Nobody will confirm it. Another installation on the same account would be done with its own within an hour."""
    now = watch.clock.now()
    if row is not None and row.gw_ref is None and row.state not in RESTING:
        return _Verdict("", f"attempt {row.id} may find it", now + timedelta(minutes=1))
    ours = row is not None
    old_at = (payment.created_at or orphan.found_at) + ATTEMPT_LIFE
    if not ours and now < old_at:
        return _Verdict("", "it may be another installation's", old_at)
    answer = gateway.cancel_payment(payment.ref, key=f"orphan:cancel:{payment.ref}:{orphan.tries}")
    if answer.payment is not None and answer.payment.status is PaymentStatus.CANCELED:
        return _Verdict("CANCELLED", "nobody would have confirmed it", facts=orphan_facts(answer.payment, ""))
    return _Verdict("", f"cancel: {answer.kind}")


def _captured(watch: Watch, gateway: Gateway, orphan: _Orphan, row: AttemptRow | None, payment: Payment) -> _Verdict:
    """Money without an order: adopt it, or give it back where the merchant said so, or let a person decide."""
    now = watch.clock.now()
    if row is not None and row.state not in RESTING:
        return _Verdict("", f"attempt {row.id} is {watch.drive(row).state}", now + timedelta(seconds=15))
    reason = adopting.why_not(watch, row, payment)
    if row is not None and not reason:
        if adopting.stop_rival(watch, row):
            return _Verdict("", "another attempt of its order is being cancelled", now + timedelta(seconds=15))
        reason = adopting.adopt(watch, row, payment, actor=watch.by)
        if not reason:
            return _Verdict("ADOPTED", f"order {row.order_id} was open and everything agreed")
    if payment.refunded >= payment.captured:
        return _returned(watch, gateway, row, payment, "all of it was given back at the gateway")
    lost = lost_of(gateway, payment.ref)
    if lost is None:
        return _Verdict("", "disputes: no answer")
    if lost and payment.refunded + lost >= payment.captured:
        return _returned(watch, gateway, row, payment, "the bank gave it back in a dispute")
    if not _may_refund(watch, orphan, row, gateway):
        return _Verdict("PERSON", reason)
    if now < orphan.found_at + REFUND_AFTER:
        return _Verdict("", f"{reason}; refunded after a day", orphan.found_at + REFUND_AFTER)
    state, why = return_money(gateway, payment, tries=orphan.tries)
    if state == "REFUNDED":
        return _returned(watch, gateway, row, payment, why)
    return _Verdict(state, f"{reason}; {why}" if state == "PERSON" else why)


def _returned(watch: Watch, gateway: Gateway, row: AttemptRow | None, payment: Payment, why: str) -> _Verdict:
    refunds = returned_by_us(watch, gateway, row, payment)
    if isinstance(refunds, str):
        return _Verdict("", refunds)
    return _Verdict("REFUNDED", why, returned=refunds)


def _may_refund(watch: Watch, orphan: _Orphan, row: AttemptRow | None, gateway: Gateway) -> bool:
    """Whether policy gives it back: that of its book, or where no attempt says whose it is, of every book of the account."""
    at = Place(orphan.book_id, orphan.gateway, orphan.account, gateway.livemode)
    with watch.store.read() as conn:
        names = known_by(watch, conn, at).names
        of_account = and_(
            Book.gateway == orphan.gateway,
            Book.gateway_account.in_(names),
            Book.mode == ("live" if gateway.livemode else "test"),
        )
        # Books may share one name as well. The orphan's own counts even if its account has another name by now.
        asked = or_(of_account, Book.id == orphan.book_id) if row is None else Book.id == row.book_id
        policies: Sequence[dict[str, Any]] = conn.execute(select(Book.policy).where(asked)).scalars().all()
    return all(each.get("orphan_capture", "person") == "refund" for each in policies)
