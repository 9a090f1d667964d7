"""Issuing a link: the offer is priced first, so that nobody mails a link that opens on a refusal.

LiftlinkError
└── OfferRefused
    subscription_unknown   no such subscription of this customer in this book
    customer_mismatch      the subscription belongs to somebody else
    the quote's own code   such as ``paused`` or ``same_target``, as the cart would give; ``remedy``: what would help
    merchant_incomplete    the pages of a link could not say who sells; ``merchant``, ``missing``
    offer_unknown, offer_closed   a saved offer
    quote_refused          the change cannot be priced at all; ``field`` names what is wrong
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from app.billing.errors import CaseError
from app.billing.result import Quote
from app.charging.reading import idle_order
from app.kit.clock import Clock
from app.kit.errors import LiftlinkError
from app.kit.ids import Randomness
from app.links.claims import LinkClaims, LinkId, Offer, SavedOffer, WrittenOffer, pack_ip
from app.links.links import mint
from app.links.sessions import sign_cart, start_cart
from app.links.signing import ReadLink, SigningKey
from app.models.links import LinkBatch
from app.models.merchants import Book, Merchant, how_to_complete, missing_to_sell
from app.models.store import Store
from app.subscriptions.facts import Held, load
from app.subscriptions.offered import Offered, OfferError, offered
from app.subscriptions.pricing import price


class OfferRefused(LiftlinkError):
    """``code`` is one of the list above."""


@dataclass(frozen=True, slots=True)
class Terms:
    """For whom and under which conditions. References are our number or the merchant's text; ``validity`` in seconds.

    ``customer`` None: the subscription's own. ``ip``: only that address may open it (IPv6: its /64).
    """

    subscription: int | str
    offer: Offer
    validity: int
    customer: int | str | None = None
    ip: str | None = None
    uses: int = 1


@dataclass(frozen=True, slots=True)
class Issued:
    """A link as it leaves: the URL is shown once and kept nowhere."""

    url: str
    link_id: LinkId
    claims: LinkClaims
    expires_at: datetime
    quote: Quote
    held: Held


def issue(
    store: Store,
    clock: Clock,
    key: SigningKey,
    terms: Terms,
    *,
    base_url: str,
    actor: str,
    source: str,
    check: bool = True,
) -> Issued:
    """A link for one customer's subscription. ``key`` is the book's newest active key; its book is the tenant.

    Refused by name when the offer is not eligible now (``check`` False leaves that to the cart, for fresh links), too
    long for a URL (``offer_too_long``, LinkError), or names what this book does not have. Writes one batch row.
    """
    now = clock.now()
    with store.read() as connection:
        check_seller(connection, key.book)
        held = _held(connection, key.book, terms)
        found = _offered(connection, key.book, terms.offer, now)
        quote = _priced(connection, held, found, now)
    if check and not quote.eligibility.ok:
        raise OfferRefused(
            quote.eligibility.code or "not_eligible", quote.eligibility.message or "",
            remedy=quote.eligibility.remedy, held=held,
        )  # fmt: skip
    claims = _claims(key, terms, held, now, LinkId(1, 1))
    mint(claims, key, base_url)  # too long or unfit: refused before a row is written
    with store.write() as connection:
        batch = _open_batch(connection, key, claims, quote, actor, source, now)
    claims = claims._replace(link_id=LinkId(batch, 1))
    url = mint(claims, key, base_url)
    return Issued(url, claims.link_id, claims, claims.expires, quote, held)


def preview(
    store: Store,
    clock: Clock,
    randomness: Randomness,
    key: SigningKey,
    own_key: SigningKey,
    terms: Terms,
    *,
    base_url: str,
) -> str:
    """The address of the very page that this offer's shopper would see; nothing can be bought there, however old it gets.

    ``own_key`` signs the book's own pages. Nothing is written, no link is made: its id is one that no link can have, so
    that uses and withdrawals of real links do not touch it. Refusals are shown by the page itself.
    """
    now = clock.now()
    with store.read() as connection:
        check_seller(connection, key.book)
        held = _held(connection, key.book, terms)
        _offered(connection, key.book, terms.offer, now)
    claims = _claims(key, terms, held, now, LinkId(0, 0))
    session = start_cart(ReadLink(claims, key), int(now.timestamp()), randomness)._replace(preview=True)
    return f"{base_url}/cart/{sign_cart(session, own_key)}"


def check_seller(connection: Connection, book_id: int) -> None:
    """``merchant_incomplete`` names what the pages of this book's merchant could not say."""
    code, profile = connection.execute(
        select(Merchant.code, Merchant.profile).join(Book, Book.merchant_id == Merchant.id).where(Book.id == book_id)
    ).one()
    missing = missing_to_sell(profile)
    if missing:
        raise OfferRefused(
            "merchant_incomplete", f"{code} cannot sell without {', '.join(missing)}: {how_to_complete(code, missing)}",
            merchant=code, missing=missing,
        )  # fmt: skip


