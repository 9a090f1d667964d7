"""What a line says: templates by key with named parts, so that every language renders the same facts.

The one source of what is said of a line: cart, command line, API and mail print these sentences. ``ENGLISH`` is what the
command line prints; its money looks as CLDR's English does, which a test compares. Another language is another ``Words``:
the same keys, its own plural rule and its own formatters. Its texts stand in the catalogs of ``app/web/translations``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from math import gcd

from app.billing.facts import Interval
from app.billing.measures import MIXED
from app.billing.result import Line
from app.billing.schedule import days_of, months_of
from app.kit.money import format_minor

TEXTS: dict[str, tuple[str, ...]] = {
    "charge.label": ("{quantity} × {name}, {share}",),
    "extension.label": ("{quantity} × {name}, extension, {share}",),
    "carry_over.label": ("{quantity} × {name}, {share} carried over",),
    "charge.label.fixed": ("{quantity} × {name}, price of this offer",),
    "charge.label.difference": ("{quantity} × {name}, difference in price",),
    "charge.label.usage": ("{quantity} × {name}, once",),
    "credit.label": ("Credit for {quantity} × {name}, {share}",),
    "discount.label": ("Discount on {quantity} × {name}",),
    "discount.label.percent": ("{percent}% off {quantity} × {name}",),
    "tax.label": ("Tax, {percent}%",),
    "tax.label.named": ("{name}, {percent}%",),
    "charge.why": ("{span}: {share} at {price}",),
    "charge.why.whole": ("{span} at {price}",),
    "charge.why.fixed": ("One price for the change, whatever time is left",),
    "charge.why.difference": ("The new price of a full period less the old one",),
    "charge.why.usage": ("{quantity} × {amount}, paid once and never renewed",),
    "extension.why": ("{span}: {share} at {price}, so that all ends on one day",),
    "extension.why.whole": ("{span} at {price}, so that all ends on one day",),
    "carry_over.why": ("{span}: already paid, added to the new period",),
    "credit.why": ("{span}: {share}, already paid",),
    "credit.why.whole": ("{span}: already paid",),
    "credit.why.mixed": ("{span}: {share}",),
    "discount.why": ("{span}: taken off this charge",),
    "discount.why.percent": ("{span}: {percent}% off this charge",),
    "tax.why": ("{percent}% on the sum of the lines above",),
    "tax.why.named": ("{name}: {percent}% on the sum of the lines above",),
    "tax.why.base": ("{percent}% on {amount} of the lines above",),
    "tax.why.base.named": ("{name}: {percent}% on {amount} of the lines above",),
    "share": ("{part} of {wholes}",),
    "share.whole": ("in full",),
    "share.months_days": ("{months} and {days}",),
    "share.months_days.of": ("{months} and {days}, out of {whole} months",),
    "share.days.of": ("{days}, out of {whole} months",),
    "share.periods": ("{count} full period", "{count} full periods"),
    "share.periods_part": ("{periods} and {part}",),
    "share.ratio": ("{count}/{whole} of a full period's price",),
    "share.ratio.credit": ("{count}/{whole} of what was paid",),
    "month": ("{count} month", "{count} months"),
    "day": ("{count} day", "{count} days"),
    "second": ("{count} second", "{count} seconds"),
    "price": ("{amount} {per}",),
    "price.many": ("{quantity} × {amount} {per}",),
    "per.day": ("a day", "every {count} days"),
    "per.week": ("a week", "every {count} weeks"),
    "per.month": ("a month", "every {count} months"),
    "per.year": ("a year", "every {count} years"),
}
"""Each key with its plural forms, chosen by ``count``."""
PARTS = {"{part} of {wholes}": frozenset({"part", "parts", "whole", "wholes"})}
"""What a translation may name beside the parts that the English text names: other languages count the part, not the whole
(``6 mois sur 12``)."""

_SYMBOLS = {
    "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$", "BRL": "R$", "CNY": "CN¥", "HKD": "HK$",
    "ILS": "₪", "INR": "₹", "KRW": "₩", "MXN": "MX$", "NZD": "NZ$", "PHP": "₱", "TWD": "NT$", "VND": "₫", "XAF": "FCFA",
    "XCD": "EC$", "XCG": "Cg.", "XOF": "F\u202fCFA", "XPF": "CFPF",
}  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(1024)
def english_money(minor: int, currency: str) -> str:
    """``$1,234.50``; ``CHF5.00`` where English has no sign."""
    whole, dot, part = format_minor(abs(minor), currency).partition(".")
    symbol = _SYMBOLS.get(currency, currency)
    return f"{'-' if minor < 0 else ''}{symbol}{int(whole):,}{dot}{part}"


def english_day(day: date) -> str:
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


@lru_cache(1024)
def english_span(first: date, last: date) -> str:
    """``Jul 1 to Dec 31, 2026``; both days belong to it."""
    if first == last:
        return english_day(first)
    begins = english_day(first)
    return f"{begins.rpartition(',')[0] if first.year == last.year else begins} to {english_day(last)}"


def english_number(count: int) -> str:
    return f"{count:,}"


def english_plural(count: int) -> int:
    return 0 if count == 1 else 1


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A language, one object each: phrases that repeat are kept by it. ``plural`` gives the index of the form for a count; ``span`` takes the first and the last day."""

    texts: Mapping[str, Sequence[str]]
    plural: Callable[[int], int]
    money: Callable[[int, str], str]
    span: Callable[[date, date], str]
    decimal: str = "."
    number: Callable[[int], str] = english_number

    def say(self, key: str, plural_of: int = 0, **parts: object) -> str:
        forms = self.texts[key]
        # Most keys have one form; the rule is asked only where there is a choice.
        form = forms[0] if len(forms) < 2 else forms[min(self.plural(plural_of), len(forms) - 1)]
        return form.format(**parts)


