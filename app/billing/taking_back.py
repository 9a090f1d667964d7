"""What a refund takes back from the ledger of what was paid, so that no later credit gives the same money again. Pure.

The money of an order bought what the order charges, so a refund is taken from those rows: each is an adjustment that names
no days, a negative row over its row's whole span. Where a later change credited such a lot, its worth has gone over to what
that change bought, and the missing part is taken from there, over the rest of its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

from app.billing.credits import rows_of, weights_of
from app.billing.facts import Entitlement, Item
from app.billing.measures import DayMeasure, Point
from app.billing.result import Quote
from app.billing.rounding import half_up
from app.billing.schedule import local_day, zone_of

LotKey = tuple[int, int | None]
"""An item's running number and a lot's number in it."""
_CHARGES = ("charge", "extension")


class Followed(NamedTuple):
    """The rows of a refund, and how much of its unused part no lot holds any more: later changes credited that much to
    something else than a lot."""

    rows: list[Entitlement]
    nowhere: int


def net_of(quote: Quote, refunded: int) -> int:
    """The ledger's part of so much money, in minor units: without the tax that was added to the lines."""
    if quote.subtotal <= 0 or quote.unbounded_total <= 0:
        return 0
    return half_up(refunded * quote.subtotal, quote.unbounded_total)


def spread(quote: Quote, net: int, taken: Iterable[Entitlement]) -> list[Entitlement]:
    """``net`` as negative rows over what the order charges, each by what is left of it; the rest goes to the largest
    fractions. ``taken`` are the rows of earlier refunds of the order. No row falls below zero."""
    charged = _charged(quote)
    left = [row.amount for row in charged]
    for gone in (*quote.unpaid, *taken):
        for place, row in enumerate(charged):
            if gone[:4] == row[:4]:
                left[place] += gone.amount
                break
    whole = sum([max(part, 0) for part in left])
    net = min(net, whole)
    if net <= 0:
        return []
    parts = [net * max(part, 0) // whole for part in left]
    largest = sorted(range(len(parts)), key=lambda place: -(net * max(left[place], 0) % whole))
    for place in largest[: net - sum(parts)]:
        parts[place] += 1
    return [row._replace(amount=-part) for row, part in zip(charged, parts, strict=True) if part]


def _charged(quote: Quote) -> list[Entitlement]:
    """The order's own charges: not what was carried over from one lot to another."""
    zone = zone_of(quote.timezone)
    lines = {(line.item, line.lot, line.start, line.end) for line in quote.lines if line.kind in _CHARGES}
    return [
        row
        for row in quote.entitlements
        if row.amount > 0 and (row.item, row.lot, local_day(row.start, zone), local_day(row.end, zone)) in lines
    ]


def followed(
    takes: Sequence[Entitlement],
    items: Mapping[int, Item],
    shapes: Mapping[int, Item],
    heirs: Sequence[LotKey],
    measure: DayMeasure,
    since: Point,
) -> Followed:
    """``takes`` with what of them is missing from ``since`` on taken from the ``heirs`` of their lots, as far as those hold.

    ``items`` are held now, with their ledgers; ``shapes`` those of the order, for items that are gone. All rows together
    add up to ``takes``: what goes over to an heir stands on the lot itself with the other sign.
    """
    rows, nowhere = list(takes), 0
    hands = {heir: int(_worth(items[heir[0]], heir[1], measure, since)) for heir in heirs if heir[0] in items}
    for key in dict.fromkeys((row.item, row.lot) for row in takes):
        own = [row for row in takes if (row.item, row.lot) == key]
        missing = _missing(own, key, items, shapes, measure, since)
        for heir, holds in hands.items():
            part = min(missing, holds)
            if heir == key or part <= 0:
                continue
            hands[heir] -= part
            missing -= part
            begin, end = measure.instant(since), _last_end(items[heir[0]], heir[1])
            rows.append(Entitlement(*heir, begin, end, -part))
            rows.append(Entitlement(*key, begin, max(row.end for row in own), part))
        nowhere += missing
    return Followed([row for row in rows if row.start < row.end], nowhere)


def _missing(
    own: Sequence[Entitlement],
    key: LotKey,
    items: Mapping[int, Item],
    shapes: Mapping[int, Item],
    measure: DayMeasure,
    since: Point,
) -> int:
    """By how much the lot is worth less than nothing from ``since`` on once ``own`` is taken from it."""
    item = items.get(key[0]) or shapes.get(key[0])
    if item is None:
        return 0
    gone = -sum([row.amount * _share(row, item, measure, since) for row in own], Fraction(0))
    held = Fraction(0)
    if key[0] in items and any(lot.number == key[1] for lot in item.lots):
        held = max(_worth(item, key[1], measure, since), Fraction(0))
    missing = gone - held
    return half_up(missing.numerator, missing.denominator) if missing > 0 else 0


def _worth(item: Item, number: int | None, measure: DayMeasure, since: Point) -> Fraction:
    """The unused part of what was paid for a lot; 0 for one that is gone."""
    for lot in item.lots:
        if lot.number == number:
            found = rows_of(lot, item, weights_of(lot, item))
            return sum(
                [
                    Fraction(row.amount * weight, whole) * _share(row, item, measure, since)
                    for row, weight, whole in found
                ],
                Fraction(0),
            )
    return Fraction(0)


def _share(row: Entitlement, item: Item, measure: DayMeasure, since: Point) -> Fraction:
    start, end = measure.point(row.start), measure.point(row.end)
    return Fraction(*measure.unused(start, end, since, item.anchor_day, item.interval)[:2])


def _last_end(item: Item, number: int | None) -> datetime:
    return max([row.end for row in item.entitlements or () if row.lot == number], default=item.period.end)
