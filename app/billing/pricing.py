"""From a plan to lines and ledger rows: the alignments, each a function of one item's change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from app.billing.credits import assumed_payment, rows_of, unused, weights_of
from app.billing.discounts import Discounter, Fraction, after_one_period, off
from app.billing.facts import Change, Entitlement, Item, Lot, LotDiscount, Policy, Span
from app.billing.measures import DayMeasure, Point, Share
from app.billing.plan import Plan
from app.billing.result import Line
from app.billing.rounding import ROUNDINGS


class Stretch:
    """A stretch of time as the measure's points, as instants for the ledger and as local days for the page."""

    __slots__ = ("end", "first_day", "last_day", "share", "span", "start")

    def __init__(
        self, measure: DayMeasure, start: Point, end: Point, end_instant: datetime | None, share: Share
    ) -> None:
        self.start, self.end, self.share = start, end, share
        self.span = Span(measure.instant(start), measure.instant(end) if end_instant is None else end_instant)
        self.first_day: date = measure.day(start)
        self.last_day: date = measure.day(end)


class ItemPricing:
    """Collects the lines and ledger rows of one item's change. ``after`` is the item as it will be; None: it is gone."""

    def __init__(
        self, plan: Plan, change: Change, policy: Policy, measure: DayMeasure, at: datetime, currency: str, paid: bool
    ) -> None:
        self.plan, self.change, self.policy, self.measure, self.at = plan, change, policy, measure, at
        self.round = ROUNDINGS[policy.rounding]
        self.currency = currency
        self.paid = paid
        self.charges: list[Line] = []
        self.credits: list[Line] = []
        self.rows: list[Entitlement] = []
        self.after: Item | None = None

    def charge_added(self, stretch: Stretch) -> tuple[Lot, ...]:
        """Charge the lots that the change adds, with its discount; the lots as their renewals will find them."""
        if self.change.discount is None:
            for lot in self.plan.added:
                self._enter(lot, stretch, self._charge(lot, stretch))
            return self.plan.added
        discounter = Discounter(self.change.discount)
        lots: list[Lot] = []
        for lot in self.plan.added:
            amount = self._charge(lot, stretch)
            taken, kept = discounter.take(lot, stretch.share, amount)
            self._enter(lot, stretch, amount - self._discount(lot, stretch, taken, amount, self._terms(kept)))
            lots.append(lot if kept is None else replace(lot, discount=kept))
        return tuple(lots)

    def charge_kept(self, stretch: Stretch) -> tuple[Lot, ...]:
        """Charge a full period of the lots that stay, each with its own discount, which loses one period."""
        lots: list[Lot] = []
        for lot in self.plan.kept:
            amount = self._charge(lot, stretch)
            taken = off(lot, lot.discount, stretch.share)
            self._enter(lot, stretch, amount - self._discount(lot, stretch, taken, amount, lot.discount))
            lots.append(replace(lot, discount=after_one_period(lot.discount)) if lot.discount else lot)
        return tuple(lots)

    def credit(self, lots: tuple[tuple[Lot, int], ...], since: Point) -> None:
        """Credit the unused part of what was paid for each lot, or for as many of its units as go."""
        if not self.measure.credits or not self.paid:
            return
        for lot, gone in lots:
            self._credit(lot, gone, since)

    def _charge(self, lot: Lot, stretch: Stretch) -> int:
        top, bottom = stretch.share
        amount = self.round(lot.quantity * lot.unit_price * top, bottom)
        self.charges.append(self._line("charge", amount, lot, stretch))
        return amount

    def _discount(self, lot: Lot, stretch: Stretch, taken: Fraction, most: int, terms: LotDiscount | None) -> int:
        amount = min(self.round(*taken), most)
        if amount:
            rate = terms.percent if terms else None
            self.charges.append(self._line("discount", -amount, lot, stretch, rate))
        return amount

    def _terms(self, kept: LotDiscount | None) -> LotDiscount | None:
        """The percentage to print, also where no renewal keeps it."""
        discount = self.change.discount
        return LotDiscount(percent=discount.percent) if kept is None and discount is not None else kept

    def _enter(self, lot: Lot, stretch: Stretch, paid: int) -> None:
        if paid:
            span = stretch.span
            self.rows.append(Entitlement(self.plan.item.running_number, lot.number, span.start, span.end, paid))

    def _credit(self, lot: Lot, gone: int, since: Point) -> None:
        item = self.plan.item
        if item.entitlements is None:
            rows = [(assumed_payment(lot, item, self.measure, self.round), 1, 1)]
        else:
            rows = rows_of(lot, item, weights_of(lot, item))
        rest = unused(rows, item, self.measure, since)
        if rest is None:
            return
        amount = self.round(rest.top * gone, rest.bottom * lot.quantity)
        if not amount:
            return
        stretch = Stretch(self.measure, since, rest.end, None, rest.share)
        ends = max(row.end for row, _, _ in rows)
        self.credits.append(self._credit_line(-amount, lot, gone, stretch, rest.unit))
        self.rows.append(Entitlement(item.running_number, lot.number, stretch.span.start, ends, -amount))

    def _line(self, kind: str, amount: int, lot: Lot, stretch: Stretch, rate: int | None = None) -> Line:
        interval = self.plan.interval
        return Line(
            kind, amount, self.currency, self.plan.item.running_number, lot.number, lot.code, self.name_of(lot),
            lot.quantity, lot.unit_price, interval, stretch.first_day, stretch.last_day, self.measure.name,
            stretch.share, self.measure.unit_of(stretch.share, interval), rate,
        )  # fmt: skip

    def _credit_line(self, amount: int, lot: Lot, gone: int, stretch: Stretch, unit: str | None) -> Line:
        item = self.plan.item
        return Line(
            "credit", amount, self.currency, item.running_number, lot.number, lot.code, self.name_of(lot), gone,
            lot.unit_price, item.interval, stretch.first_day, stretch.last_day, self.measure.name, stretch.share, unit,
        )  # fmt: skip

    def name_of(self, lot: Lot) -> str:
        """The catalog's name of the product or option; its code where the catalog has none."""
        if not self.policy.catalog:
            return lot.code
        for product in (self.plan.product, self.plan.item.product):
            facts = self.policy.catalog.get(product)
            if facts is None:
                continue
            if lot.kind == "product" and lot.code == product:
                return facts.name
            if lot.kind == "option" and lot.code in facts.options:
                return facts.options[lot.code].name
        return lot.code


