"""What stands to a customer's credit, as an order uses it, gives it back and adds to it. Rows are only ever added.

The balance is held with the order (TX1), so that two orders of one customer at once never spend it twice; it is given back
in the transaction that ends the order without money, and stays spent when the order is paid.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from app.billing.result import Quote
from app.charging.errors import ChargingError
from app.charging.ordering import NewOrder
from app.models.base import whole_sum
from app.models.customers import BalanceEntry
from app.models.orders import Deferral
from app.models.prepared import Prepared

_SUM = Prepared(
    select(whole_sum(BalanceEntry.amount)).where(
        BalanceEntry.book_id == bindparam("book"),
        BalanceEntry.customer_id == bindparam("customer"),
        BalanceEntry.currency == bindparam("currency"),
    )
)
_USED = select(BalanceEntry.customer_id, BalanceEntry.currency, BalanceEntry.amount).where(
    BalanceEntry.book_id == bindparam("book"),
    BalanceEntry.order_id == bindparam("order"),
    BalanceEntry.cause == "used",
)


def check_balance(conn: Connection, new: NewOrder) -> None:
    """``balance_moved`` unless the balance of this moment gives what the quote takes from it: no more, no less.

    The transaction holds the customer (``hold_for_order``), so that two orders of two subscriptions do not spend it twice.
    """
    quote = new.quote
    if quote.unbounded_total <= 0:
        return
    scope = {"book": new.book_id, "customer": new.customer_id, "currency": quote.currency}
    ((balance,),) = _SUM.all(conn, scope)
    if min(max(balance, 0), quote.unbounded_total) != -quote.balance_used:
        raise ChargingError("balance_moved", "the customer's balance changed since it was quoted")


def hold(conn: Connection, new: NewOrder, order_id: str, at: datetime) -> None:
    """Take from the balance what the quote uses of it. The order must be there."""
    if new.quote.balance_used:
        _book(conn, new.book_id, new.customer_id, new.quote.currency, new.quote.balance_used, "used", order_id, at)


def give_back(conn: Connection, book_id: int, order_id: str, at: datetime) -> None:
    """The order ended without money: what it took is there again."""
    used = conn.execute(_USED, {"book": book_id, "order": order_id}).first()
    if used is not None:
        _book(conn, book_id, used.customer_id, used.currency, -used.amount, "given_back", order_id, at)


def book_paid(conn: Connection, order: Mapping[str, Any], quote: Quote, at: datetime) -> None:
    """What a paid order leaves behind: its credit on the customer's balance, what was too small to charge for the renewal."""
    book_id, order_id = order["book_id"], order["id"]
    if quote.credited:
        _book(conn, book_id, order["customer_id"], quote.currency, quote.credited, "credited", order_id, at)
    if quote.relieved:
        _relieve(conn, book_id, order["subscription_id"], quote.relieved)
    if quote.deferred:
        conn.execute(
            insert(Deferral),
            {
                "order_id": order_id,
                "book_id": book_id,
                "subscription_id": order["subscription_id"],
                "amount": quote.deferred,
                "currency": quote.currency,
                "created_at": at,
            },
        )


def _relieve(conn: Connection, book_id: int, subscription_id: int, amount: int) -> None:
    """So much of what was put off is never collected, since what it was for was taken back; the newest goes first."""
    mine = (Deferral.book_id == book_id, Deferral.subscription_id == subscription_id)
    owed = conn.execute(
        select(Deferral.order_id, Deferral.amount)
        .where(*mine, Deferral.collected_order.is_(None))
        .order_by(Deferral.created_at.desc())
    ).all()
    for order_id, open_amount in owed:
        taken = min(amount, open_amount)
        amount -= taken
        this = (*mine, Deferral.order_id == order_id)
        if taken == open_amount:
            conn.execute(delete(Deferral).where(*this))
        elif taken:
            conn.execute(update(Deferral).where(*this).values(amount=open_amount - taken))


def _book(
    conn: Connection,
    book_id: int,
    customer_id: int,
    currency: str,
    amount: int,
    cause: str,
    order_id: str,
    at: datetime,
) -> None:
    conn.execute(
        insert(BalanceEntry),
        {
            "book_id": book_id,
            "customer_id": customer_id,
            "currency": currency,
            "amount": amount,
            "cause": cause,
            "order_id": order_id,
            "created_at": at,
        },
    )
