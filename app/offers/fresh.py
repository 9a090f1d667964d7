"""A fresh link by mail, to the address on file and nowhere else; asking tells nobody whether anything was sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from app.kit.clock import Clock
from app.kit.errors import LiftlinkError
from app.links.claims import LinkClaims, LinkId, Offer, WrittenOffer
from app.links.signing import KeyRing
from app.models.links import Revocation
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.models.work import Outbox
from app.offers.issue import Issued, Terms, issue
from app.outbox.recording import record_once
from app.subscriptions.facts import Held, load

KIND = "fresh_link"
FRESH_SECONDS = 7 * 86400
EVERY = timedelta(minutes=10)
A_DAY = timedelta(days=1)
MOST_A_DAY = 5


def mail_fresh_link(
    store: Store, clock: Clock, ring: KeyRing, book_id: int, claims: LinkClaims, *, base_url: str, language: str
) -> bool:
    """Records a mail with a new link for the same offer; True when one was recorded.

    An offer that is over loses its special price: the new link is for the regular one, good for 7 days. A link that was
    only opened from the wrong place, or whose key was retired, keeps offer and closing date. None is sent for a link
    that was taken back or an offer that nobody could buy, and at most one in ten minutes, five a day.
    """
    now = clock.now()
    if _is_withdrawn(store, book_id, claims) or _is_too_soon(store, book_id, claims, now):
        return False
    over = now.timestamp() >= claims.expires_at
    terms = Terms(
        subscription=claims.subscription,
        customer=claims.customer,
        offer=regular(claims.offer) if over else claims.offer,
        validity=FRESH_SECONDS if over else claims.expires_at - int(now.timestamp()),
        uses=claims.uses,
    )
    try:
        fresh = issue(
            store, clock, ring.signing_key(book_id), terms, base_url=base_url, actor="shopper", source="fresh link"
        )
    except LiftlinkError:
        return False
    return _record(store, book_id, claims, fresh, language, now)


def mail_link_for_code(
    store: Store, clock: Clock, ring: KeyRing, book_id: int, code: str, product: str, *, base_url: str, language: str
) -> bool:
    """For the classic address without a token: a link to ``product`` for the subscription of this code or number.

    The product has to be one that the subscription may move to, at its list price; otherwise nothing is sent.
    """
    with store.read() as connection:
        held = held_by_code(connection, book_id, code)
    if held is None or not held.facts.items:
        return False
    item = held.facts.items[0]
    now = int(clock.now().timestamp())
    claims = LinkClaims(
        mode="live" if held.book.mode == "live" else "test", customer=held.customer.number, subscription=held.number,
        offer=WrittenOffer(item.running_number, product or item.product, item.quantity), issued_at=now,
        expires_at=now + FRESH_SECONDS, link_id=LinkId(1, 1),
    )  # fmt: skip
    return mail_fresh_link(store, clock, ring, book_id, claims, base_url=base_url, language=language)


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


def regular(offer: Offer) -> Offer:
    """The same change at the list price; saved offers say themselves when they end."""
    return offer._replace(unit_price=None, discount=None) if isinstance(offer, WrittenOffer) else offer


def _record(store: Store, book_id: int, claims: LinkClaims, fresh: Issued, language: str, now: datetime) -> bool:
    body = {
        "to": fresh.held.customer.email,
        "language": language,
        "subscription": fresh.held.reference,
        "url": fresh.url,
        "short_code": fresh.link_id.short_code,
        "expires_at": fresh.expires_at.isoformat(),
    }
    with store.write() as connection:
        return record_once(
            connection, book_id, KIND, _object(book_id, claims), fresh.link_id.text, "mail", body, now
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
