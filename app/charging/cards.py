"""Cards entered on the gateway's own page: the row first, then the call; the worker fetches what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from app.gateways.port import AnswerKind, Gateways
from app.kit.clock import Clock
from app.models.store import Store


@dataclass(frozen=True, slots=True)
class SetupRequest:
    """``own_email`` False: the card may be used in this cart session only, never offered later.

    ``gateway_customer`` is the customer's at the gateway, or the one made for the other e-mail (``ensure_customer``).
    """

    book_id: int
    livemode: bool
    customer_id: int
    cart_session: str
    own_email: bool
    gateway: str
    account: str
    gateway_customer: str
    description: str


@dataclass(frozen=True, slots=True)
class SetupStarted:
    """``url`` is the gateway's page; None when the gateway did not answer (``kind`` says how): nothing happened, try again."""

    id: str
    url: str | None
    kind: AnswerKind


@dataclass(frozen=True, slots=True)
class SetupFacts:
    """``state``: ``OPEN`` (not finished), ``DONE`` (``card_id`` is set), ``ABANDONED``, ``FAILED``."""

    id: str
    cart_session: str
    customer_id: int
    own_email: bool
    state: str
    card_id: int | None
    url: str | None
    created_at: datetime


def ensure_customer(
    gateways: Gateways, *, book_id: int, livemode: bool, gateway: str, account: str, reference: str
) -> str | None:
    """The gateway's customer for our reference, made if need be; None when the gateway did not answer.

    The same reference gives the same customer: the key is derived from it. Only the reference is sent.
    """
    raise NotImplementedError


def begin_setup(
    store: Store, gateways: Gateways, clock: Clock, request: SetupRequest, *, return_url: Callable[[str], str]
) -> SetupStarted:
    """Open the gateway's card page. ``return_url(setup_id)`` is where the shopper comes back to.

    An open page of the same cart session and gateway customer is given again.
    """
    raise NotImplementedError


def finish_due_setups(
    store: Store, gateways: Gateways, clock: Clock, *, by: str, limit: int = 20, rung: bool = False
) -> int:
    """Fetch finished card pages and store their cards; the number of rows looked at. For the worker.

    ``rung``: also those that are not due yet but were not looked at for a second, because somebody waits.
    """
    raise NotImplementedError


def setup_status(conn: Connection, book_id: int, setup_id: str) -> SetupFacts | None:
    """What became of a card page; None when this book has no such setup."""
    raise NotImplementedError
