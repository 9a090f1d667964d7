"""The comparison's refunds, both ways: what the gateway gave back against our rows, and our rows against its list.

Refunds have a list of their own because one may come long after its payment, which no list of new payments shows any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Row, select, true

from app.charging.compare_rows import Ours, ours_at
from app.charging.compare_undecided import is_held
from app.charging.compared import Compared
from app.charging.contradicting import contradicted
from app.charging.gate import Account
from app.charging.observing import Watch
from app.charging.orphan_returns import come_back
from app.charging.refund_finding import found_refunds, missing_refund
from app.charging.trying import counted
from app.gateways.port import AnswerKind, Gateway, Refund, RefundStatus
from app.models.orders import Attempt
from app.models.orders import Refund as RefundTable

COMES_BACK_WITHIN = timedelta(days=35)
"""A refund that succeeded may still come back from the bank, up to about a month after it was made."""
_AGREES = {("SUCCEEDED", RefundStatus.SUCCEEDED), ("FAILED", RefundStatus.FAILED), ("SENT", RefundStatus.PENDING)}


def take_refunds(watch: Watch, names: Sequence[Account], listed: Sequence[Refund]) -> Compared:
    """Rows written or woken for what the gateway gave back and our rows do not tell. ``listed``: one chunk."""
    with watch.store.read() as conn:
        attempts, _ = ours_at(conn, names, [each.payment for each in listed if each.payment], ())
        states = _states(conn, [row.id for row in attempts.values()])
    found: dict[str, list[Refund]] = defaultdict(list)
    failed = set[str]()  # payments with a refund whose money no row of ours counts as back: an orphan's, if anybody's
    for each in listed:
        row = attempts.get(each.payment)
        state = None if row is None else states.get((row.id, each.ref))
        if row is not None and (state or "FAILED", each.status) not in _AGREES:
            found[each.payment].append(each)
        elif state in (None, "FAILED") and each.status is RefundStatus.FAILED:
            failed.add(each.payment)
    done = Compared()
    if failed:
        made_at = _made_at([each for each in listed if each.payment in failed])
        done = _holding(watch, come_back(watch, names, sorted(failed)), made_at)
    return sum([_take(watch, attempts[payment], refunds) for payment, refunds in found.items()], done)


def _take(watch: Watch, row: Ours, refunds: Sequence[Refund]) -> Compared:
    """Those of one payment. What they raise stops no other, is tried again at each comparison, and comes before a person once
    one of them is a day old."""
    done = counted(partial(found_refunds, watch.store, watch.clock, row.id, refunds), row.id)
    holding = _holding(watch, done, _made_at(refunds))
    if done.undecided and not holding.undecided:
        refs = ", ".join(sorted(each.ref for each in refunds))
        contradicted(watch.store, watch.clock, row, f"what the gateway gave back could not be taken in: {refs}")
    return holding


def _made_at(refunds: Sequence[Refund]) -> datetime | None:
    return min([each.created_at for each in refunds if each.created_at], default=None)


def _holding(watch: Watch, done: Compared, made_at: datetime | None) -> Compared:
    """What stays undecided holds the watermark and the gate for a day, and no longer."""
    return done if is_held(made_at, watch.clock.now()) else replace(done, undecided=0)


def miss_refunds(
    watch: Watch, names: Sequence[Account], gateway: Gateway, refs: Set[str], since: datetime, until: datetime | None
) -> Compared:
    """Refunds of ours from that time that succeeded and are not among ``refs``: whichever the gateway does not have at all
    comes before a person, once."""
    with watch.store.read() as conn:
        rows = [row for row in _succeeded(conn, names, since, until) if row.gw_ref not in refs]
    missed = [(counted(partial(_miss, watch, gateway, row), row.id), row.created_at) for row in rows]
    return sum([_holding(watch, done, made_at) for done, made_at in missed], Compared())


def _miss(watch: Watch, gateway: Gateway, row: Row[str, str | None, str | None, datetime]) -> int:
    reply = gateway.list_refunds(row.payment)  # a row may be younger than what it was found as
    gone = reply.kind is AnswerKind.BUG_OR_GONE or (
        reply.value is not None and all(each.ref != row.gw_ref for each in reply.value)
    )
    return int(gone and missing_refund(watch.store, watch.clock, row.id))


def _states(conn: Connection, attempts: Sequence[str]) -> Mapping[tuple[str, str], str]:
    query = select(RefundTable.attempt_id, RefundTable.gw_ref, RefundTable.state)
    rows = conn.execute(query.where(RefundTable.attempt_id.in_(attempts), RefundTable.gw_ref.is_not(None)))
    return {(row.attempt_id, row.gw_ref): row.state for row in rows}


def _succeeded(
    conn: Connection, names: Sequence[Account], since: datetime, until: datetime | None
) -> Sequence[Row[str, str | None, str | None, datetime]]:
    account, called = names[0], [each.account for each in names]
    return conn.execute(
        select(RefundTable.id, RefundTable.gw_ref, Attempt.gw_ref.label("payment"), RefundTable.created_at)
        .join(Attempt, Attempt.id == RefundTable.attempt_id)
        .where(
            Attempt.gateway == account.gateway,
            Attempt.account.in_(called),
            Attempt.livemode == account.livemode,
            RefundTable.state == "SUCCEEDED",
            RefundTable.created_at >= since,
            true() if until is None else RefundTable.created_at < until,
        )
    ).all()
