"""From a refusal's code to its page. Every code of links, checkout and charging has its place here; a test proves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import g, redirect, request
from werkzeug.exceptions import NotFound, ServiceUnavailable

from app.billing.result import Eligibility, Quote
from app.cart import pages
from app.cart.door import (
    Answer,
    cart_token,
    done_path,
    held_scene,
    link_form_token,
    now_seconds,
    order_view,
    own_key,
    scene_for,
    tongue_here,
    valid_days,
)
from app.cart.pages import Rendered
from app.cart.showing import show, show_again
from app.cart.states import FreshLink
from app.cart.waiting import may_wait
from app.charging.errors import ChargingError
from app.charging.reading import AT_WORK, order_facts, wait_for_news
from app.checkout.cart import Cart
from app.checkout.errors import CheckoutRefused
from app.links.claims import LinkClaims
from app.links.errors import LinkError
from app.links.sessions import CartSession, start_cart
from app.links.signing import ReadLink
from app.offers.fresh import is_special
from app.subscriptions.facts import Held, load
from app.web.services import merchant_here, services

WAIT_SECONDS = 5.0
BAD = frozenset({"link_malformed", "link_bad_signature", "token_malformed", "token_bad_signature", "token_key_retired"})
"""Told apart in the log only: the page gives no hint whether a link ever existed."""


def answer_link(error: LinkError) -> Answer:
    """A link or one of our own tokens that cannot be followed."""
    if error.link is None or error.code in BAD:
        return bad_link()
    if error.code == "token_expired":
        return _fresh_cart(error.link)
    return LINK_PAGES[error.code](error.link)


def bad_link() -> Answer:
    """S-20."""
    merchant = merchant_here()
    return pages.render_bad_link(
        services().pages, tongue_here(merchant and merchant.locale), here=request.path, merchant=merchant
    )


def _fresh_cart(link: ReadLink) -> Answer:
    """A cart session that is over while its link is not: opened anew, as if the link had been clicked again."""
    session = start_cart(link, now_seconds(), services().randomness)
    g.cart_session = session
    g.cart_book = link.book
    if request.method in {"GET", "HEAD"}:
        return redirect(f"/cart/{cart_token(session, link.book)}", 303)
    return _again(CheckoutRefused("page_too_old"))


def _expired(link: ReadLink) -> Answer:
    """S-16: whose link it was is known, because the signature is good; the holder sees the address masked."""
    held = _held(link)
    fresh = fresh_link(link, show_to=held)
    scene = held_scene(held) if held else scene_for(link.book)
    return pages.render_expired(
        scene, fresh, reference=link.claims.link_id.short_code, closed_at=link.claims.expires
    )  # fmt: skip


def _wrong_ip(link: ReadLink) -> Answer:
    return _gone(link, "wrong_ip")


def _key_retired(link: ReadLink) -> Answer:
    # A retired key may be in a stranger's hands, so what it signed shows nothing of anybody.
    return _gone(link, "key_retired")


def _gone(link: ReadLink, reason: str) -> Answer:
    return pages.render_gone(
        scene_for(link.book), reason, fresh_link(link), reference=link.claims.link_id.short_code
    )  # fmt: skip


LINK_PAGES: dict[str, Callable[[ReadLink], Answer]] = {
    "link_expired": _expired,
    "link_wrong_ip": _wrong_ip,
    "link_key_retired": _key_retired,
}


def fresh_link(link: ReadLink, show_to: Held | None = None) -> FreshLink:
    """The form that asks for a new link. It posts under the mailed token where there is one, else under the cart's."""
    token = (request.view_args or {}).get("token", "")
    base = "/u" if request.path.startswith(("/u/", "/order/")) else "/cart"
    if request.path.startswith("/order/"):
        token = request.args.get("TOKEN", "")
    return FreshLink(
        action=f"{base}/{token}/fresh",
        form_token=link_form_token(token, link.book),
        email=show_to.customer.email if show_to else None,
        valid_days=valid_days(link),
        regular_price=is_special(link) and (link.key.state == "retired" or now_seconds() >= link.claims.expires_at),
    )


def _held(link: ReadLink) -> Held | None:
    with services().store.read() as connection:
        return load(connection, link.book, link.claims.subscription, by_customer=link.claims.customer)


def answer_checkout(error: CheckoutRefused) -> Answer:
    """A cart that does not open."""
    return CHECKOUT_PAGES[error.code](error)


def _session() -> tuple[int, CartSession]:
    return g.cart_book, g.cart_session


def _claims() -> LinkClaims:
    found: LinkClaims | None = g.get("link_claims")
    return found if found is not None else g.cart_session.claims


def _book() -> int:
    return g.cart_book


def _reference() -> str:
    return _claims().link_id.short_code


def _malformed(_error: CheckoutRefused) -> Answer:
    return bad_link()


def _revoked(error: CheckoutRefused) -> Answer:
    """S-18. What was taken back is not offered again: the page names whom to ask."""
    book_id, claims = _book(), _claims()
    if error.details.get("kind") == "key":
        return _key_retired(ReadLink(claims, own_key(book_id)))
    return pages.render_gone(scene_for(book_id), "revoked", None, reference=_reference())


