"""What a change comes to, without a word of any language: kept with the order, so that its pages can be shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from app.billing.facts import Interval
from app.cart.extras import Extra

_DAYS = ("next_before", "next_after", "paid_through", "effective_on")


@lru_cache(maxsize=256)
def interval_of(text: str | None) -> Interval | None:
    """``1year`` as an interval; None stays None."""
    return Interval.parse(text) if text else None


@dataclass(frozen=True, slots=True)
class RenewalRow:
    """One lot at the next renewal. ``first`` is the number of its first unit when units are counted, else 0.

    ``discount`` (≤ 0) is taken off ``amount`` already, for ``periods`` renewals; None: as long as it renews.
    """

    name: str
    amount: int
    quantity: int
    unit_price: int
    first: int = 0
    added: bool = False
    list_price: int | None = None
    option: bool = False
    discount: int = 0
    periods: int | None = None
    unit: str | None = None
    counted: bool = False
    """A scale or an allowance: counted by its own name."""
    item: int = 0

    @property
    def later(self) -> int:
        """What it costs when a discount that ends has ended."""
        return self.amount if self.periods is None else self.amount - self.discount


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item that changes. ``before`` and ``after`` are names; None: not held. The days are the ends of its period,
    exclusive: where it renews, its next billing dates."""

    before: str | None
    after: str | None
    quantity_before: int
    quantity_after: int
    unit: str | None = None
    interval_before: str | None = None
    interval_after: str | None = None
    extras: tuple[Extra, ...] = ()
    day_before: date | None = None
    day_after: date | None = None


@dataclass(frozen=True, slots=True)
class LaterRenewal:
    """What renews on another day than the earliest next date, or on that day at another interval."""

    day: date
    amount: int
    interval: str | None
    rows: tuple[RenewalRow, ...] = ()


@dataclass(frozen=True, slots=True)
class CardBack:
    """What goes back to one card."""

    brand: str
    last4: str
    amount: int


@dataclass(frozen=True, slots=True)
class Summary:
    """``kind``: ``more`` ``fewer`` (units) ``product`` ``extras`` ``interval`` ``item`` (one more product) ``fewer_items``
    ``renewal`` (early) ``date`` ``several``.

    Days are the merchant's; ``unit`` is the product's noun or None; ``interval`` is common to all that renews, or None.
    ``next_before`` and ``next_after`` None: no renewal follows. Amounts are minor units of ``currency``. ``rises``:
    something will be paid that would not be paid without the change, so it has to be agreed to. ``effective_on``: nothing
    changes before that day. ``flat``: what is due is one price, whatever time is left. ``renewal`` and ``rows`` are what renews
    on ``next_after`` at ``interval_after``; ``later`` has what renews at another interval or on a further day.
    """

    kind: str
    product_before: str
    product_after: str
    unit: str | None
    quantity_before: int
    quantity_after: int
    extras: tuple[Extra, ...]
    interval_before: str | None
    interval_after: str | None
    next_before: date | None
    next_after: date | None
    paid_through: date | None
    currency: str
    due: int
    price_now: int
    renewal: int | None
    tax_included: bool
    rows: tuple[RenewalRow, ...] = ()
    rises: bool = False
    items: tuple[ItemRow, ...] = ()
    effective_on: date | None = None
    early: bool = False
    credited: int = 0
    refunded: int = 0
    deferred: int = 0
    flat: bool = False
    later: tuple[LaterRenewal, ...] = ()
    before: tuple[LaterRenewal, ...] = ()
    """What renews on each day and at each interval without the change, where that is not one; without rows."""
    changed: tuple[ItemRow, ...] = ()
    """Every item that is other than before, with all that is; ``items`` has those of a change of several."""
    item: int = 0
    """The running number of the item that it is about."""
    back: tuple[CardBack, ...] = ()
    """Card by card what ``refunded`` comes to; empty in what was stored before this was known."""
    trial: bool = False
    """A trial goes on: nothing is paid for the period that runs."""

    @property
    def own_renewal(self) -> Summary:
        """The same change seen from the renewal of the item that it is about, whatever renews before."""
        seen = (self, *self.later_renewals)
        return next((each for each in seen if any(row.item == self.item for row in each.rows)), self)

    @property
    def later_renewals(self) -> tuple[Summary, ...]:
        """The same change seen from each further day or interval: its day, amount, interval and rows in the place of the first ones."""
        return tuple(
            replace(
                self, next_after=each.day, renewal=each.amount, interval_after=each.interval, rows=each.rows,
                later=(), credited=0, refunded=0, deferred=0, back=(),
            )
            for each in self.later
        )  # fmt: skip

    @property
    def extras_added(self) -> tuple[Extra, ...]:
        return tuple(extra for extra in self.extras if extra.after > extra.before)

    @property
    def extras_removed(self) -> tuple[Extra, ...]:
        return tuple(extra for extra in self.extras if extra.after < extra.before)

    @property
    def by_position(self) -> bool:
        """Units of one product are told apart as first and second, where their number changes."""
        same = self.product_before == self.product_after and not self.items
        several = self.kind == "several" and same and self.quantity_before != self.quantity_after
        return (self.kind in {"more", "fewer"} or several) and self.counts_units

    @property
    def counts_units(self) -> bool:
        """Whether the number of units is worth telling."""
        return self.unit is not None or max(self.quantity_before, self.quantity_after) > 1

    @property
    def discounted_renewals(self) -> int:
        """How many renewals cost ``renewal`` before the first discount ends; 0 where none ends."""
        return min((row.periods for row in self.rows if row.periods), default=0)

    @property
    def renewal_later(self) -> int:
        """What renewals cost when every discount that ends has ended."""
        return sum(row.later for row in self.rows)

    @property
    def ends_apart(self) -> bool:
        """Discounts end one after the other, so what follows the first end is still less than ``renewal_later``."""
        return len({row.periods for row in self.rows if row.periods}) > 1

    def interval(self) -> Interval | None:
        return interval_of(self.interval_after)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON column."""
        plain = asdict(self)
        for name in _DAYS:
            plain[name] = plain[name] and plain[name].isoformat()
        for each in (*plain["later"], *plain["before"]):
            each["day"] = each["day"].isoformat()
        for each in (*plain["items"], *plain["changed"]):
            for name in ("day_before", "day_after"):
                each[name] = each[name] and each[name].isoformat()
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Summary:
        """The summary that `to_json` wrote."""
        values = dict(plain)
        for name in _DAYS:
            values[name] = date.fromisoformat(values[name]) if values[name] else None
        for name, kind in (("extras", Extra), ("rows", RenewalRow)):
            values[name] = tuple(kind(**each) for each in values[name])
        values["back"] = tuple(CardBack(**each) for each in values.get("back", ()))
        for name in ("items", "changed"):
            values[name] = tuple(_item(each) for each in values.get(name, ()))
        for name in ("later", "before"):
            values[name] = tuple(_later(each) for each in values.get(name, ()))
        return cls(**values)


def _item(plain: Mapping[str, Any]) -> ItemRow:
    values = dict(plain)
    for name in ("day_before", "day_after"):
        values[name] = date.fromisoformat(values[name]) if values.get(name) else None
    values["extras"] = tuple(Extra(**each) for each in values.get("extras", ()))
    return ItemRow(**values)


def _later(plain: Mapping[str, Any]) -> LaterRenewal:
    rows = tuple(RenewalRow(**each) for each in plain["rows"])
    return LaterRenewal(date.fromisoformat(plain["day"]), plain["amount"], plain["interval"], rows)
