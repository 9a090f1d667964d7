"""What the shopper's pages are told: plain facts, gathered by the routes, nothing of the database in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from app.billing.facts import Interval, Subscription
from app.billing.outlook import Outlook
from app.billing.result import Quote
from app.billing.rulebook import ProductFacts, TaxRate
from app.billing.standing import StandingRenewal
from app.cart.summarising import summarise
from app.cart.summary import CardBack, Summary
from app.charging.remains import Returned
from app.web.frame import Frame, MerchantView, frame_for
from app.web.i18n import Tongue
from app.web.pages import Pages

_NOTHING: Mapping[str, str] = MappingProxyType({})
_NO_TAXES: Mapping[str, TaxRate] = MappingProxyType({})


@dataclass(frozen=True)
class Scene:
    """Where a page is shown: in which language, whose it is, at which address, live or not.

    ``here`` is the page's own path. ``mode`` is ``live``, ``test`` or ``preview``; in a preview nothing can be bought.
    """

    pages: Pages
    tongue: Tongue
    merchant: MerchantView
    here: str
    mode: str = "live"
    styles: str = ""
    """Where this visit's brand styles are, so that loading them tells people from scanners; empty: the shared ones."""

    def frame(self) -> Frame:
        """What stands around the page; made once."""
        return self._frame

    @cached_property
    def _frame(self) -> Frame:
        banner = None
        if self.mode == "test":
            banner = self.tongue.say("Test: no money moves")
        elif self.mode == "preview":
            banner = self.tongue.say("Preview: nothing can be bought")
        return frame_for(
            self.merchant, self.tongue, self.pages.languages, here=self.here, banner=banner, styles=self.styles
        )


class SubscriptionView(NamedTuple):
    """``reference`` as people write it (``QM-1048``); ``email`` in full: the pages mask it."""

    reference: str
    email: str
    facts: Subscription


class CardView(NamedTuple):
    """A stored card. ``reason`` says why it is not usable: ``expired``, ``declined`` (cannot pass), ``blocked`` or
    ``again`` (it must be entered once more first)."""

    ref: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    usable: bool = True
    reason: str | None = None
    default: bool = False
    declined_now: bool = False


class QuantityChoice(NamedTuple):
    """The shopper may choose how many, ``chosen`` being those that are priced. ``largest`` None: no limit."""

    chosen: int
    smallest: int
    largest: int | None = None


class OptionPick(NamedTuple):
    """An option to choose. ``chosen`` counts: 0 is without it. Not ``removable``: it may not be left out.

    ``smallest`` and ``largest`` None: it is there or not; else it is on a scale. ``price`` is that of one, in minor units;
    ``each``: it is priced per unit of the product.
    """

    code: str
    name: str
    chosen: int
    price: int | None = None
    interval: Interval | None = None
    each: bool = False
    smallest: int | None = None
    largest: int | None = None
    step: int = 1
    removable: bool = True


class OfferView(NamedTuple):
    """``code`` is the short reference (``LK-…``). ``closes_at`` None: open without end."""

    code: str
    closes_at: datetime | None = None
    quantity: QuantityChoice | None = None
    options: tuple[OptionPick, ...] = ()


class CartUrls(NamedTuple):
    """Where the cart's forms and links lead; the language is added to them."""

    buy: str
    card: str
    not_you: str
    no_thanks: str
    quantity: str = ""
    options: str = ""
    cart: str = ""


class CheckView(NamedTuple):
    """What the merchant asks for before a press buys: a code by mail, a card entered again, or either of them.

    ``action`` is where a code is asked for, with ``form_token`` as ``csrf``; empty where a code is not accepted.
    """

    action: str
    form_token: str
    takes_card: bool = False


class CodeView(NamedTuple):
    """How a cart stands with its code: ``state`` is ``none``, ``sent``, ``over`` or ``stopped``; ``left`` tries of this one.

    ``more``: another one may be asked for at ``send``. ``card`` is the way to enter a card again instead; empty: none.
    ``again``: where no more are sent, from when on the link, opened again, may send one; None: at once.
    """

    state: str
    left: int
    more: bool
    email: str
    check: str
    send: str
    back: str
    card: str
    form_token: str
    wrong: bool = False
    again: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriceChange:
    """The quote that the press carried no longer holds. ``reason``: ``time`` (a period began) or ``other``."""

    was: int
    reason: str = "other"


