"""From the refusal of a cart or an order to its page. Every code of checkout and charging has its place here; a test proves it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import current_app, g, make_response, redirect
from werkzeug.exceptions import ServiceUnavailable

from app.billing.result import Eligibility
from app.cart import pages
from app.cart.door import (
    Answer,
    done_path,
    held_scene,
    own_key,
    scene_for,
)
from app.cart.pages import Rendered
from app.cart.refused_pages import bad_link, key_retired, refused_page, used_page
from app.cart.showing import show, show_again
from app.cart.waiting import WAIT_SECONDS, may_wait
from app.charging.errors import ChargingError
from app.charging.reading import AT_WORK, wait_for_news
from app.checkout.cart import Cart
from app.checkout.errors import CheckoutRefused
from app.checkout.joining import check_unbought
from app.links.claims import LinkClaims
from app.links.sessions import CartSession
from app.links.signing import ReadLink
from app.subscriptions.facts import Held
from app.web.errors import charges_nothing
from app.web.services import services


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
        return key_retired(ReadLink(claims, own_key(book_id)))
    return unless_bought(
        book_id, claims, lambda is_uncharged: pages.render_gone(
            scene_for(book_id), "revoked", None, reference=_reference(), is_uncharged=is_uncharged
        ),
    )  # fmt: skip


def unless_bought(book_id: int, claims: LinkClaims, page: Callable[[bool], Answer]) -> Answer:
    """The page of what was bought, or may have been, with a link that is over; else ``page``, told whether it is certain
    that nothing was charged."""
    g.cart_book, g.link_claims = book_id, claims
    try:
        is_uncharged = check_unbought(services().store, book_id, claims)
    except CheckoutRefused as known:
        return answer_checkout(known)
    except ChargingError as known:
        return answer_charging(known)
    return page(is_uncharged)


def _used(error: CheckoutRefused) -> Answer:
    return used_page(_book(), str(error.details["order"]))


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
    return _come_back_in(60)


def _come_back_in(seconds: int) -> Answer:
    """S-35. Handed to its own handler: what is raised while an error is answered would end as a 500."""
    return make_response(current_app.handle_http_exception(ServiceUnavailable(retry_after=seconds)))


def again(error: CheckoutRefused) -> Answer:
    """The page's own problems: shown on the cart itself, as it stands now."""
    book_id, session = _session()
    try:
        return show_again(book_id, session, error)
    except CheckoutRefused as worse:
        return answer_checkout(worse)


def _other_quantity(error: CheckoutRefused) -> Answer:
    """What was chosen is not offered (any more): back to the offer's own quantity, and said so."""
    g.cart_session = g.cart_session._replace(quantity=0)
    return again(error)


def _other_options(error: CheckoutRefused) -> Answer:
    g.cart_session = g.cart_session._replace(options=None)
    return again(error)


CHECKOUT_PAGES: dict[str, Callable[[CheckoutRefused], Answer]] = {
    "link_malformed": _malformed,
    "link_revoked": _revoked,
    "link_used": _used,
    "offer_closed": _closed,
    "offer_unpriced": _unpriced,
    "not_eligible": _not_eligible,
    "order_running": _order_running,
    "page_too_old": again,
    "price_changed": again,
    "form_incomplete": again,
    "card_unusable": again,
    "step_up_needed": again,
    "quantity_wrong": again,
    "quantity_not_offered": _other_quantity,
    "options_wrong": again,
    "options_not_offered": _other_options,
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


def _unmatched(_error: ChargingError) -> Answer:
    return pages.render_unmatched(scene_for(_book()), reference=_reference())


def _too_many(error: ChargingError) -> Answer:
    opens_at = error.details.get("opens_at")
    return pages.render_too_many(
        scene_for(_book()), opens_at=opens_at if isinstance(opens_at, datetime) else None, reference=_reference()
    )  # fmt: skip


def _too_old(error: ChargingError) -> Answer:
    return again(CheckoutRefused("page_too_old"))


def _changed(error: ChargingError) -> Answer:
    return again(CheckoutRefused("price_changed"))


def _card(error: ChargingError) -> Answer:
    return again(CheckoutRefused("card_unusable"))


def _closed_for_now(_error: ChargingError) -> Answer:
    """S-35: nothing was written, and the offer is still there in a few minutes. An order of this very page may have been lost
    with an older copy of the database, so nobody knows whether anything was charged."""
    charges_nothing()
    return _come_back_in(300)


CHARGING_PAGES: dict[str, Callable[[ChargingError], Answer]] = {
    "change_in_progress": _busy,
    "link_used": _used_up,
    "payment_unmatched": _unmatched,
    "too_many_tries": _too_many,
    "order_closed": _too_old,
    "quote_expired": _too_old,
    "quote_differs": _changed,
    "subscription_moved": _changed,
    "balance_moved": _changed,
    "card_unusable": _card,
    "not_eligible": _changed,
    "charging_closed": _closed_for_now,
}
