"""``quote``: a change of a subscription, priced at an instant. Pure; the one place where an amount is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TypeVar

from app.billing.alignments import ALIGNMENTS, EFFECTIVES, TRIALS, Way, later
from app.billing.eligibility import Considered, judge, locked_from, trial_rule
from app.billing.errors import CaseError
from app.billing.facts import Change, Item, Subscription
from app.billing.measures import DayMeasure, measure_of
from app.billing.plan import changed_quantity, make_plan, new_item
from app.billing.pricing import ItemPricing
from app.billing.renewals import later_renewals, next_date, renewal_of
from app.billing.result import Line, Quote
from app.billing.rounding import ROUNDINGS
from app.billing.rulebook import MOST_AMOUNT, MOST_QUANTITY, Policy
from app.billing.rules import INSTEAD, RULES
from app.billing.schedule import midnight, zone_of
from app.billing.totals import Sums, bases, settle, tax_lines, taxed, unpaid_rows
from app.billing.vocabulary import check_known, check_priced

QUOTE_LIFE = timedelta(minutes=60)
T = TypeVar("T")


def quote(subscription: Subscription, change: Change | Sequence[Change], policy: Policy, at: datetime) -> Quote:
    """Price ``change`` at ``at``, line by line, with the subscription and the ledger as they will be.

    A change that may not be bought is priced all the same; ``eligibility`` says why not. Several changes make one total,
    each of another item; ``policy.each`` then holds their own rules. ``CaseError`` names a fact that is missing or
    contradicts another; ``NotSupported`` a value that is not priced yet.
    """
    check_priced("policy.negative", policy.negative)
    changes = (change,) if isinstance(change, Change) else change
    try:
        if len(changes) == 1:
            rules = policy.each[0] if policy.each else policy
            pricings = [_priced(subscription, changes[0], rules, at, subscription.items)]
            after = _after(subscription.items, pricings[0])
        else:
            pricings, after = _priced_together(subscription, changes, policy, at)
        return _summed(subscription, pricings, after, policy, at)
    except OverflowError:
        raise CaseError("change.interval", "reaches beyond the year 9999") from None


def valid_until(subscription: Subscription, policy: Policy, at: datetime) -> datetime:
    """Until when a quote made at ``at`` may be confirmed: 60 minutes, the end of the local day, or the lock window."""
    zone = zone_of(policy.timezone)
    ends = [at + QUOTE_LIFE, midnight(at.astimezone(zone).date() + timedelta(1), zone)]
    locked = locked_from(subscription, policy)
    if locked is not None and locked > at:
        ends.append(locked)
    return min(ends).astimezone(at.tzinfo)


def _priced_together(
    subscription: Subscription, changes: Sequence[Change], policy: Policy, at: datetime
) -> tuple[list[ItemPricing], tuple[Item, ...]]:
    """One change after the other, each on the items as the ones before leave them; no item is changed twice."""
    if not changes:
        raise CaseError("change", "names no change")
    if policy.each and len(policy.each) != len(changes):
        raise CaseError("policy", "each change needs its own rules, or all of them the same")
    pricings: list[ItemPricing] = []
    items, touched = subscription.items, set[int]()
    for index, change in enumerate(changes):
        rules = policy.each[index] if policy.each else policy
        try:
            pricing = _priced(subscription, change, rules, at, items)
        except CaseError as error:
            raise _at_change(error, index) from error
        numbers = {pricing.plan.item.running_number}
        if pricing.moved is not None:
            numbers.add(pricing.moved.running_number)
        if numbers & touched:
            raise CaseError(f"change[{index}].item", "is changed twice; put what is wanted into one change")
        touched |= numbers
        pricings.append(pricing)
        items = _after(items, pricing)
    if len({one.change.effective == "next_billing" for one in pricings}) > 1:
        raise CaseError("change", "what is made now and what waits for the next billing are quotes of their own")
    return pricings, items


def _at_change(error: CaseError, index: int) -> CaseError:
    field = error.field.replace("change", f"change[{index}]", 1) if error.field.startswith("change") else error.field
    error.field = field
    error.details["field"] = field
    return error


def _priced(
    subscription: Subscription, change: Change, policy: Policy, at: datetime, items: tuple[Item, ...]
) -> ItemPricing:
    """One change: its plan, its price rule, and the way that its dates go."""
    joined = None
    if change.item is None:
        joined = _joined(change, items or subscription.items)
        given = [item.running_number for item in (*subscription.items, *items)]
        number = max([subscription.last_item, *given]) + 1
        item = new_item(change, joined, number, policy)
        change = changed_quantity(change)
    else:
        item = _item(change.item, items, "change.item")
        if change.align_with is not None:
            raise CaseError("change.align_with", "goes with an item that is added")
    if change.quantity is not None:
        _check_quantity(change.quantity, joined)
    path = policy.path
    rule = change.price_rule or (path and path.price_rule) or "prorated_difference"
    rule = INSTEAD.get((rule, change.effective), rule)
    way = _way(subscription, change, policy)
    plan = make_plan(item, change, policy)
    paid = item.entitlements is not None or subscription.status != "trialing"
    measure = measure_of(policy.basis, policy.timezone)
    pricing = _table(RULES, "change.price_rule", rule)(
        plan, change, policy, measure, at, change.currency or subscription.currency, paid, joined
    )
    way(pricing)
    return pricing


def _check_quantity(quantity: int, joined: Item | None) -> None:
    if quantity < (1 if joined else 0):
        raise CaseError("change.quantity", f"must be a whole number ≥ {1 if joined else 0}")
    if quantity > MOST_QUANTITY:
        raise CaseError("change.quantity", f"must be at most {MOST_QUANTITY}")


def _way(subscription: Subscription, change: Change, policy: Policy) -> Way:
    """How the dates go: the trial's rule, else what takes effect when, else the alignment of the change or its path."""
    alignment = change.alignment or (policy.path and policy.path.alignment) or "shorten_new"
    way = _table(ALIGNMENTS, "change.alignment", alignment)
    if change.effective != "now":
        way = _table(EFFECTIVES, "change.effective", change.effective)
        if change.item is None and way is not later:
            raise CaseError("change.effective", "an item that is added has no renewal to bring forward")
    if subscription.status == "trialing" and way is not later:
        rule = check_known("path.trial", trial_rule(policy))
        return TRIALS.get(rule, way)
    return way


