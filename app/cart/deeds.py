"""What a change does, piece by piece: as it was made (``1 seat is now 2 seats``), and as it is meant (``1 seat to 2 seats``)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from markupsafe import Markup

from app.cart import naming, phrases, words
from app.cart.extras import Extra
from app.cart.summary import ItemRow, Summary, interval_of
from app.web.i18n import Tongue


def made(tongue: Tongue, summary: Summary) -> tuple[str, ...]:
    """In the past tense, a sentence without its full stop for each thing that is other than before."""
    return _told(tongue, summary, past=True)


def meant(tongue: Tongue, summary: Summary) -> tuple[str, ...]:
    """The same of what is not done (yet)."""
    return _told(tongue, summary, past=False)


def change_line(tongue: Tongue, summary: Summary) -> str:
    """``1 seat to 2 seats, CRM Standard``; what else changes follows after a semicolon."""
    return "; ".join(meant(tongue, summary))


def _told(tongue: Tongue, summary: Summary, *, past: bool) -> tuple[str, ...]:
    rows = _rows(summary)
    told: list[str] = []
    if summary.early:
        told.append(tongue.say("Renewed early") if past else tongue.say("Renew early"))
    for row in rows:
        said = _of_item(tongue, row, past=past, renews=summary.next_after is not None)
        if len(rows) > 1 and row.before is not None and row.after is not None:
            said = [tongue.say("%(product)s: %(change)s", product=row.after, change=each) for each in said]
        elif not past and _counts(row) and row.before == row.after:
            said = [tongue.say("%(change)s, %(product)s", change=said[0], product=row.after), *said[1:]]
        told += [each if _begins_with_a_name(each, row) else words.capital(each) for each in said]
    return tuple(told) or (phrases.headline(tongue, summary),)


def _begins_with_a_name(told: str, row: ItemRow) -> bool:
    """A product's name stays as it is written."""
    return told.startswith((row.before or row.after or "", row.after or row.before or ""))


def _rows(summary: Summary) -> tuple[ItemRow, ...]:
    """What changes, item by item; orders of an earlier release kept only what is common to all."""
    if summary.changed or summary.early:
        return summary.changed
    if summary.items:
        return summary.items
    gone = summary.quantity_after == 0
    return (
        ItemRow(
            summary.product_before, None if gone else summary.product_after, summary.quantity_before,
            summary.quantity_after, summary.unit, summary.interval_before, summary.interval_after, summary.extras,
            summary.next_before, summary.next_after,
        ),
    )  # fmt: skip


def as_lines(told: Iterable[str]) -> Markup:
    """One below the other."""
    return Markup("<br>").join(told)


def _counts(row: ItemRow) -> bool:
    return row.quantity_before != row.quantity_after


def _of_item(tongue: Tongue, row: ItemRow, *, past: bool, renews: bool) -> list[str]:
    if row.before is None or row.after is None:
        return [_whole(tongue, row, past=past)]
    told: list[str] = []
    if row.before != row.after:
        plans = {"before": row.before, "after": row.after}
        told.append(tongue.say("%(before)s is now %(after)s", **plans) if past else _from_to(tongue, **plans))
    if _counts(row):
        told.append(_quantity(tongue, row, past=past))
    told += _extras(tongue, row.extras, past=past)
    if row.interval_before and row.interval_after and row.interval_before != row.interval_after:
        told.append(_rhythm(tongue, row))
    if row.day_before and row.day_after and row.day_before != row.day_after:
        told.append(_day(tongue, row.day_before, row.day_after, past=past, renews=renews))
    return told


def _day(tongue: Tongue, before: date, after: date, *, past: bool, renews: bool) -> str:
    if not renews:
        through = [tongue.day(day - timedelta(days=1)) for day in (before, after)]
        return tongue.say("Paid through %(after)s instead of %(before)s", before=through[0], after=through[1])
    days = {"before": tongue.day(before), "after": tongue.day(after)}
    if past:
        return tongue.say("Next billing date moved from %(before)s to %(after)s", **days)
    return tongue.say("Next billing date %(after)s instead of %(before)s", **days)


def _whole(tongue: Tongue, row: ItemRow, *, past: bool) -> str:
    """A product that comes or goes, with what is held beside it."""
    thing = naming.item_held(tongue, row, after=row.before is None)
    beside = [naming.extra_held(tongue, extra) for extra in row.extras if extra.after] if row.before is None else []
    if beside:
        thing = tongue.say("%(product)s with %(options)s", product=thing, options=tongue.listed(beside))
    if row.before is None:
        return _added(tongue, thing, past=past)
    return _removed(tongue, thing, past=past)


def _added(tongue: Tongue, thing: str, *, past: bool) -> str:
    return tongue.say("%(thing)s added", thing=thing) if past else tongue.say("Add %(thing)s", thing=thing)


def _removed(tongue: Tongue, thing: str, *, past: bool) -> str:
    return tongue.say("%(thing)s removed", thing=thing) if past else tongue.say("Remove %(thing)s", thing=thing)


def _from_to(tongue: Tongue, before: str, after: str) -> str:
    return tongue.say("%(before)s to %(after)s", before=before, after=after)


def _quantity(tongue: Tongue, row: ItemRow, *, past: bool) -> str:
    unit = words.unit_words(row.unit, tongue.language)
    before, after = (words.counted(tongue, unit, count) for count in (row.quantity_before, row.quantity_after))
    if not past:
        return _from_to(tongue, before, after)
    return tongue.says(
        "%(before)s is now %(after)s", "%(before)s are now %(after)s", row.quantity_before, before=before, after=after
    )


def _extras(tongue: Tongue, extras: tuple[Extra, ...], *, past: bool) -> list[str]:
    told: list[str] = []
    added = [naming.extra_added(tongue, extra) for extra in extras if extra.after > extra.before]
    removed = [naming.extra_added(tongue, extra) for extra in extras if extra.after < extra.before]
    if added:
        told.append(_added(tongue, tongue.listed(added), past=past))
    if removed:
        told.append(_removed(tongue, tongue.listed(removed), past=past))
    return told


def _rhythm(tongue: Tongue, row: ItemRow) -> str:
    before, after = interval_of(row.interval_before), interval_of(row.interval_after)
    if before is None or after is None:
        raise ValueError("both intervals are known")
    return tongue.say(
        "Billed %(after)s instead of %(before)s", before=words.every(tongue, before), after=words.every(tongue, after)
    )