ENGLISH = Words(TEXTS, english_plural, english_money, english_span)


def says_something(line: Line) -> bool:
    """Whether a reader needs the line: the price of an empty rest is none."""
    return line.amount != 0 or line.fraction is None or line.fraction[0] != 0


def label(line: Line, words: Words = ENGLISH) -> str:
    """The short name of a line: ``1 × CRM seat, 6 of 12 months``."""
    key = f"{line.kind}.label"
    if line.kind == "tax":
        return words.say(key + ".named" if line.name else key, name=line.name, percent=percent(line.rate or 0, words))
    if line.kind == "discount" and line.rate:
        return words.say(key + ".percent", quantity=line.quantity, name=line.name, percent=percent(line.rate, words))
    if line.rule is not None:
        return words.say(f"{key}.{line.rule}", quantity=line.quantity, name=line.name)
    share = share_words(line, words) if line.fraction else ""
    return words.say(key, quantity=line.quantity, name=line.name, share=share)


def explain(line: Line, words: Words = ENGLISH) -> str:
    """The sentence under a line: ``Jul 1 to Dec 31, 2026: 6 of 12 months at $10.00 a year``."""
    if line.start is None or line.end is None or line.interval is None or line.fraction is None:
        return _taxed(line, words)
    if line.rule is not None and line.kind == "charge":
        amount = words.money(line.unit_price or 0, line.currency)
        return words.say(f"charge.why.{line.rule}", quantity=line.quantity, amount=amount)
    span = words.span(line.start, max(line.start, line.end - timedelta(1)))
    if line.kind == "carry_over":
        return words.say("carry_over.why", span=span)
    if line.kind == "discount":
        key = "discount.why.percent" if line.rate else "discount.why"
        return words.say(key, span=span, percent=percent(line.rate or 0, words))
    whole = line.fraction[0] == line.fraction[1]
    if line.kind == "credit":
        key = "credit.why.whole" if whole else "credit.why.mixed" if line.unit == MIXED else "credit.why"
        return words.say(key, span=span, share=share_words(line, words))
    price = price_words(line.quantity or 0, line.unit_price or 0, line.currency, line.interval, words)
    key = f"{line.kind}.why"
    return words.say(key + ".whole" if whole else key, span=span, share=share_words(line, words), price=price)


