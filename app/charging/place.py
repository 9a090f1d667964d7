"""TX1: the order, its use of the link, the consent and the attempt are written before anything is asked of a gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.billing.result import Quote
from app.kit.clock import Clock
from app.models.store import Store

Guard = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A quote as the shopper accepted it. ``claims`` let a page of the order open the cart again."""

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


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """What the shopper read and ticked, to the letter. ``figures`` are the amounts and dates inside the text."""

    text: str
    version: str
    language: str
    button: str
    boxes: Mapping[str, Any]
    figures: Mapping[str, Any]
    ip: str
    user_agent: str


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


@dataclass(frozen=True, slots=True)
class Placed:
    """``attempt_id`` is what to drive now; None when there is nothing to drive (paid already, or nothing due)."""

    order_id: str
    attempt_id: str | None
    created: bool


def place(
    store: Store,
    clock: Clock,
    new: NewOrder,
    consent: ConsentGiven,
    card: ChosenCard | None,
    *,
    guard: Guard,
    return_url: str | Callable[[str], str],
    driver: str | None = None,
    decline_limit: int = 5,
) -> Placed:
    """Write the order and its next attempt in one transaction, or find the one that is already there.

    The same ``checkout_id`` gives the same order. ``guard(conn)`` runs inside the transaction before anything is written
    and may raise any ``LiftlinkError``. ``return_url`` is where the bank sends the shopper back, or a function of the order's id.
    ``driver``: the attempt is created under this driver's lease, so that ``drive(..., by=driver)`` needs no commit to take it;
    it must be unique to the request (``drive.driver_name``). ``card`` may be None only when nothing is due.
    Raises ``ChargingError`` (see ``errors.py``); then nothing was written.
    """
    raise NotImplementedError
