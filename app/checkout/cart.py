"""What a cart shows: one subscription, one change, one quote. Looking changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from app.billing import standing_renewal
from app.billing.errors import CaseError
from app.billing.outlook import Outlook, outlook
from app.billing.proving import way_asked
from app.billing.result import Quote
from app.billing.rulebook import Policy, ProductFacts
from app.billing.standing import StandingRenewal, rises, standing_renewals
from app.charging.reading import OrderFacts, order_facts, orders_of_link
from app.charging.remains import order_in_doubt
from app.checkout.errors import CheckoutRefused
from app.checkout.stepping_up import Check, check_of
from app.kit.clock import Clock
from app.kit.ids import Randomness
from app.links.claims import LinkClaims
from app.links.sessions import CHECKOUT_BYTES, CartSession, QuoteTicket
from app.models.links import withdrawal_of
from app.models.store import Store
from app.models.work import CartContact
from app.subscriptions.choices import QuantityRange
from app.subscriptions.facts import CardFacts, Held, HeldByLink, load_by_link
from app.subscriptions.offered import (
    Offered,
    OfferError,
    names_of,
    offered,
    quantity_not_offered,
    with_options,
    with_quantity,
)
from app.subscriptions.pricing import Priced, priced, usable_cards
from app.subscriptions.refundable import Share, refundable, shares

MOST_LOOKS = 3
"""How often a cart is read before its refusal is told although something moved each time."""
OF_ITS_ORDER = frozenset({"link_used", "order_running"})
"""Refusals that name the order which came from the link: nothing can be told that is truer."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who buys: the address of the subscription, or the one the shopper gave instead, with its own gateway customer."""

    email: str
    gateway_customer: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart that may be bought, or that needs only a card. ``cards`` are those this cart may show, usable or not.

    ``order`` is an open order of this subscription whose attempts all ended without money: a press goes on with it.
    """

    book_id: int
    session: CartSession
    at: datetime
    held: Held
    offered: Offered
    quote: Quote
    valid_until: datetime
    checkout_id: bytes
    contact: Contact
    catalog: Mapping[str, ProductFacts]
    renewal_now: int
    """What the subscription renews at as it stands, in minor units."""
    cards: tuple[CardFacts, ...]
    usable: frozenset[int]
    order: OrderFacts | None
    policy: Policy
    gives_back: tuple[Share, ...] = ()
    """Which captures, and so which cards, get back what the change gives back."""
    check: Check | None = None
    """What the merchant asks of the holder before a press buys; None: nothing."""

    @property
    def ticket(self) -> QuoteTicket:
        """What the page's quote id is signed over."""
        subscription, policy, catalog = self.held.version, self.held.book.policy_version, self.held.book.catalog_version
        return QuoteTicket(
            at=microseconds(self.at),
            subscription_version=subscription,
            offer_version=self.offered.version,
            policy_version=policy,
            catalog_version=catalog,
            fingerprint=self.quote.fingerprint,
            valid_until=int(self.valid_until.timestamp()),
            checkout_id=self.checkout_id,
            due_now=self.quote.due_now,
        )

    @property
    def quantity_range(self) -> QuantityRange | None:
        """From how many to how many the shopper may choose, within what the product is sold in; None: there is no choice."""
        allowed = self._allowed()
        return allowed if allowed is not None and allowed.smallest < allowed.largest else None

    def _allowed(self) -> QuantityRange | None:
        allowed = self.offered.choices.quantity
        return allowed and allowed.within(self.catalog.get(self.offered.change.product or ""))

    @property
    def best_dates(self) -> tuple[Outlook, ...]:
        """What the same change costs on other days, where the merchant lets that be told; else empty."""
        if not self.held.book.policy.get("best_date_hint"):
            return ()
        return outlook(self.held.facts, self.offered.changes, self.policy, self.at)

    @property
    def own_options(self) -> tuple[str, ...]:
        """The options as priced, whoever picked them."""
        options = self.offered.change.options
        return held_options(self.held, self.offered) if options is None else options

    def check_quantity(self) -> None:
        """``quantity_not_offered`` when the product is not sold in as many as were chosen."""
        allowed = self._allowed()
        if self.session.quantity and allowed is not None and self.session.quantity not in allowed:
            raise _refused_offer(quantity_not_offered(self.session.quantity, allowed), self.held)

    @property
    def renewals_now(self) -> tuple[StandingRenewal, ...]:
        """What renews on each day and at each interval as it stands, where there are several items; ``renewal_now`` is the sum
        of the first day."""
        return standing_renewals(self.held.facts, self.policy) if len(self.held.facts.items) > 1 else ()

    @property
    def needs_card(self) -> bool:
        return self.quote.due_now > 0

    @property
    def needs_consent(self) -> bool:
        """Nothing due and nothing that ever rises is confirmed without the payment box."""
        return rises(self.held.facts, self.quote, self.renewal_now)

    def card(self, card_id: int) -> CardFacts | None:
        """The card of that id, if this cart may charge it."""
        return next((card for card in self.cards if card.id == card_id and card.id in self.usable), None)


