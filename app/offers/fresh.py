"""A fresh link by mail, to the address on file and nowhere else; asking tells nobody whether anything was sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from app.charging.reading import orders_of_link
from app.kit.clock import Clock
from app.kit.errors import LiftlinkError
from app.links.claims import LinkClaims, LinkId, WrittenOffer
from app.links.links import mint
from app.links.signing import KeyRing, ReadLink, SigningKey
from app.models.links import Revocation
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.models.work import Outbox
from app.offers.issue import Terms, issue
from app.outbox.recording import record_once
from app.subscriptions.facts import Held, load

KIND = "fresh_link"
FRESH_SECONDS = 7 * 86400
EVERY = timedelta(minutes=10)
A_DAY = timedelta(days=1)
MOST_A_DAY = 5


def mail_fresh_link(store: Store, clock: Clock, ring: KeyRing, link: ReadLink, *, base_url: str, language: str) -> bool:
    """Records a mail with a new link; True when one was recorded.

    A link that was only opened from the wrong place keeps offer, closing date and its own id, so that its uses go on being
    counted. An offer that is over, or that a retired key signed (which may be in a thief's hands, so none of its terms
    count), is offered again at the regular price, once, for 7 days. None is sent for a link that was taken back or used up,
    or an offer that nobody could buy, and at most one in ten minutes, five a day.
    """
    now, claims, book_id = clock.now(), link.claims, link.book
    if _is_withdrawn(store, book_id, claims) or _is_used_up(store, book_id, claims):
        return False
    if _is_too_soon(store, book_id, claims, now):
        return False
    key = ring.signing_key(book_id)
    good = link.key.state != "retired" and now.timestamp() < claims.expires_at
    try:
        fresh = _unbound(store, now, key, claims, base_url) if good else _regular(store, clock, key, claims, base_url)
    except LiftlinkError:
        return False
    return fresh is not None and _record(store, book_id, claims, fresh, language, now)


class _Fresh(NamedTuple):
    url: str
    claims: LinkClaims
    held: Held


def _unbound(store: Store, now: datetime, key: SigningKey, claims: LinkClaims, base_url: str) -> _Fresh | None:
    """The same link, free of its address: the mail goes to the address on file, which proves more than a network does."""
    with store.read() as connection:
        held = load(connection, key.book, claims.subscription, by_customer=claims.customer)
    if held is None:
        return None
    same = claims._replace(ip=None, issued_at=int(now.timestamp()))
    return _Fresh(mint(same, key, base_url), same, held)


def _regular(store: Store, clock: Clock, key: SigningKey, claims: LinkClaims, base_url: str) -> _Fresh | None:
    """The same change at the list price. A saved offer has no regular price of its own, so none is made for it."""
    if not isinstance(claims.offer, WrittenOffer):
        return None
    terms = Terms(claims.subscription, regular(claims.offer), FRESH_SECONDS, claims.customer)
    made = issue(store, clock, key, terms, base_url=base_url, actor="shopper", source="fresh link")
    return _Fresh(made.url, made.claims, made.held)


def mail_link_for_code(
    store: Store, clock: Clock, ring: KeyRing, book_id: int, code: str, product: str, *, base_url: str, language: str
) -> bool:
    """For the classic address without a token: a link to ``product`` for the subscription of this code or number.

    The product has to be one that the subscription may move to, at its list price; otherwise nothing is sent.
    """
    now = clock.now()
    with store.read() as connection:
        held = held_by_code(connection, book_id, code)
    if held is None or not held.facts.items:
        return False
    item = held.facts.items[0]
    offer = WrittenOffer(item.running_number, product or item.product, item.quantity)
    terms = Terms(held.number, offer, FRESH_SECONDS, held.customer.number)
    asked = _asked(held, offer, now)
    if _is_withdrawn(store, book_id, asked) or _is_too_soon(store, book_id, asked, now):
        return False
    try:
        made = issue(
            store, clock, ring.signing_key(book_id), terms, base_url=base_url, actor="shopper", source="classic address"
        )
    except LiftlinkError:
        return False
    return _record(store, book_id, asked, _Fresh(made.url, made.claims, made.held), language, now)


def _asked(held: Held, offer: WrittenOffer, now: datetime) -> LinkClaims:
    """What was asked for, as claims of no link: batch 0 is never issued, so no withdrawal of a batch meets it."""
    at = int(now.timestamp())
    mode = "live" if held.book.mode == "live" else "test"
    return LinkClaims(mode, held.customer.number, held.number, offer, at, at + FRESH_SECONDS, LinkId(0, 0))


def held_by_code(connection: Connection, book_id: int, code: str) -> Held | None:
    """The subscription of a delivered code (licence key), of our number with or without prefix, or of the merchant's reference."""
    number = connection.scalar(
        select(Subscription.number).where(Subscription.book_id == book_id, Subscription.delivered_code == code).limit(1)
    )
    if number is not None:
        return load(connection, book_id, number)
    bare = code.rpartition("-")[2]
    if bare.isascii() and bare.isdigit() and len(bare) < 10:
        held = load(connection, book_id, int(bare))
        if held is not None and code in {held.reference, bare}:
            return held
    return load(connection, book_id, code)


