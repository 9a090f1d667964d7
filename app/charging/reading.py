"""What is known of an order, for pages and mails. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from app.billing.codec import load_quote
from app.billing.result import Quote
from app.billing.states import ATTEMPT_CLOSED
from app.charging.attempts import read_attempt
from app.gateways.port import DeclineReason
from app.kit.clock import Clock
from app.models.customers import StoredCard
from app.models.orders import Attempt, Consent, Order, Transition
from app.models.prepared import Prepared
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.subscriptions.facts import Held

AT_WORK = frozenset({"CREATED", "INTENT"})
"""A driver holds the newest attempt, or soon will."""
WAITED_FOR = AT_WORK | {"REQUIRES_ACTION", "UNKNOWN", "CANCELLING"}
"""States of the newest attempt in which a worker may soon have news."""
POLL_SECONDS = 0.1


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
    """One try. ``decline`` is set when ``state`` is ``DECLINED``, and when it is ``CANCELLED`` because the gateway would not have
    the payment at all; ``action_url`` while ``REQUIRES_ACTION``.

    ``last_class`` is the kind of the gateway's last answer that decided nothing (``not_sent``, ``unknown``, ``busy`` …);
    ``paid`` on a row that waits for a person though its money is there.
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
    has_object: bool = True
    """The gateway made an object for it. Without one nothing was ever asked for, so nothing can have been charged."""
    asked_bank: bool = False
    """The bank wanted to check the shopper at some time."""
    is_from_before_restore: bool = False
    """Set while it is ``CANCELLING`` without an object: the commit that named one may have been lost."""

    @property
    def is_open(self) -> bool:
        return self.state not in ATTEMPT_CLOSED

    @property
    def unheard(self) -> bool:
        """The gateway could not be reached at all: for certain nothing was charged, and nothing will be once it is cancelled."""
        return not self.has_object and self.state == "CANCELLING" and not self.is_from_before_restore

    @property
    def captured(self) -> bool:
        """The gateway holds the money for certain, whatever has become of the order."""
        return self.state == "SUCCEEDED" or (self.state == "QUARANTINED" and self.last_class == "paid")


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
    step_up: Mapping[str, Any] | None = None
    """The check that was passed: ``asked``, ``passed`` (``code`` or ``card``), ``at``, and ``email`` or ``card``."""


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
    def paying(self) -> AttemptFacts | None:
        """The attempt that took the money, which may be older than the newest; else the newest."""
        return next((each for each in self.attempts if each.state == "SUCCEEDED"), self.last)

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


_ORDER_FIELDS = (
    "id", "book_id", "number", "checkout_id", "state", "outcome", "total", "currency", "quote_hash", "quoted_at",
    "valid_until", "created_at", "paid_at", "source", "link_jti", "claims", "email", "language", "customer_id",
    "subscription_id",
)  # fmt: skip
_ORDER = Prepared(
    select(
        *(getattr(Order, name) for name in _ORDER_FIELDS), Order.quote, Subscription.number.label("subscription_number")
    )
    .join(Subscription, Subscription.id == Order.subscription_id)
    .where(Order.book_id == bindparam("book"), Order.id == bindparam("order"))
)
_ASKED_BANK = (
    select(Transition.seq)
    .where(Transition.kind == "attempt", Transition.object == Attempt.id, Transition.to_state == "REQUIRES_ACTION")
    .correlate(Attempt)
    .exists()
)
_ATTEMPTS = Prepared(
    select(
        Attempt.id, Attempt.n, Attempt.state, Attempt.amount, Attempt.currency, Attempt.decline_reason,
        Attempt.action_url, Attempt.last_class, Attempt.created_at, Attempt.settled_at,
        Attempt.gw_ref.is_not(None).label("has_object"), _ASKED_BANK.label("asked_bank"),
        StoredCard.id.label("card_id"), StoredCard.brand, StoredCard.last4, StoredCard.exp_month, StoredCard.exp_year,
    )
    .join(StoredCard, StoredCard.id == Attempt.card_id)
    .where(Attempt.book_id == bindparam("book"), Attempt.order_id == bindparam("order"))
    .order_by(Attempt.n)
)  # fmt: skip
_CONSENT = Prepared(
    select(
        Consent.text, Consent.version, Consent.language, Consent.button, Consent.boxes, Consent.figures, Consent.at,
        Consent.step_up,
    )
    .where(Consent.book_id == bindparam("book"), Consent.order_id == bindparam("order"))
    .order_by(Consent.at.desc())
    .limit(1)
)  # fmt: skip
_NEWEST_STATE = (
    select(Attempt.state)
    .where(Attempt.book_id == bindparam("book"), Attempt.order_id == bindparam("order"))
    .order_by(Attempt.n.desc())
    .limit(1)
)
_OF_LINK = Prepared(
    select(
        Order.id, Order.number, Order.state, Order.outcome, Order.total, Order.currency, Order.created_at,
        Order.paid_at,
    )
    .where(Order.book_id == bindparam("book"), Order.link_jti == bindparam("jti"))
    .order_by(Order.created_at.desc(), Order.id)
)  # fmt: skip


