"""A quote's lines in the shopper's words, and the share of a period that each pays for."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from app.billing.facts import Item, Lot
from app.billing.result import Line, Quote
from app.billing.rulebook import ProductFacts
from app.cart import naming, phrases, words
from app.cart.pen import Pen
from app.cart.summary import Summary
from app.cart.views import CartFacts
from app.web.i18n import Tongue


class _Place(NamedTuple):
    """A lot within its item; ``first`` is the number of its first unit, 0 where it is no product's."""

    item: Item
    lot: Lot
    first: int


class LineTeller:
    """Says a quote's lines in the shopper's words."""

    def __init__(self, pen: Pen, facts: CartFacts, summary: Summary) -> None:
        self.pen, self.summary = pen, summary
        self._catalog = facts.catalog
        self._held = _places(facts.subscription.facts.items)
        self._after = _places(facts.quote.after)
        self._products = {
            item.running_number: item.product for item in (*facts.subscription.facts.items, *facts.quote.after)
        }

    def subject(self, line: Line) -> str:
        """What the line is about: ``second seat``, ``CRM Pro``, ``24-hour support``, ``40 e-signatures``."""
        tongue, summary = self.pen.tongue, self.summary
        quantity = line.quantity or 1
        place = self._place(line)
        if place and place.first and summary.by_position and line.item == summary.item:
            # What goes of a lot that shrinks are its newest units.
            first = place.first + max(0, place.lot.quantity - quantity)
            return words.positions(tongue, phrases.unit_of(tongue, summary), first, quantity)
        name = line.name or line.code or ""
        counted = self._steps(line, place)
        if counted:
            return naming.counted_name(tongue, name, counted)
        if quantity > 1:
            facts = self._facts(line)
            unit = words.unit_words(facts.unit_name if facts else summary.unit, tongue.language)
            return tongue.say("%(name)s, %(units)s", name=name, units=words.counted(tongue, unit, quantity))
        return name

    def _place(self, line: Line) -> _Place | None:
        places = (self._held, self._after) if line.kind in {"credit", "carry_over"} else (self._after, self._held)
        key = line.item, line.lot
        return places[0].get(key) or places[1].get(key)

    def _facts(self, line: Line) -> ProductFacts | None:
        return self._catalog.get(self._products.get(line.item or 0, ""))

    def _steps(self, line: Line, place: _Place | None) -> int:
        """How many of it there are where it is counted by itself: a scale's units, a feature's allowance; else 0."""
        facts = self._facts(line)
        if place is not None:
            facts = self._catalog.get(place.item.product)
        code, quantity = line.code or "", line.quantity or 1
        if facts is None:
            return 0
        if line.rule == "usage" or (place and place.lot.kind == "feature"):
            feature = facts.features.get(code)
            return 0 if feature is None or feature.kind == "onoff" else quantity * feature.step
        option = facts.options.get(code) if place and place.lot.kind == "option" else None
        return quantity if option is not None and option.scale is not None else 0

    def label(self, line: Line) -> str:
        tongue, subject = self.pen.tongue, self.subject(line)
        if line.kind == "credit":
            return tongue.say("Unused time on %(thing)s", thing=subject)
        if line.kind == "discount":
            return tongue.say("Discount on %(thing)s", thing=subject) if subject else tongue.say("Discount")
        if line.kind == "extension":
            return tongue.say("%(thing)s, longer period", thing=words.capital(subject))
        if line.kind == "carry_over":
            return tongue.say("Time left on %(thing)s", thing=subject)
        return words.capital(subject)


def _places(items: tuple[Item, ...]) -> dict[tuple[int | None, int | None], _Place]:
    """By item and lot."""
    found: dict[tuple[int | None, int | None], _Place] = {}
    for item in items:
        position = 1
        for lot in item.lots:
            is_product = lot.kind == "product"
            found[item.running_number, lot.number] = _Place(item, lot, position if is_product else 0)
            position += lot.quantity if is_product else 0
    return found


def measured_share(line: Line) -> tuple[int, int, str] | None:
    """The fraction in months or days: (6, 12, "month"). None when it is neither."""
    if line.fraction is None or line.interval is None:
        return None
    part, whole = line.fraction
    months = words.months_of(line.interval)
    if line.basis in {"month", "thirty"} and months and (part * months) % whole == 0:
        return part * months // whole, months, "month"
    if line.basis in {"day", "month", "thirty"} and whole >= 7 and (line.basis == "day" or months <= 1):
        return part, whole, "day"
    return None


def share_span(tongue: Tongue, quote: Quote) -> str:
    """``Jul 1 to Dec 31, 2026``: what today's charge pays for; empty when its lines differ."""
    spans = {(line.start, line.end) for line in quote.lines if line.kind == "charge"}
    start, end = spans.pop() if len(spans) == 1 else (None, None)
    if start is None or end is None:
        return ""
    return tongue.span(start, end - timedelta(days=1))
