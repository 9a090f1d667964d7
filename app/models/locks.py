"""What a transaction holds before it reads what it is going to decide by.

SQLite has one writer at a time, so what a writing transaction reads stays so until it commits, and these functions do
nothing there. On PostgreSQL two read the same and both write, unless both begin by holding the same rows.

The order is the same everywhere, so that no two wait for each other: book, customer, subscription, then what belongs to
them: order, attempt, refund. Two places begin with the attempt, because every purchase would pay for one more statement:
its success (``charging.settle``) and its end (``charging.closing``) then take order and subscription. They are safe only
through ``Store.writing``, and so is whoever may meet them: refunds that are found, and what a person decides.
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Connection, Select, bindparam, select, text

from app.models.merchants import Book
from app.models.orders import Order
from app.models.subscriptions import Subscription

Q = TypeVar("Q", bound=Select[*tuple[Any, ...]])

# The book first: its rules, prices, keys and withdrawals stand while an order is being placed, whoever else places one.
_FOR_ORDER = text(
    "WITH book AS (SELECT id FROM books WHERE id = :book FOR SHARE) "
    "SELECT 1 FROM book JOIN subscriptions ON subscriptions.book_id = book.id AND subscriptions.id = :subscription "
    "JOIN customers ON customers.id = subscriptions.customer_id FOR NO KEY UPDATE OF customers, subscriptions"
)
_BOOK = select(Book.id).where(Book.id == bindparam("book")).with_for_update(key_share=True)
_SUBSCRIPTION = (
    select(Subscription.id)
    .where(Subscription.book_id == bindparam("book"), Subscription.id == bindparam("subscription"))
    .with_for_update(key_share=True)
)
_SUBSCRIPTION_OF_ORDER = (
    select(Subscription.id)
    .join(Order, Order.subscription_id == Subscription.id)
    .where(Order.book_id == bindparam("book"), Order.id == bindparam("order"))
    .with_for_update(key_share=True, of=Subscription)
)
_ORDER = (
    select(Order.id)
    .where(Order.book_id == bindparam("book"), Order.id == bindparam("order"))
    .with_for_update(key_share=True)
)


def hold_for_order(conn: Connection, book_id: int, subscription_id: int) -> None:
    """For whoever opens an order: the book stays as it is, customer and subscription are this transaction's."""
    if _has_many_writers(conn):
        conn.execute(_FOR_ORDER, {"book": book_id, "subscription": subscription_id})


def hold_book(conn: Connection, book_id: int) -> None:
    """For whoever changes rules, prices, keys or withdrawals: no order of the book is being placed meanwhile."""
    if _has_many_writers(conn):
        conn.execute(_BOOK, {"book": book_id})


def hold_subscription(conn: Connection, book_id: int, subscription_id: int) -> None:
    """For whoever decides by what the subscription is, has or waits for."""
    if _has_many_writers(conn):
        conn.execute(_SUBSCRIPTION, {"book": book_id, "subscription": subscription_id})


def hold_subscription_of(conn: Connection, book_id: int, order_id: str) -> None:
    """For whoever closes an order: its subscription, since that is what everyone holds who opens orders and attempts."""
    if _has_many_writers(conn):
        conn.execute(_SUBSCRIPTION_OF_ORDER, {"book": book_id, "order": order_id})


def hold_order(conn: Connection, book_id: int, order_id: str) -> None:
    """For whoever decides by an order's state and what hangs on it: refunds, disputes."""
    if _has_many_writers(conn):
        conn.execute(_ORDER, {"book": book_id, "order": order_id})


def hold_paid_order(conn: Connection, book_id: int, order_id: str) -> None:
    """For whoever gives its money back: that changes the order, and what its subscription still has of it."""
    hold_subscription_of(conn, book_id, order_id)
    hold_order(conn, book_id, order_id)


def skip_held(query: Q) -> Q:
    """Rows to lease: those that another driver is just taking are left to it instead of waited for."""
    return query.with_for_update(skip_locked=True, key_share=True)


def _has_many_writers(conn: Connection) -> bool:
    return conn.dialect.name != "sqlite"