def order_facts(conn: Connection, book_id: int, order_id: str) -> OrderFacts | None:
    """The order with its attempts and newest consent; None when this book has no such order."""
    scope = {"book": book_id, "order": order_id}
    found = _ORDER.named(conn, scope)
    if not found:
        return None
    row = found[0]
    attempts = tuple([_attempt(conn, each) for each in _ATTEMPTS.named(conn, scope)])
    consent = _CONSENT.first(conn, scope)
    return OrderFacts(
        **{name: row[name] for name in _ORDER_FIELDS},
        quote=load_quote(row["quote"]),
        attempts=attempts,
        consent=None if consent is None else ConsentFacts(*consent),
        subscription_number=row["subscription_number"],
    )


def idle_order(conn: Connection, held: Held) -> str | None:
    """The subscription's open order if all its attempts ended without money: it gives way to the next press, so it stops
    neither a link nor a change by hand."""
    if held.open_order is None:
        return None
    order = order_facts(conn, held.book.id, held.open_order)
    return held.open_order if order is not None and order.open_attempt is None else None


def _attempt(conn: Connection, row: Mapping[str, Any]) -> AttemptFacts:
    may_be_lost = row["state"] == "CANCELLING" and not row["has_object"]
    full = read_attempt(conn, row["id"]) if may_be_lost else None
    reason = row["decline_reason"]
    return AttemptFacts(
        id=row["id"],
        n=row["n"],
        state=row["state"],
        amount=row["amount"],
        currency=row["currency"],
        card=CardShown(row["card_id"], row["brand"], row["last4"], row["exp_month"], row["exp_year"]),
        decline=DeclineReason(reason) if reason else None,
        action_url=row["action_url"],
        last_class=row["last_class"],
        created_at=row["created_at"],
        settled_at=row["settled_at"],
        has_object=bool(row["has_object"]),
        asked_bank=bool(row["asked_bank"]),
        is_from_before_restore=full is not None and full.is_from_before_restore,
    )


def orders_of_link(conn: Connection, book_id: int, jti: str) -> tuple[OrderOfLink, ...]:
    """Every order placed from this link, newest first."""
    return tuple([OrderOfLink(*row) for row in _OF_LINK.all(conn, {"book": book_id, "jti": jti})])


def wait_for_news(
    store: Store, clock: Clock, book_id: int, order_id: str, *, seconds: float, states: frozenset[str] = WAITED_FOR
) -> OrderFacts | None:
    """The order once its newest attempt is in none of ``states``; at the latest after ``seconds``, as it is then.

    A press that lost the race for the lease waits with ``AT_WORK``; the GETs that come back from the bank or check again
    ring the bell first and wait with ``WAITED_FOR``.
    """
    until = clock.now() + timedelta(seconds=seconds)
    while True:
        with store.read() as conn:
            state: str | None = conn.execute(_NEWEST_STATE, {"book": book_id, "order": order_id}).scalar()
            if state not in states or clock.now() >= until:
                return order_facts(conn, book_id, order_id)
        clock.sleep(POLL_SECONDS)
