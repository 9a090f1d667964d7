"""Uses of a link, and how often a shopper may try: both counted inside TX1."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Text, bindparam, delete, literal_column, or_, select

from app.charging.errors import ChargingError
from app.kit.ids import derive
from app.models.links import LinkUse
from app.models.orders import Attempt, Order, Orphan
from app.models.prepared import Prepared, inserting

TRY_WINDOW = timedelta(hours=1)
HOLDING = ("FOUND", "PERSON")
"""States of an orphan in which its money was taken or may yet be: so long it keeps the use that its mark names."""

_USES = Prepared(
    select(LinkUse.n, LinkUse.order_id)
    .where(LinkUse.book_id == bindparam("book"), LinkUse.jti == bindparam("jti"))
    .order_by(LinkUse.n)
)
_TAKE = inserting(LinkUse)
_OF_ORDER = Prepared(
    select(LinkUse.jti, LinkUse.n).where(LinkUse.book_id == bindparam("book"), LinkUse.order_id == bindparam("order"))
)
# By the mark alone, which names the book: the row of a payment whose order was lost may stand in another book of its account.
_HELD = Prepared(
    select(Orphan.gw_ref)
    .where(
        Orphan.use_mark == bindparam("mark"),
        Orphan.state.in_([literal_column(f"'{state}'", Text) for state in HOLDING]),
    )
    .limit(1)
)
_FAILED = Prepared(
    select(Attempt.created_at, Attempt.card_id, Order.subscription_id)
    .join(Order, Order.id == Attempt.order_id)
    .where(
        Order.book_id == bindparam("book"),
        Order.customer_id == bindparam("customer"),
        Order.created_at > bindparam("orders_since", type_=Order.created_at.type),
        Attempt.created_at > bindparam("since", type_=Order.created_at.type),
        # A bank's check that was left counts like a decline: leaving and coming back must not try cards without end.
        Attempt.state.in_((literal_column("'DECLINED'", Text), literal_column("'CANCELLED'", Text))),
        # Without an object nobody was asked; a gateway that would not make one is asked no oftener than a bank all the same.
        or_(Attempt.gw_ref.is_not(None), Attempt.decline_reason.is_not(None)),
    )
    .order_by(Attempt.created_at)
)


class _Failed(NamedTuple):
    at: datetime
    card_id: int
    subscription_id: int


def free_use(conn: Connection, book_id: int, jti: str, max_uses: int) -> int:
    """The number of a use that nobody holds. When there is none, ``link_used`` with the newest order that holds one, or
    ``payment_unmatched`` where a payment whose order is not known holds one.

    The primary key decides if two transactions choose the same number.
    """
    held: dict[int, str] = dict(_USES.all(conn, {"book": book_id, "jti": jti}))
    for n in range(1, max_uses + 1):
        if n not in held and not is_held_at_gateway(conn, book_id, jti, n):
            return n
    if len(held) < max_uses:
        raise _unmatched()
    raise ChargingError("link_used", "every use of this link is taken", order=_newest(conn, book_id, held.values()))


def _newest(conn: Connection, book_id: int, order_ids: Iterable[str]) -> str | None:
    return conn.execute(
        select(Order.id)
        .where(Order.book_id == book_id, Order.id.in_(list(order_ids)))
        .order_by(Order.created_at.desc())
        .limit(1)
    ).scalar()


def mark_of_use(book_id: int, jti: str, n: int) -> str:
    """What a payment says at the gateway of the use that it was made for: a hash, which outlives our rows."""
    return derive("use", book_id, jti, n)


def is_held_at_gateway(conn: Connection, book_id: int, jti: str, n: int) -> bool:
    """Whether an orphan holds money for this use, or may yet: its order was lost with a restore, or had ended."""
    return _HELD.first(conn, {"mark": mark_of_use(book_id, jti, n)}) is not None


def check_unheld(conn: Connection, book_id: int, order_id: str) -> None:
    """``payment_unmatched`` while the order's own use is held by a payment that no attempt accounts for."""
    for jti, n in _OF_ORDER.all(conn, {"book": book_id, "order": order_id}):
        if is_held_at_gateway(conn, book_id, jti, n):
            raise _unmatched()


def _unmatched() -> ChargingError:
    return ChargingError("payment_unmatched", "a payment of this link is being looked into")


def take_use(conn: Connection, book_id: int, jti: str, n: int, order_id: str) -> None:
    _TAKE.run(conn, {"book_id": book_id, "jti": jti, "n": n, "order_id": order_id})


def give_back(conn: Connection, book_id: int, order_id: str) -> None:
    """The order ended without money: its use is free again. Only after its last attempt is closed (I26)."""
    conn.execute(delete(LinkUse).where(LinkUse.book_id == book_id, LinkUse.order_id == order_id))


def check_tries(
    conn: Connection, book_id: int, customer_id: int, subscription_id: int, card_id: int, now: datetime, limit: int
) -> None:
    """Refuse with ``too_many_tries`` and ``opens_at`` when too many payments were declined within the last hour.

    ``limit`` counts per subscription (and so per link) and per card; a customer with several subscriptions has twice that.
    """
    scope = {
        "book": book_id,
        "customer": customer_id,
        "since": now - TRY_WINDOW,
        # An order lives at most as long as its quote, and its attempts an hour more.
        "orders_since": now - 3 * TRY_WINDOW,
    }
    failed = [_Failed(*row) for row in _FAILED.all(conn, scope)]
    if len(failed) < limit:
        return
    _refuse("subscription", [row for row in failed if row.subscription_id == subscription_id], limit)
    _refuse("card", [row for row in failed if row.card_id == card_id], limit)
    _refuse("customer", failed, 2 * limit)


def _refuse(per: str, failed: Iterable[_Failed], limit: int) -> None:
    times = [row.at for row in failed]
    if len(times) >= limit:
        raise ChargingError(
            "too_many_tries", "too many payments were declined", opens_at=times[-limit] + TRY_WINDOW, per=per
        )
