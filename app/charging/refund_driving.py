"""Drives refunds: written, committed, then sent; an end that is not known is looked up by our mark before any repeat.

Unlike the making of a payment object, this call moves money by itself. So a try of unknown end is repeated only when the
gateway's list does not show it and it is too old to take effect any more; then under the next try number, because the key
of the last one may hold an error for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError

from app.charging.attempts import PERSON_AFTER, Moved
from app.charging.backoff import BUSY_STEPS, PENDING_STEPS, UNKNOWN_STEPS
from app.charging.gate import gate_of
from app.charging.refund_rows import RefundRow, due_refunds, is_contested, lease_refund, move_refund, read_refund
from app.charging.refund_settling import fail, settle
from app.charging.telling import tell_person
from app.charging.transitions import Move, log
from app.gateways.port import AnswerKind, Gateway, GatewayError, Gateways, Refund, RefundStatus
from app.kit.clock import Clock
from app.kit.faults import fault_point
from app.models.leases import CLOCKS_DIFFER
from app.models.locks import hold_order
from app.models.outages import is_outage
from app.models.store import Store
from app.outbox import record_once

SWEEP_FOR = timedelta(seconds=20)
"""After this a sweep begins no other refund."""
_NOTHING_HAPPENED = (AnswerKind.BUSY, AnswerKind.NOT_SENT, AnswerKind.MERCHANT_FAULT)
_REFUSED = (AnswerKind.BUG_OR_GONE, AnswerKind.DECLINE, AnswerKind.READ)
_STEPS = {
    AnswerKind.BUSY: BUSY_STEPS,
    AnswerKind.NOT_SENT: BUSY_STEPS,
    AnswerKind.PENDING: PENDING_STEPS,
}
_log = structlog.get_logger(__name__)


def drive_refunds(store: Store, gateways: Gateways, clock: Clock, *, by: str, limit: int = 10) -> Sequence[str]:
    """Drive every refund whose time has come, at most ``limit`` and for about ``SWEEP_FOR``; the ids of those driven.

    What one refund raises is logged and stops no other; its lease ends, and it is due again.
    """
    began = clock.now()
    with store.read() as conn:
        ids = due_refunds(conn, began, limit)
    driven: list[str] = []
    for refund_id in ids:
        if clock.now() - began >= SWEEP_FOR:
            break
        driven.append(refund_id)
        try:
            drive_refund(store, gateways, clock, refund_id, by=by)
        except Exception as error:
            if is_outage(error):
                raise  # the rows that are left would fail as well
            _log.exception("refund_failed", refund=refund_id)
    return driven


def drive_refund(store: Store, gateways: Gateways, clock: Clock, refund_id: str, *, by: str) -> None:
    """Advance one refund as far as the gateway lets it go; read the row for the result. Another driver's row is left alone."""
    row = lease_refund(store, refund_id, by, clock.now())
    if row is None:
        return
    d = _Driver(store, clock, by)
    try:
        try:
            _advance(d, gateways.of(row.gateway, row.account, livemode=row.livemode), row)
        except GatewayError as error:
            _put_down(d, row, AnswerKind.MERCHANT_FAULT, error.code)
    except Moved:
        return  # another driver has it by now
    fault_point("R6")


@dataclass(frozen=True, slots=True)
class _Driver:
    store: Store
    clock: Clock
    by: str


