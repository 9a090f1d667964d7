"""Customers, the cards they have on file at the gateway, and what stands to their credit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import STRICT, Base


class Customer(Base):
    """A merchant's customer. ``number`` is ours (1001, …), ``external_ref`` the merchant's; ``unpaid`` is imported."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    number: Mapped[int]
    external_ref: Mapped[str | None]
    email: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    country: Mapped[str | None]
    locale: Mapped[str | None]
    address: Mapped[dict[str, Any]]
    unpaid: Mapped[dict[str, Any]]
    gateway_customer: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("book_id", "number"),
        UniqueConstraint("book_id", "external_ref"),
        Index(None, "book_id", "email"),
        STRICT,
    )


class StoredCard(Base):
    """A card on file: the gateway's token and what may be shown of it. Never a card number."""

    __tablename__ = "stored_cards"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="RESTRICT"), index=True)
    gateway: Mapped[str]
    gateway_customer: Mapped[str]
    token: Mapped[str]
    brand: Mapped[str]
    last4: Mapped[str]
    exp_month: Mapped[int]
    exp_year: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(default="")
    """The gateway's own mark of the number, equal for equal numbers; empty where it gave none."""
    is_default: Mapped[bool] = mapped_column(default=False)
    cart_session: Mapped[str | None]
    """Set when the card was entered under another e-mail: it may be used in that cart only, never offered later."""
    blocked: Mapped[bool] = mapped_column(default=False)
    """The gateway said never to try this card again."""
    created_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("book_id", "gateway", "gateway_customer", "token"),
        CheckConstraint("length(last4) = 4", name="last4"),
        STRICT,
    )


class BalanceEntry(Base):
    """A customer's balance in one currency is the sum of these rows; they are only ever added.

    ``cause``: ``import``, or of an order ``used`` (below zero, booked when it is placed), ``given_back`` (it ended without
    money) and ``credited`` (it was paid, and its credit was larger than its charge); each at most once per order. Of a refund
    that a change owed, ``refund_failed`` (the card did not take it); ``order_id`` is then the refund's.
    """

    __tablename__ = "balance_entries"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="RESTRICT"))
    currency: Mapped[str]
    amount: Mapped[int]
    cause: Mapped[str]
    order_id: Mapped[str | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        Index(None, "book_id", "customer_id", "currency"),
        Index("one_balance_entry", "order_id", "cause", unique=True, sqlite_where=text("order_id IS NOT NULL")),
        STRICT,
    )