def look(
    store: Store, clock: Clock, randomness: Randomness, book_id: int, session: CartSession, *, ignore_order: str = ""
) -> Cart:
    """The cart of a session as of now, with a quote that may be confirmed; ``CheckoutRefused`` when there is none to show.

    ``ignore_order`` is an order that is not in its way: the one whose page shows this cart again.
    """
    now = clock.now()
    with store.read() as connection:
        return cart_at(
            connection,
            book_id,
            session,
            at=now,
            now=now,
            checkout_id=randomness(CHECKOUT_BYTES),
            ignore_order=ignore_order,
        )


def cart_at(
    connection: Connection,
    book_id: int,
    session: CartSession,
    *,
    at: datetime,
    now: datetime,
    checkout_id: bytes,
    ignore_order: str = "",
) -> Cart:
    """The cart priced at ``at`` and seen at ``now``. The rules in order: link, subscription, uses, offer, eligibility.

    It is read in several statements, between which another press may buy. A cart of two moments is never charged, because its
    versions are looked at again; but its refusal would tell who has just bought only that the offer does not fit. So a refusal
    is told once link and subscription are found to stand as they did before it.
    """
    claims = session.claims
    named = _named(connection, book_id, claims)
    for looks_left in reversed(range(MOST_LOOKS)):
        try:
            return _cart_of(connection, book_id, session, named, at, now, checkout_id, ignore_order)
        except CheckoutRefused as refused:
            if refused.code in OF_ITS_ORDER or not looks_left:
                raise
            before, named = named, _named(connection, book_id, claims)
            if named == before:
                raise
    raise AssertionError("the last look returns or raises")


def _named(connection: Connection, book_id: int, claims: LinkClaims) -> HeldByLink:
    """What the link names; ``link_revoked``, ``link_malformed``."""
    named = load_by_link(
        connection, book_id, claims.subscription, claims.customer, names_of(claims), claims.issued
    )  # fmt: skip
    if named is None or named.withdrawn:
        check_withdrawn(connection, book_id, claims)
    if named is None:
        raise CheckoutRefused("link_malformed", "the link names no subscription here")
    return named


def _cart_of(
    connection: Connection,
    book_id: int,
    session: CartSession,
    named: HeldByLink,
    at: datetime,
    now: datetime,
    checkout_id: bytes,
    ignore_order: str,
) -> Cart:
    claims, held = session.claims, named.held
    order = _running_order(connection, book_id, held, claims, ignore_order)
    if named.given_up:
        _check_money(connection, book_id, claims)
    if named.spent >= claims.uses:
        _check_uses(connection, book_id, claims, held)
    found = offer_of(connection, book_id, session, at, held)
    contact = contact_of(connection, book_id, session, held)
    made = _priced(connection, held, found, session, at, order)
    cards = tuple(card for card in held.cards if _is_shown(card, session, contact))
    cart = Cart(
        book_id=book_id,
        session=session,
        at=at,
        held=held,
        offered=found,
        quote=made.quote,
        valid_until=_valid_until(made, held, found, claims),
        checkout_id=checkout_id,
        contact=contact,
        catalog=made.policy.catalog,
        renewal_now=standing_renewal(held.facts, made.policy),
        cards=cards,
        usable=frozenset([card.id for card in usable_cards(cards, held.book, now, session_id(session))]),
        order=order,
        policy=made.policy,
        gives_back=_gives_back(connection, book_id, held, made.quote),
    )
    cart.check_quantity()
    cart = _checked(connection, cart, now)
    if not cart.quote.eligibility.ok:
        raise CheckoutRefused("not_eligible", cart.quote.eligibility.message or "", cart=cart)
    return cart


def _gives_back(connection: Connection, book_id: int, held: Held, quote: Quote) -> tuple[Share, ...]:
    if not quote.refunded:
        return ()
    return tuple(shares(refundable(connection, book_id, held.id, quote.currency), quote.refunded))


def _checked(connection: Connection, cart: Cart, now: datetime) -> Cart:
    """With the step-up that the policy asks for. A card that was to be entered again counts only if it was."""
    how = step_up_asked(cart, now)
    if how is None:
        return cart
    check = check_of(connection, cart.book_id, session_id(cart.session), cart.held.customer, how, now)
    if not check.takes_card or check.passed:
        return replace(cart, check=check)
    return replace(cart, check=check, usable=cart.usable & check.entered)


