"""When a change begins and where the item's dates end up: one function for each way, and the tables that name them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.billing.facts import Item, Lot, Span
from app.billing.measures import Point
from app.billing.plan import Plan
from app.billing.pricing import ItemPricing, Stretch
from app.billing.schedule import grid_day


def shorten_new(pricing: ItemPricing) -> None:
    """All ends with the current period: new value for the rest less the unused part of what was paid."""
    plan, measure = pricing.plan, pricing.measure
    item, period = plan.item, plan.item.period
    start, end = measure.point(period.start), measure.point(period.end)
    since = min(max(measure.today(pricing.at, pricing.policy.change_day), start), end)
    lots = plan.kept
    if plan.removed and not pricing.credits_rest:
        lots = forfeit(pricing, since)
    if plan.added or (not pricing.prorates and not only_bought_once(pricing)):
        # Intervals are laid back from the period's end; those of another interval forward from its start.
        origin = end if plan.interval is item.interval else start
        share = measure.share(plan.interval, origin, item.anchor_day, since, end)
        lots += pricing.charge_added(Stretch(measure, since, end, period.end, share))
    if plan.once:
        pricing.charge_once(since, end)
    if plan.removed:
        pricing.credit(plan.removed, since)
    pricing.after = after_plan(plan, lots, period, item.anchor_day)


def only_bought_once(pricing: ItemPricing) -> bool:
    """Nothing but what is charged once: the path's one amount is the price of another plan, and there is none."""
    plan = pricing.plan
    return bool(plan.once) and not (plan.removed or plan.replaced or pricing.change.price_rule)


def extend_existing(pricing: ItemPricing) -> None:
    """The new part gets a full interval from today, and what is there is taken along to that end, at the price of a renewal."""
    plan, measure = pricing.plan, pricing.measure
    item = pricing.joined or plan.item
    if not plan.added:
        return shorten_new(pricing)
    if plan.product != plan.item.product or not (plan.kept or pricing.joined):
        return reset(pricing)  # nothing is there that could be extended
    today, old_end = measure.today(pricing.at, pricing.policy.change_day), measure.point(item.period.end)
    anchor_day = grid_day(measure.day(today), item.anchor_day)
    end = measure.edge(today, anchor_day, plan.interval, 1)
    if end < old_end:
        # A new part that ends before what is there cannot extend it.
        pricing.refusal = "interval_mismatch"
        return shorten_new(pricing)
    share = measure.share(plan.interval, today, anchor_day, today, end)
    stretch = Stretch(measure, today, end, None, share)
    since = max(today, measure.point(item.period.start))
    lots = on_grid(pricing, anchor_day, since, forfeits=not pricing.credits_rest)
    added = pricing.charge_added(stretch)
    if end > old_end:
        further = measure.share(item.interval, old_end, item.anchor_day, old_end, end)
        lots = pricing.extend(lots, Stretch(measure, old_end, end, None, further, item))
    if plan.once:
        pricing.charge_once(today, end)
    pricing.credit(plan.removed, since)
    if pricing.joined:
        pricing.moved = replace(item, period=stretch.span, anchor_day=anchor_day, lots=lots, entitlements=())
        lots = ()
    pricing.after = after_plan(plan, lots + added, stretch.span, anchor_day)
    return None


def reset(pricing: ItemPricing) -> None:
    """Credit the rest of everything, charge a full new period from today; today's day of the month is the new anchor."""
    plan, measure, item = pricing.plan, pricing.measure, pricing.plan.item
    today = measure.today(pricing.at, pricing.policy.change_day)
    anchor_day = measure.day(today).day
    end = measure.edge(today, anchor_day, plan.interval, 1)
    share = measure.share(plan.interval, today, anchor_day, today, end)
    stretch = Stretch(measure, today, end, None, share)
    since = min(max(today, measure.point(item.period.start)), measure.point(item.period.end))
    on_grid(pricing, anchor_day, since, pricing.credits_rest, not pricing.credits_rest)
    lots = pricing.charge_kept(stretch) + pricing.charge_added(stretch)
    if plan.once:
        pricing.charge_once(today, end)
    pricing.credit(tuple((lot, lot.quantity) for lot in item.lots), since)
    pricing.after = after_plan(plan, lots, stretch.span, anchor_day)


def keep_day(pricing: ItemPricing) -> None:
    """The new interval is counted from the start of the current period; the rest of the one that contains today is charged."""
    plan, measure, item = pricing.plan, pricing.measure, pricing.plan.item
    if plan.interval is item.interval:
        return shorten_new(pricing)
    start, end = measure.point(item.period.start), measure.point(item.period.end)
    # The interval is that of the day itself; where that day belongs to the old plan, only the charge begins on the next.
    low, high = measure.around(plan.interval, start, item.anchor_day, max(measure.point(pricing.at), start))
    since = min(max(measure.today(pricing.at, pricing.policy.change_day), start), high)
    share = measure.share(plan.interval, start, item.anchor_day, since, high)
    lots = plan.kept + pricing.charge_added(Stretch(measure, since, high, None, share))
    if plan.once:
        pricing.charge_once(since, high)
    pricing.credit(plan.removed, min(since, end))
    span = Span(measure.instant(low), measure.instant(high))
    pricing.after = after_plan(plan, lots, span, grid_day(measure.day(start), item.anchor_day))
    return None


