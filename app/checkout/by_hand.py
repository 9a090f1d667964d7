"""A change that the merchant makes on a customer's behalf: the same quote, the same protocol, at most one charge.

LiftlinkError
└── ByHandRefused
    the quote's own code   such as ``paused`` or ``negative_total``; ``remedy``: what would help
    quote_refused          the change cannot be priced at all; ``field`` names what is wrong
    payment_missing        something is due, and neither a card nor an invoice was named; ``due``, ``currency``
    consent_missing        the customer pays more than before, now or later, and nobody says how they agreed
    card_unknown           no card on file goes by that name; ``cards`` lists those that do
    due_differs            another amount is due than the one expected; ``due``, ``expected``
    subscription_moved     somebody changed the subscription, the rules or the catalog at the same moment

None of them wrote or charged anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from app.billing.errors import CaseError
from app.billing.facts import Change
from app.billing.result import Quote
from app.billing.standing import rises, standing_renewal
from app.charging.closing_orders import close_order
from app.charging.drive import drive, driver_name
from app.charging.place import ChosenCard, ConsentGiven, NewOrder, Placed, place
from app.charging.reading import OrderFacts, idle_order, order_facts
from app.checkout.press import Tools
from app.kit.errors import LiftlinkError
from app.kit.money import format_minor
from app.models.merchants import Book
from app.models.subscriptions import Subscription
from app.subscriptions.facts import CardFacts, Held
from app.subscriptions.pricing import Priced, priced, usable_cards

SOURCE = "merchant"
"""Of orders, consents and mandates that a merchant made; a shopper's come from a link."""
CHECKOUT_BYTES = 16


class ByHandRefused(LiftlinkError):
    """``code`` is one of the list above; nothing happened."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the merchant asks for. ``consent``: how the customer agreed, in the merchant's words; empty when nobody asked.

    ``card``: the card on file to charge, by its last four digits, its id (``#7``) or ``default``. ``invoice``: the
    merchant's own reference; then nothing is charged here. ``expected``: the amount, in minor units, without which nothing
    shall happen. ``actor`` is who does it.
    """

    changes: tuple[Change, ...]
    actor: str
    language: str
    consent: str = ""
    card: str = ""
    invoice: str = ""
    expected: int | None = None


def priced_by_hand(connection: Connection, held: Held, changes: tuple[Change, ...], at: datetime) -> Priced:
    """The changes priced at ``at`` for the merchant; ``quote_refused`` when they cannot be priced at all.

    An order whose attempts all ended without money stops nothing: the next order takes its place.
    """
    try:
        return priced(connection, held, changes, at, own_order=idle_order(connection, held), asks_card=False)
    except CaseError as error:
        raise ByHandRefused("quote_refused", error.message, **error.details) from error


def change_by_hand(tools: Tools, held: Held, asked: Asked) -> OrderFacts:
    """Makes the change now, or schedules it where the change says so; the order as it stands afterwards.

    Its ``outcome`` tells what became of it: ``nocharge``, ``registered``, ``paid`` or ``due``; ``failed`` when the card was
    declined (the order is closed, the plan untouched); ``pending`` while the gateway has not answered, a worker goes on.
    Raises ``ByHandRefused`` or ``ChargingError``.
    """
    now = tools.clock.now()
    with tools.store.read() as connection:
        made = priced_by_hand(connection, held, asked.changes, now)
    card = _checked(held, made, asked, now)
    driver = driver_name(SOURCE, tools.randomness)
    placed = place(
        tools.store, tools.clock, _new_order(tools, held, made, asked), _consent(held, made, asked, card),
        card and ChosenCard.of(card), guard=lambda connection: _guard(connection, held), return_url="", driver=driver,
        decline_limit=tools.decline_limit_of(held.book),
    )  # fmt: skip
    _go_on(tools, held.book.id, placed, driver, asked.actor)
    with tools.store.read() as connection:
        order = order_facts(connection, held.book.id, placed.order_id)
    if order is None:
        raise LookupError(f"order {placed.order_id} was written and is not there")
    return order


