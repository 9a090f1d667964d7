"""What is known of an order, for pages and mails. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.billing.result import Quote
from app.billing.states import ATTEMPT_CLOSED
from app.gateways.port import DeclineReason
from app.kit.clock import Clock
from app.models.store import Store

MOVING = frozenset({"CREATED", "INTENT"})
"""A driver is at work, or soon will be."""


@dataclass(frozen=True, slots=True)
class CardShown:
    """The card of an attempt as it may be shown."""

    id: int
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """One try. ``decline`` is set when ``state`` is ``DECLINED``; ``action_url`` while ``REQUIRES_ACTION``.

    ``last_class`` is the kind of the gateway's last answer that decided nothing (``not_sent``, ``unknown``, ``busy`` …).
    """

    id: str
    n: int
    state: str
    amount: int
    currency: str
    card: CardShown
    decline: DeclineReason | None
    action_url: str | None
    last_class: str | None
    created_at: datetime
    settled_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state not in ATTEMPT_CLOSED


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """The consent of the newest attempt, as it was given."""

    text: str
    version: str
    language: str
    button: str
    boxes: Mapping[str, Any]
    figures: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order with its attempts, oldest first."""

    id: str
    book_id: int
    number: str
    checkout_id: str
    state: str
    outcome: str
    total: int
    currency: str
    quote: Quote
    quote_hash: str
    quoted_at: datetime
    valid_until: datetime
    attempts: tuple[AttemptFacts, ...]
    consent: ConsentFacts | None
    created_at: datetime
    paid_at: datetime | None
    source: str
    link_jti: str | None
    claims: str | None
    email: str
    language: str
    customer_id: int
    subscription_id: int
    subscription_number: int

    @property
    def last(self) -> AttemptFacts | None:
        return self.attempts[-1] if self.attempts else None

    @property
    def open_attempt(self) -> AttemptFacts | None:
        """The attempt that still may take money (or a person must look at), None when all are closed or it is paid."""
        last = self.last
        return last if last is not None and last.is_open and last.state != "SUCCEEDED" else None


@dataclass(frozen=True, slots=True)
class OrderOfLink:
    """One order that came from a link, in brief."""

    id: str
    number: str
    state: str
    outcome: str
    total: int
    currency: str
    created_at: datetime
    paid_at: datetime | None


def order_facts(conn: Connection, book_id: int, order_id: str) -> OrderFacts | None:
    """The order with its attempts and newest consent; None when this book has no such order."""
    raise NotImplementedError


def orders_of_link(conn: Connection, book_id: int, jti: str) -> tuple[OrderOfLink, ...]:
    """Every order placed from this link, newest first."""
    raise NotImplementedError


def wait_for_news(store: Store, clock: Clock, book_id: int, order_id: str, *, seconds: float) -> OrderFacts | None:
    """The order as soon as its last attempt is final, asks for the bank, or is not known; at the latest after ``seconds``.

    For requests that lost the race for the lease and for the GETs that come back from the bank: ring the bell, then wait.
    """
    raise NotImplementedError
