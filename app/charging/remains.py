"""What is left at the gateway of an order's money: a payment still to be decided, or what went back of it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select

from app.charging.refund_rows import ALIVE, RefundRow, refunds_of
from app.charging.uses import HOLDING, mark_of_use
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
    orphans = _orphans(conn, book_id, order_id)
    listed = {refund.payment for refund in refunds}
    # The same money is not counted twice where the gateway's refund of an orphan became a row as well.
    gone = [row for row in orphans if row.state == "REFUNDED" and row.gw_ref not in listed]
    back = [*_returned(refunds), *(Returned(_taken(row.facts), row.decided_at or row.found_at) for row in gone)]
    total = sum(each.amount for each in back)
    failed = sum(refund.amount for refund in refunds if refund.state == "FAILED")
    is_in_doubt = failed > total or any(row.state in HOLDING for row in orphans)
    if not total:
        return Remains(is_in_doubt, None)
    ends = [each.at for each in back if each.at is not None]
    return Remains(is_in_doubt, Returned(total, max(ends) if len(ends) == len(back) else None))


def returned_of(conn: Connection, book_id: int, order_id: str, attempt_id: str) -> tuple[Returned, ...]:
    """What went back of the payment of a paid order, or is on its way back: refund by refund, oldest first."""
    refunds = refunds_of(conn, book_id, order_id)
    return tuple(_returned(refund for refund in refunds if refund.attempt_id == attempt_id))


def _returned(refunds: Iterable[RefundRow]) -> Iterator[Returned]:
    """Of those that did not fail."""
    for refund in refunds:
        if refund.state != "FAILED":
            yield Returned(refund.amount, None if refund.state in ALIVE else refund.settled_at or refund.created_at)


def order_in_doubt(conn: Connection, book_id: int, link_jti: str) -> str | None:
    """The newest order of that link which ended without being paid and of which a payment is still to be decided."""
    undecided = exists().where(
        Orphan.order_mark == Order.id, Orphan.book_id == Order.book_id, Orphan.state.in_(HOLDING)
    )
    return conn.scalars(
        select(Order.id)
        .where(Order.book_id == book_id, Order.link_jti == link_jti, Order.paid_at.is_(None), undecided)
        .order_by(Order.created_at.desc(), Order.id)
        .limit(1)
    ).first()


def use_in_doubt(conn: Connection, book_id: int, link_jti: str, uses: int) -> bool:
    """Whether a payment still to be decided holds a use of that link, though its order may have been lost with a restore."""
    # By the mark alone, which names the book, as TX1 asks; there are few such payments, and hardly ever one.
    held = set(conn.scalars(select(Orphan.use_mark).where(Orphan.state.in_(HOLDING), Orphan.use_mark.is_not(None))))
    return bool(held) and any(mark_of_use(book_id, link_jti, n) in held for n in range(1, uses + 1))


def _orphans(conn: Connection, book_id: int, order_id: str) -> Sequence[Any]:
    columns = (Orphan.gw_ref, Orphan.state, Orphan.facts, Orphan.found_at, Orphan.decided_at)
    of_order = (Orphan.book_id == book_id, Orphan.order_mark == order_id)
    return conn.execute(select(*columns).where(*of_order, Orphan.state.in_((*HOLDING, "REFUNDED")))).all()


def _taken(facts: dict[str, Any]) -> int:
    """What was given back of an orphan is all that was taken; one that was found before it was captured tells its amount."""
    return int(facts.get("captured") or facts["amount"])
