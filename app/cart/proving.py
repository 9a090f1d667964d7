"""The step-up by code: asked for, mailed to the address on file, entered. Nothing here buys anything."""

from __future__ import annotations

from flask import redirect, request

from app.cart.door import (
    Answer,
    cart_scene,
    check_quoteless_form,
    opened_cart,
    quoteless_token,
)
from app.cart.pages import render_code
from app.cart.showing import look_here
from app.cart.views import CodeView
from app.checkout.cart import Cart, session_id
from app.checkout.errors import CheckoutRefused
from app.checkout.step_up_codes import Asking, CodeFacts, CodeState, code_facts, enter_code
from app.checkout.step_up_codes import send_code as mail_code
from app.web.errors import charges_nothing
from app.web.frame import keep_language
from app.web.i18n import Tongue
from app.web.services import services

LONGEST_TYPED = 40


def code_page(token: str) -> Answer:
    """S-37. Looking sends nothing and counts nothing."""
    charges_nothing()
    opened = opened_cart(token)
    cart = look_here(opened.book, opened.value)
    if not _asks_code(cart):
        return _to_cart(cart, token)
    world = services()
    return _show(cart, token, code_facts(world.store, world.clock, _asking(cart)))


def send_code(token: str) -> Answer:
    """ "Email me a code": to the address on file. 303 to the page where it is entered, however many were asked for."""
    charges_nothing()
    opened = opened_cart(token)
    cart = look_here(opened.book, opened.value)
    check_quoteless_form(token, opened.book)
    if cart.session.preview:
        raise CheckoutRefused("preview_only")
    if not _asks_code(cart):
        return _to_cart(cart, token)
    world, tongue = services(), _tongue(cart)
    mail_code(
        world.store, world.clock, world.randomness, world.directory.codes, _asking(cart), language=tongue.language
    )
    world.bell.ring()
    return redirect(keep_language(f"/cart/{token}/code", tongue), 303)


def check_code(token: str) -> Answer:
    """303 to the cart when the code is right; else the page again with what is wrong (422)."""
    charges_nothing()
    opened = opened_cart(token)
    cart = look_here(opened.book, opened.value)
    check_quoteless_form(token, opened.book)
    if not _asks_code(cart):
        return _to_cart(cart, token)
    world = services()
    typed = request.form.get("code", "")[:LONGEST_TYPED]
    found = enter_code(world.store, world.clock, world.directory.codes, _asking(cart), typed)
    if found.state is CodeState.PASSED:
        return _to_cart(cart, token)
    return _show(cart, token, found, wrong=True)


def _asks_code(cart: Cart) -> bool:
    return cart.check is not None and cart.check.takes_code and cart.check.is_open


def _asking(cart: Cart) -> Asking:
    return Asking(cart.book_id, session_id(cart.session), cart.held.customer, cart.held.reference)


def _tongue(cart: Cart) -> Tongue:
    return cart_scene(cart).tongue


def _to_cart(cart: Cart, token: str) -> Answer:
    return redirect(keep_language(f"/cart/{token}", _tongue(cart)), 303)


def _show(cart: Cart, token: str, found: CodeFacts, *, wrong: bool = False) -> Answer:
    base, card = f"/cart/{token}", cart.check is not None and cart.check.takes_card
    view = CodeView(
        state=found.state.value,
        left=found.left,
        more=found.more,
        email=cart.held.customer.email,
        check=f"{base}/code/check",
        send=f"{base}/code",
        back=base,
        card=f"{base}/card" if card else "",
        form_token=quoteless_token(token, cart.book_id),
        wrong=wrong,
        again=found.again,
    )
    return render_code(cart_scene(cart), view)
