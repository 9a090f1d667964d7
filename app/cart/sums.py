"""The ledgers: today and at each renewal. Every figure is the quote's; nothing is computed."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from app.billing.result import Quote
from app.billing.wording import says_something
from app.cart import naming, phrases, words
from app.cart.lines import LineTeller
from app.cart.pen import Pen, joined, num, words_of_card
from app.cart.summary import RenewalRow, Summary
from app.cart.views import CartFacts
from app.web.i18n import Tongue


class Row(NamedTuple):
    """One line of a ledger."""

    label: str | Markup
    amount: str
    why: str | Markup = ""
    total: bool = False


class Ledger(NamedTuple):
    caption: str | Markup
    rows: tuple[Row, ...]


def today(pen: Pen, facts: CartFacts, summary: Summary) -> Ledger:
    """Line by line what is due now; credits are negative, tax is always told where there is anything to tax."""
    quote, tongue = facts.quote, pen.tongue
    teller = LineTeller(pen, facts, summary)
    rows = [
        Row(teller.label(line), pen.plain(line.amount), pen.why(line))
        for line in quote.lines
        if line.kind != "tax" and says_something(line)
    ]
    if rows and not quote.tax_rate.inclusive:
        rows += _taxes(pen, quote)
    rows += _adjustments(pen, facts)
    rows.append(Row(tongue.say("Due today"), pen.plain(quote.due_now), _under_total(pen, facts), total=True))
    return Ledger(tongue.say("Today"), tuple(rows))


def _under_total(pen: Pen, facts: CartFacts) -> Markup | str:
    tongue, quote = pen.tongue, facts.quote
    if quote.tax_rate.inclusive and quote.lines:
        if _several_rates(facts):
            return tongue.tell("Includes %(tax)s VAT, at several rates", tax=pen.money(quote.tax))
        percent = num(tongue.percent(quote.tax_rate.rate))
        return tongue.tell("Includes %(percent)s VAT, %(tax)s", percent=percent, tax=pen.money(quote.tax))
    if quote.effective_on is not None:
        return tongue.tell("The change is made on %(date)s", date=pen.day(quote.effective_on))
    return ""


def _several_rates(facts: CartFacts) -> bool:
    """Whether the lines are taxed at more than one rate; then no single percentage is true."""
    lines, held = {line.item for line in facts.quote.lines}, facts.subscription.facts.items
    products = {item.product for item in (*held, *facts.quote.after) if item.running_number in lines}
    rate = facts.quote.tax_rate
    return len({facts.taxes.get(product, rate).rate for product in products}) > 1


def _taxes(pen: Pen, quote: Quote) -> list[Row]:
    """Tax on top, a row for each rate. Without tax there is no line for it, and the cart says so."""
    said = pen.tongue.say("Sales tax")
    label = quote.tax_rate.label.strip()
    taxed = [line for line in quote.lines if line.kind == "tax"]
    if not taxed:
        percent = pen.tongue.percent(quote.tax_rate.rate)
        own = label.casefold() in {"", "sales tax", said.casefold()}
        return [Row(said, pen.plain(quote.tax), percent if own else f"{label}, {percent}")]
    rows: list[Row] = []
    for line in taxed:
        # A rate's label is told unless it is the row's own.
        own = (line.name or "").strip().casefold() in {"", "sales tax", said.casefold()}
        rows.append(Row(said, pen.plain(line.amount), pen.why(line._replace(name=None) if own else line)))
    return rows


def _adjustments(pen: Pen, facts: CartFacts) -> list[Row]:
    """What stands between the lines' sum and what is due."""
    tongue, quote = pen.tongue, facts.quote
    rows: list[Row] = []
    if quote.balance_used:
        left = facts.subscription.facts.balance + quote.balance_used
        why = (
            tongue.tell("%(amount)s of it is left", amount=pen.money(left))
            if left
            else tongue.tell("All of it is used")
        )
        rows.append(Row(tongue.say("Your balance"), pen.plain(quote.balance_used), why))
    if quote.waived:
        why = tongue.say("The seller does not collect amounts this small")
        rows.append(Row(tongue.say("Too small to charge"), pen.plain(-quote.waived), why))
    if quote.deferred:
        why = tongue.say("Too small to charge by itself, so it is collected together with the renewal")
        rows.append(Row(tongue.say("Moved to your next renewal"), pen.plain(-quote.deferred), why))
    if quote.refunded:
        rows += _given_back(pen, facts)
    if quote.credited:
        label = tongue.tell("Credit of %(amount)s, taken off your next renewal", amount=pen.money(quote.credited))
        rows.append(Row(label, pen.plain(quote.credited), tongue.say("Added to your balance")))
    elif quote.unbounded_total < 0 and not quote.refunded:
        rows.append(Row(tongue.say("Unused credit, not paid out"), pen.plain(-quote.unbounded_total)))
    return rows


def _given_back(pen: Pen, facts: CartFacts) -> list[Row]:
    """A row for each card that money goes back to."""
    tongue, why = pen.tongue, phrases.back_by(pen.tongue)
    if not facts.gives_back:
        return [Row(tongue.say("We give back to the card that you paid with"), pen.plain(facts.quote.refunded), why)]
    return [
        Row(
            tongue.tell("We give back to your %(card)s", card=words_of_card(tongue, one.brand, one.last4)),
            pen.plain(one.amount), why,
        )
        for one in facts.gives_back
    ]  # fmt: skip


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
    rows.append(Row(tongue.say("Renewal total"), pen.plain(summary.renewal), _under_renewal(pen, summary), total=True))
    return Ledger(caption, tuple(rows))


def _under_renewal(pen: Pen, summary: Summary) -> Markup:
    tongue = pen.tongue
    said = [tongue.say("Tax included") if summary.tax_included else tongue.say("Plus any tax that applies on the day")]
    if summary.deferred:
        said.append(
            tongue.tell("%(amount)s of today is collected with the first renewal", amount=pen.money(summary.deferred))
        )
    if summary.credited:
        said.append(tongue.tell("Your credit of %(amount)s is taken off first", amount=pen.money(summary.credited)))
    return Markup(". ").join(said)


def row_label(tongue: Tongue, summary: Summary, row: RenewalRow) -> str:
    """``Second seat``, ``24-hour support``, ``CRM Pro``."""
    unit = words.unit_words(row.unit, tongue.language) if row.unit else phrases.unit_of(tongue, summary)
    if row.first and summary.by_position:
        return words.capital(words.positions(tongue, unit, row.first, row.quantity))
    if row.counted and row.quantity > 0:
        return words.capital(naming.counted_name(tongue, row.name, row.quantity))
    if row.quantity > 1:
        return tongue.say("%(name)s, %(units)s", name=row.name, units=words.counted(tongue, unit, row.quantity))
    return words.capital(row.name)


def _row_why(pen: Pen, row: RenewalRow) -> Markup | str:
    """How long a discount lasts; a regular price only beside a lower one that is kept, in words."""
    tongue = pen.tongue
    if row.periods:
        return tongue.tells(
            "%(price)s for %(count)s renewal, then %(later)s", "%(price)s for %(count)s renewals, then %(later)s",
            row.periods, price=pen.money(row.amount), later=pen.money(row.later),
        )  # fmt: skip
    if row.discount:
        return tongue.tell("Discount of %(amount)s, kept at every renewal", amount=pen.money(-row.discount))
    if row.added and row.list_price is not None and row.unit_price < row.list_price:
        return joined(
            tongue.tell("Offer price, kept at every renewal. Regular price %(price)s.", price=pen.money(row.list_price))
        )
    return ""
