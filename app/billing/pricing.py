"""From a plan to lines and ledger rows: what one item's change charges and credits for a stretch of time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from app.billing.credits import Unused, assumed_payment, rows_of, split, unused, weights_of
from app.billing.discounts import Discounter, Fraction, after_periods, off
from app.billing.facts import Change, Entitlement, Item, Lot, LotDiscount, Span
from app.billing.measures import DayMeasure, Point, Share
from app.billing.plan import Plan
from app.billing.result import Line
from app.billing.rounding import ROUNDINGS
from app.billing.rulebook import Policy


class Stretch:
    """A stretch of time as the measure's points, as instants for the ledger and as local days for the page.

    ``of`` is the item that the time is of, where that is not the item as the change makes it.
    """

    __slots__ = ("end", "first_day", "last_day", "of", "share", "span", "start")

    def __init__(
        self, measure: DayMeasure, start: Point, end: Point, end_instant: datetime | None, share: Share,
        of: Item | None = None,
    ) -> None:  # fmt: skip
        self.start, self.end, self.share, self.of = start, end, share, of
        self.span = Span(measure.instant(start), measure.instant(end) if end_instant is None else end_instant)
        self.first_day: date = measure.day(start)
        self.last_day: date = measure.day(end)


class ItemPricing:
    """Collects the lines and ledger rows of one item's change: charges prorated, the unused part of what goes credited.

    ``after`` is the item as it will be; None: it is gone. ``joined`` is the item whose dates a new one takes, ``moved``
    that item as it will be if its own dates move. ``refusal`` is the code of what the alignment cannot do. ``rows`` are
    what is paid today, ``moves`` what happens to what was paid before: it is credited, or taken over to another lot.
    """

    credits_rest = True
    prorates = True
    rule = ""
    after: Item | None = None
    moved: Item | None = None
    refusal: str | None = None

    def __init__(
        self,
        plan: Plan,
        change: Change,
        policy: Policy,
        measure: DayMeasure,
        at: datetime,
        currency: str,
        paid: bool,
        joined: Item | None = None,
    ) -> None:
        self.plan, self.change, self.policy, self.measure, self.at = plan, change, policy, measure, at
        self.round = ROUNDINGS[policy.rounding]
        self.currency = currency
        self.paid = paid
        self.charges: list[Line] = []
        self.credits: list[Line] = []
        self.rows: list[Entitlement] = []
        self.moves: list[Entitlement] = []
        self.joined = joined

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
        """Charge the lots that stay, each with its own discount, which loses one period."""
        return self.charge_lots(self.plan.kept, stretch)

    def extend(self, lots: tuple[Lot, ...], stretch: Stretch) -> tuple[Lot, ...]:
        """The same for lots that are taken further than they were paid for: as many periods as that touches."""
        return self.charge_lots(lots, stretch, "extension")

    def charge_lots(self, lots: tuple[Lot, ...], stretch: Stretch, kind: str = "charge") -> tuple[Lot, ...]:
        item = stretch.of or self.plan.item
        after: list[Lot] = []
        for lot in lots:
            amount = self._charge(lot, stretch, kind)
            share, periods = self._discounted_part(lot.discount, item, stretch)
            taken = off(lot, lot.discount, share)
            paid = amount - self._discount(lot, stretch, taken, amount, lot.discount)
            self._enter(lot, stretch, paid)
            after.append(replace(lot, discount=after_periods(lot.discount, periods)) if lot.discount else lot)
        return tuple(after)

    def _discounted_part(self, terms: LotDiscount | None, item: Item, stretch: Stretch) -> tuple[Share, int]:
        """For which share of the price a lot's discount lasts, and how many of its periods that uses up."""
        if terms is None or not terms.periods_left:
            return stretch.share, 0
        measure, start, periods, point = self.measure, stretch.start, 0, stretch.start
        while point < stretch.end and periods < terms.periods_left:
            periods += 1
            point = measure.edge(start, item.anchor_day, item.interval, periods)
        if point >= stretch.end:
            return stretch.share, periods
        return measure.share(item.interval, start, item.anchor_day, start, point), periods

    def charge_once(self, since: Point, end: Point) -> None:
        """Charge in full what is bought once and never renews. Its row names a lot that no item holds: nothing of it is
        ever credited."""
        for lot in self.plan.once:
            stretch = Stretch(self.measure, since, end, None, (1, 1), self.plan.item)
            self._enter(lot, stretch, self._charge(lot, stretch, "charge", "usage"))

    def discounted_later(self) -> tuple[Lot, ...]:
        """The lots that are added, where nothing is charged today: their renewals keep what they would keep if it were."""
        discount = self.change.discount
        return self.plan.added if discount is None else Discounter(discount).renewals(self.plan.added)

    def credit(self, lots: tuple[tuple[Lot, int], ...], since: Point) -> None:
        """Credit the unused part of what was paid for each lot, or for as many of its units as go."""
        if not self.credits_rest or not self.measure.credits or not self.paid:
            return
        for lot, gone in lots:
            self._credit(lot, gone, since)

    def tell_time_left(self, since: Point, end: Point) -> None:
        """Say which time goes on top of a new interval."""
        item = self.plan.item
        share = self.measure.share(item.interval, end, item.anchor_day, since, end)
        stretch = Stretch(self.measure, since, end, None, share, item)
        for lot in item.lots:
            if lot.kind == "product":
                self.charges.append(self._line("carry_over", 0, lot, stretch))

    def carry_over(self, since: Point) -> None:
        """Take what was paid for lots that are replaced over to the first one that replaces them."""
        if self.plan.added:
            for lot, gone in self.plan.removed:
                self.move(self.plan.item, lot, gone, self.plan.added[0].number, since)

    def move(self, item: Item, lot: Lot, units: int, heir: int, since: Point, after: int = 0) -> None:
        """Take the rest of what was paid for so many units of a lot over to the lot ``heir``: by two rows for each stretch that
        cancel out, so that nothing is credited and nothing is lost. ``after`` other units have had their part already."""
        rest = self._rest(lot, since, item) if self.paid else None
        for begin, ends, amount in rest.shared_out(units, lot.quantity, self.round, after) if rest else ():
            begins, number = self.measure.instant(begin), item.running_number
            self.moves.append(Entitlement(number, lot.number, begins, ends, -amount))
            self.moves.append(Entitlement(number, heir, begins, ends, amount))

    def _charge(self, lot: Lot, stretch: Stretch, kind: str = "charge", rule: str | None = None) -> int:
        top, bottom = stretch.share
        amount = self.round(lot.quantity * lot.unit_price * top, bottom)
        self.charges.append(self._line(kind, amount, lot, stretch, None, rule))
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
            number = (stretch.of or self.plan.item).running_number
            self.rows.append(Entitlement(number, lot.number, span.start, span.end, paid))

    def _rest(self, lot: Lot, since: Point, item: Item) -> Unused | None:
        """What is unused of what was really paid for a lot."""
        if item.entitlements is None:
            rows = [(assumed_payment(lot, item, self.measure, self.round), 1, 1)]
        else:
            rows = rows_of(lot, split(item, self.round), weights_of(lot, item))
        return unused(rows, item, self.measure, since)

    def _credit(self, lot: Lot, gone: int, since: Point) -> None:
        rest = self._rest(lot, since, self.plan.item)
        if rest is None:
            return
        amount = self.round(rest.top * gone, rest.bottom * lot.quantity)
        if not amount:
            return
        stretch = Stretch(self.measure, since, rest.end, rest.ends, rest.share)
        self.credits.append(self._credit_line(-amount, lot, gone, stretch, rest.unit))
        number = self.plan.item.running_number
        for begin, ends, part in rest.shared_out(gone, lot.quantity, self.round):
            self.moves.append(Entitlement(number, lot.number, self.measure.instant(begin), ends, -part))

    def _line(
        self, kind: str, amount: int, lot: Lot, stretch: Stretch, rate: int | None = None, rule: str | None = None
    ) -> Line:
        item = stretch.of
        interval = self.plan.interval if item is None else item.interval
        number = (item or self.plan.item).running_number
        return Line(
            kind, amount, self.currency, number, lot.number, lot.code, self.name_of(lot, item), lot.quantity,
            lot.unit_price, interval, stretch.first_day, stretch.last_day, self.measure.name, stretch.share,
            self.measure.unit_of(stretch.share, interval, stretch.start, stretch.end), rate, rule,
        )  # fmt: skip

    def _credit_line(self, amount: int, lot: Lot, gone: int, stretch: Stretch, unit: str | None) -> Line:
        item = self.plan.item
        return Line(
            "credit", amount, self.currency, item.running_number, lot.number, lot.code, self.name_of(lot), gone,
            lot.unit_price, item.interval, stretch.first_day, stretch.last_day, self.measure.name, stretch.share, unit,
        )  # fmt: skip

    def name_of(self, lot: Lot, item: Item | None = None) -> str:
        """The catalog's name of the product, option or feature; its code where the catalog has none."""
        if not self.policy.catalog:
            return lot.code
        for product in (self.plan.product, self.plan.item.product) if item is None else (item.product,):
            facts = self.policy.catalog.get(product)
            name = None if facts is None else facts.name_of(lot, product)
            if name is not None:
                return name
        return lot.code
