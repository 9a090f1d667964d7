"""The unused part of what was really paid, per lot: never of a list price, never of the last charge."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from math import gcd

from app.billing.discounts import off
from app.billing.facts import Entitlement, Item, Lot
from app.billing.measures import MIXED, DayMeasure, Point, Share
from app.billing.rounding import Rounding, down, half_up

Part = tuple[Point, datetime, Fraction]
"""Where a rest begins and ends, and what it is worth."""


class Unused:
    """What is left of a lot from a point on: ``top / bottom`` minor units, the ``share`` of what was paid, what that counts.

    It lasts from ``begin`` to ``ends``. ``parts`` are the rests of rows over different stretches, if there are several.
    """

    __slots__ = ("begin", "bottom", "end", "ends", "parts", "share", "top", "unit")

    def __init__(
        self, top: int, bottom: int, share: Share, unit: str | None, begin: Point, end: Point, ends: datetime,
        parts: tuple[Part, ...],
    ) -> None:  # fmt: skip
        self.top, self.bottom, self.share, self.unit = top, bottom, share, unit
        self.begin, self.end, self.ends, self.parts = begin, end, ends, parts

    def shared_out(
        self, units: int, quantity: int, rounding: Rounding, after: int = 0
    ) -> list[tuple[Point, datetime, int]]:
        """So many units' part of the rest, in minor units: an amount for each stretch, which add up to the whole amount.

        Were it taken off all the stretches at once, a later credit would find more left of the last one than was paid. It is
        what is left once ``after`` other units' part was shared out: both are no more than their sum, rounded once.
        """
        amounts = self._amounts(units + after, quantity, rounding)
        if after:
            before = self._amounts(after, quantity, rounding)
            amounts = [amount - taken for amount, taken in zip(amounts, before, strict=True)]
        stretches = [part[:2] for part in self.parts] or [(self.begin, self.ends)]
        return [(*stretch, amount) for stretch, amount in zip(stretches, amounts, strict=True) if amount]

    def _amounts(self, units: int, quantity: int, rounding: Rounding) -> list[int]:
        if not self.parts:
            return [rounding(self.top * units, self.bottom * quantity)]
        amounts: list[int] = []
        exact, given = Fraction(0), 0
        for _, _, worth in self.parts:
            exact += worth * units / quantity
            amounts.append(rounding(exact.numerator, exact.denominator) - given)
            given += amounts[-1]
        return amounts


def unused(rows: list[tuple[Entitlement, int, int]], item: Item, measure: DayMeasure, since: Point) -> Unused | None:
    """Sum the unused parts of all rows exactly, negative ones included. Each row carries the weight of the lot in it.

    None if nothing is left. All rows over one span show that span's share; others the share of the sum that was paid.
    """
    top, bottom, paid_top, paid_bottom = 0, 1, 0, 1
    shares: set[tuple[int, int, str | None]] = set()
    worths: list[_Worth] = []
    last, ends = since, rows[0][0].end if rows else None
    for row, weight, whole in rows:
        start, end = measure.point(row.start), measure.point(row.end)
        share = measure.unused(start, end, since, item.anchor_day, item.interval)
        amount, over = row.amount * weight * share[0], whole * share[1]
        if share[0]:
            worths.append((end, max(start, since), row.end, amount, over))
        if end > last:
            last, ends = end, row.end
        shares.add(share)
        if over == bottom:
            top += amount
        else:
            top, bottom = top * over + amount * bottom, bottom * over
        paid_top, paid_bottom = paid_top * whole + row.amount * weight * paid_bottom, paid_bottom * whole
    if top <= 0 or ends is None:
        return None
    parts = _parts(worths)
    begin = min([worth[1] for worth in worths])
    if len(shares) == 1:
        share_top, share_bottom, unit = shares.pop()
        return Unused(top, bottom, (share_top, share_bottom), unit, begin, last, ends, parts)
    shown = (top * paid_bottom, bottom * paid_top) if paid_top > 0 else (1, 1)
    divisor = gcd(*shown)
    return Unused(top, bottom, (shown[0] // divisor, shown[1] // divisor), MIXED, begin, last, ends, parts)


_Worth = tuple[Point, Point, datetime, int, int]
"""Where a row's rest ends and begins, the instant of that end, and what it is worth, as two integers."""