def step_up_asked(cart: Cart, now: datetime) -> str | None:
    """How the holder has to prove themselves; None: not at all, as in a preview, where nothing can be bought."""
    if cart.session.preview or "step_up" not in cart.held.book.policy:
        return None
    return way_asked(
        cart.held.book.policy, currency=cart.quote.currency, due=cart.quote.due_now, renewal=cart.quote.renewal.amount,
        asks_card=cart.needs_card, rises=cart.needs_consent, issued=cart.session.claims.issued, now=now,
    )  # fmt: skip


def _priced(
    connection: Connection, held: Held, found: Offered, session: CartSession, at: datetime, order: OrderFacts | None
) -> Priced:
    own = order.id if order else None
    try:
        return priced(
            connection, held, found.changes, at, cart_session=session_id(session), own_order=own, asks_card=False
        )
    except CaseError as error:
        raise CheckoutRefused("offer_unpriced", error.message, held=held) from error


def check_withdrawn(connection: Connection, book_id: int, claims: LinkClaims) -> None:
    """``link_revoked`` when link, batch, customer or saved offer was taken back."""
    row = withdrawal_of(connection, book_id, **names_of(claims), issued_at=claims.issued)
    if row is not None:
        raise CheckoutRefused("link_revoked", reason=row.reason, kind=row.kind)


def _running_order(
    connection: Connection, book_id: int, held: Held, claims: LinkClaims, ignore_order: str
) -> OrderFacts | None:
    """An open order that a press would go on with. One that still may take money leads to its own page."""
    if held.open_order is None:
        return None
    order = order_facts(connection, book_id, held.open_order)
    if order is None or order.open_attempt is None or order.id == ignore_order:
        return order
    if order.link_jti == claims.link_id.text:
        raise CheckoutRefused("order_running", order=order.id)
    return None


def _check_money(connection: Connection, book_id: int, claims: LinkClaims) -> None:
    """While it is not known whether an order of this link took money after all, nobody is offered to pay once more."""
    order = order_in_doubt(connection, book_id, claims.link_id.text)
    if order is not None:
        raise CheckoutRefused("order_running", order=order)


def _check_uses(connection: Connection, book_id: int, claims: LinkClaims, held: Held) -> None:
    orders = orders_of_link(connection, book_id, claims.link_id.text)
    spent = [each for each in orders if each.paid_at is not None]
    if len(spent) >= claims.uses:
        raise CheckoutRefused("link_used", order=spent[0].id, held=held)


def offer_of(connection: Connection, book_id: int, session: CartSession, at: datetime, held: Held) -> Offered:
    """What the link offers, with what the shopper chose; ``offer_closed``, ``quantity_not_offered``."""
    try:
        found = with_quantity(offered(connection, book_id, session.claims.offer, at), session.quantity)
        return with_options(found, session.options, held_options(held, found))
    except OfferError as error:
        raise _refused_offer(error, held) from error


def held_options(held: Held, found: Offered) -> tuple[str, ...]:
    """The options of the item that the offer is about, as they are now."""
    items = [item for item in held.facts.items if item.running_number == found.change.item]
    return items[0].options if items else ()


def _refused_offer(error: OfferError, held: Held) -> CheckoutRefused:
    if error.code in {"quantity_not_offered", "options_not_offered"}:
        return CheckoutRefused(error.code, error.message, held=held, **error.details)
    return CheckoutRefused("offer_closed", held=held, ends_at=error.details.get("ends_at"))


def contact_of(connection: Connection, book_id: int, session: CartSession, held: Held) -> Contact:
    """The subscription's own address, unless this session was given another one."""
    if session.other_email:
        row = connection.execute(
            select(CartContact.email, CartContact.gateway_customer).where(
                CartContact.cart_session == session_id(session), CartContact.book_id == book_id
            )
        ).first()
        if row is not None:
            return Contact(row.email, row.gateway_customer, is_own=False)
    return Contact(held.customer.email, held.customer.gateway_customer, is_own=True)


def _is_shown(card: CardFacts, session: CartSession, contact: Contact) -> bool:
    """Stored cards are withdrawn from a cart under another e-mail; cards entered in another cart are never shown."""
    if card.cart_session is not None:
        return card.cart_session == session_id(session)
    return contact.is_own


def _valid_until(made: Priced, held: Held, found: Offered, claims: LinkClaims) -> datetime:
    """As long as the figure stands; not longer than the link or the saved offer."""
    ends = [made.valid_until(held), claims.expires]
    return min([*ends, found.ends_at] if found.ends_at is not None else ends)


def session_id(session: CartSession) -> str:
    """By which rows name a cart session."""
    return session.visit.hex()


def microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def instant(microseconds_since_1970: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds_since_1970)
