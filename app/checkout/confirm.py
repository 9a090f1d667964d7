"""Buy Now. What was shown is what is charged: the quote is computed again and must be the one that the page held."""

from __future__ import annotations

from collections.abc import Callable

from app.charging.drive import drive, driver_name
from app.charging.errors import ChargingError
from app.charging.place import ConsentGiven, Placed, order_id_of
from app.charging.reading import AT_WORK, wait_for_news
from app.checkout.cart import Cart
from app.checkout.errors import CheckoutRefused
from app.checkout.joining import WAIT_FOR_OTHERS, may_stand, order_of_page, running_order, stand_by
from app.checkout.placing import place_order
from app.checkout.press import Pressed, Tools
from app.checkout.taking_back import gave_way, give_up_if_unheard
from app.links.sessions import CartSession


def confirm(
    tools: Tools,
    book_id: int,
    session: CartSession,
    pressed: Pressed,
    *,
    consent: Callable[[Cart], ConsentGiven],
    return_url: Callable[[str], str],
    language: str,
    unplaced: Callable[[], None] = lambda: None,
    placed: Callable[[str], None] = lambda _order: None,
) -> str:
    """The id of the order that this press made or found; its page says how it went.

    The same page pressed again, in however many tabs, gives the same order and one charge. Raises ``CheckoutRefused`` or
    ``ChargingError``; then nothing was charged. ``unplaced`` is called once it is known that no order of this page stands,
    ``placed`` with the order's id once one does: between the two nothing can have been charged, whatever fails.
    """
    if session.preview or not session.claims.link_id.was_issued:
        raise CheckoutRefused("preview_only")
    running = running_order(tools.store, book_id, session, pressed.ticket)
    if running is not None and not gave_way(tools, running, pressed):
        placed(running.id)
        return stand_by(tools, running).id
    unplaced()
    driver = driver_name("press", tools.randomness)
    try:
        made = place_order(tools, book_id, session, pressed, consent, return_url, language, driver)
    except (CheckoutRefused, ChargingError):
        # The same page pressed at the same time may have bought since: then its link is used and its subscription moved.
        placed(order_id_of(book_id, pressed.ticket.checkout_id.hex()))
        first = order_of_page(tools.store, book_id, pressed.ticket)
        if first is None:
            unplaced()
            raise
        return stand_by(tools, first).id
    except Exception:
        if may_stand(tools.store, book_id, pressed.ticket):
            placed(order_id_of(book_id, pressed.ticket.checkout_id.hex()))
        raise
    placed(made.order_id)
    _go_on(tools, book_id, made, driver)
    return made.order_id


def _go_on(tools: Tools, book_id: int, placed: Placed, driver: str) -> None:
    """Charge. The bell rings for an attempt that is not settled; of a paid order only the receipt is left, which the worker
    finds within a second, with all others of that second: a round of its own would cost as much as the press."""
    if placed.attempt_id is None:
        return
    by, budget = driver, tools.budget
    if drive(tools.store, tools.gateways, tools.clock, [placed.attempt_id], by=by, budget_seconds=budget):
        return
    if not placed.created:
        wait_for_news(tools.store, tools.clock, book_id, placed.order_id, seconds=WAIT_FOR_OTHERS, states=AT_WORK)
    give_up_if_unheard(tools, book_id, placed)
    tools.bell.ring()