def _checked(held: Held, made: Priced, asked: Asked, now: datetime) -> CardFacts | None:
    """The card to charge, or the one that will pay the renewals; refuses what may not happen like this."""
    quote = made.quote
    if not quote.eligibility.ok:
        eligibility = quote.eligibility
        raise ByHandRefused(eligibility.code or "not_eligible", eligibility.message or "", remedy=eligibility.remedy)
    if asked.expected is not None and asked.expected != quote.due_now:
        due, expected = (format_minor(minor, quote.currency) for minor in (quote.due_now, asked.expected))
        raise ByHandRefused(
            "due_differs", f"{due} {quote.currency} is due, not {expected}: nothing was done",
            due=quote.due_now, expected=asked.expected,
        )  # fmt: skip
    if quote.due_now and not asked.card and not asked.invoice:
        due = f"{format_minor(quote.due_now, quote.currency)} {quote.currency}"
        raise ByHandRefused(
            "payment_missing", f"{due} is due: name a card on file to charge, or the invoice that asks for it",
            due=quote.due_now, currency=quote.currency,
        )  # fmt: skip
    more = rises(held.facts, quote, standing_renewal(held.facts, made.policy))
    if more and not asked.consent and not asked.invoice:
        raise ByHandRefused(
            "consent_missing", "the customer will pay more than before: say how and when they agreed to it"
        )
    if quote.due_now and not asked.invoice:
        return _card_named(held, asked.card, now)
    return next((card for card in usable_cards(held.cards, held.book, now) if card.pays), None)


def _card_named(held: Held, name: str, now: datetime) -> CardFacts:
    """By its last four digits, ``#`` and its id, or ``default``: what the subscription is paid with."""
    usable = usable_cards(held.cards, held.book, now)
    if name == "default":
        found = [card for card in usable if card.pays] or [card for card in usable if card.is_default]
    else:
        found = [card for card in usable if name in (card.last4, f"#{card.id}")]
    if len(found) == 1:
        return found[0]
    names = [f"#{card.id} {card.brand} {card.last4}" for card in usable]
    which = "several cards go" if found else "no card that can be charged goes"
    raise ByHandRefused(
        "card_unknown", f"{which} by {name!r}: there {'are' if len(names) > 1 else 'is'} {', '.join(names) or 'none'}",
        cards=names,
    )  # fmt: skip


def _new_order(tools: Tools, held: Held, made: Priced, asked: Asked) -> NewOrder:
    book = held.book
    return NewOrder(
        book_id=book.id,
        livemode=book.mode == "live",
        checkout_id=tools.randomness(CHECKOUT_BYTES).hex(),
        subscription_id=held.id,
        subscription_version=held.version,
        customer_id=held.customer.id,
        source=SOURCE,
        link_jti=None,
        max_uses=1,
        claims=None,
        quote=made.quote,
        quoted_at=made.quote.at,
        valid_until=made.valid_until(held),
        email=held.customer.email,
        language=asked.language,
        gateway=book.gateway,
        account=book.gateway_account,
        gateway_customer=held.customer.gateway_customer,
        changes=asked.changes,
        off_session=True,
        invoice=asked.invoice if made.quote.due_now else "",
    )


def _later(quote: Quote) -> dict[str, Any]:
    """What renews on other days than the earliest next date, where anything does."""
    return {"later_renewals": [[str(one.date), one.amount] for one in quote.later]} if quote.later else {}


def _consent(held: Held, made: Priced, asked: Asked, card: CardFacts | None) -> ConsentGiven:
    """What the merchant vouches for. No words of the customer's are made up: an empty text stays empty."""
    quote = made.quote
    return ConsentGiven(
        text=asked.consent,
        version=SOURCE,
        language=asked.language,
        button="",
        boxes={},
        figures={
            "due_now": quote.due_now,
            "currency": quote.currency,
            "renewal": quote.renewal.amount,
            **_later(quote),
            "actor": asked.actor,
            "invoice": asked.invoice,
        },
        ip="",
        user_agent=asked.actor,
    )


def _guard(connection: Connection, held: Held) -> None:
    """Inside the transaction that places the order: is everything still as it was priced?"""
    row = connection.execute(
        select(Subscription.version, Book.policy_version, Book.catalog_version)
        .join(Book, Book.id == Subscription.book_id)
        .where(Subscription.book_id == held.book.id, Subscription.id == held.id)
    ).first()
    if row is None or tuple(row) != (held.version, held.book.policy_version, held.book.catalog_version):
        raise ByHandRefused("subscription_moved", "something changed at the same moment: look again, then repeat")


def _go_on(tools: Tools, book_id: int, placed: Placed, driver: str, actor: str) -> None:
    """Charges, and ends an order that was declined: nobody comes back to it to try another card."""
    if placed.attempt_id is None:
        tools.bell.ring()
        return
    drive(tools.store, tools.gateways, tools.clock, [placed.attempt_id], by=driver, budget_seconds=tools.budget)
    with tools.store.write() as connection:
        close_order(
            connection, book_id, placed.order_id, "CANCELLED", cause="by hand, without money", actor=actor,
            at=tools.clock.now(),
        )  # fmt: skip
    tools.bell.ring()
