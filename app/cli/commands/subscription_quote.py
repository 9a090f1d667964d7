"""A change priced for somebody at a terminal: the cart's sentences, then the sums in the order in which they are made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from app.billing.case import answer
from app.billing.wording import english_day, english_money, explain, label, price_words, says_something
from app.cli.commands.common import say, shown

if TYPE_CHECKING:
    from datetime import datetime

    from app.billing.outlook import Outlook
    from app.billing.result import Quote, Renewal, RenewalLine
    from app.subscriptions.facts import Held

NARROW, WIDE = 40, 100
REMEDIES = {
    "add_card": "The customer adds a card in the cart, or you import one.",
    "buy_again": "The customer buys a new subscription.",
    "choose_again": "Choose what the catalog offers: `liftlink subscription show` tells what is held.",
    "contact": "Your own rules say so: see the policy, the catalog and its upgrade paths.",
    "finish_other_change": "Wait for the other change, or take a scheduled one back: `liftlink subscription undo`.",
    "pay_invoices": "The customer pays the invoices first.",
    "resume": "The subscription has to be resumed first.",
    "try_later": "Try again after the renewal.",
    "wait": "Wait until the commitment is over, or change at that date.",
    "wait_for_trial_end": "Wait until the trial is over.",
}
"""What can be done about a refusal, said to the merchant; the shopper's own words are the cart's."""


def width() -> int:
    return max(NARROW, min(get_terminal_size().columns, WIDE))


def row(text: str, amount: str = "", *, indent: int = 2) -> None:
    """A text with its amount at the right edge; what is too long goes on below itself."""
    room = width() - indent - (len(amount) + 2 if amount else 0)
    hang = "  " if indent else ""
    first, *more = wrap(text, room, subsequent_indent=hang, break_on_hyphens=False) or [""]
    edge = width() - indent
    say(" " * indent + (f"{first:<{edge - len(amount)}}{amount}" if amount else first))
    for line in more:
        say(" " * indent + line)


def day_or_none(day: date | None) -> str:
    return english_day(day) if day is not None else "none"


def print_quote(held: Held, quote: Quote, valid_until: datetime | None, days: tuple[Outlook, ...]) -> None:
    """Everything a quote says. ``valid_until`` None: it was priced for another instant and cannot be confirmed."""
    who = held.customer.name or held.customer.email
    say(f"{held.reference}, {who}: priced at {shown(quote.at)}")
    say()
    print_lines(quote)
    for text, amount in sums(quote):
        row(text, amount)
    say()
    print_what_follows(quote)
    if days:
        say()
        say("What it would cost on another day:")
        for each in days:
            row(english_day(each.day), english_money(each.due, quote.currency))
    say()
    print_eligibility(held, quote)
    if quote.eligibility.ok and valid_until is not None:
        say(f"This figure stands until {shown(valid_until)}.")


def print_lines(quote: Quote) -> None:
    """Label and amount as on the cart, with the sentence that explains it below."""
    for line in filter(says_something, quote.lines):
        row(label(line), english_money(line.amount, quote.currency))
        row(explain(line), indent=4)
    if not quote.lines:
        row("Nothing is charged for the change itself." if quote.effective == "now" else "Nothing is charged today.")


def sums(quote: Quote) -> Iterator[tuple[str, str]]:
    """Lines, tax, what is below zero, balance, minimum charge, due: each step that changed something."""

    def told(minor: int) -> str:
        return english_money(minor, quote.currency)

    rate = quote.tax_rate
    if len(quote.lines) > 1 or quote.tax:
        yield "Sum of the lines", told(quote.subtotal)
    if rate.inclusive:
        yield "Tax included", told(quote.tax)
    elif quote.tax:
        yield "Tax", told(quote.tax)
    elif not rate.found:
        yield "No tax rate for this customer's country: none is added", told(0)
    if quote.refunded:
        yield "Given back to the cards that paid", told(quote.refunded)
    if quote.credited:
        yield "To the customer's balance", told(quote.credited)
    elif not quote.refunded and quote.unbounded_total < 0:
        yield "Unused credit, not paid out", told(-quote.unbounded_total)
    if quote.balance_used:
        yield "From the credit balance", told(quote.balance_used)
    if quote.waived:
        yield "Too small to charge, waived", told(-quote.waived)
    if quote.deferred:
        yield "Moved to the next renewal", told(-quote.deferred)
    yield "Due today", told(quote.due_now)


def print_what_follows(quote: Quote) -> None:
    if quote.effective_on is not None:
        row("Takes effect", english_day(quote.effective_on), indent=0)
    before, after = quote.next_billing_before, quote.next_billing_date
    moved = f" (until now {day_or_none(before)})" if before != after else ""
    row(f"Next billing date{moved}", day_or_none(after), indent=0)
    if quote.renewal.date is None:
        row("No renewal follows.", indent=0)
        return
    for renewal in (quote.renewal, *quote.later):
        print_renewal(quote, renewal)


def print_renewal(quote: Quote, renewal: Renewal) -> None:
    """What falls due on that day, lot by lot."""
    if renewal.date is None:
        return
    row(f"Renewal on {english_day(renewal.date)}", english_money(renewal.amount, quote.currency), indent=0)
    for line in renewal.lines:
        row(renewal_label(line, quote.currency), english_money(line.amount, quote.currency))
    if renewal.tax:
        how = "included" if quote.tax_rate.inclusive else "on top, at today's rate"
        row(f"Tax, {how}", english_money(renewal.tax, quote.currency))


def renewal_label(line: RenewalLine, currency: str) -> str:
    """``CRM Standard, 2 × $40.00 a year (added), less $10.00``."""
    price = price_words(line.quantity, line.unit_price, currency, line.interval)
    added = " (added)" if line.added else ""
    less = f", less {english_money(-line.discount, currency)}" if line.discount else ""
    return f"{line.name}, {price}{less}{added}"


def print_eligibility(held: Held, quote: Quote) -> None:
    eligibility = quote.eligibility
    if eligibility.ok:
        say("This change can be made.")
        return
    row(f"Refused: {eligibility.message} [{eligibility.code}]", indent=0)
    if eligibility.code == "change_in_progress" and held.scheduled is not None:
        row(f"A change is scheduled for {english_day(held.scheduled.due_on)}.", indent=0)
    remedy = REMEDIES.get(eligibility.remedy or "")
    if remedy:
        row(remedy, indent=0)
    if eligibility.remedy_url:
        say(eligibility.remedy_url)


def quote_facts(held: Held, quote: Quote, valid_until: datetime | None, days: tuple[Outlook, ...]) -> dict[str, Any]:
    """The answer of ``liftlink quote`` with what only a stored subscription has."""
    facts = answer(quote)
    if not quote.eligibility.ok:
        facts["eligibility"]["remedy"]["text"] = REMEDIES.get(quote.eligibility.remedy or "")
    told: dict[str, Any] = {
        "subscription": held.reference,
        "at": quote.at,
        "valid_until": valid_until,
        **facts,
        "next_billing_before": quote.next_billing_before and quote.next_billing_before.isoformat(),
    }
    told["renewal"]["lines"] = [renewal_fact(line, quote.currency) for line in quote.renewal.lines]
    for one, later in zip(told["later_renewals"], quote.later, strict=True):
        one["lines"] = [renewal_fact(line, quote.currency) for line in later.lines]
    if days:
        told["outlook"] = [{"day": each.day.isoformat(), "due": _printed(each.due, quote)} for each in days]
    return told


def renewal_fact(line: RenewalLine, currency: str) -> dict[str, Any]:
    from app.kit.money import format_minor

    return {
        "item": line.item,
        "kind": line.kind,
        "code": line.code,
        "label": renewal_label(line, currency),
        "quantity": line.quantity,
        "unit_price": format_minor(line.unit_price, currency),
        "discount": format_minor(line.discount, currency),
        "amount": format_minor(line.amount, currency),
        "added": line.added,
    }


def _printed(minor: int, quote: Quote) -> str:
    from app.kit.money import format_minor

    return format_minor(minor, quote.currency)
