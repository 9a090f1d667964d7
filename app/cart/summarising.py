"""From what is held and what a quote makes of it to a `Summary`: which kind of change it is, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple, cast

from app.billing.facts import Interval, Item, Subscription
from app.billing.result import Quote, Renewal, RenewalLine
from app.billing.rulebook import ProductFacts
from app.billing.standing import StandingRenewal, rises
from app.cart.extras import Extra, extras_of
from app.cart.summary import ItemRow, LaterRenewal, RenewalRow, Summary
from app.web.i18n import local_day

Catalog = Mapping[str, ProductFacts]
Now = tuple[StandingRenewal, ...]


class _Pair(NamedTuple):
    """An item before and after; None: not held, or gone."""

    before: Item | None
    after: Item | None

    @property
    def differs(self) -> bool:
        return _shape(self.before) != _shape(self.after)


def _shape(item: Item | None) -> object:
    """What is held, without dates, prices or discounts."""
    if item is None:
        return None
    lots: dict[tuple[str, str], int] = {}
    for lot in item.lots:
        key = lot.kind, lot.code
        lots[key] = lots.get(key, 0) + lot.quantity
    return item.product, item.interval, frozenset(item.options), frozenset(lots.items())


def summarise(held: Subscription, quote: Quote, catalog: Catalog, price_now: int, later_now: Now = ()) -> Summary:
    """Compare what is held with what the quote makes of it. ``price_now`` is what is held renews at today, ``later_now``
    what renews on each day and at each interval, where there are several items.
    """
    pairs = _pairs(held.items, quote.after)
    touched = _touched(pairs, quote)
    kind, main = _kind(pairs, touched, quote)
    before, after = main.before or held.items[0], main.after or main.before or held.items[0]
    extras = extras_of(before, after, [line for line in quote.lines if line.item == after.running_number], catalog)
    if kind == "single":
        kind = _kind_of_one(before, after, extras)
    facts = catalog.get(after.product) or catalog.get(before.product)
    gone = main.after is None
    number = after.running_number
    first, *further = _renewals(quote, number)
    return Summary(
        kind=kind,
        product_before=_name(before, catalog),
        product_after=_name(after, catalog),
        unit=facts.unit_name if facts else None,
        quantity_before=before.quantity,
        quantity_after=0 if gone else after.quantity,
        extras=() if kind in {"item", "fewer_items"} else extras,
        interval_before=_common(tuple(item.interval for item in held.items)),
        interval_after=str(first.lines[0].interval if first.lines else after.interval),
        next_before=quote.next_billing_before,
        next_after=quote.next_billing_date,
        paid_through=_through(quote),
        currency=quote.currency,
        due=quote.due_now,
        price_now=price_now,
        renewal=first.amount if first.date else None,
        tax_included=quote.tax_rate.inclusive,
        rows=_rows(quote, first, catalog, number),
        rises=rises(held, quote, price_now),
        items=_items(touched, quote, catalog) if kind in {"item", "fewer_items", "several"} else (),
        effective_on=quote.effective_on,
        early=quote.effective == "early_renewal",
        credited=quote.credited,
        refunded=quote.refunded,
        deferred=quote.deferred,
        flat=any(line.rule in {"fixed", "difference"} for line in quote.lines),
        later=tuple(_later(quote, renewal, catalog, number) for renewal in further),
        before=_before(later_now) if quote.next_billing_before else (),
        changed=tuple(_row(pair, quote, catalog) for pair in pairs if pair in touched or _moved(pair)),
        item=number,
        trial=held.status == "trialing" and not quote.charge,
    )


def _renewals(quote: Quote, number: int) -> list[Renewal]:
    """What renews on each day, each interval by itself: no one price holds of them together. On the earliest day the item of
    that number comes first, if it is there.
    """
    found: list[Renewal] = []
    for renewal in (quote.renewal, *quote.later):
        groups: dict[Interval, list[RenewalLine]] = {}
        # Sorting is stable, so the lines of an item keep their order.
        for line in sorted(renewal.lines, key=lambda line: line.item != number):
            groups.setdefault(line.interval, []).append(line)
        if len(groups) < 2:
            found.append(renewal)
            continue
        # The tax is the whole day's, and no page tells it.
        found += [
            Renewal(renewal.date, sum(line.amount for line in lines), 0, tuple(lines)) for lines in groups.values()
        ]
    return found


def _later(quote: Quote, renewal: Renewal, catalog: Catalog, number: int) -> LaterRenewal:
    interval = str(renewal.lines[0].interval) if renewal.lines else None
    return LaterRenewal(cast("date", renewal.date), renewal.amount, interval, _rows(quote, renewal, catalog, number))


def _before(now: Now) -> tuple[LaterRenewal, ...]:
    """What renews on which day as it stands, where it is not all one."""
    if len(now) < 2:
        return ()
    return tuple(LaterRenewal(one.day, one.amount, str(one.interval)) for one in now)


def _pairs(held: tuple[Item, ...], after: tuple[Item, ...]) -> list[_Pair]:
    later = {item.running_number: item for item in after}
    known = {item.running_number for item in held}
    pairs = [_Pair(item, later.get(item.running_number)) for item in held]
    return pairs + [_Pair(None, item) for item in after if item.running_number not in known]


def _touched(pairs: list[_Pair], quote: Quote) -> list[_Pair]:
    once = {line.item for line in quote.lines if line.rule == "usage"}
    return [pair for pair in pairs if pair.differs or (pair.after and pair.after.running_number in once)]


def _moved(pair: _Pair) -> bool:
    return pair.before is not None and pair.after is not None and pair.before.period != pair.after.period


def _kind(pairs: list[_Pair], touched: list[_Pair], quote: Quote) -> tuple[str, _Pair]:
    """The kind with the item it is about; ``single`` leaves the rest to `_kind_of_one`."""
    if not touched:
        moved = next((pair for pair in pairs if _moved(pair)), pairs[0])
        return "renewal" if quote.effective == "early_renewal" else "date", moved
    if len(touched) > 1:
        return "several", touched[0]
    one = touched[0]
    if one.before is None:
        return "item", pairs[0] if pairs[0].before else one
    if one.after is None:
        rest = next((pair for pair in pairs if pair.after), None)
        return ("fewer_items", rest) if rest else ("fewer", one)
    return "single", one


def _kind_of_one(before: Item, after: Item, extras: tuple[Extra, ...]) -> str:
    if before.product != after.product:
        return "product"
    differs = {
        "interval": before.interval != after.interval,
        "units": before.quantity != after.quantity,
        "extras": any(extra.is_new for extra in extras),
    }
    if sum(differs.values()) > 1:
        return "several"
    if differs["units"]:
        return "more" if after.quantity > before.quantity else "fewer"
    if differs["extras"]:
        return "extras"
    return "interval" if differs["interval"] else "date"


def _items(touched: list[_Pair], quote: Quote, catalog: Catalog) -> tuple[ItemRow, ...]:
    if len(touched) == 1 and touched[0].before and touched[0].after:
        return ()
    return tuple(_row(pair, quote, catalog) for pair in touched)


def _row(pair: _Pair, quote: Quote, catalog: Catalog) -> ItemRow:
    before, after = pair
    one = after or before
    facts = catalog.get(one.product) if one else None
    lines = [line for line in quote.lines if after and line.item == after.running_number]
    extras = extras_of(before, after, lines, catalog)
    return ItemRow(
        _name(before, catalog) if before else None,
        _name(after, catalog) if after else None,
        before.quantity if before else 0,
        after.quantity if after else 0,
        facts.unit_name if facts else None,
        str(before.interval) if before else None,
        str(after.interval) if after else None,
        tuple(extra for extra in extras if extra.is_new),
        local_day(before.period.end, quote.timezone) if before else None,
        local_day(after.period.end, quote.timezone) if after else None,
    )


def _name(item: Item, catalog: Catalog) -> str:
    facts = catalog.get(item.product)
    return facts.name if facts else item.product


def _common(intervals: tuple[Interval, ...]) -> str | None:
    return str(intervals[0]) if intervals and all(one == intervals[0] for one in intervals) else None


def _through(quote: Quote) -> date | None:
    """The last day that is paid for: the day before the earliest period's end, in the merchant's zone."""
    ends = [item.period.end for item in quote.after]
    return date.fromordinal(local_day(min(ends), quote.timezone).toordinal() - 1) if ends else None


def _rows(quote: Quote, renewal: Renewal, catalog: Catalog, number: int) -> tuple[RenewalRow, ...]:
    lots = {(item.running_number, lot.number): (item, lot) for item in quote.after for lot in item.lots}
    rows: list[RenewalRow] = []
    position: dict[int, int] = {}
    for line in renewal.lines:
        item, lot = lots[line.item, line.lot]
        facts = catalog.get(item.product)
        unit = facts.unit_name if facts else None
        first, quantity, counted = 0, line.quantity, False
        if line.kind == "product" and line.item == number and (unit is not None or item.quantity > 1):
            first = position.get(line.item, 1)
            position[line.item] = first + line.quantity
        periods = lot.discount.periods_left if lot.discount and line.discount else None
        if line.kind == "feature" and facts and line.code in facts.features:
            counted = facts.features[line.code].kind != "onoff"
            quantity *= facts.features[line.code].step
        elif line.kind == "option" and facts and line.code in facts.options:
            counted = facts.options[line.code].scale is not None
        rows.append(
            RenewalRow(
                line.name, line.amount, quantity, line.unit_price, first, line.added, line.list_price,
                line.kind != "product", line.discount, periods, unit, counted, line.item,
            )
        )  # fmt: skip
    return tuple(rows)
