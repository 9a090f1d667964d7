"""Refund rows as drivers see them: read, leased, moved. Every UPDATE names the state and the lease it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from app.charging.attempts import LEASE, Moved
from app.charging.telling import tell_taken_over
from app.models.base import whole_sum
from app.models.leases import Leases
from app.models.orders import Attempt, Dispute, Refund
from app.models.store import Store

ALIVE = ("CREATED", "SENT", "UNKNOWN")
"""States in which the money may still be on its way."""
REFUNDS = Leases(Refund, LEASE, works=Refund.state.in_(ALIVE), born=Refund.created_at)


@dataclass(frozen=True, slots=True)
class RefundRow:
    """One refund with what its calls need from the attempt whose money it gives back."""

    id: str
    book_id: int
    order_id: str
    attempt_id: str
    cause_order: str | None
    kind: str
    reason: str
    actor: str
    amount: int
    currency: str
    state: str
    gw_ref: str | None
    try_no: int
    tries: int
    last_class: str | None
    takes: list[Any]
    lease_until: datetime | None
    lease_by: str | None
    next_at: datetime | None
    created_at: datetime
    settled_at: datetime | None
    gateway: str
    account: str
    livemode: bool
    payment: str
    paid_from: datetime
    """When the attempt was written."""

    @property
    def key(self) -> str:
        """The idempotency key of the present try: refund and try number, so that it is the same in every process."""
        return f"{self.id}:refund:{self.try_no}"


_OWN = tuple(getattr(Refund, name) for name in RefundRow.__dataclass_fields__ if hasattr(Refund, name))
_SELECT = select(
    *_OWN, Attempt.gateway, Attempt.account, Attempt.livemode, Attempt.gw_ref.label("payment"),
    Attempt.created_at.label("paid_from"),
).join(Attempt, Attempt.id == Refund.attempt_id)  # fmt: skip


def read_refund(conn: Connection, refund_id: str) -> RefundRow | None:
    """The row as it stands. Ids are derived from the book, so that an id names one book's row alone."""
    row = conn.execute(_SELECT.where(Refund.id == refund_id)).first()
    return None if row is None else RefundRow(*row)


def refunds_of(conn: Connection, book_id: int, order_id: str) -> list[RefundRow]:
    """Every refund of an order's money, oldest first."""
    rows = conn.execute(
        _SELECT.where(Refund.book_id == book_id, Refund.order_id == order_id).order_by(Refund.created_at, Refund.id)
    )
    return [RefundRow(*row) for row in rows]


def given_back(conn: Connection, attempt_id: str) -> int:
    """How much of the attempt's money is back or may be on its way: all refunds but those that failed for certain."""
    total = select(whole_sum(Refund.amount)).where(Refund.attempt_id == attempt_id, Refund.state != "FAILED")
    return int(conn.execute(total).scalar_one())


def is_contested(conn: Connection, attempt_id: str) -> bool:
    """A dispute of this payment is open or lost: then no refund begins (I8)."""
    contested = select(Dispute.gw_ref).where(Dispute.attempt_id == attempt_id, Dispute.state.in_(("OPEN", "LOST")))
    return conn.execute(contested.limit(1)).first() is not None


def next_id(conn: Connection, order_id: str) -> str:
    """The id of the order's next refund."""
    ids = conn.execute(select(Refund.id).where(Refund.order_id == order_id)).scalars()
    numbers = [int(one.rpartition(".r")[2]) for one in ids if one.rpartition(".r")[2].isdigit()]
    return f"{order_id}.r{max(numbers, default=0) + 1}"


def due_refunds(conn: Connection, now: datetime, limit: int) -> Sequence[str]:
    """Ids of rows whose time has come and whose lease is free, the longest waiting first."""
    due = select(Refund.id).where(REFUNDS.is_due(now))
    return conn.execute(due.order_by(Refund.next_at).limit(limit)).scalars().all()


def lease_refund(store: Store, refund_id: str, by: str, now: datetime) -> RefundRow | None:
    """Take the row for ``LEASE`` as it was before; None when another driver has it or nothing is left to do."""
    with store.write() as conn:
        before = read_refund(conn, refund_id)
        if before is None or not REFUNDS.take(conn, refund_id, by, now):
            return None
        if before.lease_by is not None and before.lease_by != by:
            tell_taken_over(
                before.book_id, "refund", refund_id, of=before, left_by=before.lease_by, since=before.lease_until, by=by
            )
        return before


def move_refund(conn: Connection, row: RefundRow, by: str | None, values: dict[str, Any]) -> None:
    """Write ``values`` if the row is still in the state it was read in and ``by`` (None: nobody) has its lease; else ``Moved``."""
    moved = conn.execute(
        update(Refund).where(Refund.id == row.id, Refund.state == row.state, Refund.lease_by == by).values(values)
    )
    if moved.rowcount != 1:
        raise Moved(row.id)
