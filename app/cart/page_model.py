"""What the cart's templates print: plain values, made by `present.py` and its neighbours."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from app.cart.agreement import Agreement
from app.cart.changing import ChangeTable
from app.cart.sums import Ledger
from app.cart.working import Working


class CardChoice(NamedTuple):
    """One radio button. ``tone`` colours the line below it: ``""``, ``warn`` or ``bad``."""

    id: str
    ref: str
    name: Markup
    meta: Markup | str
    tone: str
    disabled: bool
    checked: bool


class FieldError(NamedTuple):
    field: str
    text: str


class Notice(NamedTuple):
    tone: str
    heading: str | Markup
    text: str | Markup


class Box(NamedTuple):
    """A consent box: what it says, and what is wrong with it."""

    id: str
    agreement: Agreement
    error: str = ""
    hint: Markup | str = ""


class CheckFirst(NamedTuple):
    """What stands in the place of the button until the holder has proved who they are. ``action`` empty: only a card will do."""

    notice: Notice
    action: str
    form_token: str
    takes_card: bool


PriceRow = tuple[Markup | str, Markup | str]
"""A label and a price."""


class Panel(NamedTuple):
    """The decision card. ``currency`` is empty where ``due`` names it. ``add_card_only``: there is nothing to pay with yet, so adding a card is the one main act.
    ``later``: what renewals cost when a discount has ended, and what renews on other days, each with its label."""

    action: str
    form_token: str
    language: str
    quote_id: str
    legend: str
    cards: tuple[CardChoice, ...]
    card_error: str
    card_url: str
    card_notice: Notice | None
    add_card_only: bool
    asks_card: bool
    due: str
    currency: str
    then: Markup | str
    then_price: Markup | str
    later: tuple[PriceRow, ...]
    boxes: tuple[Box, ...]
    button: str
    busy: str
    disabled: bool
    note: str
    no_thanks_url: str
    no_thanks: str
    check: CheckFirst | None = None


class QuantityField(NamedTuple):
    """The shopper's own number."""

    label: str
    value: int | str
    smallest: int
    largest: int | None
    error: str = ""


class OptionField(NamedTuple):
    """An option to tick (``value`` None) or to count. ``kept``: it cannot be left out, so it is told and sent along."""

    id: str
    code: str
    label: str
    price: Markup | str
    checked: bool = False
    kept: bool = False
    value: str | None = None
    smallest: int = 0
    largest: int | None = None
    step: int = 1


class ChoiceForm(NamedTuple):
    """What the shopper may choose. It asks for a new price; it never buys."""

    action: str
    quantity: QuantityField | None
    options: tuple[OptionField, ...]
    legend: str
    error: str = ""
    card: str = ""
    """The card that was chosen by the address, to be kept."""


class CartPage(NamedTuple):
    title: str
    headline: str
    eyebrow: Markup
    lead: Markup
    who: Markup
    change: ChangeTable
    ledgers: tuple[Ledger, ...]
    working: Working | None
    choice: ChoiceForm | None
    panel: Panel
    best_dates: tuple[Markup, ...] = ()
    """``today $5.00``, ``on October 1, 2026 $2.50``, ``at the renewal $0.00``; with until when the offer can be had."""
    errors: tuple[FieldError, ...] = ()
    notices: tuple[Notice, ...] = ()
