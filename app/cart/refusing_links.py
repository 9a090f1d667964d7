"""From a link's refusal to its page: a link or one of our own tokens that cannot be followed."""

from __future__ import annotations

from collections.abc import Callable

from flask import g, redirect, request

from app.cart import pages
from app.cart.door import (
    Answer,
    cart_token,
    held_scene,
    now_seconds,
    scene_for,
)
from app.cart.refused_pages import bad_link, fresh_link, gone, key_retired
from app.cart.refusing import again, unless_bought
from app.checkout.errors import CheckoutRefused
from app.links.claims import ip_matches
from app.links.errors import LinkError
from app.links.sessions import CartSession, start_cart
from app.links.signing import ReadLink
from app.subscriptions.facts import Held, load
from app.web.services import services

BAD = frozenset({"link_malformed", "link_bad_signature", "token_malformed", "token_bad_signature", "token_key_retired"})
"""Told apart in the log only: the page gives no hint whether a link ever existed."""


def answer_link(error: LinkError) -> Answer:
    """A link or one of our own tokens that cannot be followed."""
    if error.link is None or error.code in BAD:
        return bad_link()
    if error.code == "token_expired":
        return _fresh_cart(error.link, error.details.get("session"))
    return LINK_PAGES[error.code](error.link)


def _fresh_cart(link: ReadLink, over: object) -> Answer:
    """A cart session that is over while its link is not: opened anew, as if the link had been clicked again, for as many
    as were chosen. A merchant's preview stays one: it never becomes a cart that sells."""
    session = start_cart(link, now_seconds(), services().randomness)
    if isinstance(over, CartSession):
        session = session._replace(quantity=over.quantity, options=over.options, preview=over.preview)
    g.cart_session = session
    g.cart_book = link.book
    if request.method in {"GET", "HEAD"}:
        return redirect(f"/cart/{cart_token(session, link.book)}", 303)
    return again(CheckoutRefused("page_too_old"))


def _expired(link: ReadLink) -> Answer:
    """S-16, or what was bought with it: whose link it was is known, because the signature is good; the holder sees the
    address masked. A link that is bound to another address tells nobody here of a purchase."""
    # Only the link opens no cart elsewhere: whoever holds the cart was let in.
    if not request.path.startswith("/cart/") and not ip_matches(link.claims, request.remote_addr):
        return _closed(link, is_uncharged=False)
    return unless_bought(link.book, link.claims, lambda is_uncharged: _closed(link, is_uncharged=is_uncharged))


def _closed(link: ReadLink, *, is_uncharged: bool) -> Answer:
    held = _held(link)
    fresh = fresh_link(link, show_to=held)
    scene = held_scene(held) if held else scene_for(link.book)
    return pages.render_expired(
        scene, fresh, reference=link.claims.link_id.short_code, closed_at=link.claims.expires,
        is_uncharged=is_uncharged,
    )  # fmt: skip


def _wrong_ip(link: ReadLink) -> Answer:
    return gone(link, "wrong_ip")


LINK_PAGES: dict[str, Callable[[ReadLink], Answer]] = {
    "link_expired": _expired,
    "link_wrong_ip": _wrong_ip,
    "link_key_retired": key_retired,
}


def _held(link: ReadLink) -> Held | None:
    with services().store.read() as connection:
        return load(connection, link.book, link.claims.subscription, by_customer=link.claims.customer)
