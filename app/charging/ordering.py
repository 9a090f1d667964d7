"""What checkout hands over: the order as accepted, the consent as given, the card as chosen. All were checked before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.billing.facts import Change
from app.billing.result import Quote
from app.subscriptions.facts import CardFacts


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A quote as the shopper accepted it. ``claims`` let a page of the order open the cart again.

    ``quoted_at`` is when the quote and with it ``checkout_id`` was made: nobody can have pressed Buy for it before.
    ``changes`` are what the quote prices: a change that waits for the next billing date is kept with them. ``off_session``:
    nobody is there whom the bank could ask. ``invoice`` is the merchant's own paper that asks for what is due: then nothing
    is charged here, and the order's outcome is ``due``.
    """

    book_id: int
    livemode: bool
    checkout_id: str
    subscription_id: int
    subscription_version: int
    customer_id: int
    source: str
    link_jti: str | None
    max_uses: int
    claims: str | None
    quote: Quote
    quoted_at: datetime
    valid_until: datetime
    email: str
    language: str
    gateway: str
    account: str
    gateway_customer: str
    changes: tuple[Change, ...] = ()
    off_session: bool = False
    invoice: str = ""


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """What the shopper read and ticked, to the letter. ``figures`` are the amounts and dates inside the text.

    ``policy_version``: the merchant's rules that the page was made by; None for what a merchant does by hand.
    """

    text: str
    version: str
    language: str
    button: str
    boxes: Mapping[str, Any]
    figures: Mapping[str, Any]
    ip: str
    user_agent: str
    policy_version: int | None = None


@dataclass(frozen=True, slots=True)
class ChosenCard:
    """``fingerprint`` is empty where the gateway gives none."""

    id: int
    token: str
    gateway_customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str = ""

    @classmethod
    def of(cls, card: CardFacts) -> ChosenCard:
        """A card on file."""
        return cls(
            card.id, card.token, card.gateway_customer, card.brand, card.last4, card.exp_month, card.exp_year,
            card.fingerprint,
        )  # fmt: skip
