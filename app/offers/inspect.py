"""The X-ray of a link: what it says, how it stands, what it cost then and costs now. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.billing.errors import CaseError
from app.billing.result import Quote
from app.charging.reading import OrderOfLink, orders_of_link
from app.kit.clock import Clock
from app.links.claims import LinkClaims
from app.links.errors import LinkError
from app.links.links import read_even_expired_link
from app.links.signing import KeyRing, ReadLink
from app.models.links import LinkBatch, LinkVisit, withdrawal_of
from app.models.store import Store
from app.subscriptions.choices import dump_choices
from app.subscriptions.facts import load
from app.subscriptions.offered import Offered, OfferError, names_of, offered
from app.subscriptions.pricing import price


@dataclass(frozen=True, slots=True)
class LinkReport:
    """``state``: ``open`` ``used`` ``ordered`` (under way) or the code that a shopper would meet.

    ``price_then`` is what was stored at issue (minor units), ``price_now`` the quote as of now, None when it cannot be
    priced; ``why_not`` then says why.
    """

    claims: LinkClaims
    kid: str
    book_id: int
    short_code: str
    state: str
    revoked_because: str
    opened: int
    by_people: int
    by_machines: int
    first_opened: datetime | None
    last_opened: datetime | None
    orders: tuple[OrderOfLink, ...]
    price_then: dict[str, Any] | None
    price_now: Quote | None
    why_not: str | None
    choices: dict[str, Any]
    """What its saved offer leaves to the shopper, as it is kept there; the prices are those of the offer's own quantity."""


def inspect(store: Store, clock: Clock, ring: KeyRing, token: str) -> LinkReport:
    """Everything that is known of a link whose signature is good, whatever its state; ``LinkError`` otherwise."""
    now = clock.now()
    retired = False
    try:
        link = read_even_expired_link(token, ring)
    except LinkError as error:
        if error.code != "link_key_retired" or error.link is None:
            raise
        link, retired = error.link, True
    with store.read() as connection:
        return _report(connection, link, now, retired)


def _report(connection: Connection, link: ReadLink, now: datetime, retired: bool) -> LinkReport:
    claims, book = link.claims, link.book
    jti = claims.link_id.text
    visits = connection.execute(
        select(
            LinkVisit.opened, LinkVisit.by_people, LinkVisit.by_machines, LinkVisit.first_at, LinkVisit.last_at
        ).where(LinkVisit.book_id == book, LinkVisit.jti == jti)
    ).first()
    summary = connection.scalar(
        select(LinkBatch.offer).where(LinkBatch.book_id == book, LinkBatch.number == claims.link_id.batch)
    )
    orders = orders_of_link(connection, book, jti)
    revoked = withdrawal_of(connection, book, **names_of(claims), issued_at=claims.issued)
    found = _offered(connection, link, now)
    quote, why_not = _price_now(connection, link, found, now)
    return LinkReport(
        claims, link.key.kid, book, claims.link_id.short_code,
        _state(claims, now, orders, quote, why_not, revoked=revoked is not None, retired=retired),
        revoked[1] if revoked else "", *((visits.opened, visits.by_people, visits.by_machines) if visits else (0, 0, 0)),
        visits.first_at if visits else None, visits.last_at if visits else None, orders,
        summary.get("price") if summary else None, quote, why_not,
        {} if isinstance(found, OfferError) else dump_choices(found.choices),
    )  # fmt: skip


def _offered(connection: Connection, link: ReadLink, now: datetime) -> Offered | OfferError:
    try:
        return offered(connection, link.book, link.claims.offer, now)
    except OfferError as error:
        return error


def _price_now(
    connection: Connection, link: ReadLink, found: Offered | OfferError, now: datetime
) -> tuple[Quote | None, str | None]:
    held = load(connection, link.book, link.claims.subscription, by_customer=link.claims.customer)
    if held is None:
        return None, "link_malformed"
    if isinstance(found, OfferError):
        return None, found.code
    try:
        quote = price(connection, held, found.changes, now, asks_card=False)
    except CaseError as error:
        return None, error.code
    # Amounts of one currency are no price in another.
    return None if quote.currency != held.facts.currency else quote, quote.eligibility.code


def _state(
    claims: LinkClaims,
    now: datetime,
    orders: tuple[OrderOfLink, ...],
    quote: Quote | None,
    why_not: str | None,
    *,
    revoked: bool,
    retired: bool,
) -> str:
    if revoked:
        return "link_revoked"
    if retired:
        return "link_key_retired"
    if sum(order.paid_at is not None for order in orders) >= claims.uses:
        return "used"
    if now.timestamp() >= claims.expires_at:
        return "link_expired"
    if any(order.state == "OPEN" for order in orders):
        return "ordered"
    return "open" if quote is not None and why_not is None else str(why_not)
