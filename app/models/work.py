"""Rows that are work: what must be sent, what was received, cards being entered on the gateway's page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import STRICT, Base, one_of


class Outbox(Base):
    """Something to tell, written in the transaction that made it true. ``id`` is kind, object and version."""

    __tablename__ = "outbox"
    id: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    channel: Mapped[str]
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    __table_args__ = (
        one_of("channel", "mail", "webhook", "event"),
        one_of("state", "READY", "DELIVERED", "DEAD"),
        Index(
            "outbox_due",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
        ),
        Index(None, "book_id", "created_at"),
        STRICT,
    )


class Inbox(Base):
    """A notice from a gateway, kept as received; the sender's event id is unique."""

    __tablename__ = "inbox"
    gateway: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    livemode: Mapped[bool]
    kind: Mapped[str]
    payment: Mapped[str | None]
    customer: Mapped[str | None]
    """What it is about. It says where to look; what is there is read from the gateway."""
    body: Mapped[str]
    """Empty once it was kept long enough; ``body_hash`` stays."""
    body_hash: Mapped[str]
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str | None]
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    __table_args__ = (
        one_of("state", "READY", "DONE", "DEAD"),
        Index("inbox_due", "next_at", sqlite_where=text("next_at IS NOT NULL")),
        Index("inbox_bodies", "done_at", sqlite_where=text("body <> ''")),
        STRICT,
    )


class GatewayWatch(Base):
    """How far one account's book was compared with ours, and whether it may charge: after a restore it may not, until
    two comparisons found every object (the second after the gateway's latest late effect)."""

    __tablename__ = "gateway_watch"
    gateway: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    livemode: Mapped[bool] = mapped_column(primary_key=True)
    compared_until: Mapped[datetime | None]
    gate: Mapped[str]
    closed_at: Mapped[datetime | None]
    first_compare_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str | None]
    __table_args__ = (one_of("gate", "OPEN", "CLOSED"), STRICT)


class InstallationFact(Base):
    """What this database knows of the installation it belongs to, such as the restore epoch it last ran under."""

    __tablename__ = "installation_facts"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    at: Mapped[datetime]
    __table_args__ = (STRICT,)


class StepUp(Base):
    """A six-digit code mailed to the address on file for one cart session; only its keyed hash is kept."""

    __tablename__ = "step_ups"
    cart_session: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="RESTRICT"), index=True)
    code_hash: Mapped[str]
    sent: Mapped[int] = mapped_column(default=1)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    passed_at: Mapped[datetime | None]
    __table_args__ = (STRICT,)


class CardSetup(Base):
    """A shopper went to the gateway's page to enter a card. The worker fetches the result; the return page only waits."""

    __tablename__ = "card_setups"
    id: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="RESTRICT"))
    cart_session: Mapped[str]
    own_email: Mapped[bool]
    gateway: Mapped[str]
    gateway_customer: Mapped[str]
    gw_ref: Mapped[str | None]
    url: Mapped[str | None]
    state: Mapped[str]
    card_id: Mapped[int | None] = mapped_column(ForeignKey("stored_cards.id", ondelete="RESTRICT"))
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    lease_by: Mapped[str | None]
    created_at: Mapped[datetime]
    __table_args__ = (
        one_of("state", "OPEN", "DONE", "ABANDONED", "FAILED"),
        Index(
            "card_setups_due",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
        ),
        STRICT,
    )


class CartContact(Base):
    """The other e-mail address a shopper gave in one cart session; stored cards are withdrawn from that cart."""

    __tablename__ = "cart_contacts"
    cart_session: Mapped[str] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    email: Mapped[str]
    gateway_customer: Mapped[str]
    created_at: Mapped[datetime]
    __table_args__ = (STRICT,)


class CartTry(Base):
    """A card page or a change of address that a cart began: the last few of each subscription, to refuse too many."""

    __tablename__ = "cart_tries"
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"), primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id", ondelete="RESTRICT"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    __table_args__ = (one_of("kind", "card", "email"), STRICT)
