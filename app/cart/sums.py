"""The two ledgers, the Now/After table, and "how we worked it out". Every figure is the quote's; nothing is computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup

from app.billing.facts import Item
from app.billing.result import Line, Quote
from app.cart import phrases, words
from app.cart.pen import Pen, num
from app.cart.summary import RenewalRow, Summary, interval_of
from app.cart.views import CartFacts
from app.web.i18n import Tongue


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a ledger."""

    label: str | Markup
    amount: str
    why: str | Markup = ""
    total: bool = False


@dataclass(frozen=True, slots=True)
class Ledger:
    caption: str | Markup
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One row of the Now/After table."""

    label: str
    now: str | Markup
    after: str | Markup
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Working:
    """The unfolding explanation of what is due."""

    summary: Markup
    sentences: tuple[Markup, ...]


def change_rows(pen: Pen, summary: Summary) -> tuple[ChangeRow, ...]:
    """Always plan, what is bought, price a period, next billing date; what changes comes first."""
    tongue = pen.tongue
    plans = summary.product_before, summary.product_after
    plan = ChangeRow(tongue.say("Plan"), *plans, plans[0] != plans[1])
    rows = [plan] if plan.is_new else []
    if summary.counts_units:
        label = words.capital(phrases.unit_of(tongue, summary).many)
        now, after = tongue.number(summary.quantity_before), tongue.number(summary.quantity_after)
        rows.append(ChangeRow(label, now, after, now != after))
    yes, no = tongue.say("Yes"), tongue.say("No")
    for name in dict.fromkeys((*summary.options_after, *summary.options_before)):
        now, after = name in summary.options_before, name in summary.options_after
        rows.append(ChangeRow(name, yes if now else no, yes if after else no, now != after))
    rows += _price_rows(pen, summary)
    rows += [] if plan.is_new else [plan]
    dates = tuple(
        pen.short_day(day) if day else tongue.say("No renewal") for day in (summary.next_before, summary.next_after)
    )
    rows.append(ChangeRow(tongue.say("Next billing date"), dates[0], dates[1], dates[0] != dates[1]))
    return tuple(sorted(rows, key=lambda row: not row.is_new))


def _price_rows(pen: Pen, summary: Summary) -> list[ChangeRow]:
    if summary.next_before is None and summary.renewal is None:
        return []
    none = pen.tongue.say("No renewal")
    now = pen.money(summary.price_now) if summary.next_before else none
    after = pen.money(summary.renewal) if summary.renewal is not None else none
    if summary.interval_before != summary.interval_after:
        now = pen.price(summary.price_now, interval_of(summary.interval_before)) if summary.next_before else none
        after = pen.price(summary.renewal, summary.interval()) if summary.renewal is not None else none
        return [ChangeRow(pen.tongue.say("Price"), now, after, True)]
    return [ChangeRow(words.price_label(pen.tongue, summary.interval()), now, after, now != after)]


def today(pen: Pen, facts: CartFacts, summary: Summary) -> Ledger:
    """Line by line what is due now; credits are negative, tax is always told."""
    quote, tongue = facts.quote, pen.tongue
    teller = LineTeller(pen, facts, summary)
    rows = [
        Row(teller.label(line), pen.plain(line.amount), pen.why(line)) for line in quote.lines if line.kind != "tax"
    ]
    rate = quote.tax_rate
    percent = tongue.percent(rate.rate)
    if not rate.inclusive:
        rows.append(_tax(pen, quote, percent))
    rows += _adjustments(pen, quote)
    included = ""
    if rate.inclusive:
        included = tongue.tell("Includes %(percent)s VAT, %(tax)s", percent=num(percent), tax=pen.money(quote.tax))
    rows.append(Row(tongue.say("Due today"), pen.plain(quote.due_now), included, total=True))
    return Ledger(tongue.say("Today"), tuple(rows))


def _tax(pen: Pen, quote: Quote, percent: str) -> Row:
    """Tax on top. Without tax there is no line for it, and the cart says so. A rate's label is told unless it is the row's own."""
    said = pen.tongue.say("Sales tax")
    named = quote.tax_rate.label.strip().casefold() not in {"", "sales tax", said.casefold()}
    none = f"{quote.tax_rate.label}, {percent}" if named else percent
    taxed = next((line for line in quote.lines if line.kind == "tax"), None)
    why = none if taxed is None else pen.why(taxed if named else taxed._replace(name=None))
    return Row(said, pen.plain(quote.tax), why)


def _adjustments(pen: Pen, quote: Quote) -> list[Row]:
    """What stands between the lines' sum and what is due."""
    tongue = pen.tongue
    rows: list[Row] = []
    if quote.balance_used:
        rows.append(Row(tongue.say("From your credit balance"), pen.plain(quote.balance_used)))
    if quote.waived:
        rows.append(Row(tongue.say("Too small to charge"), pen.plain(-quote.waived)))
    if quote.deferred:
        rows.append(Row(tongue.say("Moved to your next renewal"), pen.plain(-quote.deferred)))
    if quote.unbounded_total < 0:
        rows.append(Row(tongue.say("Unused credit, not paid out"), pen.plain(-quote.unbounded_total)))
    return rows


