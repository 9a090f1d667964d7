"""The cart and what can be done in it: buy, enter a card, give another address, decline the offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from email_validator import EmailNotValidError, validate_email
from flask import g, redirect, request

from app.cart import words
from app.cart.consent_boxes import agreements
from app.cart.door import (
    Answer,
    cart_facts,
    cart_scene,
    cart_token,
    check_quoteless_form,
    done_path,
    form_flags,
    now_seconds,
    opened_cart,
    own_key,
    quote_in,
    quoteless_token,
    tools,
)
from app.cart.pages import render_card, render_kept, render_not_you
from app.cart.picking import picked_in
from app.cart.showing import look_here, show
from app.cart.views import CartFacts, Scene, summary_of
from app.cart.waiting import WAIT_SECONDS, may_wait
from app.charging.place import ConsentGiven, number_of, order_id_of
from app.checkout.cart import Cart
from app.checkout.choosing import choose as make_choice
from app.checkout.confirm import confirm
from app.checkout.contact import change_email as give_email
from app.checkout.contact import enter_card as open_card_page
from app.checkout.contact import wait_for_card
from app.checkout.errors import CheckoutRefused
from app.checkout.joining import may_lack_orders, order_of_page
from app.checkout.press import Pressed
from app.links.errors import LinkError
from app.links.sessions import (
    RETURN_SECONDS,
    CartSession,
    QuoteTicket,
    ReturnState,
    check_form,
    read_quote,
    read_return,
    sign_return,
)
from app.web.errors import charges_nothing, nothing_charged, payment_begins
from app.web.frame import with_query
from app.web.services import for_book, services

LONGEST_AGENT = 500


def show_cart(token: str) -> Answer:
    """S-1. Looking changes nothing; ``?card=`` selects a card, ``?lang=`` a language."""
    charges_nothing()
    opened = opened_cart(token)
    return show(opened.book, opened.value, token=token)


def buy(token: str) -> Answer:
    """Buy Now: 303 to the order's page, or the cart again with what is missing (422) or has changed (409).

    This very page may have been pressed before, and its answer lost: "nothing was charged" is said only once the database
    has shown that no order came of it.
    """
    try:
        opened = opened_cart(token)
    except LinkError as over:
        known = _bought_before(token, over)
        if known is None:
            raise
        return known
    book_id, session = opened.book, opened.value
    ticket = _quote_of_form(token, book_id)
    placed = _placed_in(book_id)
    placed(order_id_of(book_id, ticket.checkout_id.hex()))
    agreed, start_now = form_flags(request.form)
    pressed = Pressed(ticket, _card_of_form(), agreed, start_now)
    order_id = confirm(
        tools(), book_id, session, pressed,
        consent=lambda cart: _consent(cart, token), return_url=lambda order: _bank_return(order, book_id),
        language=request.form.get("lang", ""), unplaced=nothing_charged, placed=placed,
    )  # fmt: skip
    return redirect(_keep(done_path(book_id, order_id)), 303)


def _bought_before(token: str, over: LinkError) -> Answer | None:
    """To the order that this very form made, though its cart or link is over by now; None: there is none."""
    if over.link is None:
        return None
    store, book_id = services().store, over.link.book
    for_book(book_id)
    try:
        ticket = _quote_of_form(token, book_id)
    except CheckoutRefused:
        return None
    _placed_in(book_id)(order_id_of(book_id, ticket.checkout_id.hex()))
    order = order_of_page(store, book_id, ticket)
    if order is not None:
        return redirect(_keep(done_path(book_id, order.id)), 303)
    (charges_nothing if may_lack_orders(store, book_id) else nothing_charged)()
    return None


def _placed_in(book_id: int) -> Callable[[str], None]:
    return lambda order: payment_begins(number_of(book_id, order), done_path(book_id, order))


def choose(token: str) -> Answer:
    """S-1d, "Update price": 303 to the cart for what was chosen, or the cart again with what is wrong (422)."""
    charges_nothing()
    opened = opened_cart(token)
    _quote_of_form(token, opened.book)
    world = services()
    picked = picked_in(request.form)
    typed = request.form.get("quantity", None if picked else "")
    session = make_choice(world.store, world.clock, world.randomness, opened.book, opened.value, typed, picked)
    path, card = f"/cart/{cart_token(session, opened.book)}", _card_of_form()
    return redirect(_keep(with_query(path, card=str(card)) if card is not None else path), 303)


def _quote_of_form(token: str, book_id: int) -> QuoteTicket:
    """The quote that the page showed; ``page_too_old`` when form and page do not belong together."""
    quote_id, language = request.form.get("quote", ""), request.form.get("lang", "")
    try:
        # However old: what the page showed is told when the price has changed; confirming looks at the time itself.
        opened = read_quote(quote_id, services().directory.own_ring(), 0)
        check_form(request.form.get("csrf", ""), token, quote_in(language, quote_id), own_key(book_id))
    except (LinkError, UnicodeError):
        raise CheckoutRefused("page_too_old") from None
    if opened.book != book_id:
        raise CheckoutRefused("page_too_old")
    g.quote_ticket, g.form_language = opened.value, language
    return opened.value


def _card_of_form() -> int | None:
    text = request.form.get("card", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _keep(path: str) -> str:
    asked = request.args.get("lang", "")
    return with_query(path, lang=asked) if asked in services().pages.languages.enabled else path


def _consent(cart: Cart, token: str) -> ConsentGiven:
    """What was read and ticked, in the very words of the page that was shown."""
    scene = cart_scene(cart)
    facts = cart_facts(cart, token, scene.tongue.language)
    summary = summary_of(facts)
    boxes = agreements(scene, facts, summary)
    ticked = {
        name: {"text": box.text, "version": box.version} for name, box in zip(("agree", "start"), boxes, strict=False)
    }
    return ConsentGiven(
        text="\n".join(box.text for box in boxes),
        version=", ".join(box.version for box in boxes),
        language=scene.tongue.language,
        button=words.button_label(scene.tongue.language, pays=summary.rises),
        boxes=ticked,
        figures={
            "summary": summary.to_json(),
            "due_now": cart.quote.due_now,
            "currency": cart.quote.currency,
        },
        ip=request.remote_addr or "",
        user_agent=request.headers.get("User-Agent", "")[:LONGEST_AGENT],
        policy_version=cart.held.book.policy_version,
    )


def _bank_return(order_id: str, book_id: int) -> str:
    state = ReturnState("bank", order_id, now_seconds() + RETURN_SECONDS)
    return services().url(f"/bank-back/{sign_return(state, own_key(book_id))}")


def card_page(token: str) -> Answer:
    """S-6 and S-7: the way to the gateway's own page, and another e-mail address."""
    charges_nothing()
    opened = opened_cart(token)
    return _card_page(look_here(opened.book, opened.value), token)


