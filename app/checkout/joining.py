"""Orders that stand already: a second press starts nothing, it waits for what the first one does."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from app.charging.errors import ChargingError
from app.charging.gate import is_closed
from app.charging.place import order_id_of
from app.charging.reading import AT_WORK, OrderFacts, order_facts, orders_of_link, wait_for_news
from app.charging.remains import remains_of, use_in_doubt
from app.checkout.cart import session_id
from app.checkout.errors import CheckoutRefused
from app.checkout.press import Tools
from app.links.claims import LinkClaims
from app.links.sessions import CartSession, QuoteTicket
from app.models.store import Store
from app.subscriptions.facts import book_facts

WAIT_FOR_OTHERS = 5.0
"""Seconds that a second press waits for the first before it shows the order as it stands."""


def running_order(store: Store, book_id: int, session: CartSession, ticket: QuoteTicket) -> OrderFacts | None:
    """The order of this page, or of this link, if it may still take money (this page's: also if it is paid).

    Then no second press starts anything: it joins.
    """
    known = order_of_page(store, book_id, ticket)
    if known is not None:
        return known
    with store.read() as connection:
        for each in orders_of_link(connection, book_id, session.claims.link_id.text):
            if each.state == "OPEN":
                order = order_facts(connection, book_id, each.id)
                if order is not None and order.open_attempt is not None and _is_of(order, session):
                    return order
    return None


def order_of_page(store: Store, book_id: int, ticket: QuoteTicket) -> OrderFacts | None:
    """The order that this page made, unless a further attempt may begin on it."""
    with store.read() as connection:
        known = order_facts(connection, book_id, order_id_of(book_id, ticket.checkout_id.hex()))
    return known if known is not None and (known.state != "OPEN" or known.open_attempt is not None) else None


def _is_of(order: OrderFacts, session: CartSession) -> bool:
    """Placed from this very opening of the link: a second device gets to see that a change is under way instead."""
    return order.claims is not None and order.claims.split(".")[2] == session_id(session)


def may_stand(store: Store, book_id: int, ticket: QuoteTicket) -> bool:
    """Whether the order may have been written before something failed: then a worker may yet charge it."""
    try:
        with store.read() as connection:
            return order_facts(connection, book_id, order_id_of(book_id, ticket.checkout_id.hex())) is not None
    except SQLAlchemyError:
        return True


def check_unbought(store: Store, book_id: int, claims: LinkClaims) -> bool:
    """Looked up before a link that is over is told about: whether it is certain that nothing was charged through it.

    Not where money was taken and given back, nor behind a closed gate, where an order may have been lost. ``order_running``
    with an order of the link that may have taken money, ``link_used`` with the newest that did, ``payment_unmatched``
    (``ChargingError``) where a payment holds one of its uses.
    """
    jti, paid, gave_back = claims.link_id.text, "", False
    with store.read() as connection:
        for each in orders_of_link(connection, book_id, jti):
            if each.paid_at is not None:
                paid = paid or each.id
                continue
            left = remains_of(connection, book_id, each.id)
            if left.is_in_doubt or _may_be_charged(order_facts(connection, book_id, each.id)):
                raise CheckoutRefused("order_running", order=each.id)
            gave_back = gave_back or left.returned is not None
        if paid:
            raise CheckoutRefused("link_used", order=paid)
        if use_in_doubt(connection, book_id, jti, claims.uses):
            raise ChargingError("payment_unmatched", "a payment of this link is being looked into")
    return not gave_back and not may_lack_orders(store, book_id)


def _may_be_charged(order: OrderFacts | None) -> bool:
    """Of an order that was read as unpaid: also if it was paid since."""
    last = order.last if order is not None else None
    return last is not None and (last.is_open or last.captured)


def may_lack_orders(store: Store, book_id: int) -> bool:
    """Whether orders may have been lost with an older copy of the database: its books are not yet compared."""
    with store.read() as connection:
        book = book_facts(connection, book_id)
        return book is None or is_closed(connection, book.gateway, book.gateway_account, book.mode == "live")


def stand_by(tools: Tools, order: OrderFacts) -> OrderFacts:
    """The order as it stands once the press that has it in hand is done, at the latest after ``WAIT_FOR_OTHERS``."""
    if order.open_attempt is None:
        return order
    tools.bell.ring()
    return (
        wait_for_news(tools.store, tools.clock, order.book_id, order.id, seconds=WAIT_FOR_OTHERS, states=AT_WORK)
        or order
    )