def _parts(worths: list[_Worth]) -> tuple[Part, ...]:
    """What the rows over each stretch are still worth together, the stretch that ends first first; none where there is one."""
    if len({worth[:2] for worth in worths}) == 1:
        return ()
    parts: dict[tuple[Point, Point], tuple[datetime, Fraction]] = {}
    for end, begin, ends, top, bottom in worths:
        before = parts[end, begin][1] if (end, begin) in parts else Fraction(0)
        parts[end, begin] = ends, before + Fraction(top, bottom)
    return tuple((begin, *parts[end, begin]) for end, begin in sorted(parts))


def rows_of(lot: Lot, item: Item, weights: tuple[int, int] | None) -> list[tuple[Entitlement, int, int]]:
    """The ledger rows of a lot, each with the lot's weight in it; rows for all lots are split by ``weights``."""
    rows: list[tuple[Entitlement, int, int]] = []
    for row in item.entitlements or ():
        if row.lot == lot.number:
            rows.append((row, 1, 1))
        elif row.lot is None and weights is not None:
            rows.append((row, *weights))
    return rows


def weights_of(lot: Lot, item: Item) -> tuple[int, int]:
    """The lot's part of a row that names no lot: by quantity × unit price, or by quantity if all prices are 0."""
    total = sum(other.quantity * other.unit_price for other in item.lots)
    if total:
        return lot.quantity * lot.unit_price, total
    return lot.quantity, sum(other.quantity for other in item.lots) or 1


def assumed_payment(lot: Lot, item: Item, measure: DayMeasure, rounding: Rounding) -> Entitlement:
    """The row of a lot whose ledger is not written out: the period paid at its price less its discount, by share of it."""
    start, end = measure.point(item.period.start), measure.point(item.period.end)
    share = measure.share(item.interval, end, item.anchor_day, start, end)
    price = rounding(lot.quantity * lot.unit_price * share[0], share[1])
    amount = price - rounding(*off(lot, lot.discount, share))
    return Entitlement(item.running_number, lot.number, item.period.start, item.period.end, amount)


def split(item: Item, rounding: Rounding) -> Item:
    """The item with rows for all lots as they are to be shared out: exactly, as long as that gives back no more than was paid.

    Where the lots' parts come to more than the row once they are rounded, or where such rows add up to fractions, each row
    is shared out in whole minor units instead.
    """
    rows = [row for row in item.entitlements or () if row.lot is None]
    if not rows or len(item.lots) < 2:
        return item
    if len(rows) == 1 and rows[0].amount > 0:
        # A tie that is rounded to even alone may be rounded up beside another row.
        nearest = down if rounding is down else half_up
        amount = rows[0].amount
        weights = [weights_of(lot, item) for lot in item.lots]
        if sum([nearest(amount * weight, total) for weight, total in weights]) <= amount:
            return item
    return replace(item, entitlements=pinned(item))


def pinned(item: Item) -> tuple[Entitlement, ...]:
    """The ledger with every row naming its lot: rows for all lots are split so that their parts add up to them, the units
    that are over going to the lots with the largest fractions."""
    rows: list[Entitlement] = []
    for row in item.entitlements or ():
        if row.lot is not None:
            rows.append(row)
            continue
        sign, amount = (1, row.amount) if row.amount >= 0 else (-1, -row.amount)
        weights = [weights_of(lot, item) for lot in item.lots]
        parts = [amount * weight // total for weight, total in weights]
        fractions = [-(amount * weight % total) for weight, total in weights]
        largest = sorted(range(len(parts)), key=fractions.__getitem__)
        for place in largest[: amount - sum(parts)]:
            parts[place] += 1
        rows += [
            Entitlement(row.item, lot.number, row.start, row.end, sign * part)
            for lot, part in zip(item.lots, parts, strict=True)
        ]
    return tuple(rows)
