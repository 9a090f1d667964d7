"""What the gateway holds of one attempt, asked so narrowly that the answer is short in an account of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from app.charging.attempts import REPEATED_WITHIN, AttemptRow
from app.charging.driver import Driver
from app.charging.slicing import NotListed, slices
from app.gateways.port import AnswerKind, Gateway, Payment, PaymentStatus, Reply
from app.kit.clock import Clock
from app.models.leases import CLOCKS_DIFFER

_MATTERS = {PaymentStatus.SUCCEEDED: 0, PaymentStatus.CANCELED: 2}
Payments = Reply[tuple[Payment, ...]]


def look_for_objects(d: Driver, row: AttemptRow) -> Payments:
    """``objects_of`` for whoever drives the attempt, whose lease is kept however long the list is."""
    return objects_of(d.gateway(row), row, d.clock, lambda: d.keep_lease(row))


def objects_of(gateway: Gateway, row: AttemptRow, clock: Clock, keep: Callable[[], None] = lambda: None) -> Payments:
    """Every object that bears this attempt's mark, none older than its attempt; ``value`` None when the gateway did not say.

    The one that matters comes first: where the money is, then what is still alive, of each the oldest. No object moves money
    before its id was committed here. ``keep`` is called before each part of a list that is read in parts.
    """
    since = row.created_at - CLOCKS_DIFFER
    reply = gateway.list_payments(customer=row.gw_customer, order=row.order_id, since=since)
    if reply.kind is AnswerKind.BUG_OR_GONE:
        # The customer is gone there, its payments are not: only the time narrows the question now.
        reply = _of_anybody(gateway, row, (since, _no_later_than(gateway, row.deadline_at)), clock, keep)
    when = _when_lost(gateway, row)
    if reply.value is not None and when is not None:
        lost = _of_anybody(gateway, row, when, clock, keep)
        reply = lost if lost.value is None else replace(reply, value=(*lost.value, *reply.value))
    if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        return replace(reply, value=None)
    mine = {each.ref: each for each in reply.value if each.metadata.attempt == row.id}
    return replace(reply, value=tuple(sorted(mine.values(), key=lambda payment: _MATTERS.get(payment.status, 1))))


def _when_lost(gateway: Gateway, row: AttemptRow) -> tuple[datetime, datetime] | None:
    """When another attempt under this one's id, lost with a restored database, may have made objects; None: there was none.

    Only where the same button may have been pressed before: the row was written after the restore, its page (which the
    order's id is of) was made before. And that press may have paid with a card of another of the holder's customers.
    """
    closed = row.gate_closed_at
    if closed is None or row.created_at <= closed - CLOCKS_DIFFER or row.quoted_at > closed + CLOCKS_DIFFER:
        return None
    began = max(row.quoted_at, row.created_at - REPEATED_WITHIN)
    return began - CLOCKS_DIFFER, _no_later_than(gateway, closed)


def _no_later_than(gateway: Gateway, last_asked: datetime) -> datetime:
    """By the gateway's clock, what was asked for by then was made before this."""
    return last_asked + gateway.capabilities.late_effect_max + CLOCKS_DIFFER


def _of_anybody(
    gateway: Gateway, row: AttemptRow, when: tuple[datetime, datetime], clock: Clock, keep: Callable[[], None]
) -> Payments:
    """Whatever of this order the whole account has of that time, which is read in as many slices as it takes."""

    def ask(*, since: datetime, until: datetime | None) -> Payments:
        keep()
        return gateway.list_payments(order=row.order_id, since=since, until=until)

    try:
        return Reply(AnswerKind.DEFINITE, tuple([each for part in slices(ask, *when, clock) for each in part.listed]))
    except NotListed as error:
        return Reply(error.answer, detail=f"list: {error.answer}")