def _advance(d: _Driver, gateway: Gateway, row: RefundRow) -> None:
    gate, closed_at = _gate(d, row)
    if gate == "CLOSED":
        return _put_down(d, row, AnswerKind.BUSY, "charging is closed until the gateway's books were read")
    # A payment from before a restore may have given money back by a lost commit, under the id that this row has now. Whoever
    # wrote the attempt had another clock than whoever closed the gate.
    may_be_back = closed_at is not None and row.paid_from <= closed_at + CLOCKS_DIFFER
    if row.state == "CREATED" and not may_be_back:
        return _send(d, gateway, row, row.try_no)
    found = _find(d, gateway, row)
    if found is None:
        return None
    if found:
        return _apply(d, row, found)
    if row.gw_ref is not None:
        return _stuck(d, row, f"refund {row.gw_ref} is not listed any more")
    if row.state == "CREATED":
        return _send(d, gateway, row, row.try_no)
    if row.last_class in _NOTHING_HAPPENED:
        return _send(d, gateway, row, row.try_no)
    # Whoever called last wrote the moment by its own clock; too early a repetition could give the money back twice.
    done_by = (row.lease_until or row.created_at) + gateway.capabilities.late_effect_max + CLOCKS_DIFFER
    if d.clock.now() < done_by:
        return _put_down(d, row, AnswerKind.UNKNOWN, "may still take effect", state="UNKNOWN", not_before=done_by)
    return _send(d, gateway, row, row.try_no + 1)


def _gate(d: _Driver, row: RefundRow) -> tuple[str, datetime | None]:
    """Whether the account's gate is closed after a restore, and since when it was closed last."""
    with d.store.read() as conn:
        return gate_of(conn, row.gateway, row.account, row.livemode)


def _find(d: _Driver, gateway: Gateway, row: RefundRow) -> list[Refund] | None:
    """What the gateway has under this refund's mark or reference; None when it did not say, and then the row is put down."""
    reply = gateway.list_refunds(row.payment)
    if reply.kind is AnswerKind.DEFINITE and reply.value is not None:
        return [refund for refund in reply.value if row.id == refund.mark or row.gw_ref == refund.ref]
    kind = reply.kind if reply.kind in _NOTHING_HAPPENED else AnswerKind.UNKNOWN
    # What the last call did is still open: a list that failed must not be taken for a call that did nothing.
    _put_down(d, row, kind, "list: no answer", state="UNKNOWN", last_class=row.last_class or "unknown")
    return None


def _send(d: _Driver, gateway: Gateway, row: RefundRow, try_no: int) -> None:
    """Commit that it is sent, under which key; then send it. For certain no earlier try acted."""
    fault_point("R2")
    now = d.clock.now()
    with d.store.write() as conn:
        hold_order(conn, row.book_id, row.order_id)  # as whoever takes a dispute in
        contested = is_contested(conn, row.attempt_id)
        if not contested:
            move_refund(conn, row, d.by, {"state": "SENT", "try_no": try_no, "last_class": None})
            if row.state != "SENT":
                log(conn, row.book_id, [Move("refund", row.id, row.state, "SENT", "sent")], actor=d.by, at=now, of=row)
    if contested:
        # It was promised before the dispute was seen (I8). A person is told, and may ask anew once the bank has decided.
        return fail(d.store, d.clock, row, d.by, "the payment is in dispute, or lost in one")
    row = replace(row, state="SENT", try_no=try_no, last_class=None)
    fault_point("R3")
    reply = gateway.refund(row.payment, amount=row.amount, mark=row.id, key=row.key)
    fault_point("R4")
    if reply.kind is AnswerKind.DEFINITE and reply.value is not None:
        return _apply(d, row, [reply.value])
    if reply.kind in _NOTHING_HAPPENED:
        return _put_down(d, row, reply.kind, f"refund: {reply.kind}")
    if reply.kind in _REFUSED:
        return _refused(d, gateway, row, reply.detail or reply.kind.value)
    if reply.kind is AnswerKind.BUG:
        return _stuck(d, row, reply.detail or "one key came with two sets of parameters")
    return _put_down(d, row, AnswerKind.UNKNOWN, "refund: no certain answer", state="UNKNOWN")


def _refused(d: _Driver, gateway: Gateway, row: RefundRow, why: str) -> None:
    """The gateway says no. It may say so because an earlier try of this very refund did act: the list decides."""
    found = _find(d, gateway, row)
    if found:
        _apply(d, row, found)
    elif found is not None:
        fail(d.store, d.clock, row, d.by, why)


