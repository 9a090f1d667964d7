"""The port to every payment gateway: a few verbs, typed requests and results, one closed list of answers.

A decline is a result. Exceptions mean that the installation is wrong or the caller broke a rule:

    GatewayError    gateway_unknown · gateway_misconfigured · gateway_refuses_production
    AssertionError  the call was made inside an open database transaction (I44)

An adapter is bound to one account in one mode, makes each call once (it never retries) and sends our idempotency key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from app.gateways.cards_kept import CardSetup, FinishedSetup, SetupStatus, StoredCard
from app.gateways.declines import Decline, DeclineReason, DeclineText, RetrySameCard
from app.kit.errors import LiftlinkError

__all__ = [
    "Answer",
    "AnswerKind",
    "Capabilities",
    "CardSetup",
    "CreatePayment",
    "Decline",
    "DeclineReason",
    "DeclineText",
    "Dispute",
    "DisputeStatus",
    "FinishedSetup",
    "Gateway",
    "GatewayError",
    "Gateways",
    "Marks",
    "Notice",
    "NoticeRefused",
    "OpenGateway",
    "Payment",
    "PaymentStatus",
    "Refund",
    "RefundStatus",
    "Reply",
    "RetrySameCard",
    "SetupStatus",
    "StoredCard",
]


class GatewayError(LiftlinkError):
    """The gateway cannot be used as configured; ``code`` says why."""


class AnswerKind(StrEnum):
    """What an observation means for us. The adapter classifies; ``charging`` decides by this and the payment's status."""

    NOT_SENT = "not_sent"
    """Not a byte left us: repeat later with the same key."""
    DEFINITE = "definite"
    """A whole answer. ``payment`` is the object as it stands, in whatever status."""
    PENDING = "pending"
    """The object is ``processing``: ask again, or wait for the notice."""
    DECLINE = "decline"
    """Definitely refused, no money moved. ``decline`` says why; the object stands at ``requires_payment_method``."""
    BUG_OR_GONE = "bug_or_gone"
    """Invalid request or no such object: a person looks at it, never a loop."""
    READ = "read"
    """The object was already in a final state: read it and apply."""
    BUG = "bug"
    """One key came with two sets of parameters (I6 is broken): alarm."""
    MERCHANT_FAULT = "merchant_fault"
    """The merchant's credentials are refused."""
    BUSY = "busy"
    """Nothing happened; back off and repeat with the same key."""
    UNKNOWN = "unknown"
    """It may or may not have acted: read before anything else. Never a failure."""


class PaymentStatus(StrEnum):
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Marks:
    """What we write on a gateway's object to find it again; empty where the object is not ours. ``use`` is a hash."""

    order: str = ""
    attempt: str = ""
    use: str = ""


@dataclass(frozen=True, slots=True)
class CreatePayment:
    """Asks for an object that moves no money until it is confirmed. ``amount`` in minor units of ISO 4217, above zero."""

    amount: int
    currency: str
    customer: str
    payment_method: str
    marks: Marks
    description: str = ""
    """Stands on the bank's page, such as the merchant's statement name."""


@dataclass(frozen=True, slots=True)
class Payment:
    """The gateway's object, in our words; it is the arbiter of money. Amounts are ISO 4217 minor units."""

    ref: str
    status: PaymentStatus
    amount: int
    currency: str
    customer: str
    payment_method: str
    account: str
    livemode: bool
    metadata: Marks
    captured: int = 0
    refunded: int = 0
    action_url: str | None = None
    """Where the shopper answers the bank; set while ``requires_action``."""
    decline: Decline | None = None
    """The last refusal, also when read later."""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How one call about a payment ended. ``detail`` is for logs and the merchant: no secret, no shopper's text."""

    kind: AnswerKind
    payment: Payment | None = None
    decline: Decline | None = None
    """With ``DECLINE``; and with a ``BUG_OR_GONE`` that says that the card itself is gone (``CARD_GONE``)."""
    detail: str = ""
    retry_after: float | None = None
    """Seconds the gateway asked us to wait, with ``BUSY``."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """How a call that is not about one payment ended. ``value`` is set exactly when ``kind`` is ``DEFINITE``."""

    kind: AnswerKind
    value: T | None = None
    detail: str = ""
    is_too_long: bool = False
    """The list has more objects than are read in one go, of a gateway that is well: ask for less time."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back from one payment. ``mark`` is our refund's id, ``created_at`` the gateway's time of asking."""

    ref: str
    payment: str
    amount: int
    currency: str
    status: RefundStatus
    mark: str = ""
    created_at: datetime | None = None


class DisputeStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Dispute:
    """A cardholder contests a payment: the money is held back while it is open, and gone when it is lost."""

    ref: str
    payment: str
    amount: int
    currency: str
    status: DisputeStatus
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A genuine notice. It only says where to look: nobody copies state from it."""

    id: str
    kind: str
    account: str
    livemode: bool
    sent_at: datetime
    payment: str | None = None
    customer: str | None = None
    """Whose cards changed, where the notice is about no payment."""


@dataclass(frozen=True, slots=True)
class NoticeRefused:
    """``code``: ``no_secret`` · ``unsigned`` · ``bad_signature`` · ``too_old`` · ``malformed``."""

    code: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the gateway really offers. Without ``two_phase`` and ``list_by_customer`` it is not crash-safe."""

    two_phase: bool
    cancel: bool
    read_by_ref: bool
    list_by_customer: bool
    idempotency_ttl: timedelta
    """How long a key is remembered."""
    late_effect_max: timedelta
    """How long after our time-out a call may still act."""

    @property
    def crash_safe(self) -> bool:
        return self.two_phase and self.cancel and self.read_by_ref and self.list_by_customer


class Gateway(Protocol):
    """One account at one gateway in one mode. Every verb may be called again; ``key`` makes the gateway act once."""

    @property
    def name(self) -> str: ...

    @property
    def account(self) -> str: ...

    @property
    def livemode(self) -> bool: ...

    @property
    def identity(self) -> str:
        """What stands behind ``account``, and no secret: equal for two names exactly when both see the same objects."""
        ...

    @property
    def capabilities(self) -> Capabilities: ...

    def create_customer(self, *, reference: str, key: str) -> Reply[str]:
        """The gateway's customer for our reference; only the reference is sent."""
        ...

    def create_payment(self, request: CreatePayment, *, key: str) -> Answer:
        """Makes an object in ``requires_confirmation``; no money moves.

        ``BUG_OR_GONE`` is definite: there is no object. Where it is for the card, which the gateway does not have or may not
        use for this customer any more, ``decline`` says ``CARD_GONE``.
        """
        ...

    def confirm_payment(self, ref: str, *, key: str, return_url: str | None) -> Answer:
        """Takes the money, once however often it is called.

        With ``return_url`` the shopper is here and the bank may ask (``requires_action``); None is off session, where a
        bank that wants to ask is a decline with ``authentication_required``.
        """
        ...

    def read_payment(self, ref: str) -> Answer:
        """The object as it stands. Unknown to this account: ``BUG_OR_GONE``."""
        ...

    def list_payments(
        self,
        *,
        customer: str | None = None,
        order: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Reply[tuple[Payment, ...]]:
        """Every object that fits all that is given, oldest first, including those made a moment ago.

        Made at or after ``since`` and before ``until``; a gateway that counts in seconds cuts both off to their second.
        Callers owe a narrow question: ``customer`` and ``since`` wherever they are known, ``since`` at the least. ``order``
        narrows nothing at a gateway that lists by customer and time alone: there it costs a look at each object, and beyond
        some number of them the answer is ``UNKNOWN``, every time.
        """
        ...

    def cancel_payment(self, ref: str, *, key: str) -> Answer:
        """After this no confirm can take money. Already succeeded or cancelled: ``READ``."""
        ...

    def refund(self, ref: str, *, amount: int, mark: str, key: str) -> Reply[Refund]:
        """Gives back ``amount`` minor units. More than what is left of the capture: ``BUG_OR_GONE``."""
        ...

    def list_refunds(
        self, payment: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> Reply[tuple[Refund, ...]]:
        """Refunds of one payment or of all, oldest first, made in that time; those of other programs too.

        How a refund of unknown end is settled, and how one made by hand is found however old its payment is.
        """
        ...

    def list_disputes(
        self, *, payment: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Reply[tuple[Dispute, ...]]:
        """Disputes of one payment or of all, oldest first, opened in that time."""
        ...

    def begin_card_setup(self, *, customer: str, return_url: str, description: str, key: str) -> Reply[CardSetup]:
        """Opens the gateway's card page. ``description`` repeats the amount due; the shopper comes back to ``return_url``."""
        ...

    def finish_card_setup(self, ref: str) -> Reply[FinishedSetup]:
        """What became of the page; the customer in it must be compared with ours."""
        ...

    def stored_cards(self, customer: str) -> Reply[tuple[StoredCard, ...]]:
        """The cards kept for this customer, oldest first; none for one who was deleted there. ``BUG_OR_GONE``: not known at all."""
        ...

    def read_notice(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> Notice | NoticeRefused:
        """Verifies the raw bytes against any of ``secrets`` and parses them. Touches nothing outside."""
        ...


class OpenGateway(Protocol):
    """What an adapter's ``open_gateway(settings)`` gives: a way to each account."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def at(self, account: str, *, livemode: bool) -> Gateway:
        """The port bound to one account in one mode. Cheap; opens no connection."""
        ...

    def notice_secrets(self, account: str, *, livemode: bool) -> Sequence[str]:
        """What genuine notices of that account are signed with, the newest first; empty: notices are not taken at all."""
        ...


class Gateways(Protocol):
    """What charging is handed: the adapter for an attempt's own gateway, account and mode."""

    def of(self, gateway: str, account: str, *, livemode: bool) -> Gateway:
        """``GatewayError`` (gateway_unknown) when this installation does not have it."""
        ...
