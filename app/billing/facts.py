"""The facts that a price is made of: what is held and what is wanted (the rules: rulebook.py).

All are frozen values (named tuples where a quote makes many of them, since those are filled sooner). Money is an integer
count of the currency's minor unit; a rate is an integer in parts per million (20 % is 200,000); instants are aware;
period ends are exclusive; running numbers and lot numbers start at 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.billing.errors import CaseError

RATE_WHOLE = 1_000_000
"""100 % as a rate."""

UNITS = ("day", "week", "month", "year")
STATUSES = ("trialing", "active", "past_due", "paused", "canceled", "expired")


@dataclass(frozen=True, slots=True)
class Interval:
    """How often a price recurs: every ``count`` of ``unit`` (``day`` ``week`` ``month`` ``year``)."""

    unit: str
    count: int

    @classmethod
    def parse(cls, text: str, path: str = "interval") -> Interval:
        """``"1month"``, ``"30day"``; anything else is a ``CaseError`` that names ``path``."""
        for unit in UNITS:
            count = text.removesuffix(unit)
            if count != text and count.isascii() and count.isdigit() and count[0] != "0" and len(count) <= 4:
                return cls(unit, int(count))
        raise CaseError(path, f"{text!r} is no interval such as '1month', '1year', '2week' or '30day'")

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


class Span(NamedTuple):
    """From ``start`` up to, not including, ``end``; both aware."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class LotDiscount:
    """A discount that renewals of a lot go on having. Exactly one of the first three is set; ``periods_left`` None: forever.

    ``amount`` is per lot and period, ``unit_price`` is what one unit costs instead of the lot's price.
    """

    percent: int | None = None
    amount: int | None = None
    unit_price: int | None = None
    periods_left: int | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """A quantity at a unit price per interval of its item. ``kind`` is ``product``, ``option`` or ``feature``; ``code``
    names which.

    ``per`` is ``unit`` or ``subscription`` (an option priced once, whatever the quantity of the item). The quantity of a
    scaled option counts its steps, that of a feature the steps above what the product includes.
    """

    number: int
    code: str
    quantity: int
    unit_price: int
    kind: str = "product"
    per: str = "unit"
    discount: LotDiscount | None = None


class Entitlement(NamedTuple):
    """One row of the append-only ledger of what was paid: ``amount`` for lot ``lot`` of item ``item`` over a span.

    ``lot`` None: for all lots of the item, split by quantity × unit price (by quantity, if all prices are 0).
    """

    item: int
    lot: int | None
    start: datetime
    end: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class Item:
    """A subscribed product. ``entitlements`` None: the current period was paid in full at the lots' prices."""

    running_number: int
    product: str
    interval: Interval
    period: Span
    anchor_day: int
    lots: tuple[Lot, ...]
    options: tuple[str, ...] = ()
    committed_until: datetime | None = None
    entitlements: tuple[Entitlement, ...] | None = None

    @property
    def quantity(self) -> int:
        return sum([lot.quantity for lot in self.lots if lot.kind == "product"])


@dataclass(frozen=True, slots=True)
class Customer:
    """Facts about the buyer. None or left out refuses nothing.

    ``cards`` counts the cards that can be charged; ``unpaid_invoices`` counts invoices past due.
    """

    country: str | None = None
    cards: int | None = None
    unpaid_invoices: int = 0
    unpaid_url: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is held now. ``change_in_progress`` and ``renewal_in_progress`` are facts of the store (an open order), and so is
    ``last_item``, the highest running number that was ever given: that of an item which is gone is never given again, since
    the ledger still names it. ``refundable`` is what our own captures for it still hold; None: as much as is credited."""

    currency: str
    items: tuple[Item, ...]
    status: str = "active"
    auto_renewal: bool = True
    ends_at_period_end: bool = False
    customer: Customer = Customer()
    balance: int = 0
    change_in_progress: bool = False
    renewal_in_progress: bool = False
    last_item: int = 0
    refundable: int | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """Exactly one of ``percent`` (rate), ``amount`` (per item) and ``unit_price``. ``periods`` goes with that scope."""

    percent: int | None = None
    amount: int | None = None
    unit_price: int | None = None
    scope: str = "once"
    periods: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody wants done to one item; None leaves a thing as it is.

    ``quantity`` is the total after the change. ``alignment`` and ``price_rule`` None: the path's, else the default.
    ``fixed`` is the amount of price rule ``fixed``. ``item`` None adds a new item. ``currency`` is that of the money here,
    if it might be another than the subscription's: then the change is refused, in figures of the currency it is offered in. ``features`` pairs a feature's code with what is wanted: 0 or 1 of a
    switch, the whole allowance of a limit, how many units of a usage are bought now; None leaves them as they are.
    """

    item: int | None = 1
    product: str | None = None
    quantity: int | None = None
    options: tuple[str, ...] | None = None
    unit_price: int | None = None
    interval: Interval | None = None
    effective: str = "now"
    alignment: str | None = None
    price_rule: str | None = None
    fixed: int | None = None
    discount: Discount | None = None
    action: str | None = None
    align_with: int | None = None
    currency: str | None = None
    features: tuple[tuple[str, int], ...] | None = None