def _table(table: dict[str, T], field: str, name: str) -> T:
    if name not in table:
        check_known(field, name)
    return table[name]


def _item(number: int, items: tuple[Item, ...], field: str) -> Item:
    for item in items:
        if item.running_number == number:
            return item
    raise CaseError(field, f"the subscription has no item {number}", "item_unknown", item=number)


def _joined(change: Change, items: tuple[Item, ...]) -> Item:
    """The item whose dates a new one takes: the one that is named, else the one that ends last."""
    if change.align_with is not None:
        return _item(change.align_with, items, "change.align_with")
    if not items:
        raise CaseError("change.align_with", "the subscription has no item to join")
    return max(items, key=lambda item: (item.period.end, -item.running_number))


def _after(items: tuple[Item, ...], pricing: ItemPricing) -> tuple[Item, ...]:
    """The items once this change is made."""
    changed, moved = pricing.plan.item, pricing.moved
    after: list[Item] = []
    for item in items:
        if item is changed:
            if pricing.after is not None:
                after.append(pricing.after)
        else:
            after.append(moved if moved is not None and item.running_number == moved.running_number else item)
    if pricing.joined is not None and pricing.after is not None:
        after.append(pricing.after)
    return tuple(after)


def _summed(
    subscription: Subscription, pricings: list[ItemPricing], after: tuple[Item, ...], policy: Policy, at: datetime
) -> Quote:
    """One total over all changes, judged and with the renewal that follows."""
    first = pricings[0]
    rounding, measure, currency = ROUNDINGS[policy.rounding], first.measure, first.currency
    credit = charge = discount = 0
    lines: tuple[Line, ...] = ()
    for pricing in pricings:
        for line in pricing.charges:
            if line.kind == "discount":
                discount += line.amount
            else:
                charge += line.amount
        credit += sum([line.amount for line in pricing.credits])
        lines += (*pricing.charges, *pricing.credits)
    subtotal = credit + charge + discount
    total, tax = subtotal, 0
    if policy.tax.rate or policy.taxes:
        # Most quotes have one rate, which is that of their total.
        amounts = _by_product(pricings) if policy.taxes else [("", subtotal)]
        taxes = taxed(amounts, policy, rounding)
        tax = sum([one for _, one in taxes])
        added = tax_lines(taxes, currency, bases(amounts, policy) if len(taxes) > 1 else {})
        total += sum([line.amount for line in added])
        lines += added
    due = settle(total, subscription.balance, policy, subscription.refundable)
    eligibility = judge([Considered(subscription, one, at) for one in pricings], policy, total, due.due_now)
    fresh = {(one.plan.item.running_number, lot.number) for one in pricings for lot in one.plan.added}
    before = next_date(subscription, subscription.items, measure)
    renewal = renewal_of(subscription, after, policy, measure, rounding, fresh)
    later = () if len(after) == 1 else later_renewals(renewal, after, policy, measure, rounding, fresh)
    most = max([one.amount + one.tax for one in (renewal, *later)]) if later else renewal.amount + renewal.tax
    if charge > MOST_AMOUNT or total > MOST_AMOUNT or most > MOST_AMOUNT:
        raise CaseError("change", "comes to more than can be charged", "amount_too_large")
    effective = first.change.effective
    if len(pricings) > 1 and any(one.change.effective != effective for one in pricings):
        effective = "now"
    on = _effective_on(pricings) if effective == "next_billing" else None
    rows = first.rows if len(pricings) == 1 else [row for pricing in pricings for row in pricing.rows]
    moves = first.moves if len(pricings) == 1 else [row for pricing in pricings for row in pricing.moves]
    return Quote(
        eligibility, currency, policy.timezone, at, lines, credit, charge, discount, subtotal, tax, policy.tax, total,
        due.balance_used, due.waived, due.deferred, due.due_now, before, renewal.date, renewal, after, (*rows, *moves),
        due.credited, effective, on, later, unpaid_rows(rows, due, subtotal, total), refunded=due.refunded,
    )  # fmt: skip


def _by_product(pricings: list[ItemPricing]) -> Sums:
    """What is charged and credited with the product that it is charged and credited for."""
    amounts: Sums = []
    for pricing in pricings:
        plan, joined = pricing.plan, pricing.joined
        for line in pricing.charges:
            of = joined if joined is not None and line.item == joined.running_number else plan
            amounts.append((of.product, line.amount))
        amounts += [(plan.item.product, line.amount) for line in pricing.credits]
    return amounts


def _effective_on(pricings: list[ItemPricing]) -> date:
    """The day on which the first of the changes is made: each is made on its own item's next date."""
    measure: DayMeasure = pricings[0].measure
    return min([measure.day(measure.point(pricing.plan.item.period.end)) for pricing in pricings])
