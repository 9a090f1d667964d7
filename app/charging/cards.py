"""Cards entered on the gateway's own page: the row first, then the call; the worker fetches what became of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from app.charging.finishing import GIVEN_UP_AFTER, LOOKS, finish_due_setups
from app.gateways.port import AnswerKind, Gateways
from app.kit.clock import Clock
from app.kit.ids import derive
from app.models.customers import Customer
from app.models.merchants import SigningKey
from app.models.store import Store
from app.models.upsert import insert_new
from app.models.work import CardSetup

__all__ = [
    "SetupFacts", "SetupRequest", "SetupStarted", "begin_setup", "ensure_customer", "finish_due_setups", "setup_status",
]  # fmt: skip


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
    store: Store, gateways: Gateways, *, book_id: int, livemode: bool, gateway: str, account: str, reference: str
) -> str | None:
    """The gateway's customer for our reference, made if need be; None when the gateway did not answer.

    The same reference gives the same customer: the key is derived from it. Only the reference is sent. Books and customers
    are numbered alike in every database, so the key says which book of all is meant: its first signing key is nobody else's.
    """
    first = select(SigningKey.kid).where(SigningKey.book_id == book_id).order_by(SigningKey.created_at, SigningKey.kid)
    with store.read() as conn:
        kid: str = conn.execute(first.limit(1)).scalar() or ""
    reply = gateways.of(gateway, account, livemode=livemode).create_customer(
        reference=reference, key=f"customer:{book_id}:{kid}:{reference}"
    )
    return reply.value if reply.kind is AnswerKind.DEFINITE else None


def begin_setup(
    store: Store, gateways: Gateways, clock: Clock, request: SetupRequest, *, return_url: Callable[[str], str]
) -> SetupStarted:
    """Open the gateway's card page. ``return_url(setup_id)`` is where the shopper comes back to.

    The row is written before the call and completed after it. A customer who is not at the gateway yet is made there
    first, which moves nothing.
    """
    customer = request.gateway_customer or _own_customer(store, gateways, request)
    if customer is None:
        return SetupStarted("", None, AnswerKind.UNKNOWN)
    setup_id = _write_row(store, clock, request, customer)
    reply = gateways.of(request.gateway, request.account, livemode=request.livemode).begin_card_setup(
        customer=customer,
        return_url=return_url(setup_id),
        description=request.description,
        key=f"{setup_id}:setup",
    )
    if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        return SetupStarted(setup_id, None, reply.kind)
    now = clock.now()
    with store.write() as conn:
        conn.execute(
            update(CardSetup)
            .where(CardSetup.book_id == request.book_id, CardSetup.id == setup_id)
            .values(gw_ref=reply.value.ref, url=reply.value.url, next_at=now + LOOKS[0])
        )
    return SetupStarted(setup_id, reply.value.url, reply.kind)


def _own_customer(store: Store, gateways: Gateways, request: SetupRequest) -> str | None:
    made = ensure_customer(
        store,
        gateways,
        book_id=request.book_id,
        livemode=request.livemode,
        gateway=request.gateway,
        account=request.account,
        reference=f"{request.book_id}-{request.customer_id}",
    )
    if made is not None:
        with store.write() as conn:
            conn.execute(
                update(Customer)
                .where(
                    Customer.book_id == request.book_id,
                    Customer.id == request.customer_id,
                    Customer.gateway_customer == "",
                )
                .values(gateway_customer=made)
            )
    return made


def _write_row(store: Store, clock: Clock, request: SetupRequest, customer: str) -> str:
    """Numbered within the cart session, so that its id is derived; a page that is never opened ends with the day."""
    now = clock.now()
    with store.write() as conn:
        row = {
            "book_id": request.book_id,
            "customer_id": request.customer_id,
            "cart_session": request.cart_session,
            "own_email": request.own_email,
            "gateway": request.gateway,
            "gateway_customer": customer,
            "state": "OPEN",
            "next_at": now + GIVEN_UP_AFTER,
            "created_at": now,
        }
        # The first number that this cart session has not used; few pages are opened in one, and each look is by key.
        for n in itertools.count(1):
            setup_id = derive("setup", request.book_id, request.cart_session, n)
            if insert_new(conn, CardSetup, {"id": setup_id, **row}):
                return setup_id
    raise AssertionError("numbers do not end")


_STATUS = select(
    CardSetup.id, CardSetup.cart_session, CardSetup.customer_id, CardSetup.own_email, CardSetup.state,
    CardSetup.card_id, CardSetup.url, CardSetup.created_at,
).where(CardSetup.book_id == bindparam("book"), CardSetup.id == bindparam("setup"))  # fmt: skip


def setup_status(conn: Connection, book_id: int, setup_id: str) -> SetupFacts | None:
    """What became of a card page; None when this book has no such setup."""
    row = conn.execute(_STATUS, {"book": book_id, "setup": setup_id}).first()
    return None if row is None else SetupFacts(*row)
