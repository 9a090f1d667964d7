"""The cart page itself, fresh or with what stood in the way of the last press."""

from __future__ import annotations

from typing import cast

from flask import g, request

from app.cart.door import Answer, cart_facts, cart_scene, cart_token, own_key
from app.cart.pages import render_cart
from app.cart.picking import typed_by_code
from app.cart.views import PriceChange, Problems
from app.checkout.cart import Cart, look
from app.checkout.choosing import Picked
from app.checkout.errors import CheckoutRefused
from app.links.sessions import CartSession, QuoteTicket, VisitTicket, sign_visit
from app.web.errors import is_looked_up
from app.web.services import services

LONGEST_TYPED = 40
MOST_MONTHS = 12
"""A share over a larger number counts days too, and no month has begun."""


def show(book_id: int, session: CartSession, *, token: str | None = None, problems: Problems | None = None) -> Answer:
    """S-1 with a fresh quote, or S-2, S-3, S-4 with ``problems``."""
    cart = look_here(book_id, session)
    return answer(cart, token or cart_token(session, book_id), problems or Problems())


def look_here(book_id: int, session: CartSession) -> Cart:
    world = services()
    return look(world.store, world.clock, world.randomness, book_id, session)


def answer(cart: Cart, token: str, problems: Problems) -> Answer:
    typed = request.form.get("card") if request.method == "POST" else None
    selected = typed or request.args.get("card")
    scene = cart_scene(cart, _styles_of_visit(cart))
    return render_cart(scene, cart_facts(cart, token, scene.tongue.language, selected=selected), problems)


def _styles_of_visit(cart: Cart) -> str:
    session = cart.session
    if session.preview:
        return ""
    ticket = VisitTicket(session.claims.link_id, session.visit, session.expires_at)
    return f"/look/{sign_visit(ticket, own_key(cart.book_id))}.css"


def show_again(book_id: int, session: CartSession, error: CheckoutRefused) -> Answer:
    """The cart as it stands now, with the reason why the press did not buy. Consent is empty again."""
    cart = look_here(book_id, session)
    return answer(cart, cart_token(session, book_id), _problems(cart, error))


def _problems(cart: Cart, error: CheckoutRefused) -> Problems:
    if error.code == "form_incomplete":
        listed = cast("list[str]", error.details["missing"])
        if cart.needs_card and not cart.usable:  # its page has no boxes yet, only the way to a card
            return Problems(card_missing=True)
        return Problems(
            consent_missing="consent" in listed, start_missing="start_now" in listed, card_missing="card" in listed
        )
    if error.code == "quantity_not_offered" or (error.code == "quantity_wrong" and cart.quantity_range is None):
        return Problems(quantity_gone=True)
    if error.code == "quantity_wrong":
        return Problems(
            quantity_wrong=True,
            quantity_typed=_printable(str(error.details["typed"])),
            quantity_reason=str(error.details["reason"]),
        )
    if error.code == "options_not_offered":
        return Problems(options_gone=True)
    if error.code == "options_wrong":
        picked = cast("Picked", error.details["picked"])
        return Problems(
            options_wrong=True, options_typed=typed_by_code(picked), options_reason=str(error.details["reason"])
        )
    if error.code == "step_up_needed":
        return Problems(check_missing=True)
    if error.code == "card_unusable":
        return Problems(card_unusable=True)
    shown: QuoteTicket | None = g.get("quote_ticket")
    if shown is not None and shown.fingerprint != cart.quote.fingerprint and shown.due_now != cart.quote.due_now:
        return Problems(price=PriceChange(shown.due_now, _reason(shown, cart)))
    return Problems(page_too_old=True, may_be_bought=not is_looked_up())


def _printable(typed: str) -> str:
    """What was typed, as far as a page can hold it."""
    return "".join(letter for letter in typed[:LONGEST_TYPED] if letter.isprintable())


def _reason(shown: QuoteTicket, cart: Cart) -> str:
    """Nothing changed but the day: ``month`` when whole months are counted, else ``time``."""
    now = cart.ticket
    before = (shown.subscription_version, shown.offer_version, shown.policy_version, shown.catalog_version)
    if before != (now.subscription_version, now.offer_version, now.policy_version, now.catalog_version):
        return "other"
    return "month" if cart.held.book.policy.get("basis", "month") == "month" and _month_began(shown, cart) else "time"


def _month_began(shown: QuoteTicket, cart: Cart) -> bool:
    """Whether exactly one whole month less is paid for: n months where n + 1 were, but for the rounding of both."""
    shares = [line.fraction for line in cart.quote.lines if line.kind == "charge" and line.fraction is not None]
    if not shares or any(whole > MOST_MONTHS for _, whole in shares):
        return False
    months = shares[0][0]
    return abs(shown.due_now * months - cart.quote.due_now * (months + 1)) <= months + 1
