"""How a subscription is shown: in sentences for a person, in plain facts as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from app.billing.facts import Interval, Item, Lot, LotDiscount
from app.billing.schedule import local_day, zone_of
from app.billing.wording import english_day, english_money, english_span, per_words, percent, price_words
from app.cli.commands.common import say
from app.cli.commands.subscription_quote import day_or_none, renewal_label, row

if TYPE_CHECKING:
    from app.billing.rulebook import Policy, ProductFacts
    from app.cli.commands.subscription_reading import Standing
    from app.subscriptions.facts import CardFacts, Held

STATUSES = {
    "trialing": "in its trial", "active": "active", "past_due": "past due", "paused": "paused",
    "canceled": "cancelled", "expired": "expired",
}  # fmt: skip


def print_standing(found: Standing) -> None:
    held, policy = found.held, found.policy
    who = held.customer
    own = f" (yours: {held.external_ref})" if held.external_ref else ""
    say(f"{held.reference}{own}, {STATUSES[held.facts.status]}")
    row(f"{who.name or who.email} <{who.email}>, customer {who.number}", indent=0)
    for sentence in _standing_sentences(held):
        row(sentence, indent=0)
    for item in held.facts.items:
        say()
        _print_item(held, item, policy)
    say()
    _print_renewal(found)
    _print_scheduled(held)
    _print_cards(held)
    _print_ledger(found)


def _standing_sentences(held: Held) -> Iterator[str]:
    facts = held.facts
    if facts.ends_at_period_end:
        yield "It ends with its current period; no renewal follows."
    elif not facts.auto_renewal:
        yield "Auto-renewal is off: no renewal follows."
    if held.open_order is not None:
        yield "An order is not settled yet: `liftlink subscription history` names it."
    if facts.customer.unpaid_invoices:
        count = facts.customer.unpaid_invoices
        yield f"The customer has {count} unpaid invoice{'' if count == 1 else 's'}."
    if facts.balance:
        yield f"The customer's balance is {english_money(facts.balance, facts.currency)}."
    if held.owed:
        yield f"{english_money(held.owed, facts.currency)} of earlier changes is collected with the next renewal."


def _print_item(held: Held, item: Item, policy: Policy) -> None:
    zone = zone_of(held.book.timezone)
    start, end = local_day(item.period.start, zone), local_day(item.period.end, zone)
    facts = policy.catalog.get(item.product)
    row(
        f"Item {item.running_number}: {item.quantity} × {name_of(item.product, facts)}, {billed(item.interval)}",
        indent=0,
    )
    row(f"Current period {english_span(start, end - timedelta(1))}; billing day {item.anchor_day} of the month")
    if item.committed_until is not None:
        row(f"Committed until {english_day(local_day(item.committed_until, zone))}")
    for lot in item.lots:
        row(f"{lot_name(lot, item, facts)}: {lot_terms(lot, item, held.facts.currency)}")
    for feature in features_of(item, facts):
        row(feature)


def billed(interval: Interval) -> str:
    """``billed once a year``, ``billed every 3 months``."""
    return f"billed {'once ' if interval.count == 1 else ''}{per_words(interval)}"


def name_of(code: str, facts: ProductFacts | None) -> str:
    return f"{facts.name} ({code})" if facts is not None and facts.name != code else code


def lot_name(lot: Lot, item: Item, facts: ProductFacts | None) -> str:
    """The product, the option or the feature that the lot is of."""
    if facts is None:
        return lot.code
    if lot.kind == "option":
        option = facts.options.get(lot.code)
        return f"{option.name} ({lot.code})" if option else lot.code
    if lot.kind == "feature":
        feature = facts.features.get(lot.code)
        return f"{feature.name} ({lot.code})" if feature else lot.code
    return facts.name if lot.code in (item.product, "") else lot.code


def lot_terms(lot: Lot, item: Item, currency: str) -> str:
    """``2 × $40.00 a year, 20% off for 2 more renewals``."""
    price = price_words(lot.quantity, lot.unit_price, currency, item.interval)
    return f"{price}{', ' + discount_words(lot.discount, currency) if lot.discount else ''}"


def discount_words(discount: LotDiscount, currency: str) -> str:
    """What comes off and for how long."""
    if discount.percent is not None:
        what = f"{percent(discount.percent)}% off"
    elif discount.amount is not None:
        what = f"{english_money(discount.amount, currency)} off"
    else:
        what = f"at {english_money(discount.unit_price or 0, currency)} each"
    left = discount.periods_left
    if left is None:
        return f"{what} at every renewal"
    return f"{what} for {left} more renewal{'' if left == 1 else 's'}"


def features_of(item: Item, facts: ProductFacts | None) -> Iterator[str]:
    """What the product allows this item, what is included and what was bought together."""
    for code, feature in facts.features.items() if facts is not None else ():
        if not feature.active:
            continue
        steps = sum([lot.quantity for lot in item.lots if lot.kind == "feature" and lot.code == code])
        if feature.kind == "onoff":
            yield f"{feature.name} ({code}): {'on' if steps or feature.included else 'off'}"
            continue
        if feature.kind == "usage" and not feature.included:
            yield f"{feature.name} ({code}): bought as needed"
            continue
        allowed = feature.included + steps * feature.step
        bought = f", {steps * feature.step} of them bought" if steps else " included" if feature.included else ""
        yield f"{feature.name} ({code}): {allowed:,}{bought}"


def _print_renewal(found: Standing) -> None:
    renewal, currency = found.renewal, found.held.facts.currency
    row("Next billing date", day_or_none(renewal.date), indent=0)
    if renewal.date is None:
        return
    row("It then renews at", english_money(renewal.amount, currency), indent=0)
    for line in renewal.lines:
        row(renewal_label(line, currency), english_money(line.amount, currency))
    if renewal.tax:
        row(
            "Tax included" if found.policy.tax.inclusive else "Tax on top, at today's rate",
            english_money(renewal.tax, currency),
        )


def _print_scheduled(held: Held) -> None:
    waiting = held.scheduled
    if waiting is None:
        return
    say()
    row(
        f"Scheduled for {english_day(waiting.due_on)} (asked for on {english_day(waiting.created_at.date())}):",
        indent=0,
    )
    for sentence in item_sentences(waiting.after, held.facts.currency):
        row(sentence)
    if waiting.renewal_date is not None:
        row(f"Due on {english_day(waiting.renewal_date)}", english_money(waiting.renewal_amount, waiting.currency))
    for day, amount, _tax in waiting.later:
        row(f"Due on {english_day(day)}", english_money(amount, waiting.currency))
    row("Take it back with `liftlink subscription undo`.")


def item_sentences(items: tuple[Item, ...], currency: str) -> Iterator[str]:
    """``Item 1: 2 × crm-seat, billed once a year: 1 × $40.00, 1 × $10.00``, one a line."""
    for item in items:
        lots = ", ".join(_lot_in_short(lot, item, currency) for lot in item.lots)
        yield f"Item {item.running_number}: {item.quantity} × {item.product}, {billed(item.interval)}: {lots}"


def _lot_in_short(lot: Lot, item: Item, currency: str) -> str:
    what = f"{lot.code} " if lot.kind != "product" else ""
    off = f" ({discount_words(lot.discount, currency)})" if lot.discount else ""
    return f"{what}{lot.quantity} × {english_money(lot.unit_price, currency)}{off}"


def _print_cards(held: Held) -> None:
    say()
    if not held.cards:
        say("No card on file.")
        return
    say("Cards on file:")
    for card in held.cards:
        row(f"#{card.id} {card.brand} {card.last4}, expires {card.exp_month:02}/{card.exp_year}{_card_remarks(card)}")


def _card_remarks(card: CardFacts) -> str:
    remarks = [
        said
        for said, holds in (
            ("pays this subscription", card.pays),
            ("the customer's default", card.is_default),
            ("never to be tried again", card.blocked),
            ("of one cart only", card.cart_session is not None),
        )
        if holds
    ]
    return f" ({', '.join(remarks)})" if remarks else ""


def _print_ledger(found: Standing) -> None:
    say()
    currency = found.held.facts.currency
    if not found.ledger:
        say("The ledger is empty: nothing was paid for so far.")
        return
    say("Paid for so far (rows: `liftlink subscription history --ledger`):")
    for each in found.ledger:
        credit = f" less {english_money(-each.credited, currency)} credited" if each.credited else ""
        span = english_span(each.start, each.end - timedelta(1))
        rows = f"{each.rows} row{'' if each.rows == 1 else 's'}"
        row(f"Item {each.item}, {span}, {rows}{credit}", english_money(each.paid + each.credited, currency))
