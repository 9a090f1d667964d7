"""A cardholder contests a payment: the order is ``DISPUTED`` while the bank decides, then ``PAID`` again or ``LOST``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from app.charging.attempts import SETTLED
from app.charging.refund_ledger import take_lost
from app.charging.refund_settling import follow
from app.charging.telling import Sum, tell_person
from app.charging.transitions import BORN, Move, log
from app.gateways.port import AnswerKind, DisputeStatus, Gateway
from app.gateways.port import Dispute as Seen
from app.kit.clock import Clock
from app.models.locks import hold_paid_order
from app.models.orders import Attempt, Dispute, Order
from app.models.store import Store
from app.models.upsert import insert_new
from app.outbox import record_once

_STATES = {DisputeStatus.OPEN: "OPEN", DisputeStatus.WON: "WON", DisputeStatus.LOST: "LOST"}
_TOLD = {"OPEN": "order.disputed", "WON": "order.dispute_won", "LOST": "order.dispute_lost"}


def take_disputes(store: Store, gateway: Gateway, clock: Clock, attempt_id: str, *, actor: str) -> str:
    """Read the disputes of this attempt's payment and bring its order to them. Empty when done; else why to look again."""
    with store.read() as conn:
        ref: str | None = conn.execute(select(Attempt.gw_ref).where(Attempt.id == attempt_id)).scalar()
    if ref is None:
        return ""
    reply = gateway.list_disputes(payment=ref)
    if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        return f"disputes: {reply.kind}"
    if seen := reply.value:
        store.writing(lambda conn: apply_disputes(conn, attempt_id, seen, actor=actor, at=clock.now()))
    return ""


def apply_disputes(conn: Connection, attempt_id: str, seen: Sequence[Seen], *, actor: str, at: datetime) -> None:
    """In the caller's transaction: the rows as the gateway has them, and the order as they say.

    However often and in whatever order it is told, the same disputes lead to the same rows and the same order.
    """
    attempt = (
        conn.execute(
            select(Attempt.id, Attempt.book_id, Attempt.order_id, Attempt.gateway, Attempt.account).where(
                Attempt.id == attempt_id
            )
        )
        .mappings()
        .one()
    )
    # Two that read the same dispute wait for each other here where the database has more than one writer.
    hold_paid_order(conn, attempt["book_id"], attempt["order_id"])
    order = _order(conn, attempt["book_id"], attempt["order_id"])
    stands = conn.execute(select(Attempt.state).where(Attempt.id == attempt_id)).scalar_one()
    news = [news for each in seen for news in _take(conn, attempt, each, actor, at)]
    _move_order(conn, order, actor, at, is_news=bool(news) and stands == "SUCCEEDED")
    if stands in SETTLED:
        _tell(conn, order, attempt_id, news, at)


def follow_disputes(conn: Connection, book_id: int, order_id: str, *, actor: str, at: datetime) -> None:
    """In the transaction that settles its payment: the order as the disputes say that were read before."""
    _move_order(conn, _order(conn, book_id, order_id), actor, at)


def tell_disputes(conn: Connection, book_id: int, attempt_id: str, at: datetime) -> None:
    """In the transaction that ends the attempt: the disputes of its payment, of which nobody was told until then."""
    query = select(Dispute.gw_ref, Dispute.state, Dispute.order_id).where(Dispute.attempt_id == attempt_id)
    for row in conn.execute(query.order_by(Dispute.opened_at, Dispute.gw_ref)).all():
        news = [(row.gw_ref, "OPEN"), (row.gw_ref, row.state)]
        _tell(conn, _order(conn, book_id, row.order_id), attempt_id, news, at)


def _tell(conn: Connection, order: RowMapping, attempt_id: str, news: Sequence[tuple[str, str]], at: datetime) -> None:
    for ref, state in news:
        body = {"order": order["id"], "number": order["number"], "dispute": ref, "attempt": attempt_id}
        record_once(conn, order["book_id"], _TOLD[state], f"{order['id']}:{ref}", 1, "event", body, at)


