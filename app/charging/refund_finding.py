"""Refunds that the gateway has and we do not: given back there by hand, or lost with an older copy of the database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from app.charging.refund_ledger import take_back
from app.charging.refund_rows import ALIVE, RefundRow, next_id, read_refund, refunds_of
from app.charging.refund_settling import follow, tell
from app.charging.telling import Sum, tell_person
from app.charging.transitions import BORN, Move, log
from app.gateways.port import Refund as GatewayRefund
from app.gateways.port import RefundStatus
from app.kit.clock import Clock
from app.models.locks import hold_paid_order
from app.models.orders import Attempt, Order, Refund
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.outbox import record_once

ACTOR = "gateway"
CAME_BACK, MISSING, AFTER_ALL = 2, 3, 4
"""Versions of ``refund.stuck`` about a refund that had succeeded, the last about one that had failed; 1 is one that never ended."""
WENT_BACK_AFTER_ALL = "the gateway gave it back after all"


def found_refunds(store: Store, clock: Clock, attempt_id: str, refunds: Iterable[GatewayRefund]) -> int:
    """Take in what the gateway lists for one attempt's payment; how many rows were written or woken.

    Our own that are under way are due at once. Those of nobody here become rows of kind ``outside`` and the ledger follows.
    May be called again with the same list.
    """
    listed = list(refunds)
    if not listed:
        return 0

    def take_all_in(conn: Connection) -> int:
        at = conn.execute(select(Attempt.book_id, Attempt.order_id).where(Attempt.id == attempt_id)).one()
        hold_paid_order(conn, at.book_id, at.order_id)
        return sum([_take_in(conn, attempt_id, each, clock.now()) for each in listed])

    return store.writing(take_all_in)


def _take_in(conn: Connection, attempt_id: str, found: GatewayRefund, now: datetime) -> int:
    attempt = conn.execute(
        select(Attempt.id, Attempt.book_id, Attempt.order_id, Attempt.gw_ref, Attempt.currency, Attempt.state).where(
            Attempt.id == attempt_id
        )
    ).one()
    if found.payment != attempt.gw_ref or found.currency != attempt.currency:
        return 0
    known = refunds_of(conn, attempt.book_id, attempt.order_id)
    ours = _ours(known, found)
    if ours is not None:
        return _wake(conn, ours, found, now)
    if found.status is RefundStatus.FAILED:
        return 0
    is_settled = attempt.state == "SUCCEEDED"
    _write_outside(conn, attempt.book_id, attempt.order_id, attempt_id, known, found, now, is_settled=is_settled)
    return 1


def _ours(known: Iterable[RefundRow], found: GatewayRefund) -> RefundRow | None:
    """The row of this refund: by its reference, or by our mark where no reference is known yet."""
    rows = list(known)
    by_ref = next((row for row in rows if row.gw_ref == found.ref), None)
    return by_ref or next(
        (row for row in rows if row.gw_ref is None and row.id == found.mark and row.state != "FAILED"), None
    )


def _wake(conn: Connection, row: RefundRow, found: GatewayRefund, now: datetime) -> int:
    if row.state in ALIVE and row.lease_by is None:
        woken = conn.execute(update(Refund).where(Refund.id == row.id, Refund.state == row.state).values(next_at=now))
        return woken.rowcount
    if row.state == "SUCCEEDED" and found.status is RefundStatus.FAILED:
        # The bank sent it back later. The gateway holds the money again, and who gets it now no machine decides.
        return int(_stuck(conn, row, CAME_BACK, "came back after it had succeeded", now))
    if row.state == "FAILED" and found.status is RefundStatus.SUCCEEDED:
        return int(_stuck(conn, row, AFTER_ALL, WENT_BACK_AFTER_ALL, now))
    return 0


def missing_refund(store: Store, clock: Clock, refund_id: str) -> bool:
    """We hold for given back what the gateway does not list: a person is told once; False when it was told before."""
    with store.write() as conn:
        row = read_refund(conn, refund_id)
        why = "the gateway does not have this refund"
        return row is not None and row.state == "SUCCEEDED" and _stuck(conn, row, MISSING, why, clock.now())


def _stuck(conn: Connection, row: RefundRow, version: int, why: str, now: datetime) -> bool:
    body = {"refund": row.id, "order": row.order_id, "payment": row.payment, "why": why}
    is_new = record_once(conn, row.book_id, "refund.stuck", row.id, version, "event", body, now)
    if is_new:
        tell_person(row.book_id, "refund", row.id, why, of=row)
    return is_new


def _write_outside(
    conn: Connection,
    book_id: int,
    order_id: str,
    attempt_id: str,
    known: list[RefundRow],
    found: GatewayRefund,
    now: datetime,
    *,
    is_settled: bool,
) -> None:
    order = (
        conn.execute(
            select(Order, Subscription.number.label("subscription_number"))
            .join(Subscription, Subscription.id == Order.subscription_id)
            .where(Order.book_id == book_id, Order.id == order_id)
        )
        .mappings()
        .one()
    )
    lost = found.mark.startswith(f"{order_id}.r") and all(row.id != found.mark for row in known)
    refund_id = found.mark if lost else next_id(conn, order_id)
    # Money that paid for nothing stands nowhere. If it pays for the order later, the settlement takes it back.
    takes = take_back(conn, order, found.amount, now) if is_settled else []
    done = found.status is RefundStatus.SUCCEEDED
    conn.execute(
        insert(Refund),
        {
            "id": refund_id, "book_id": book_id, "order_id": order_id, "attempt_id": attempt_id, "kind": "outside",
            "reason": "", "actor": ACTOR, "amount": found.amount, "currency": found.currency,
            "state": "SUCCEEDED" if done else "SENT", "gw_ref": found.ref, "takes": takes,
            "next_at": None if done else now, "created_at": now, "settled_at": now if done else None,
        },
    )  # fmt: skip
    moves = [
        Move("refund", refund_id, BORN, "CREATED", "found at the gateway"),
        Move("refund", refund_id, "CREATED", "SENT", "found at the gateway"),
    ]
    if done:
        moves.append(Move("refund", refund_id, "SENT", "SUCCEEDED", "found at the gateway"))
    log(conn, book_id, moves, actor=ACTOR, at=now, of=Sum("", found.amount, found.currency))
    if done:
        follow(conn, book_id, order_id, actor=ACTOR, at=now)
        tell(conn, book_id, refund_id, now)
