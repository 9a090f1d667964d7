"""One account's lists against our rows, in slices of time: what was compared stays so, wherever the reading ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from app.charging.attempts import read_attempt
from app.charging.cells import agrees
from app.charging.compare_disputes import compare_disputes
from app.charging.compare_refunds import COMES_BACK_WITHIN, miss_refunds, take_refunds
from app.charging.compare_rows import Ours, chunks, differs, made_between, ours_of
from app.charging.compare_undecided import decide_by_list, is_held
from app.charging.compared import Compared
from app.charging.contradicting import contradicted
from app.charging.gate import Account
from app.charging.observing import Place, Watch, look_at_payment
from app.charging.slicing import Lists, NotListed, Slice, slices
from app.charging.trying import tried
from app.charging.watching import LEASE, OVERLAP, Watched, keep
from app.gateways.port import AnswerKind, Dispute, Gateway, Payment, Refund, Reply

ESCALATES_WITHIN = timedelta(days=150)
"""An inquiry is no dispute, and gateways list it by when it was opened: it may become one about 120 days later."""
T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Busy(Exception):
    """The reading ends here: somebody else compares the account, its gate was closed anew, or this process stops."""


@dataclass
class Reading:
    """An account under our lease, by all its names, while it is read. ``kept_at``: when the lease was taken last; ``stops``: whether
    this process is to end."""

    watch: Watch
    held: Sequence[Watched]
    gateway: Gateway
    began: datetime
    kept_at: datetime
    stops: Callable[[], bool]

    @property
    def names(self) -> list[Account]:
        return [each.account for each in self.held]

    def keep(self, read_until: datetime | None = None) -> None:
        """The lease, and how far the account was read. ``Busy`` when the reading must end."""
        if self.stops():
            raise Busy
        now = self.watch.clock.now()
        if read_until is None and now - self.kept_at < LEASE / 3:
            return
        with self.watch.store.write() as conn:
            for each in self.held:
                if not keep(conn, each, self.watch.by, now, read_until):
                    raise Busy
        self.kept_at = now

    def keeping(self, ask: Lists[T]) -> Lists[T]:
        def asked(*, since: datetime, until: datetime | None) -> Reply[tuple[T, ...]]:
            self.keep()
            return ask(since=since, until=until)

        return asked


def read_account(r: Reading, since: datetime) -> Compared:
    """Payments, refunds and disputes from ``since`` on. ``unread`` when the gateway did not list everything.

    However much that is, each slice of it is compared before the next is read, and the watermark follows: up to the first
    one in which something stayed undecided. What comes after it is compared all the same, but the reading is not whole.
    """
    done, before, ours_since, held = Compared(), frozenset[str](), since + OVERLAP, False
    try:
        for part in slices(r.keeping(r.gateway.list_payments), since, None, r.watch.clock):
            refs = frozenset([payment.ref for payment in part.listed])
            # What was made just before the slice may have got its object in it, and the reverse.
            found = _payments(r, part.listed) + _missing(r, refs | before, ours_since, part.until)
            held = held or found.undecided > 0
            done += found + Compared(listed=len(part.listed))
            back = _refunds(r, part, ours_since)
            held = held or back.undecided > 0
            done += back + _disputes(r, part)
            if part.until is not None:
                before, ours_since = refs, part.until
                r.keep(None if held else part.until)
    except NotListed as error:
        _log.warning("not_listed", gateway=r.gateway.name, account=r.gateway.account, answer=error.answer)
        return done + Compared(unread=1)
    return done + Compared(unread=int(held))


def _payments(r: Reading, listed: Sequence[Payment]) -> Compared:
    done = Compared()
    for chunk in chunks(listed):
        with r.watch.store.read() as conn:
            by_ref, by_id = ours_of(conn, r.names, chunk)
        for payment in chunk:
            row = by_ref.get(payment.ref)
            if row is None and not (payment.metadata.attempt or payment.metadata.order):
                continue  # the merchant's own business, made by somebody else
            if row is None:
                done += _unclaimed(r, payment, by_id.get(payment.metadata.attempt))
            elif not agrees(row.state, payment.status) or (row.state == "SUCCEEDED" and differs(row, payment)):
                done += _look(r, payment)
    return done


def _unclaimed(r: Reading, payment: Payment, marked: Ours | None) -> Compared:
    """No row has this object. Its attempt may be about to find it; then it is driven to it."""
    state = None if marked is None or marked.gw_ref is not None else marked.state
    if agrees(None, payment.status) and state in (None, "DECLINED", "CANCELLED", "QUARANTINED"):
        return Compared()
    return _look(r, payment)


def _look(r: Reading, payment: Payment) -> Compared:
    r.keep()
    first = r.held[0]
    at = Place(first.book, first.account.gateway, first.account.account, first.account.livemode)
    why = tried(partial(look_at_payment, r.watch, at, payment.ref, "read: no such payment"), payment.ref)
    if why:
        _log.info("compared_undecided", payment=payment.ref, why=why)
    return Compared(differed=1, undecided=int(bool(why) and not decide_by_list(r.watch, at, payment, why)))


def _missing(r: Reading, listed: Set[str], since: datetime, until: datetime | None) -> Compared:
    """The other way round: attempts of that time whose object the list does not have."""
    with r.watch.store.read() as conn:
        rows = made_between(conn, r.names, since, until)
    done = Compared()
    for row in rows:
        if row.gw_ref in listed or agrees(row.state, None):
            continue
        r.keep()
        if row.state == "SUCCEEDED":
            done += _vanished(r, row)
        else:  # where nothing is decided now, its own driver tries again
            tried(partial(_drive, r.watch, row), row.gw_ref)
            done += Compared(differed=1)
    return done


def _vanished(r: Reading, row: Ours) -> Compared:
    """A paid attempt whose payment is not in the list: whether the gateway has it at all."""
    ref = row.gw_ref or ""
    answer = r.gateway.read_payment(ref)
    if answer.payment is not None:
        return Compared()
    if answer.kind is AnswerKind.BUG_OR_GONE:
        contradicted(r.watch.store, r.watch.clock, row, "the gateway does not have this payment")
    elif is_held(row.created_at, r.watch.clock.now()):
        _log.info("compared_undecided", payment=ref, why=f"not listed, read: {answer.kind}")
        return Compared(differed=1, undecided=1)
    else:
        contradicted(
            r.watch.store, r.watch.clock, row, "the gateway does not list this payment, and gives no answer about it"
        )
    return Compared(differed=1)


def _drive(watch: Watch, row: Ours) -> str:
    with watch.store.read() as conn:
        full = read_attempt(conn, row.id)
    if full is not None:
        watch.drive(full)
    return ""


def _refunds(r: Reading, of: Slice[Payment], ours_since: datetime) -> Compared:
    """Those of the slice; with the last one all that may still come back."""
    since = of.since
    if of.until is None:
        back = r.began - COMES_BACK_WITHIN
        since, ours_since = min(since, back), min(ours_since, back + OVERLAP)
    refs, found = set[str](), Compared()
    ask: Lists[Refund] = r.keeping(r.gateway.list_refunds)
    for part in slices(ask, since, of.until, r.watch.clock):
        refs |= {each.ref for each in part.listed}
        for chunk in chunks(part.listed):
            found += take_refunds(r.watch, r.names, chunk)
    return found + miss_refunds(r.watch, r.names, r.gateway, refs, ours_since, of.until)


def _disputes(r: Reading, of: Slice[Payment]) -> Compared:
    """Those of the slice; with the last one all that may have become one, and whichever were open."""
    is_last = of.until is None
    since = min(of.since, r.began - ESCALATES_WITHIN) if is_last else of.since
    ask: Lists[Dispute] = r.keeping(r.gateway.list_disputes)
    listed = [each for part in slices(ask, since, of.until, r.watch.clock) for each in part.listed]
    return compare_disputes(r.watch, r.names, r.gateway, listed, open_too=is_last)