def _taxed(line: Line, words: Words) -> str:
    key, amount = "tax.why", ""
    if line.base is not None:
        key, amount = "tax.why.base", words.money(line.base, line.currency)
    return words.say(
        f"{key}.named" if line.name else key, name=line.name, percent=percent(line.rate or 0, words), amount=amount
    )


@lru_cache(4096)
def price_words(quantity: int, unit_price: int, currency: str, interval: Interval, words: Words = ENGLISH) -> str:
    """``$10.00 a year``; ``2 × $10.00 every 3 months``."""
    key = "price" if quantity == 1 else "price.many"
    return words.say(key, quantity=quantity, amount=words.money(unit_price, currency), per=per_words(interval, words))


def per_words(interval: Interval, words: Words = ENGLISH) -> str:
    """``a year``, ``every 3 months``: how a price is said."""
    return words.say(f"per.{interval.unit}", interval.count, count=interval.count)


def share_words(line: Line, words: Words = ENGLISH) -> str:
    """A line's fraction: ``6 of 12 months``, ``5 months and 21 of 31 days, out of 12 months``, ``184 of 365 days``.

    Where its integers count neither, it is a share of the price, or on a credit of what was paid.
    """
    interval = line.interval if line.basis == "month" else None
    return _share_words(line.fraction or (1, 1), line.unit, interval, line.kind == "credit", words)


@lru_cache(4096)
def _share_words(
    share: tuple[int, int], unit: str | None, interval: Interval | None, credit: bool, words: Words
) -> str:
    top, bottom = share
    if top > bottom and top % bottom == 0:
        return words.say("share.periods", top // bottom, count=words.number(top // bottom))
    if unit and unit != MIXED:
        if top > bottom:
            periods = words.say("share.periods", top // bottom, count=words.number(top // bottom))
            return words.say("share.periods_part", periods=periods, part=_of(unit, top % bottom, bottom, words))
        return _of(unit, top, bottom, words)
    if top == bottom:
        return words.say("share.whole")
    if unit is None and interval is not None and days_of(interval) is None:
        whole = months_of(interval)
        length = bottom // whole
        # Two odd ends in months of unlike length have the product of both lengths below.
        if 28 <= length <= 31 and length * whole == bottom:
            return _months_and_days(top, length, whole, words)
    divisor = gcd(top, bottom)
    key = "share.ratio.credit" if credit else "share.ratio"
    return words.say(key, count=words.number(top // divisor), whole=words.number(bottom // divisor))


def _of(unit: str, top: int, bottom: int, words: Words) -> str:
    return words.say(
        "share", part=words.number(top), whole=words.number(bottom), parts=_counted(unit, top, words),
        wholes=_counted(unit, bottom, words),
    )  # fmt: skip


def _counted(unit: str, count: int, words: Words) -> str:
    return words.say(unit, count, count=words.number(count))


def _months_and_days(top: int, length: int, whole: int, words: Words) -> str:
    """``top`` days of months that are ``length`` days long, of ``whole`` months."""
    months, days = divmod(top, length)
    day_words = _of("day", days, length, words)
    if not months:
        return day_words if whole == 1 else words.say("share.days.of", days=day_words, whole=whole)
    key = "share.months_days" if whole == 1 else "share.months_days.of"
    return words.say(key, months=_counted("month", months, words), days=day_words, whole=whole)


def percent(rate: int, words: Words = ENGLISH) -> str:
    """A rate in parts per million as a percentage: ``8.875``."""
    whole, part = divmod(rate, 10_000)
    return f"{whole}{words.decimal}{part:04d}".rstrip("0") if part else str(whole)