def renewal(pen: Pen, summary: Summary) -> Ledger | None:
    """Lot by lot what the next renewal costs; None where none follows."""
    if summary.next_after is None or summary.renewal is None:
        return None
    tongue, interval = pen.tongue, summary.interval()
    date = pen.day(summary.next_after)
    caption = (
        tongue.tell("%(every)s from %(date)s", every=words.capital(words.every(tongue, interval)), date=date)
        if interval
        else tongue.tell("At the renewal on %(date)s", date=date)
    )
    rows = [Row(row_label(tongue, summary, row), pen.plain(row.amount), _row_why(pen, row)) for row in summary.rows]
    tax = tongue.say("Tax included") if summary.tax_included else tongue.say("Plus any tax that applies on the day")
    rows.append(Row(tongue.say("Renewal total"), pen.plain(summary.renewal), tax, total=True))
    return Ledger(caption, tuple(rows))


def row_label(tongue: Tongue, summary: Summary, row: RenewalRow) -> str:
    """``Second seat``, ``24-hour support``, ``CRM Pro``."""
    if row.first and summary.kind in {"more", "fewer"}:
        unit = phrases.unit_of(tongue, summary)
        return words.capital(words.positions(tongue, unit, row.first, row.quantity))
    if row.quantity > 1:
        unit = phrases.unit_of(tongue, summary)
        return tongue.say("%(name)s, %(units)s", name=row.name, units=words.counted(tongue, unit, row.quantity))
    return row.name


def _row_why(pen: Pen, row: RenewalRow) -> Markup | str:
    """A regular price is told only beside a lower one that is kept, in words."""
    if row.added and row.list_price is not None and row.amount < row.list_price * row.quantity:
        return pen.tongue.tell(
            "Offer price, kept at every renewal. Regular price %(price)s.", price=pen.money(row.list_price)
        )
    return ""


class LineTeller:
    """Says a quote's lines in the shopper's words."""

    def __init__(self, pen: Pen, facts: CartFacts, summary: Summary) -> None:
        self.pen, self.summary = pen, summary
        self._held = _units(facts.subscription.facts.items)
        self._after = _units(facts.quote.after)

    def subject(self, line: Line) -> str:
        """What the line is about: ``second seat``, ``CRM Pro``, ``24-hour support``."""
        tongue, summary = self.pen.tongue, self.summary
        unit = phrases.unit_of(tongue, summary)
        quantity = line.quantity or 1
        counted = (self._held if line.kind == "credit" else self._after).get((line.item, line.lot))
        if counted and summary.kind in {"more", "fewer"} and summary.counts_units:
            first, in_lot = counted
            # What goes of a lot that shrinks are its newest units.
            return words.positions(tongue, unit, first + max(0, in_lot - quantity), quantity)
        name = line.name or line.code or ""
        if quantity > 1:
            return tongue.say("%(name)s, %(units)s", name=name, units=words.counted(tongue, unit, quantity))
        return name

    def label(self, line: Line) -> str:
        tongue, subject = self.pen.tongue, self.subject(line)
        if line.kind == "credit":
            return tongue.say("Unused time on %(thing)s", thing=subject)
        if line.kind == "discount":
            return tongue.say("Discount on %(thing)s", thing=subject) if subject else tongue.say("Discount")
        if line.kind == "extension":
            return tongue.say("%(thing)s, longer period", thing=words.capital(subject))
        return words.capital(subject)


