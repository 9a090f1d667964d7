"""The Now/After table. What changes comes first; plan, what is bought, price a period and next billing date always stand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from markupsafe import Markup

from app.cart import naming, phrases, words
from app.cart.extras import Extra
from app.cart.pen import Pen
from app.cart.summary import Summary, interval_of
from app.web.i18n import Tongue


class ChangeRow(NamedTuple):
    """One row of the Now/After table."""

    label: str
    now: str | Markup
    after: str | Markup
    is_new: bool = False


class ChangeTable(NamedTuple):
    """``after`` heads the second column: "After", or the day on which a scheduled change is made."""

    now: str
    after: str | Markup
    rows: tuple[ChangeRow, ...]


def change_table(pen: Pen, summary: Summary) -> ChangeTable:
    tongue = pen.tongue
    after: str | Markup = tongue.say("After")
    if summary.effective_on is not None:
        after = tongue.tell("From %(date)s", date=pen.short_day(summary.effective_on))
    return ChangeTable(tongue.say("Now"), after, change_rows(pen, summary))


def change_rows(pen: Pen, summary: Summary) -> tuple[ChangeRow, ...]:
    tongue = pen.tongue
    plans = summary.product_before, summary.product_after
    plan = ChangeRow(tongue.say("Plan"), *plans, plans[0] != plans[1])
    rows = [plan] if plan.is_new else []
    if summary.counts_units and not summary.items:
        label = words.capital(phrases.unit_of(tongue, summary).many)
        now, after = tongue.number(summary.quantity_before), tongue.number(summary.quantity_after)
        rows.append(ChangeRow(label, now, after, now != after))
    rows += _items(tongue, summary)
    rows += [_extra(tongue, extra) for extra in summary.extras]
    apart = bool(summary.before or summary.later)
    rows += _day_rows(pen, summary) if apart else _price_rows(pen, summary)
    if not plan.is_new and len(summary.items) < 2:
        rows.append(plan)
    dates = tuple(
        pen.short_day(day) if day else tongue.say("No renewal") for day in (summary.next_before, summary.next_after)
    )
    rows.append(ChangeRow(tongue.say("Next billing date"), dates[0], dates[1], dates[0] != dates[1]))
    return tuple(sorted(rows, key=lambda row: not row.is_new))


def _items(tongue: Tongue, summary: Summary) -> list[ChangeRow]:
    """One row per product, where several change; else the one that is added or removed."""
    rows: list[ChangeRow] = []
    for item in summary.items:
        now, after = (naming.item_held(tongue, item, after=later) for later in (False, True))
        name = item.after or item.before or ""
        if item.before is None or item.after is None:
            label = name
            now, after = (
                tongue.say("No") if item.before is None else now,
                tongue.say("No") if item.after is None else after,
            )
            now, after = (tongue.say("Yes") if said == name else said for said in (now, after))
        elif item.before == item.after:
            unit = words.unit_words(item.unit, tongue.language)
            label = name
            now, after = (words.counted(tongue, unit, count) for count in (item.quantity_before, item.quantity_after))
        else:
            label = tongue.say("Plan")
        rows.append(ChangeRow(label, now, after, now != after))
    return rows


def _extra(tongue: Tongue, extra: Extra) -> ChangeRow:
    """An option or a feature: there or not, or how much of it."""
    if extra.kind == "once":
        label = tongue.say("%(name)s, bought once", name=words.capital(extra.name))
        return ChangeRow(label, tongue.number(0), tongue.number(extra.after), True)
    if extra.kind == "count":
        return ChangeRow(
            words.capital(extra.name),
            tongue.number(extra.before),
            _lost(tongue, extra) or tongue.number(extra.after),
            extra.is_new,
        )
    yes, no = tongue.say("Yes"), tongue.say("No")
    after = _lost(tongue, extra) or (yes if extra.after else no)
    return ChangeRow(words.capital(extra.name), yes if extra.before else no, after, extra.is_new)


def _lost(tongue: Tongue, extra: Extra) -> str:
    """Told apart from what one gives up oneself: the new plan does not have it."""
    return tongue.say("Not in this plan") if extra.lost else ""


def _price_rows(pen: Pen, summary: Summary) -> list[ChangeRow]:
    if summary.next_before is None and summary.renewal is None:
        return []
    none = pen.tongue.say("No renewal")
    now = pen.money(summary.price_now) if summary.next_before else none
    after = pen.money(summary.renewal) if summary.renewal is not None else none
    other = summary.interval_before != summary.interval_after
    if other:
        now = pen.price(summary.price_now, interval_of(summary.interval_before)) if summary.next_before else none
        after = pen.price(summary.renewal, summary.interval()) if summary.renewal is not None else none
    if summary.discounted_renewals:
        later = pen.money(summary.renewal_later)
        until = pen.tongue.tells(
            "for %(count)s renewal, then %(later)s", "for %(count)s renewals, then %(later)s", summary.discounted_renewals,
            later=pen.tongue.tell("up to %(price)s", price=later) if summary.ends_apart else later,
        )  # fmt: skip
        after = Markup('%s <span class="small">%s</span>') % (after, until)
    label = pen.tongue.say("Price") if other else words.price_label(pen.tongue, summary.interval())
    return [ChangeRow(label, now, after, now != after)]


def _day_rows(pen: Pen, summary: Summary) -> list[ChangeRow]:
    """Where not everything renews on one day: what each day brings, without the change and with it."""
    tongue = pen.tongue
    now: dict[date, dict[str | None, Markup]] = {}
    for each in summary.before:
        now.setdefault(each.day, {})[each.interval] = pen.price(each.amount, interval_of(each.interval))
    if not now and summary.next_before is not None:
        before = summary.interval_before
        now[summary.next_before] = {before: pen.price(summary.price_now, interval_of(before))}
    after: dict[date, dict[str | None, Markup]] = {}
    for each in (summary, *summary.later_renewals):
        if each.next_after is not None and each.renewal is not None:
            after.setdefault(each.next_after, {})[each.interval_after] = phrases.renewal_price(pen, each)
    rows: list[ChangeRow] = []
    for day in sorted({*now, *after}):
        label = tongue.say("At the renewal on %(date)s", date=tongue.short_day(day))
        for before, later in _side_by_side(now.get(day, {}), after.get(day, {}), tongue.say("Nothing")):
            rows.append(ChangeRow(label, before, later, _plain(before) != _plain(later)))
    return rows


def _side_by_side(
    now: Mapping[str | None, Markup], after: Mapping[str | None, Markup], nothing: str
) -> list[tuple[str | Markup, str | Markup]]:
    """The prices of one day, each interval beside its own; one price beside the one that takes its place."""
    if len(now) == len(after) == 1:
        return list(zip(now.values(), after.values(), strict=True))
    return [(now.get(each, nothing), after.get(each, nothing)) for each in {**now, **after}]


def _plain(said: str | Markup) -> str:
    return Markup(said).striptags()  # noqa: S704  (compared, never shown)