def shorten_new(pricing: ItemPricing) -> None:
    """All ends with the current period: new value for the rest less the unused part of what was paid."""
    plan, measure = pricing.plan, pricing.measure
    item, period = plan.item, plan.item.period
    start, end = measure.point(period.start), measure.point(period.end)
    since = min(max(measure.today(pricing.at, pricing.policy.change_day), start), end)
    lots = plan.kept
    if plan.added:
        # Intervals are laid back from the period's end; those of another interval forward from its start.
        origin = end if plan.interval == item.interval else start
        share = measure.share(plan.interval, origin, item.anchor_day, since, end)
        lots += pricing.charge_added(Stretch(measure, since, end, period.end, share))
    pricing.credit(plan.removed, since)
    pricing.after = _after(plan, lots, period, item.anchor_day)


def reset(pricing: ItemPricing) -> None:
    """Credit the rest of everything, charge a full new period from today; today's day of the month is the new anchor."""
    plan, measure, item = pricing.plan, pricing.measure, pricing.plan.item
    today = measure.today(pricing.at, pricing.policy.change_day)
    anchor_day = measure.day(today).day
    end = measure.edge(today, anchor_day, plan.interval, 1)
    share = measure.share(plan.interval, today, anchor_day, today, end)
    stretch = Stretch(measure, today, end, None, share)
    lots = pricing.charge_kept(stretch) + pricing.charge_added(stretch)
    since = min(max(today, measure.point(item.period.start)), measure.point(item.period.end))
    pricing.credit(tuple((lot, lot.quantity) for lot in item.lots), since)
    pricing.after = _after(plan, lots, stretch.span, anchor_day)


ALIGNMENTS: dict[str, Callable[[ItemPricing], None]] = {"shorten_new": shorten_new, "reset": reset}


def _after(plan: Plan, lots: tuple[Lot, ...], period: Span, anchor_day: int) -> Item | None:
    if not plan.quantity:
        return None
    item = plan.item
    return Item(
        item.running_number, plan.product, plan.interval, period, anchor_day, lots, plan.options, item.committed_until, ()
    )  # fmt: skip
