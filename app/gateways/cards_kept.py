"""Cards that a gateway keeps, and the page of its own on which one is entered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SetupStatus(StrEnum):
    OPEN = "open"
    """The shopper has not finished the page."""
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card the gateway keeps. ``fingerprint`` is equal for equal numbers within one account."""

    token: str
    customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class CardSetup:
    """A page of the gateway's own at ``url``; no card number ever reaches us."""

    ref: str
    url: str


@dataclass(frozen=True, slots=True)
class FinishedSetup:
    """``card`` is set when ``status`` is ``complete``."""

    ref: str
    status: SetupStatus
    customer: str
    card: StoredCard | None = None