def later(pricing: ItemPricing) -> None:
    """Nothing is charged or credited: the new lots' price is due for the first time on the date that stands."""
    plan, item = pricing.plan, pricing.plan.item
    if plan.once:
        # What is bought once is paid when it is bought; a renewal never charges it.
        pricing.refusal = "feature_not_available"
    pricing.after = after_plan(plan, plan.kept + pricing.discounted_later(), item.period, item.anchor_day)


def early_renewal(pricing: ItemPricing) -> None:
    """The full new price now; the time that is left goes on top of one new interval after the old end."""
    plan, measure, item = pricing.plan, pricing.measure, pricing.plan.item
    if not plan.quantity:
        pricing.refusal = "quantity_out_of_range"  # what is removed has no renewal to bring forward
    old_end = measure.point(item.period.end)
    today = max(measure.today(pricing.at, pricing.policy.change_day), measure.point(item.period.start))
    end = measure.edge(old_end, item.anchor_day, plan.interval, 1)
    share = measure.share(plan.interval, old_end, item.anchor_day, old_end, end)
    stretch = Stretch(measure, old_end, end, None, share)
    anchor_day = grid_day(measure.day(old_end), item.anchor_day)
    taken_over = plan.added and pricing.prorates
    on_grid(pricing, anchor_day, min(today, old_end), forfeits=not taken_over)
    lots = pricing.charge_kept(stretch) + pricing.charge_added(stretch)
    if plan.once:
        pricing.charge_once(old_end, end)
    if today < old_end:
        pricing.tell_time_left(today, old_end)
        pricing.carry_over(today)
    pricing.after = after_plan(plan, lots, Span(measure.instant(today), stretch.span.end), anchor_day)


def on_grid(
    pricing: ItemPricing, anchor_day: int, since: Point, credited: bool = False, forfeits: bool = False
) -> tuple[Lot, ...]:
    """The lots that stay, as they are held on the grid of ``anchor_day``; if that is another one, they get new numbers.

    What was paid for the old numbers is measured on the grid that it was paid on, once and for all: the rest, unless it is
    ``credited``, goes over to the new numbers. Were old rows measured on the new grid, some of what a credit has taken
    back already would be found unused once more. Where what goes is lost (``forfeits``), so are the numbers of what shrinks.
    """
    plan, item = pricing.plan, pricing.joined or pricing.plan.item
    kept = item.lots if pricing.joined else plan.kept
    if anchor_day == item.anchor_day or not (kept and pricing.paid and pricing.measure.credits):
        return forfeit(pricing, since) if forfeits and not pricing.joined else kept
    held = {lot.number: lot for lot in item.lots}
    first = 1 + max([*held, *[row.lot or 0 for row in item.entitlements or ()]])
    anew = _numbered(kept, first)
    if not credited:
        for old, new in zip(kept, anew, strict=True):
            lot = held[old.number]
            pricing.move(item, lot, old.quantity, new.number, since, lot.quantity - old.quantity)
    if not pricing.joined:
        first += len(kept)
        added, once = _numbered(plan.added, first), _numbered(plan.once, first + len(plan.added))
        pricing.plan = plan._replace(kept=anew, added=added, once=once)
    return anew


def forfeit(pricing: ItemPricing, since: Point) -> tuple[Lot, ...]:
    """The lots that stay, where what goes is not credited: those that shrink get new numbers, and take with them only what
    was paid for the units that stay. What was paid for the others stays with a number that nobody holds, as that of a
    lot that goes as a whole: no later change finds it.
    """
    plan, held = pricing.plan, {lot.number: lot for lot in pricing.plan.item.lots}
    shrunk = [lot.number for lot, gone in plan.removed if gone < lot.quantity]
    if not shrunk or not pricing.paid or not pricing.measure.credits:
        return plan.kept
    rows = [row.lot or 0 for row in plan.item.entitlements or ()]
    number = max([*held, *rows, *[lot.number for lot in plan.added + plan.once]])
    kept: list[Lot] = []
    for lot in plan.kept:
        if lot.number in shrunk and lot is not held[lot.number]:
            number += 1
            pricing.move(plan.item, held[lot.number], lot.quantity, number, since)
            lot = replace(lot, number=number)
        kept.append(lot)
    pricing.plan = plan._replace(kept=tuple(kept))
    return pricing.plan.kept


def _numbered(lots: tuple[Lot, ...], first: int) -> tuple[Lot, ...]:
    return tuple([replace(lot, number=number) for number, lot in enumerate(lots, first)])


Way = Callable[[ItemPricing], None]

ALIGNMENTS: dict[str, Way] = {
    "shorten_new": shorten_new,
    "extend_existing": extend_existing,
    "reset": reset,
    "keep_day": keep_day,
}
EFFECTIVES: dict[str, Way] = {"next_billing": later, "early_renewal": early_renewal}
"""Beside ``now``, which leaves it to the alignment."""
TRIALS: dict[str, Way] = {"end_trial": reset, "keep_trial": later}
"""Beside ``forbid``, which prices the change as if there were no trial."""


def after_plan(plan: Plan, lots: tuple[Lot, ...], period: Span, anchor_day: int) -> Item | None:
    """The item as it will be; None when nothing is left of it."""
    if not plan.quantity:
        return None
    item = plan.item
    return Item(
        item.running_number, plan.product, plan.interval, period, anchor_day, lots, plan.options, item.committed_until, ()
    )  # fmt: skip