def _card_page(cart: Cart, token: str, *, wrong: str | None = None, silent: bool = False) -> Answer:
    scene, facts = _stage(cart, token)
    facts = replace(facts, form_token=quoteless_token(token, cart.book_id))
    base = f"/cart/{token}"
    return render_card(
        scene, facts, add=f"{base}/card", change_email=f"{base}/email", back=base,
        email_changed=not cart.contact.is_own, email_error=wrong is not None, typed=wrong or "", silent=silent,
    )  # fmt: skip


def _stage(cart: Cart, token: str) -> tuple[Scene, CartFacts]:
    scene = cart_scene(cart)
    return scene, cart_facts(cart, token, scene.tongue.language)


def enter_card(token: str) -> Answer:
    """Off to the gateway's card page; the shopper comes back with that card chosen and nothing charged."""
    charges_nothing()
    opened = opened_cart(token)
    cart = look_here(opened.book, opened.value)
    check_quoteless_form(token, opened.book)
    scene, _ = _stage(cart, token)
    description = f"{scene.merchant.name}: {scene.tongue.money(cart.quote.due_now, cart.quote.currency)}"
    try:
        url = open_card_page(
            tools(), cart, description=description, return_url=lambda setup: _card_return(setup, opened.value, opened.book)
        )  # fmt: skip
    except CheckoutRefused as refused:
        if refused.code != "gateway_silent":
            raise
        return _card_page(cart, token, silent=True)
    return redirect(url, 303)


def _card_return(setup_id: str, session: CartSession, book_id: int) -> str:
    state = ReturnState("card", setup_id, now_seconds() + RETURN_SECONDS, session)
    return services().url(_keep(f"/card-back/{sign_return(state, own_key(book_id))}"))


def back_from_card_page(state: str) -> Answer:
    """A GET: the worker fetches the card, this page only rings the bell and waits a little."""
    charges_nothing()
    world = services()
    opened = read_return(state, world.directory.own_ring(), now_seconds())
    back = opened.value
    if back.kind != "card" or back.cart is None:
        raise LinkError("token_malformed", purpose="return")
    for_book(opened.book)
    with may_wait(WAIT_SECONDS) as seconds:
        setup = wait_for_card(tools(), opened.book, back.reference, seconds=seconds)
    path = f"/cart/{cart_token(back.cart, opened.book)}"
    if setup is not None and setup.card_id is not None:
        path = with_query(path, card=str(setup.card_id))
    return redirect(_keep(path), 303)


def change_email(token: str) -> Answer:
    """S-7: another address withdraws the stored cards of this cart; the payment details must be entered anew."""
    charges_nothing()
    opened = opened_cart(token)
    cart = look_here(opened.book, opened.value)
    check_quoteless_form(token, opened.book)
    typed = request.form.get("email", "").strip()[:320]
    try:
        email = validate_email(typed, check_deliverability=False).normalized
    except EmailNotValidError:
        return _card_page(cart, token, wrong=typed)
    try:
        session = give_email(tools(), cart, email)
    except CheckoutRefused as refused:
        if refused.code != "gateway_silent":
            raise
        return _card_page(cart, token, silent=True)
    return redirect(_keep(f"/cart/{cart_token(session, opened.book)}/card"), 303)


def not_you(token: str) -> Answer:
    """S-5."""
    opened = opened_cart(token)
    cart = look_here(opened.book, opened.value)
    return render_not_you(
        cart_scene(cart), email=cart.held.customer.email, back=f"/cart/{token}",
        reference=cart.session.claims.link_id.short_code,
    )  # fmt: skip


def no_thanks(token: str) -> Answer:
    """S-26: nothing changes, the offer stays open."""
    opened = opened_cart(token)
    cart = look_here(opened.book, opened.value)
    scene, facts = _stage(cart, token)
    return render_kept(
        scene, summary=summary_of(facts), closes_at=facts.offer.closes_at, show_again=f"/cart/{token}"
    )  # fmt: skip