@dataclass(frozen=True, slots=True)
class CartFacts:
    """Everything that a page with the decision card shows.

    ``cards`` None: nothing is due, no card is asked for and none will be. ``selected`` is the ref of the card to choose;
    None: the default one, else the first usable. ``withdrawal``: the shopper has the EU's right to withdraw, so a second
    box asks for an immediate start. ``price_now`` is what the subscription renews at before the change.
    """

    subscription: SubscriptionView
    quote: Quote
    quote_id: str
    form_token: str
    cards: tuple[CardView, ...]
    offer: OfferView
    urls: CartUrls
    catalog: Mapping[str, ProductFacts]
    price_now: int
    selected: str | None = None
    withdrawal: bool = False
    email_changed: bool = False
    taxes: Mapping[str, TaxRate] = field(default_factory=lambda: _NO_TAXES)
    """By product, where its rate is not the quote's."""
    later_now: tuple[StandingRenewal, ...] = ()
    """What renews on each day and at each interval before the change, where that is not one; ``price_now`` is the sum of
    the first day."""
    best_dates: tuple[Outlook, ...] = ()
    """What is due on other days, today first, where the merchant lets that be told."""
    gives_back: tuple[CardBack, ...] = ()
    """To which cards goes what the change gives back."""
    check: CheckView | None = None
    """What is asked for first; None: nothing, or it was proved."""


def summary_of(facts: CartFacts) -> Summary:
    """What that quote comes to, as the pages tell it."""
    made = summarise(facts.subscription.facts, facts.quote, facts.catalog, facts.price_now, facts.later_now)
    return replace(made, back=facts.gives_back) if facts.gives_back else made


@dataclass(frozen=True, slots=True)
class Problems:
    """What stood in the way of a press. Each may be true at once; ``price`` turns the answer into 409."""

    consent_missing: bool = False
    start_missing: bool = False
    card_missing: bool = False
    card_unusable: bool = False
    quantity_wrong: bool = False
    quantity_typed: str = ""
    """What stood in the field when it was wrong, to be corrected there."""
    quantity_reason: str = ""
    """Why another number is asked for, by the codes of `Eligibility`; empty: it is outside the range, or no number."""
    quantity_gone: bool = False
    """What was chosen is not offered any more: the page shows the offer's own quantity."""
    options_wrong: bool = False
    options_typed: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """By code what was picked when it was wrong: ``1`` for a tick, else what stood in the field."""
    options_reason: str = ""
    options_gone: bool = False
    """The options that were chosen are not offered any more: the page shows the offer's own."""
    price: PriceChange | None = None
    page_too_old: bool = False
    may_be_bought: bool = False
    """With ``page_too_old``: nobody looked, or could, whether this page bought before."""
    check_missing: bool = False
    """The press came before the holder had proved who they are."""
    provider_silent: bool = False
    provider_refused: bool = False
    """The payment provider would not have this payment: no bank was asked."""

    @property
    def any_notice(self) -> bool:
        gone = self.quantity_gone or self.options_gone
        refused = self.page_too_old or self.check_missing or self.provider_silent or self.provider_refused
        return bool(self.price) or refused or gone

    @property
    def any_field(self) -> bool:
        return (
            self.consent_missing
            or self.start_missing
            or self.card_missing
            or self.card_unusable
            or self.quantity_wrong
            or self.options_wrong
        )


@dataclass(frozen=True, slots=True)
class DeclineView:
    """``text`` is a `DeclineText` value; ``retry`` a `RetrySameCard` value; ``bank_check`` says that S-9 is meant.

    ``bank_check``: ``""``, ``failed`` or ``left``. ``at`` is when the bank was asked; ``reference`` is ``PF-…``.
    """

    text: str
    retry: str
    amount: int
    at: datetime
    reference: str
    bank_check: str = ""


class ProofView(NamedTuple):
    """The step-up that was passed: ``way`` is ``code`` (mailed to ``email``, in full: the pages mask it) or ``card``."""

    way: str
    at: datetime
    email: str = ""


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as its pages show it. ``state`` and ``outcome`` are the store's words; ``card`` None: nothing was charged.

    ``applied`` False: paid, and the change is still being switched on. ``consent_texts`` are what was agreed to.
    """

    number: str
    state: str
    outcome: str
    amount: int
    tax: int
    currency: str
    email: str
    subscription_reference: str
    summary: Summary
    paid_at: datetime | None = None
    card: CardView | None = None
    consent_texts: tuple[str, ...] = ()
    proof: ProofView | None = None
    """How the shopper showed who they are, where the seller asked for it."""
    applied: bool = True
    quote: Quote | None = None
    """What was bought, for the amounts that stand between its lines and what was charged; None: not told."""
    returned: tuple[Returned, ...] = ()
    """What went back of what was charged, and what is on its way."""
    schedule: str = ""
    """``PENDING``, ``UNDONE`` or ``APPLIED`` for a change that was to wait for the next billing date; empty for any other."""


@dataclass(frozen=True, slots=True)
class BankCheck:
    """How to hand the shopper over: a link to ``action``, or where ``method`` is ``post`` a form with those fields."""

    action: str
    method: str = "post"
    fields: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