def regular(offer: WrittenOffer) -> WrittenOffer:
    """The same change at the list price."""
    return offer._replace(unit_price=None, discount=None)


def is_special(link: ReadLink) -> bool:
    """Whether a fresh link for this one, if it is over, loses a price: the page says so before it is asked for."""
    offer = link.claims.offer
    return not isinstance(offer, WrittenOffer) or regular(offer) != offer


def _record(store: Store, book_id: int, claims: LinkClaims, fresh: _Fresh, language: str, now: datetime) -> bool:
    body = {
        "to": fresh.held.customer.email,
        "language": language,
        "subscription": fresh.held.reference,
        "url": fresh.url,
        "short_code": fresh.claims.link_id.short_code,
        "expires_at": fresh.claims.expires.isoformat(),
    }
    version = f"{fresh.claims.link_id.text}.{int(now.timestamp())}"
    with store.write() as connection:
        return record_once(
            connection, book_id, KIND, _object(book_id, claims), version, "mail", body, now
        )  # fmt: skip


def _object(book_id: int, claims: LinkClaims) -> str:
    return f"{book_id}.{claims.subscription}"


def _is_withdrawn(store: Store, book_id: int, claims: LinkClaims) -> bool:
    """A link taken back by itself is not given again; one of a customer or batch may be, by the merchant, not by us."""
    with store.read() as connection:
        found = select(func.count()).where(
            Revocation.book_id == book_id,
            ((Revocation.kind == "link") & (Revocation.ref == claims.link_id.text))
            | ((Revocation.kind == "customer") & (Revocation.ref == str(claims.customer)))
            | ((Revocation.kind == "batch") & (Revocation.ref == str(claims.link_id.batch))),
        )
        return bool(connection.scalar(found))


def _is_used_up(store: Store, book_id: int, claims: LinkClaims) -> bool:
    with store.read() as connection:
        orders = orders_of_link(connection, book_id, claims.link_id.text)
    return sum(order.paid_at is not None for order in orders) >= claims.uses


def _is_too_soon(store: Store, book_id: int, claims: LinkClaims, now: datetime) -> bool:
    with store.read() as connection:
        if load(connection, book_id, claims.subscription, by_customer=claims.customer) is None:
            return True
        sent = select(Outbox.created_at).where(
            Outbox.book_id == book_id,
            Outbox.kind == KIND,
            Outbox.id.startswith(f"{KIND}:{_object(book_id, claims)}:", autoescape=True),
            Outbox.created_at > now - A_DAY,
        )
        times = connection.scalars(sent).all()
    return len(times) >= MOST_A_DAY or any(at > now - EVERY for at in times)
