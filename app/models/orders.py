"""Orders, the attempts to charge them, the consents they rest on, and the log of every transition.

The constraints are the protocol: one open order per subscription, one open attempt per order, one row per object of the
gateway. Code may be wrong about a race; these cannot.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.money import LARGEST
from app.models.base import STRICT, Base, one_of

ORDER_STATES = ("OPEN", "PAID", "PART_REFUNDED", "REFUNDED", "DISPUTED", "LOST", "EXPIRED", "CANCELLED")
ATTEMPT_STATES = (
    "CREATED", "INTENT", "REQUIRES_ACTION", "UNKNOWN", "CANCELLING", "QUARANTINED", "SUCCEEDED", "DECLINED", "CANCELLED",
)  # fmt: skip


class Order(Base):
    """A confirmed quote. ``id`` is derived from book and checkout id; ``number`` is what the shopper may quote."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    number: Mapped[str]
    checkout_id: Mapped[str]
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id", ondelete="RESTRICT"))
    subscription_version: Mapped[int]
    """What the quote was made from; the payment is applied to this version or to none."""
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="RESTRICT"))
    source: Mapped[str]
    link_jti: Mapped[str | None]
    claims: Mapped[str | None]
    """The cart session's claims, so that a page of this order can open the cart again."""
    quote: Mapped[dict[str, Any]]
    quote_hash: Mapped[str]
    quoted_at: Mapped[datetime]
    valid_until: Mapped[datetime]
    total: Mapped[int]
    currency: Mapped[str]
    outcome: Mapped[str]
    state: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    email: Mapped[str]
    language: Mapped[str]
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("book_id", "checkout_id"),
        UniqueConstraint("book_id", "number"),
        CheckConstraint(f"total >= 0 AND total <= {LARGEST}", name="total"),
        one_of("state", *ORDER_STATES),
        one_of("outcome", "nocharge", "paid", "pending", "registered", "due", "failed"),
        Index(
            "one_open_order",
            "subscription_id",
            unique=True,
            sqlite_where=text("state = 'OPEN'"),
        ),
        Index(None, "book_id", "link_jti"),
        Index(None, "book_id", "created_at"),
        Index(None, "book_id", "customer_id", "created_at"),
        STRICT,
    )


class Attempt(Base):
    """One try to take the money of one order. ``id`` is the order's id, a dot and ``n``."""

    __tablename__ = "attempts"
    id: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    n: Mapped[int]
    amount: Mapped[int]
    currency: Mapped[str]
    gateway: Mapped[str]
    account: Mapped[str]
    livemode: Mapped[bool]
    payment_method: Mapped[str]
    gw_customer: Mapped[str]
    card_id: Mapped[int] = mapped_column(ForeignKey("stored_cards.id", ondelete="RESTRICT"))
    off_session: Mapped[bool] = mapped_column(default=False)
    return_url: Mapped[str] = mapped_column(default="")
    state: Mapped[str]
    gw_ref: Mapped[str | None]
    action_url: Mapped[str | None]
    decline_reason: Mapped[str | None]
    create_try: Mapped[int] = mapped_column(default=0)
    confirm_try: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    """How often a driver looked at it since it last moved: the janitor's back-off."""
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str | None]
    next_at: Mapped[datetime | None]
    last_class: Mapped[str | None]
    created_at: Mapped[datetime]
    deadline_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    told_to_wait: Mapped[bool] = mapped_column(default=False)
    """It was put down undecided, so that its page promised a mail with the answer. Never taken back."""
    __table_args__ = (
        UniqueConstraint("order_id", "n"),
        CheckConstraint("amount > 0", name="amount"),
        one_of("state", *ATTEMPT_STATES),
        Index(
            "one_open",
            "order_id",
            unique=True,
            sqlite_where=text("state NOT IN ('DECLINED', 'CANCELLED')"),
        ),
        Index(
            "one_ref",
            "gateway",
            "account",
            "gw_ref",
            unique=True,
            sqlite_where=text("gw_ref IS NOT NULL"),
        ),
        Index(
            "attempts_due",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
        ),
        Index("attempts_settled", "book_id", "settled_at", sqlite_where=text("settled_at IS NOT NULL")),
        Index(None, "book_id", "created_at"),
        STRICT,
    )


class Consent(Base):
    """The proof, one per attempt: the exact text, version, language, boxes, time, address, browser, figures. Immutable."""

    __tablename__ = "consents"
    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), index=True)
    text: Mapped[str]
    version: Mapped[str]
    language: Mapped[str]
    button: Mapped[str]
    boxes: Mapped[dict[str, Any]]
    figures: Mapped[dict[str, Any]]
    card: Mapped[dict[str, Any]]
    quote_hash: Mapped[str]
    policy_version: Mapped[int | None]
    """Of the rules under which a shopper pressed; None where a merchant acted by hand."""
    step_up: Mapped[dict[str, Any] | None]
    """Which check the holder passed, when, and what was asked for; None where the rules asked for none."""
    link_jti: Mapped[str | None]
    ip: Mapped[str]
    user_agent: Mapped[str]
    at: Mapped[datetime]
    __table_args__ = (STRICT,)


