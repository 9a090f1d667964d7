"""What is left at the gateway of an order's money: a payment still to be decided, or what went back of it. Reads only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.charging.attempts import order_of
from app.charging.refund_rows import ALIVE, refunds_of
from app.charging.uses import HOLDING
from app.models.orders import Order, Orphan


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that was taken and goes back, in minor units of the order's currency. ``at`` None: it is on its way."""

    amount: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Remains:
    """``is_in_doubt``: a payment of the order is looked into, so that nobody may be told that nothing was charged."""

    is_in_doubt: bool
    returned: Returned | None


def remains_of(conn: Connection, book_id: int, order_id: str) -> Remains:
    """Of an order that is not paid. A refund that failed leaves its money at the gateway, and so in doubt."""
    refunds = refunds_of(conn, book_id, order_id)
    orphans = [row for row in _orphans(conn, book_id, (*HOLDING, "REFUNDED")) if _order_of(row.facts) == order_id]
    listed = {refund.payment for refund in refunds}
    # The same money is not counted twice where the gateway's refund of an orphan became a row as well.
    gone = [row for row in orphans if row.state == "REFUNDED" and row.gw_ref not in listed]
    back = sum(refund.amount for refund in refunds if refund.state != "FAILED") + sum(_taken(row.facts) for row in gone)
    failed = sum(refund.amount for refund in refunds if refund.state == "FAILED")
    is_in_doubt = failed > back or any(row.state in HOLDING for row in orphans)
    if not back:
        return Remains(is_in_doubt, None)
    if any(refund.state in ALIVE for refund in refunds):
        return Remains(is_in_doubt, Returned(back, None))
    ends = [refund.settled_at or refund.created_at for refund in refunds] + [
        row.decided_at or row.found_at for row in gone
    ]
    return Remains(is_in_doubt, Returned(back, max(ends)))


def returned_of(conn: Connection, book_id: int, order_id: str, attempt_id: str) -> tuple[Returned, ...]:
    """What went back of the payment of a paid order, or is on its way back: refund by refund, oldest first."""
    return tuple(
        Returned(refund.amount, None if refund.state in ALIVE else refund.settled_at or refund.created_at)
        for refund in refunds_of(conn, book_id, order_id)
        if refund.attempt_id == attempt_id and refund.state != "FAILED"
    )


def order_in_doubt(conn: Connection, book_id: int, link_jti: str) -> str | None:
    """The newest order of that link which ended without being paid and of which a payment is still to be decided."""
    ended = conn.scalars(
        select(Order.id)
        .where(Order.book_id == book_id, Order.link_jti == link_jti, Order.paid_at.is_(None))
        .order_by(Order.created_at.desc(), Order.id)
    ).all()
    if not ended:
        return None
    named = {_order_of(row.facts) for row in _orphans(conn, book_id, HOLDING)}
    return next((order for order in ended if order in named), None)


def _orphans(conn: Connection, book_id: int, states: Collection[str]) -> list[Any]:
    columns = (Orphan.gw_ref, Orphan.state, Orphan.facts, Orphan.found_at, Orphan.decided_at)
    return list(conn.execute(select(*columns).where(Orphan.book_id == book_id, Orphan.state.in_(states))))


def _order_of(facts: dict[str, Any]) -> str:
    """The order that the payment names, by itself or by its attempt, whose id begins with the order's."""
    return str(facts.get("order") or order_of(str(facts.get("attempt") or "")))


def _taken(facts: dict[str, Any]) -> int:
    """What was given back of an orphan is all that was taken; one that was found before it was captured tells its amount."""
    return int(facts.get("captured") or facts["amount"])