def _apply(d: _Driver, row: RefundRow, found: Sequence[Refund]) -> None:
    """What the gateway has is compared with the row and decides it."""
    held = next((one for one in found if one.status is not RefundStatus.FAILED), found[0])
    pairs = (("payment", row.payment, held.payment), ("amount", row.amount, held.amount),
             ("currency", row.currency, held.currency), ("reference", row.gw_ref or held.ref, held.ref))  # fmt: skip
    wrong = "; ".join(f"{name} is {theirs}, not {ours}" for name, ours, theirs in pairs if ours != theirs)
    if wrong:
        return _stuck(d, row, wrong)
    if held.status is RefundStatus.PENDING:
        state = "SENT" if row.state != "SENT" else ""
        return _put_down(d, row, AnswerKind.PENDING, "the bank is at work", state=state, gw_ref=held.ref)
    if held.status is RefundStatus.FAILED:
        return fail(d.store, d.clock, row, d.by, "the bank did not take the money back", gw_ref=held.ref)
    fault_point("R5")
    try:
        settle(d.store, d.clock, row, d.by, held.ref)
    except IntegrityError:
        _stuck(d, row, f"refund {held.ref} belongs to another row")


def _put_down(
    d: _Driver, row: RefundRow, kind: AnswerKind, cause: str, *, state: str = "", not_before: datetime | None = None,
    **values: Any,
) -> None:  # fmt: skip
    """Give the lease back and say when to look again; ``state`` moves the row as well. One commit."""
    now = d.clock.now()
    state = state or row.state
    tries = row.tries if state == row.state else 0
    steps = _STEPS.get(kind, UNKNOWN_STEPS)
    next_at = max(now + steps[min(tries, len(steps) - 1)], not_before or now)
    # ``lease_until`` is the moment of the last call, which the wait for late effects is counted from: a look does not move it.
    last_call = row.lease_until if not_before is not None else now
    with d.store.write() as conn:
        done = {"state": state, "last_class": kind.value, "tries": tries + 1, "lease_by": None}
        move_refund(conn, row, d.by, {**done, "lease_until": last_call, "next_at": next_at, **values})
        if state != row.state:
            log(conn, row.book_id, [Move("refund", row.id, row.state, state, cause)], actor=d.by, at=now, of=row)
        body = {"refund": row.id, "order": row.order_id, "gateway": row.gateway, "account": row.account}
        if kind is AnswerKind.MERCHANT_FAULT:
            record_once(conn, row.book_id, "gateway.refused", row.id, 1, "event", body, now)
        if now - row.created_at >= PERSON_AFTER and record_once(
            conn, row.book_id, "refund.undecided", row.id, 1, "event", body, now
        ):
            tell_person(row.book_id, "refund", row.id, "undecided for a day", of=row)


def _stuck(d: _Driver, row: RefundRow, why: str) -> None:
    """Something does not agree: the row stays as it is, no code drives it any more, a person looks at it."""
    now = d.clock.now()
    with d.store.write() as conn:
        done = {"state": "UNKNOWN", "last_class": "stuck", "lease_by": None, "lease_until": now, "next_at": None}
        move_refund(conn, row, d.by, done)
        if row.state != "UNKNOWN":
            log(conn, row.book_id, [Move("refund", row.id, row.state, "UNKNOWN", why)], actor=d.by, at=now, of=row)
        body = {"refund": row.id, "order": row.order_id, "why": why, "payment": row.payment}
        record_once(conn, row.book_id, "refund.stuck", row.id, 1, "event", body, now)
        tell_person(row.book_id, "refund", row.id, why, of=row)


def state_of(store: Store, refund_id: str) -> RefundRow:
    """The refund as it stands now."""
    with store.read() as conn:
        row = read_refund(conn, refund_id)
    if row is None:
        raise LookupError(f"there is no refund {refund_id}")
    return row