def _units(items: tuple[Item, ...]) -> dict[tuple[int | None, int | None], tuple[int, int]]:
    """By item and lot: the number of the lot's first unit, and how many units it has."""
    found: dict[tuple[int | None, int | None], tuple[int, int]] = {}
    for item in items:
        position = 1
        for lot in item.lots:
            if lot.kind == "product":
                found[item.running_number, lot.number] = position, lot.quantity
                position += lot.quantity
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


def working(pen: Pen, facts: CartFacts, summary: Summary) -> Working | None:
    """How what is due came about; None when nothing was prorated."""
    tongue = pen.tongue
    teller = LineTeller(pen, facts, summary)
    lines = [line for line in facts.quote.lines if line.kind in {"charge", "credit"} and line.fraction]
    if not lines or not facts.quote.due_now:
        return None
    head = tongue.tell("How we worked out %(due)s", due=pen.money(facts.quote.due_now))
    if len(lines) == 1 and summary.kind == "more" and summary.paid_through and measured_share(lines[0]):
        return Working(head, _one_unit(pen, summary, lines[0]))
    sentences = [
        tongue.tell("%(thing)s: %(sum)s.", thing=teller.label(line), sum=formula(pen, line))
        for line in lines
        if formula(pen, line)
    ]
    if summary.paid_through and not phrases.moves(summary):
        sentences.insert(
            0,
            tongue.tell("%(ends)s.", ends=phrases.period_ends(pen, summary.interval(), pen.day(summary.paid_through))),
        )
    sentences.append(tongue.tell("Each line is rounded by itself."))
    return Working(head, tuple(sentences))


def _one_unit(pen: Pen, summary: Summary, line: Line) -> tuple[Markup, ...]:
    tongue = pen.tongue
    unit = phrases.unit_of(tongue, summary)
    measured = measured_share(line)
    if measured is None or line.interval is None or line.unit_price is None or summary.paid_through is None:
        return ()
    part, whole, of = measured
    length = (
        words.length(tongue, line.interval) if of == "month" else tongue.says("%(count)s day", "%(count)s days", whole)
    )
    costs = tongue.tell(
        "One %(unit)s costs %(price)s for %(length)s.", unit=unit.one, price=pen.money(line.unit_price), length=length
    )
    ends = phrases.period_ends(pen, summary.interval(), pen.day(summary.paid_through))
    if of == "month":
        left = tongue.tells(
            "%(ends)s, so you pay for the %(count)s month that is left: %(sum)s.",
            "%(ends)s, so you pay for the %(count)s months that are left: %(sum)s.", part, ends=ends, sum=formula(pen, line),
        )  # fmt: skip
    else:
        left = tongue.tells(
            "%(ends)s, so you pay for the %(count)s day that is left: %(sum)s.",
            "%(ends)s, so you pay for the %(count)s days that are left: %(sum)s.", part, ends=ends, sum=formula(pen, line),
        )  # fmt: skip
    if summary.quantity_before == 1:
        paid = tongue.tell("Your first %(unit)s is already paid until then and is not charged again.", unit=unit.one)
    else:
        paid = tongue.tell(
            "Your first %(units)s are already paid until then and are not charged again.",
            units=words.counted(tongue, unit, summary.quantity_before),
        )
    return costs, left, paid


def formula(pen: Pen, line: Line) -> Markup:
    """``$10.00 × 6 ÷ 12 = $5.00``; empty where the line was not made that way (discounts, credits over several payments)."""
    if line.fraction is None or line.unit_price is None:
        return Markup("")
    part, whole, _ = measured_share(line) or (*line.fraction, "")
    quantity = line.quantity or 1
    sign = -1 if line.kind == "credit" else 1
    if abs(sign * quantity * line.unit_price * part - line.amount * whole) > whole:
        return Markup("")
    times = f"{quantity} × " if quantity > 1 else ""
    minus = "−" if sign < 0 else ""
    return num(f"{minus}{times}{pen.plain(line.unit_price)} × {part} ÷ {whole} = {pen.plain(line.amount)}")


def share_span(tongue: Tongue, quote: Quote) -> str:
    """``Jul 1 to Dec 31, 2026``: what today's charge pays for; empty when its lines differ."""
    spans = {(line.start, line.end) for line in quote.lines if line.kind == "charge"}
    start, end = spans.pop() if len(spans) == 1 else (None, None)
    if start is None or end is None:
        return ""
    return tongue.span(start, end - timedelta(days=1))
