"""The explanation that unfolds: how what is due was worked out. Every figure is the quote's; nothing is computed."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from app.billing.result import Line, Quote
from app.billing.wording import says_something
from app.cart import phrases, words
from app.cart.lines import LineTeller, measured_share
from app.cart.pen import Pen, joined, num
from app.cart.summary import Summary
from app.cart.views import CartFacts


class Working(NamedTuple):
    """The unfolding explanation of what is due."""

    summary: Markup
    sentences: tuple[Markup, ...]


def working(pen: Pen, facts: CartFacts, summary: Summary) -> Working | None:
    """How what is due came about, each line by the sentence that the command line prints; None when there are no lines."""
    tongue = pen.tongue
    teller = LineTeller(pen, facts, summary)
    lines = [line for line in facts.quote.lines if line.kind != "tax" and says_something(line)]
    if not any(line.fraction and line.kind in {"charge", "credit"} for line in lines):
        return None
    head = tongue.tell("How we worked out %(due)s", due=pen.money(facts.quote.due_now))
    simple = len(lines) == 1 and lines[0].kind == "charge" and lines[0].rule is None
    if (
        simple
        and summary.kind == "more"
        and summary.paid_through
        and not phrases.moves(summary)
        and measured_share(lines[0])
    ):
        return Working(head, (joined(*_one_unit(pen, summary, lines[0])), *_to_due(pen, facts.quote)))
    sentences = [_line(pen, teller, line) for line in lines]
    if len(lines) > 1:
        sentences.append(tongue.tell("Each line is rounded by itself."))
    return Working(head, (*sentences, *_to_due(pen, facts.quote)))


def _to_due(pen: Pen, quote: Quote) -> tuple[Markup, ...]:
    """From the lines' sum to what is due: ``Sales tax: $1.00. Your balance: −$12.00. Due today: $9.00.``

    Empty where the lines' sum is what is due.
    """
    tongue = pen.tongue
    steps = [
        (tongue.say("Sales tax"), 0 if quote.tax_rate.inclusive else quote.tax),
        (tongue.say("Your balance"), quote.balance_used),
        (tongue.say("Too small to charge"), -quote.waived),
        (tongue.say("Moved to your next renewal"), -quote.deferred),
        (tongue.say("Added to your balance"), quote.credited),
        (tongue.say("We give back"), quote.refunded),
        (tongue.say("Unused credit, not paid out"), max(0, -quote.unbounded_total) if _is_unused(quote) else 0),
    ]
    told = [(label, amount) for label, amount in steps if amount]
    if not told:
        return ()
    told.append((tongue.say("Due today"), quote.due_now))
    return (
        joined(*(tongue.tell("%(what)s: %(amount)s.", what=label, amount=pen.money(amount)) for label, amount in told)),
    )


def _is_unused(quote: Quote) -> bool:
    return not quote.credited and not quote.refunded


def _line(pen: Pen, teller: LineTeller, line: Line) -> Markup:
    """``CRM Pro. Jul 1 to Dec 31, 2026: 6 of 12 months at $100.00 a year. $100.00 × 6 ÷ 12 = $50.00.``"""
    values = {"thing": words.capital(teller.label(line)), "why": pen.why(line)}
    sum_ = formula(pen, line)
    if sum_:
        return pen.tongue.tell("%(thing)s. %(why)s. %(sum)s.", **values, sum=sum_)
    return pen.tongue.tell("%(thing)s. %(why)s.", **values)


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
    if line.fraction is None or line.unit_price is None or line.rule or line.kind in {"discount", "carry_over"}:
        return Markup("")
    part, whole, _ = measured_share(line) or (*line.fraction, "")
    if part == whole:
        return Markup("")
    quantity = line.quantity or 1
    sign = -1 if line.kind == "credit" else 1
    if abs(sign * quantity * line.unit_price * part - line.amount * whole) > whole:
        return Markup("")
    times = f"{quantity} × " if quantity > 1 else ""
    minus = "−" if sign < 0 else ""
    return num(f"{minus}{times}{pen.plain(line.unit_price)} × {part} ÷ {whole} = {pen.plain(line.amount)}")
