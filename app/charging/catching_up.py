"""What the gateway told of a payment before its attempt had its end here: money that went back by hand, disputes.

The rows are written as they are found, since they are true whatever becomes of the order. The ledger and the order follow
with the attempt's success, in its commit, and nobody is told before its end: there was no paid order to tell of.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from app.charging.disputing import follow_disputes, tell_disputes
from app.charging.refund_ledger import take_back
from app.charging.refund_rows import refunds_of
from app.charging.refund_settling import follow, tell
from app.models.orders import Dispute, Refund
from app.models.prepared import Prepared

_KNOWN = Prepared(
    select(Refund.id)
    .where(Refund.order_id == bindparam("order"), Refund.attempt_id == bindparam("attempt"))
    .union_all(
        select(Dispute.gw_ref).where(Dispute.order_id == bindparam("order"), Dispute.attempt_id == bindparam("attempt"))
    )
)


def catch_up(conn: Connection, order: Mapping[str, Any], attempt_id: str, *, actor: str, at: datetime) -> None:
    """In the transaction that settles the attempt, after the order is paid and carried out: the order as if all that was
    known had come after its payment. ``order`` as for ``take_back``."""
    book_id, order_id = order["book_id"], order["id"]
    if not _is_any_known(conn, order_id, attempt_id):
        return
    for row in refunds_of(conn, book_id, order_id):
        if row.attempt_id == attempt_id and row.state != "FAILED" and not row.takes:
            takes = take_back(conn, order, row.amount, at)
            conn.execute(update(Refund).where(Refund.book_id == book_id, Refund.id == row.id).values(takes=takes))
    follow(conn, book_id, order_id, actor=actor, at=at)
    follow_disputes(conn, book_id, order_id, actor=actor, at=at)
    _tell(conn, book_id, order_id, attempt_id, at)


def tell_known(conn: Connection, book_id: int, order_id: str, attempt_id: str, at: datetime) -> None:
    """In the transaction that ends the attempt without money: what nobody was told until then."""
    if _is_any_known(conn, order_id, attempt_id):
        _tell(conn, book_id, order_id, attempt_id, at)


def _is_any_known(conn: Connection, order_id: str, attempt_id: str) -> bool:
    return _KNOWN.first(conn, {"order": order_id, "attempt": attempt_id}) is not None


def _tell(conn: Connection, book_id: int, order_id: str, attempt_id: str, at: datetime) -> None:
    for row in refunds_of(conn, book_id, order_id):
        if row.attempt_id == attempt_id and row.state == "SUCCEEDED":
            tell(conn, book_id, row.id, at)
    tell_disputes(conn, book_id, attempt_id, at)
