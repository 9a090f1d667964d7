"""``quote``: a change of a subscription, priced at an instant. Pure; the one place where an amount is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from app.billing.credits import assumed_payment, pinned
from app.billing.discounts import off
from app.billing.eligibility import Considered, judge, locked_from, trial_rule
from app.billing.errors import CaseError, NotSupported
from app.billing.facts import Change, Item, Policy, Subscription
from app.billing.measures import DayMeasure, measure_of
from app.billing.plan import make_plan
from app.billing.pricing import ALIGNMENTS, ItemPricing
from app.billing.result import Line, Quote, Renewal, RenewalLine
from app.billing.rounding import ROUNDINGS, Rounding
from app.billing.schedule import midnight, zone_of
from app.billing.taxes import tax_on
from app.billing.vocabulary import check_priced

QUOTE_LIFE = timedelta(minutes=60)


def quote(subscription: Subscription, change: Change | Sequence[Change], policy: Policy, at: datetime) -> Quote:
    """Price ``change`` at ``at``, line by line, with the subscription and the ledger as they will be.

    A change that may not be bought is priced all the same; ``eligibility`` says why not. ``CaseError`` names a fact that is
    missing or contradicts another; ``NotSupported`` a value that is not priced yet.
    """
    one = _only(change)
    item = _item(subscription, one)
    alignment = _rules(subscription, one, policy)
    measure = measure_of(policy.basis, policy.timezone)
    plan = make_plan(item, one, policy)
    paid = item.entitlements is not None or subscription.status != "trialing"
    pricing = ItemPricing(plan, one, policy, measure, at, subscription.currency, paid)
    ALIGNMENTS[alignment](pricing)

    credit = sum([line.amount for line in pricing.credits])
    charge = discount = 0
    for line in pricing.charges:
        if line.kind == "charge":
            charge += line.amount
        else:
            discount += line.amount
    subtotal = credit + charge + discount
    tax = tax_on(subtotal, policy.tax, pricing.round)
    lines = (*pricing.charges, *pricing.credits)
    total = subtotal
    if not policy.tax.inclusive and tax:
        total += tax
        lines += (_tax_line(tax, subscription.currency, policy),)
    due = max(total, 0)
    eligibility = judge(Considered(subscription, plan, one, policy, at, total, due))

    after = tuple([_replaced(other, item, pricing.after) for other in subscription.items])
    items = tuple([other for other in after if other is not None])
    before = _next_date(subscription, subscription.items, measure)
    renewal = _renewal(subscription, items, policy, measure, pricing)
    return Quote(
        eligibility, subscription.currency, policy.timezone, at, lines, credit, charge, discount, subtotal, tax,
        policy.tax, total, 0, 0, 0, due, before, renewal.date, renewal, items, tuple(pricing.rows),
    )  # fmt: skip


def valid_until(subscription: Subscription, policy: Policy, at: datetime) -> datetime:
    """Until when a quote made at ``at`` may be confirmed: 60 minutes, the end of the local day, or the lock window."""
    zone = zone_of(policy.timezone)
    ends = [at + QUOTE_LIFE, midnight(at.astimezone(zone).date() + timedelta(1), zone)]
    locked = locked_from(subscription, policy)
    if locked is not None and locked > at:
        ends.append(locked)
    return min(ends).astimezone(at.tzinfo)


def apply_quote(subscription: Subscription, made: Quote, policy: Policy) -> Subscription:
    """The subscription once the quote is paid: its items as they will be, each with its ledger and the new rows."""
    rounding = ROUNDINGS[policy.rounding]
    measure = measure_of(policy.basis, policy.timezone)
    held = {item.running_number: item for item in subscription.items}
    items: list[Item] = []
    for item in made.after:
        before = held[item.running_number]
        if before.entitlements is None:
            rows = tuple(assumed_payment(lot, before, measure, rounding) for lot in before.lots)
        else:
            rows = pinned(before, rounding)
        added = tuple(row for row in made.entitlements if row.item == item.running_number)
        items.append(replace(item, entitlements=rows + added))
    return replace(subscription, items=tuple(items))


def _only(change: Change | Sequence[Change]) -> Change:
    if isinstance(change, Change):
        return change
    if len(change) != 1:
        raise NotSupported("change", f"a list of {len(change)} changes")
    return change[0]


def _item(subscription: Subscription, change: Change) -> Item:
    if change.item is None:
        raise NotSupported("change.item", "null (a new item)")
    for item in subscription.items:
        if item.running_number == change.item:
            return item
    raise CaseError("change.item", f"the subscription has no item {change.item}", "item_unknown", item=change.item)


def _rules(subscription: Subscription, change: Change, policy: Policy) -> str:
    """Refuse by name what is not priced yet; the alignment that applies: the change's, the path's, the default."""
    path = policy.path
    check_priced("policy.basis", policy.basis)
    check_priced("policy.negative", policy.negative)
    if policy.minimum_charge is not None:
        raise NotSupported("policy.minimum_charge", policy.minimum_charge.below)
    if subscription.balance:
        raise NotSupported("balance", "a balance other than 0")
    check_priced("change.effective", change.effective)
    check_priced("change.price_rule", change.price_rule or (path and path.price_rule) or "prorated_difference")
    for option in change.options or ():
        if "=" in option:
            raise NotSupported("change.options", option)
    if change.quantity is not None and change.quantity < 0:
        raise CaseError("change.quantity", "must be a whole number ≥ 0")
    alignment = change.alignment or (path and path.alignment) or "shorten_new"
    check_priced("change.alignment", alignment)
    if subscription.status == "trialing":
        rule = trial_rule(policy)
        check_priced("path.trial", rule)
        if rule == "end_trial":
            return "reset"
    return alignment


def _replaced(other: Item, item: Item, after: Item | None) -> Item | None:
    return after if other is item else other


def _tax_line(tax: int, currency: str, policy: Policy) -> Line:
    return Line("tax", tax, currency, name=policy.tax.label, rate=policy.tax.rate)


def _next_date(subscription: Subscription, items: tuple[Item, ...], measure: DayMeasure) -> date | None:
    """The earliest next billing date; None where no renewal follows."""
    if not items or not subscription.auto_renewal or subscription.status in ("canceled", "expired"):
        return None
    end = items[0].period.end if len(items) == 1 else min([item.period.end for item in items])
    return measure.day(measure.point(end))


def _renewal(
    subscription: Subscription, items: tuple[Item, ...], policy: Policy, measure: DayMeasure, pricing: ItemPricing
) -> Renewal:
    """What is due on the earliest next date: every lot of the items that end on it, with what is left of its discount."""
    day = _next_date(subscription, items, measure)
    if day is None:
        return Renewal(None, 0, 0)
    lines: list[RenewalLine] = []
    fresh = {lot.number for lot in pricing.plan.added}
    for item in items:
        if len(items) > 1 and measure.day(measure.point(item.period.end)) != day:
            continue
        changed = item is pricing.after
        lines += _renewal_lines(item, policy, pricing.round, fresh if changed else set())
    amount = sum([line.amount for line in lines])
    return Renewal(day, amount, tax_on(amount, policy.tax, pricing.round), tuple(lines))


def _renewal_lines(item: Item, policy: Policy, rounding: Rounding, fresh: set[int]) -> list[RenewalLine]:
    facts = policy.catalog.get(item.product)
    interval = str(item.interval)
    lines: list[RenewalLine] = []
    for lot in item.lots:
        name, regular = lot.code, None
        priced = facts if lot.kind == "product" else (facts.options.get(lot.code) if facts else None)
        if priced is not None:
            name, regular = priced.name, priced.prices.get(interval)
        price = lot.quantity * lot.unit_price
        discount = -rounding(*off(lot, lot.discount, (1, 1))) if lot.discount else 0
        lines.append(
            RenewalLine(
                item.running_number, lot.number, lot.kind, lot.code, name, lot.quantity, lot.unit_price, item.interval,
                price + discount, discount, regular, lot.number in fresh,
            )
        )  # fmt: skip
    return lines
