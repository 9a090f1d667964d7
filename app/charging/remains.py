"""What is left at the gateway of an order's money: a payment still to be decided, or what went back of it. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, exists, select

from app.billing.states import ATTEMPT_CLOSED
from app.charging.desk import decided_refunds
from app.charging.refund_finding import CAME_BACK, MISSING
from app.charging.refund_rows import ALIVE, RefundRow, refunds_of
from app.charging.uses import HOLDING, mark_of_use
from app.models.customers import BalanceEntry
from app.models.orders import Attempt, Dispute, Order, Orphan
from app.models.work import Outbox
from app.outbox.recording import outbox_id


@dataclass(frozen=True, slots=True)
class Returned:
    """Money that was taken and goes back, in minor units of the order's currency. ``at`` None: it is on its way.

    ``stays`` where it did not arrive: a person looks into it (``asked``), or put it on the customer's ``balance``.
    """

    amount: int
    at: datetime | None
    stays: Literal["", "asked", "balance"] = ""


@dataclass(frozen=True, slots=True)
class Remains:
    """``is_in_doubt``: a payment of the order is looked into, so that nobody may be told that nothing was charged."""

    is_in_doubt: bool
    returned: Returned | None


def remains_of(conn: Connection, book_id: int, order_id: str) -> Remains:
    """Of an order that is not paid. A refund that failed leaves its money at the gateway, and so in doubt."""
    refunds = refunds_of(conn, book_id, order_id)
    orphans = _orphans(conn, book_id, order_id)
    lost = _lost(conn, book_id, order_id)
    listed = {refund.payment for refund in refunds} | {row.gw_ref for row in lost}
    # The same money is not counted twice where what went back of an orphan became a row as well.
    gone = [row for row in orphans if row.state == "REFUNDED" and row.gw_ref not in listed]
    found = [*_returned(conn, refunds), *(Returned(_taken(row.facts), row.decided_at or row.found_at) for row in gone)]
    found += [Returned(row.amount, row.closed_at) for row in lost]
    back = [each for each in found if each.stays != "asked"]
    total = sum(each.amount for each in back)
    failed = sum(refund.amount for refund in refunds if refund.state == "FAILED")
    is_in_doubt = failed > total or len(back) < len(found) or any(row.state in HOLDING for row in orphans)
    if not total:
        return Remains(is_in_doubt, None)
    ends = [each.at for each in back if each.at is not None]
    end = max(ends) if len(ends) == len(back) else None
    return Remains(is_in_doubt, Returned(total, end, "balance" if all(each.stays for each in back) else ""))


def returned_of(conn: Connection, book_id: int, order_id: str, attempt_id: str) -> tuple[Returned, ...]:
    """What went back of the payment of a paid order, or is on its way back: refund by refund, oldest first."""
    refunds = refunds_of(conn, book_id, order_id)
    return tuple(_returned(conn, [refund for refund in refunds if refund.attempt_id == attempt_id]))


def _returned(conn: Connection, refunds: Sequence[RefundRow]) -> Iterator[Returned]:
    """Of those that did not fail."""
    undone, booked = _undone(conn, refunds), _booked(conn, refunds)
    for refund in refunds:
        if refund.state == "FAILED":
            continue
        if refund.state in ALIVE:
            yield Returned(refund.amount, None, "asked" if refund.last_class == "stuck" else "")
            continue
        stays = "balance" if refund.id in booked else "asked" if refund.id in undone else ""
        yield Returned(refund.amount, refund.settled_at or refund.created_at, stays)


def _undone(conn: Connection, refunds: Sequence[RefundRow]) -> set[str]:
    """Those that the bank sent back after they had succeeded, or that the gateway does not know of; without those that a
    person took off the queue, because the money was given back otherwise."""
    told = {outbox_id("refund.stuck", row.id, version): row.id for row in refunds for version in (CAME_BACK, MISSING)}
    undone = {told[each] for each in conn.scalars(select(Outbox.id).where(Outbox.id.in_(told)))} if told else set[str]()
    return undone - decided_refunds(conn, undone, "cancel") if undone else undone


def _booked(conn: Connection, refunds: Sequence[RefundRow]) -> set[str | None]:
    """Those whose money stands on the customer's balance instead."""
    of_refunds = BalanceEntry.order_id.in_([row.id for row in refunds])
    booked = select(BalanceEntry.order_id).where(BalanceEntry.cause == "refund_failed", of_refunds)
    return set(conn.scalars(booked)) if refunds else set()


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


def _lost(conn: Connection, book_id: int, order_id: str) -> Sequence[Any]:
    """What the bank gave back, in disputes that are lost, of payments whose attempts ended all the same."""
    query = select(Attempt.gw_ref, Dispute.amount, Dispute.closed_at).join(Attempt, Attempt.id == Dispute.attempt_id)
    of_order = (Dispute.book_id == book_id, Dispute.order_id == order_id, Dispute.state == "LOST")
    return conn.execute(query.where(*of_order, Attempt.state.in_(ATTEMPT_CLOSED))).all()


def _taken(facts: dict[str, Any]) -> int:
    """What was given back of an orphan is all that was taken; one that was found before it was captured tells its amount."""
    return int(facts.get("captured") or facts["amount"])