def _held(connection: Connection, book_id: int, terms: Terms) -> Held:
    held = load(connection, book_id, terms.subscription)
    if held is None:
        raise OfferRefused("subscription_unknown", f"no subscription {terms.subscription!r}")
    mine = (None, held.customer.number, held.customer.external_ref)
    if terms.customer not in mine:
        raise OfferRefused(
            "customer_mismatch", f"subscription {terms.subscription!r} does not belong to customer {terms.customer!r}"
        )
    return held


def _offered(connection: Connection, book_id: int, offer: Offer, now: datetime) -> Offered:
    try:
        return offered(connection, book_id, offer, now)
    except OfferError as error:
        raise OfferRefused(error.code, error.message) from error


def _priced(connection: Connection, held: Held, found: Offered, now: datetime) -> Quote:
    try:
        return price(
            connection, held, found.changes, now, own_order=idle_order(connection, held), asks_card=False
        )  # fmt: skip
    except CaseError as error:
        raise OfferRefused("quote_refused", error.message, **error.details) from error


def _claims(key: SigningKey, terms: Terms, held: Held, now: datetime, link_id: LinkId) -> LinkClaims:
    """References travel as they were given, so that a merchant's own reference stays readable on its side."""
    issued_at = int(now.astimezone(UTC).timestamp())
    customer = terms.customer
    if customer is None:
        customer = _kind_of(terms.subscription, held.customer.number, held.customer.external_ref)
    return LinkClaims(
        mode=key.mode,
        customer=customer,
        subscription=terms.subscription,
        offer=terms.offer,
        issued_at=issued_at,
        expires_at=issued_at + terms.validity,
        link_id=link_id,
        ip=None if terms.ip is None else pack_ip(terms.ip),
        uses=terms.uses,
    )


def _kind_of(subscription: int | str, number: int, external: str | None) -> int | str:
    return external if isinstance(subscription, str) and external else number


def _open_batch(
    connection: Connection, key: SigningKey, claims: LinkClaims, quote: Quote, actor: str, source: str, now: datetime
) -> int:
    number = connection.scalars(
        update(Book).where(Book.id == key.book).values(next_batch=Book.next_batch + 1).returning(Book.next_batch)
    ).one()
    connection.execute(
        insert(LinkBatch).values(
            book_id=key.book, number=number - 1, kind="issued", kid=key.kid, offer=_summary(claims, quote), count=1,
            source=source, actor=actor, created_at=now,
        )
    )  # fmt: skip
    return number - 1


def _summary(claims: LinkClaims, quote: Quote) -> dict[str, Any]:
    """What the console lists a batch by: the offer and its price when it was issued, in minor units."""
    offer = claims.offer
    summary: dict[str, Any] = {"kind": offer.kind, "expires_at": claims.expires_at, "uses": claims.uses}
    if isinstance(offer, WrittenOffer):
        summary |= {
            "item": offer.item,
            "product": offer.product,
            "quantity": offer.quantity,
            "options": list(offer.options),
        }
    elif isinstance(offer, SavedOffer):
        summary["number"] = offer.number
    return summary | {
        "subscription": claims.subscription,
        "price": {
            "due_now": quote.due_now,
            "renewal": quote.renewal.amount,
            "currency": quote.currency,
            "next_billing_date": quote.next_billing_date.isoformat() if quote.next_billing_date else None,
        },
    }
