"""From a press to its order: the cart computed again, the form checked, everything looked at once more in the transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from app.charging.place import ChosenCard, ConsentGiven, NewOrder, Placed, place
from app.checkout.cart import Cart, cart_at, check_withdrawn, instant, offer_of, session_id, step_up_asked
from app.checkout.errors import CheckoutRefused
from app.checkout.press import Pressed, Tools
from app.checkout.stepping_up import demand
from app.checkout.withdrawal import needs_start_now
from app.links.format import encode
from app.links.sessions import CartSession, QuoteTicket
from app.links.signing import encode_base64
from app.models.leases import CLOCKS_DIFFER
from app.models.merchants import Book, SigningKey
from app.models.prepared import Prepared
from app.models.subscriptions import Subscription

_STANDING = Prepared(
    select(Subscription.version, Book.policy_version, Book.catalog_version, SigningKey.state)
    .select_from(Subscription)
    .join(Book, Book.id == Subscription.book_id)
    .outerjoin(SigningKey, (SigningKey.kid == bindparam("kid")) & (SigningKey.book_id == Book.id))
    .where(Subscription.book_id == bindparam("book"), Subscription.id == bindparam("subscription"))
)


def place_order(
    tools: Tools,
    book_id: int,
    session: CartSession,
    pressed: Pressed,
    consent: Callable[[Cart], ConsentGiven],
    return_url: Callable[[str], str],
    language: str,
    driver: str,
) -> Placed:
    """The order of this press, written. ``CheckoutRefused`` or ``ChargingError`` when it is not what the page showed."""
    cart = _same_cart(tools, book_id, session, pressed.ticket)
    _check_form(cart, pressed)
    return place(
        tools.store, tools.clock, _new_order(cart, session, language), consent(cart), _chosen(cart, pressed),
        guard=lambda connection: _guard(connection, cart, pressed.card_id, tools.clock.now()), return_url=return_url, driver=driver,
        decline_limit=tools.decline_limit_of(cart.held.book),
    )  # fmt: skip


def _same_cart(tools: Tools, book_id: int, session: CartSession, ticket: QuoteTicket) -> Cart:
    """The cart as the page showed it, computed again; ``price_changed`` when it is another one by now."""
    now = tools.clock.now()
    if instant(ticket.at) > now + CLOCKS_DIFFER:
        raise CheckoutRefused("page_too_old")  # our clock went back: a quote from the future is none
    with tools.store.read() as connection:
        cart = cart_at(
            connection, book_id, session, at=instant(ticket.at), now=now, checkout_id=ticket.checkout_id
        )  # fmt: skip
    if now.timestamp() >= ticket.valid_until or now >= cart.valid_until:
        raise CheckoutRefused("page_too_old")
    if cart.ticket._replace(valid_until=ticket.valid_until) != ticket:
        raise CheckoutRefused("price_changed", shown=ticket.fingerprint)
    return cart


def _check_form(cart: Cart, pressed: Pressed) -> None:
    missing: list[str] = []
    if cart.needs_card and pressed.card_id is None:
        missing.append("card")
    if cart.needs_consent and not pressed.agreed:
        missing.append("consent")
    if needs_start_now(cart) and not pressed.start_now:
        missing.append("start_now")
    if missing:
        raise CheckoutRefused("form_incomplete", missing=missing)
    if cart.check is not None and not cart.check.allows(pressed.card_id):
        raise CheckoutRefused("step_up_needed", how=cart.check.how)
    if cart.needs_card and pressed.card_id is not None and cart.card(pressed.card_id) is None:
        raise CheckoutRefused("card_unusable")


def _chosen(cart: Cart, pressed: Pressed) -> ChosenCard | None:
    if not cart.needs_card:
        # Nothing is charged now, but what renews is agreed to: the proof names the card that will pay it.
        pays = next((card for card in cart.cards if card.pays and card.id in cart.usable), None)
        return None if pays is None else ChosenCard.of(pays)
    if pressed.card_id is None:
        return None
    card = cart.card(pressed.card_id)
    if card is None:
        raise CheckoutRefused("card_unusable")
    return ChosenCard.of(card)


def _new_order(cart: Cart, session: CartSession, language: str) -> NewOrder:
    book = cart.held.book
    return NewOrder(
        book_id=cart.book_id,
        livemode=book.mode == "live",
        checkout_id=cart.checkout_id.hex(),
        subscription_id=cart.held.id,
        subscription_version=cart.held.version,
        customer_id=cart.held.customer.id,
        source="link",
        link_jti=session.claims.link_id.text,
        max_uses=session.claims.uses,
        claims=stored_session(session),
        quote=cart.quote,
        quoted_at=cart.at,
        valid_until=cart.valid_until,
        email=cart.contact.email,
        language=language,
        gateway=book.gateway,
        account=book.gateway_account,
        gateway_customer=cart.contact.gateway_customer,
        changes=cart.offered.changes,
    )


def _guard(connection: Connection, cart: Cart, card_id: int | None, now: datetime) -> dict[str, Any] | None:
    """Inside the transaction that places the order: is everything still as quoted, and is the link still good?

    The step-up that was passed, where the policy asks for one.
    """
    row = _STANDING.first(
        connection, {"book": cart.book_id, "subscription": cart.held.id, "kid": cart.session.link_kid}
    )
    quoted = (cart.held.version, cart.held.book.policy_version, cart.held.book.catalog_version)
    if row is None or row[:3] != quoted:
        raise CheckoutRefused("price_changed", shown=cart.quote.fingerprint)
    if row[3] not in ("active", "verify"):
        raise CheckoutRefused("link_revoked", reason="", kind="key")
    check_withdrawn(connection, cart.book_id, cart.session.claims)
    found = offer_of(connection, cart.book_id, cart.session, cart.at, cart.held)
    if found.version != cart.offered.version:
        raise CheckoutRefused("price_changed", shown=cart.quote.fingerprint)
    how = step_up_asked(cart, now)
    if how is None:
        return None
    return demand(connection, cart.book_id, session_id(cart.session), cart.held.customer, how, card_id, now)


def stored_session(session: CartSession) -> str:
    """What an order keeps of its cart session, so that its page can open the cart again (``restored_session``)."""
    claims = encode_base64(encode(session.claims)).decode()
    chosen = (str(session.quantity),) if session.quantity or session.options is not None else ()
    if session.options is not None:
        chosen = (*chosen, encode_base64(",".join(session.options).encode()).decode())
    return ".".join((claims, session.link_kid, session_id(session), "1" if session.other_email else "0", *chosen))