def _used(error: CheckoutRefused) -> Answer:
    return used_page(_book(), str(error.details["order"]))


def used_page(book_id: int, order_id: str) -> Answer:
    """S-17."""
    with services().store.read() as connection:
        order = order_facts(connection, book_id, order_id)
        held = load(connection, book_id, order.subscription_number) if order else None
    if order is None or held is None:
        raise NotFound
    path = done_path(book_id, order.id)
    return pages.render_used(
        held_scene(held), order_view(order, held), resend=f"{path}/receipt", form_token=link_form_token(path, book_id)
    )  # fmt: skip


def _closed(error: CheckoutRefused) -> Answer:
    at = error.details.get("ends_at")
    return pages.render_closed(
        scene_for(_book()), "closed", at=at if isinstance(at, datetime) else None, reference=_reference()
    )


def _not_eligible(error: CheckoutRefused) -> Answer:
    cart = error.details["cart"]
    if not isinstance(cart, Cart):
        raise TypeError("a refused quote comes with its cart")
    return refused_page(cart, cart.quote)


def _unpriced(error: CheckoutRefused) -> Answer:
    """The seller took away what the link is about: S-15 as for a plan that is no longer sold."""
    held = error.details["held"]
    scene = held_scene(held) if isinstance(held, Held) else scene_for(_book())
    return pages.render_refused(scene, Eligibility(False, "target_inactive"), reference=_reference())


def refused_page(cart: Cart, quote: Quote) -> Answer:
    """S-13, S-14 and S-15."""
    scene, reference = held_scene(cart.held), cart.session.claims.link_id.short_code
    if quote.eligibility.code == "unpaid_invoices":
        unpaid = cart.held.customer.unpaid
        totals: dict[str, int] = unpaid.get("totals", {})
        return pages.render_unpaid(
            scene, count=int(unpaid.get("count", 1)), total=totals.get(quote.currency), currency=quote.currency,
            pay_url=unpaid.get("url"), closes_at=cart.session.claims.expires, reference=reference,
        )  # fmt: skip
    if quote.eligibility.code == "change_in_progress":
        return pages.render_busy(scene, reference=reference)
    return pages.render_refused(scene, quote.eligibility, reference=reference)


def _order_running(error: CheckoutRefused) -> Answer:
    """The other press is usually done within a moment: its page is more use when it can say how it went."""
    world, order = services(), str(error.details["order"])
    with may_wait(WAIT_SECONDS) as seconds:
        wait_for_news(world.store, world.clock, _book(), order, seconds=seconds, states=AT_WORK)
    return redirect(done_path(_book(), str(error.details["order"])), 303)


def _preview(_error: CheckoutRefused) -> Answer:
    """The button is off on a preview's page, so only a hand-made request comes here: it sees the same page."""
    book_id, session = _session()
    shown = show(book_id, session)
    return Rendered(shown.html, 403) if isinstance(shown, Rendered) else shown


def _silent(_error: CheckoutRefused) -> Answer:
    raise ServiceUnavailable(retry_after=60)


def _again(error: CheckoutRefused) -> Answer:
    """The page's own problems: shown on the cart itself, as it stands now."""
    book_id, session = _session()
    try:
        return show_again(book_id, session, error)
    except CheckoutRefused as worse:
        return answer_checkout(worse)


CHECKOUT_PAGES: dict[str, Callable[[CheckoutRefused], Answer]] = {
    "link_malformed": _malformed,
    "link_revoked": _revoked,
    "link_used": _used,
    "offer_closed": _closed,
    "offer_unpriced": _unpriced,
    "not_eligible": _not_eligible,
    "order_running": _order_running,
    "page_too_old": _again,
    "price_changed": _again,
    "form_incomplete": _again,
    "card_unusable": _again,
    "preview_only": _preview,
    "gateway_silent": _silent,
}


def answer_charging(error: ChargingError) -> Answer:
    """An order that was not placed. Nothing was charged by this press."""
    return CHARGING_PAGES[error.code](error)


def _busy(error: ChargingError) -> Answer:
    return pages.render_busy(scene_for(_book()), reference=_reference())


def _used_up(error: ChargingError) -> Answer:
    order = error.details.get("order")
    return used_page(_book(), str(order)) if order else bad_link()


def _too_many(error: ChargingError) -> Answer:
    opens_at = error.details.get("opens_at")
    return pages.render_too_many(
        scene_for(_book()), opens_at=opens_at if isinstance(opens_at, datetime) else None, reference=_reference()
    )  # fmt: skip


def _too_old(error: ChargingError) -> Answer:
    return _again(CheckoutRefused("page_too_old"))


def _changed(error: ChargingError) -> Answer:
    return _again(CheckoutRefused("price_changed"))


def _card(error: ChargingError) -> Answer:
    return _again(CheckoutRefused("card_unusable"))


CHARGING_PAGES: dict[str, Callable[[ChargingError], Answer]] = {
    "change_in_progress": _busy,
    "link_used": _used_up,
    "too_many_tries": _too_many,
    "order_closed": _too_old,
    "quote_expired": _too_old,
    "quote_differs": _changed,
    "subscription_moved": _changed,
    "card_unusable": _card,
    "not_eligible": _changed,
}
