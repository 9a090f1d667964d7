"""Another e-mail address, and cards entered on the gateway's page."""

from __future__ import annotations

from collections.abc import Callable

from app.charging.cards import SetupFacts, SetupRequest, begin_setup, ensure_customer, setup_status
from app.charging.tries import Kind, take_try
from app.checkout.cart import Cart, session_id
from app.checkout.errors import CheckoutRefused
from app.checkout.press import Tools
from app.kit.ids import derive
from app.links.sessions import CartSession
from app.models.upsert import insert_or_update
from app.models.work import CartContact


def change_email(tools: Tools, cart: Cart, email: str) -> CartSession:
    """The session under that address. Another one than the subscription's withdraws the stored cards of this cart.

    The same address (whatever its case) gives the session back as it was opened. ``gateway_silent`` when the gateway's
    customer for the new address could not be made; nothing was changed. ``too_many_tries`` when the carts of this
    subscription changed it too often.
    """
    session = cart.session
    if session.preview:
        raise CheckoutRefused("preview_only")
    if email.casefold() == cart.held.customer.email.casefold():
        return session._replace(other_email=False)
    _take(tools, cart, "email")
    book = cart.held.book
    gateway_customer = ensure_customer(
        tools.store,
        tools.gateways,
        book_id=cart.book_id,
        livemode=book.mode == "live",
        gateway=book.gateway,
        account=book.gateway_account,
        reference=derive("cart contact", cart.book_id, session_id(session), email.casefold()),
    )
    if gateway_customer is None:
        raise CheckoutRefused("gateway_silent")
    given = {"email": email, "gateway_customer": gateway_customer}
    with tools.store.write() as connection:
        insert_or_update(
            connection,
            CartContact,
            {
                "cart_session": session_id(session),
                "book_id": cart.book_id,
                "created_at": tools.clock.now(),
                **given,
            },
            key=("cart_session",),
            update=given,
        )
    return session._replace(other_email=True)


def enter_card(tools: Tools, cart: Cart, *, description: str, return_url: Callable[[str], str]) -> str:
    """The address of the gateway's card page for this cart. ``return_url(setup_id)`` is where the shopper comes back to.

    A card entered under another e-mail stays in this cart. ``gateway_silent`` when the page could not be opened,
    ``too_many_tries`` when the carts of this subscription opened too many.
    """
    if cart.session.preview:
        raise CheckoutRefused("preview_only")
    _take(tools, cart, "card")
    book = cart.held.book
    request = SetupRequest(
        book_id=cart.book_id,
        livemode=book.mode == "live",
        customer_id=cart.held.customer.id,
        cart_session=session_id(cart.session),
        own_email=cart.contact.is_own,
        gateway=book.gateway,
        account=book.gateway_account,
        gateway_customer=cart.contact.gateway_customer,
        description=description,
    )
    started = begin_setup(tools.store, tools.gateways, tools.clock, request, return_url=return_url)
    tools.bell.ring()
    if started.url is None:
        raise CheckoutRefused("gateway_silent")
    return started.url


def _take(tools: Tools, cart: Cart, kind: Kind) -> None:
    with tools.store.write() as connection:
        take_try(connection, cart.book_id, cart.held.id, kind, tools.clock.now(), tools.cart_try_limit)


def wait_for_card(tools: Tools, book_id: int, setup_id: str, *, seconds: float) -> SetupFacts | None:
    """The set-up as soon as the worker has fetched its card, at the latest after ``seconds``; None when there is none.

    The bell is rung once a second: a worker that looked a moment ago does not look again at once.
    """
    start = tools.clock.now()
    rung = 0
    while True:
        waited = (tools.clock.now() - start).total_seconds()
        if waited >= rung:
            tools.bell.ring()
            rung += 1
        with tools.store.read() as connection:
            setup = setup_status(connection, book_id, setup_id)
        if setup is None or setup.state != "OPEN" or waited >= seconds:
            return setup
        tools.clock.sleep(0.1)