class Fulfilment(Base):
    """The subscription was changed for this order: exactly one row per paid order."""

    __tablename__ = "fulfilments"
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id", ondelete="RESTRICT"))
    from_version: Mapped[int]
    to_version: Mapped[int]
    at: Mapped[datetime]
    __table_args__ = (STRICT,)


class Deferral(Base):
    """What an order left to the next renewal because it was too small to charge; ``collected_order`` is the one that took it."""

    __tablename__ = "deferrals"
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id", ondelete="RESTRICT"))
    amount: Mapped[int]
    currency: Mapped[str]
    collected_order: Mapped[str | None] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    created_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("deferrals_open", "subscription_id", sqlite_where=text("collected_order IS NULL")),
        STRICT,
    )


class Refund(Base):
    """Money given back from one attempt's capture. ``id`` is that order's id, ``.r`` and a number.

    ``kind`` says who asked: a person or the API (``asked``), a change whose total is negative (``negative``, then
    ``cause_order`` is that change's order), or the gateway, where somebody gave it back by hand (``outside``).
    """

    __tablename__ = "refunds"
    id: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), index=True)
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"))
    cause_order: Mapped[str | None] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    state: Mapped[str]
    gw_ref: Mapped[str | None]
    try_no: Mapped[int] = mapped_column(default=0)
    """How many keys were used: a new one only after the gateway's list showed that the last one did nothing."""
    tries: Mapped[int] = mapped_column(default=0)
    last_class: Mapped[str | None]
    takes: Mapped[list[Any]]
    """The ledger rows that it took back when it was promised, as ``billing.codec`` writes them; they come back if it fails."""
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str | None]
    next_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        one_of("state", "CREATED", "SENT", "SUCCEEDED", "FAILED", "UNKNOWN"),
        one_of("kind", "asked", "negative", "outside"),
        Index("one_refund_ref", "attempt_id", "gw_ref", unique=True, sqlite_where=text("gw_ref IS NOT NULL")),
        Index("refunds_due", "next_at", sqlite_where=text("next_at IS NOT NULL")),
        STRICT,
    )


class Dispute(Base):
    """A cardholder contests a payment at the gateway. While it is open or lost no refund of that payment begins (I8)."""

    __tablename__ = "disputes"
    gateway: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    gw_ref: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), index=True)
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id", ondelete="RESTRICT"))
    amount: Mapped[int]
    currency: Mapped[str]
    state: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    takes: Mapped[list[Any] | None]
    """The ledger rows that it took back when it was lost, as ``refunds.takes``; None when it took none."""
    __table_args__ = (one_of("state", "OPEN", "WON", "LOST"), STRICT)


class Renewal(Base):
    """At most one order per subscription and period (I34)."""

    __tablename__ = "renewals"
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id", ondelete="RESTRICT"), primary_key=True)
    period_start: Mapped[datetime] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"))
    state: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (one_of("state", "DUE", "ORDERED", "PAID", "PAST_DUE", "UNPAID", "CANCELLED"), STRICT)


class Transition(Base):
    """Every change of state, written in the transaction that made it; each object's rows form a hash chain (I43)."""

    __tablename__ = "transitions"
    seq: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    kind: Mapped[str]
    object: Mapped[str]
    from_state: Mapped[str]
    to_state: Mapped[str]
    cause: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]
    prev_hash: Mapped[str]
    hash: Mapped[str]
    __table_args__ = (Index(None, "kind", "object", "seq"), STRICT)


class Orphan(Base):
    """A payment at the gateway under our keys that no attempt accounts for: adopted, cancelled, refunded or asked about."""

    __tablename__ = "orphans"
    gateway: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    gw_ref: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    order_mark: Mapped[str | None]
    """The order that its marks name, by itself or by its attempt. A restore may have lost it, so it is no foreign key."""
    use_mark: Mapped[str | None]
    """The mark of the link's use that it was made for; it keeps that use while it may hold money."""
    facts: Mapped[dict[str, Any]]
    state: Mapped[str]
    found_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str | None]
    next_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    __table_args__ = (
        one_of("state", "FOUND", "ADOPTED", "CANCELLED", "REFUNDED", "PERSON"),
        Index("orphans_due", "next_at", sqlite_where=text("next_at IS NOT NULL")),
        Index("orphans_of_orders", "order_mark", sqlite_where=text("order_mark IS NOT NULL")),
        Index("orphans_holding", "use_mark", sqlite_where=text("use_mark IS NOT NULL")),
        STRICT,
    )


class Cap(Base):
    """A limit that many orders share: taken by conditional update inside the order's transaction."""

    __tablename__ = "caps"
    id: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    cap: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    __table_args__ = (CheckConstraint("taken >= 0 AND taken <= cap", name="taken"), STRICT)