def _order(conn: Connection, book_id: int, order_id: str) -> RowMapping:
    query = select(Order.id, Order.book_id, Order.number, Order.state, Order.version)
    return conn.execute(query.where(Order.book_id == book_id, Order.id == order_id)).mappings().one()


def _take(conn: Connection, attempt: RowMapping, seen: Seen, actor: str, at: datetime) -> list[tuple[str, str]]:
    """One dispute's row as the gateway has it; what is new in it, as (reference, state), the opening first."""
    key = {"gateway": attempt["gateway"], "account": attempt["account"], "gw_ref": seen.ref}
    now_is, name = _STATES[seen.status], f"{attempt['gateway']}:{attempt['account']}:{seen.ref}"
    new: dict[str, Any] = {
        **key,
        **{column: attempt[column] for column in ("book_id", "order_id")},
        "attempt_id": attempt["id"],
        "amount": seen.amount,
        "currency": seen.currency,
        "state": "OPEN",
        "opened_at": seen.opened_at,
    }
    was, news = "OPEN", list[tuple[str, str]]()
    of = Sum(key["gateway"], seen.amount, seen.currency)
    if insert_new(conn, Dispute, new):
        log(conn, attempt["book_id"], [Move("dispute", name, BORN, "OPEN", "seen")], actor=actor, at=at, of=of)
        news.append((seen.ref, "OPEN"))
    else:
        was = conn.execute(select(Dispute.state).filter_by(**key)).scalar_one()
    if was == now_is:
        return news
    if was != "OPEN":
        why = f"the dispute was {was}, and the gateway has it as {now_is}"
        body = {"dispute": seen.ref, "was": was, "now": now_is, "order": attempt["order_id"], "payment": seen.payment,
                "why": why}  # fmt: skip
        if record_once(conn, attempt["book_id"], "dispute.contradicted", name, now_is, "event", body, at):
            tell_person(attempt["book_id"], "dispute", name, why, of=of)
        return news
    conn.execute(update(Dispute).filter_by(**key).values(state=now_is, closed_at=at))
    log(
        conn, attempt["book_id"], [Move("dispute", name, "OPEN", now_is, "the bank decided")], actor=actor, at=at, of=of
    )
    return [*news, (seen.ref, now_is)]


def _move_order(conn: Connection, order: RowMapping, actor: str, at: datetime, *, is_news: bool = False) -> None:
    """The order follows the disputes of what paid for it: one lost is lost, one open is contested, all won is paid as far
    as not refunded."""
    states = set(
        conn.execute(
            select(Dispute.state)
            .join(Attempt, Attempt.id == Dispute.attempt_id)
            .where(Dispute.book_id == order["book_id"], Dispute.order_id == order["id"], Attempt.state == "SUCCEEDED")
        ).scalars()
    )
    state: str = order["state"]
    steps: list[str] = []
    if state in ("PAID", "PART_REFUNDED") and ("OPEN" in states or "LOST" in states or is_news):
        steps.append("DISPUTED")
    if steps or state == "DISPUTED":
        if "LOST" in states:
            steps.append("LOST")
        elif "OPEN" not in states:
            steps.append("PAID")
    if state == "LOST":  # another of its disputes may be lost as well
        take_lost(conn, order["book_id"], order["id"], at)
    if not steps:
        return
    moved = conn.execute(
        update(Order)
        .where(Order.book_id == order["book_id"], Order.id == order["id"], Order.state == state)
        .values(state=steps[-1], version=Order.version + len(steps))
    )
    if moved.rowcount != 1:
        raise AssertionError(f"order {order['id']} moved under a lock")
    path = [state, *steps]
    moves = [Move("order", order["id"], old, new, "dispute") for old, new in itertools.pairwise(path)]
    log(conn, order["book_id"], moves, actor=actor, at=at)
    if path[-1] == "LOST":
        take_lost(conn, order["book_id"], order["id"], at)
    # What was given back before stays given back.
    follow(conn, order["book_id"], order["id"], actor=actor, at=at)
