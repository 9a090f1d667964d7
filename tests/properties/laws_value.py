"""Laws about who gains: credit against what was paid, inverses, cycles, order, and what more seats or more time cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import assume
from hypothesis import strategies as st

from app.billing import apply_quote, quote
from app.billing.facts import Change, Entitlement, Item, Lot, Subscription
from app.billing.result import Quote
from app.billing.rulebook import Policy
from tests.properties.budget import Law
from tests.properties.strategies import (
    BASES,
    CURRENCIES,
    ZONES,
    Case,
    cases,
    changes,
    few,
    instants,
    items,
    paid_in_full,
    policies,
    prices,
    subscriptions,
)

AT_ONCE = ("now", "now", "early_renewal")


class Walk(NamedTuple):
    """Changes that are bought one after the other, each some seconds after the one before."""

    subscription: Subscription
    policy: Policy
    at: datetime
    steps: tuple[tuple[Change, int], ...]

    def quotes(self) -> Iterator[tuple[Subscription, Quote, datetime]]:
        """What was held, the quote, and when; a step that touches an item which is gone is left out."""
        held, at = self.subscription, self.at
        for change, seconds in self.steps:
            at += timedelta(seconds=seconds)
            if any(item.running_number == change.item and at < item.period.end for item in held.items):
                made = quote(held, change, self.policy, at)
                yield held, made, at
                held = apply_quote(held, made, self.policy)


@st.composite
def walks(draw: st.DrawFn, wait: int, timezone: str | None = None, bases: tuple[str, ...] = BASES) -> Walk:
    """Up to five changes of one or two items, at most ``wait`` seconds apart; or an item that cost little is paid for the next
    interval as well, given back in part, and the rest of it when the little is used up."""
    zone = timezone or draw(st.sampled_from(ZONES))
    subscription = draw(subscriptions(zone))
    at = draw(instants(subscription.items[0]))
    if draw(st.integers(0, 4)) == 0:
        cheap = replace(subscription.items[0], entitlements=(_row(subscription.items[0], draw(st.integers(1, 9))),))
        subscription = replace(subscription, items=(cheap, *subscription.items[1:]))
        to_the_end = int((cheap.period.end - at).total_seconds()) if wait else 0
        ahead = (
            (Change(effective="early_renewal"), 0),
            (Change(quantity=1), 0),
            (Change(quantity=0), to_the_end + draw(st.integers(0, wait))),
        )
        return Walk(subscription, draw(policies(zone, bases)), at, ahead)
    steps = st.tuples(changes(1, AT_ONCE), st.integers(0, wait))
    if len(subscription.items) > 1:
        steps = st.one_of(steps, st.tuples(changes(2, AT_ONCE), st.integers(0, wait)))
    return Walk(subscription, draw(policies(zone, bases)), at, tuple(draw(st.lists(steps, min_size=1, max_size=5))))


def _row(item: Item, amount: int) -> Entitlement:
    return Entitlement(item.running_number, None, item.period.start, item.period.end, amount)


def credit_never_exceeds_what_was_paid(walk: Walk) -> None:
    """However long somebody goes on changing, all that was ever credited is at most all that was ever paid."""
    paid = credited = None
    for held, made, _ in walk.quotes():
        if paid is None:
            paid, credited = _ledger(held, walk.policy)
        paid += made.charge + made.discount
        credited -= made.credit
        assert credited <= paid
        for item in held.items:
            rows = [row.amount for row in item.entitlements or () if row.amount > 0]
            lines = [line.amount for line in made.lines if line.kind == "credit" and line.item == item.running_number]
            if item.entitlements is not None:
                assert -sum(lines) <= sum(rows)


def _ledger(held: Subscription, policy: Policy) -> tuple[int, int]:
    """What the ledger says was paid and credited so far; a ledger that is not written out is made explicit."""
    nothing = Change(item=held.items[0].running_number, effective="next_billing")
    explicit = apply_quote(held, quote(held, nothing, policy, held.items[0].period.start), policy)
    amounts = [row.amount for item in explicit.items for row in item.entitlements or ()]
    return sum(amount for amount in amounts if amount > 0), -sum(amount for amount in amounts if amount < 0)


def a_change_and_its_inverse_never_make_money(case: tuple[Case, int, int]) -> None:
    """At one instant: so many more and back, and so many fewer and back at the price that was paid for them."""
    (subscription, _, policy, at), more, price = case
    item = subscription.items[0]
    quantity = item.quantity
    there = quote(subscription, Change(quantity=quantity + more, unit_price=price), policy, at)
    back = quote(apply_quote(subscription, there, policy), Change(quantity=quantity), policy, at)
    assert there.subtotal + back.subtotal >= 0
    assert [lot for lot in back.after[0].lots if lot.kind == "product"] == list(item.lots)
    newest = item.lots[-1]
    gone = min(more, newest.quantity, quantity - 1)
    assume(gone)
    there = quote(subscription, Change(quantity=quantity - gone), policy, at)
    again = Change(quantity=quantity, unit_price=newest.unit_price)
    back = quote(apply_quote(subscription, there, policy), again, policy, at)
    assert there.subtotal + back.subtotal >= 0
    assert back.renewal.amount == there.renewal.amount + gone * newest.unit_price


@st.composite
def _there_and_back(draw: st.DrawFn) -> tuple[Case, int, int]:
    zone = draw(st.sampled_from(ZONES))
    item = paid_in_full(draw(items(1, zone, plain=True)))
    at = draw(instants(item))
    held = Subscription(draw(st.sampled_from(CURRENCIES)), (item,))
    return Case(held, Change(), draw(policies(zone, BASES)), at), draw(few), draw(prices)


def no_cycle_of_changes_makes_money(walk: Walk) -> None:
    """Whatever is bought and given back at one instant, giving it all back in the end yields no more than giving it back at
    once; however many steps there were, only the fractions of what was held at first are rounded another way."""
    numbers = [item.running_number for item in walk.subscription.items]
    outright = _given_back(walk.subscription, numbers, walk.policy, walk.at)
    spent, held = 0, walk.subscription
    for before, made, _ in walk.quotes():
        spent += made.subtotal
        held = apply_quote(before, made, walk.policy)
    fractions = 2 * sum(len(item.lots) for item in walk.subscription.items)
    assert _given_back(held, numbers, walk.policy, walk.at) - spent <= outright + fractions


def _given_back(held: Subscription, numbers: list[int], policy: Policy, at: datetime) -> int:
    gone = [
        Change(item=number, quantity=0) for number in numbers if any(i.running_number == number for i in held.items)
    ]
    return -quote(held, gone, policy, at).subtotal if gone else 0


def the_order_of_two_independent_changes_does_not_matter(pair: tuple[Case, Change]) -> None:
    """Changes of two items cost the same in either order, in one quote or in two."""
    (subscription, one, policy, at), other = pair
    first = quote(subscription, [one, other], policy, at)
    second = quote(subscription, [other, one], policy, at)
    assert sorted(map(repr, first.lines)) == sorted(map(repr, second.lines))
    assert sorted(map(repr, first.entitlements)) == sorted(map(repr, second.entitlements))
    assert (first.due_now, first.tax, first.renewal, first.after) == (
        second.due_now, second.tax, second.renewal, second.after,
    )  # fmt: skip
    alone = quote(subscription, one, policy, at)
    then = quote(apply_quote(subscription, alone, policy), other, policy, at)
    # A row for all lots is split among them to whole minor units once the first quote is written down.
    split = sum(
        len(item.lots) for item in subscription.items if any(row.lot is None for row in item.entitlements or ())
    )
    assert abs(alone.subtotal + then.subtotal - first.subtotal) <= split
    assert [replace(item, entitlements=()) for item in then.after] == list(first.after)
    assert first.renewal.amount == then.renewal.amount


@st.composite
def _two_items(draw: st.DrawFn) -> tuple[Case, Change]:
    zone = draw(st.sampled_from(ZONES))
    held = tuple(draw(items(number, zone)) for number in (1, 2))
    subscription = Subscription(draw(st.sampled_from(CURRENCIES)), held)
    effective = draw(st.sampled_from((("now",), ("now",), ("next_billing",), ("early_renewal",))))
    at = draw(instants(held[0]))
    case = Case(subscription, draw(changes(1, effective)), draw(policies(zone)), at)
    return case, draw(changes(2, effective))


def more_seats_never_cost_less(case: tuple[Case, int, int]) -> None:
    """Today and at the renewal, under every alignment and price rule. A percentage is rounded by itself: with one, a step of a
    minor unit is not promised."""
    (subscription, change, policy, at), price, more = case
    quantity = subscription.items[0].quantity
    fewer, many = (
        quote(subscription, replace(change, quantity=quantity + n, unit_price=price), policy, at)
        for n in (more, more + 1)
    )
    assert fewer.charge <= many.charge
    slack = sum(line.kind == "discount" for line in many.lines) if change.discount else 0
    assert fewer.subtotal <= many.subtotal + slack
    assert fewer.renewal.amount <= many.renewal.amount + slack


@st.composite
def _more_seats(draw: st.DrawFn) -> tuple[Case, int, int]:
    case = draw(cases(effective=("now", "now", "early_renewal", "next_billing")))
    change = replace(case.change, options=None, features=None, fixed=100 if case.change.price_rule == "fixed" else None)
    return case._replace(change=change), draw(prices), draw(few)


def less_time_left_never_costs_more(case: tuple[Case, int]) -> None:
    """What ends with the current period is charged less the later it is bought, and less of what was paid is credited."""
    (subscription, change, policy, at), seconds = case
    later = min(at + timedelta(seconds=seconds), subscription.items[0].period.end)
    now, then = quote(subscription, change, policy, at), quote(subscription, change, policy, later)
    assert then.charge <= now.charge
    assert -then.credit <= -now.credit
    if change.discount is None:
        assert sum(row.amount for row in then.entitlements if row.amount > 0) <= sum(
            row.amount for row in now.entitlements if row.amount > 0
        )


@st.composite
def _less_time(draw: st.DrawFn) -> tuple[Case, int]:
    case = draw(cases(effective=("now",)))
    return case._replace(change=replace(case.change, alignment="shorten_new")), draw(st.integers(0, 86_400 * 90))


def equal_lots_have_equal_shares(case: tuple[Case, int]) -> None:
    """Lots of one quantity and price, paid for by one row or by equal ones, are charged, credited and renewed alike; only
    what one row cannot be divided into gives a credit a minor unit more than another."""
    (subscription, change, policy, at), _ = case
    made = quote(subscription, change, policy, at)
    code, rows = subscription.items[0].product, subscription.items[0].entitlements or ()
    whole = all(row.lot is not None or row.amount % 3 == 0 for row in rows)
    for kind in ("charge", "credit", "extension"):
        lines = [
            line for line in made.lines if line.kind == kind and line.code == code and line.lot not in _added(made)
        ]
        amounts = [line.amount for line in lines]
        if kind == "credit" and not whole:
            amounts += [0] * (len(amounts) % 3 and 3 - len(amounts) % 3)
            assert not amounts or max(amounts) - min(amounts) <= 1
            continue
        assert len({line._replace(lot=0) for line in lines}) <= 1, kind
        assert len(lines) in (0, 3)
    renewed = [line for line in made.renewal.lines if line.code == code and not line.added]
    assert len({line._replace(lot=0) for line in renewed}) <= 1


_ORIGINAL = (1, 2, 3)


def _added(made: Quote) -> set[int | None]:
    return {line.lot for line in made.renewal.lines if line.added}


@st.composite
def _equal_lots(draw: st.DrawFn) -> tuple[Case, int]:
    """Three equal lots; all of them are charged and credited together: by a reset, an extension, or another product."""
    case, price = draw(cases(most=1, bases=BASES, effective=("now", "now", "early_renewal"))), draw(prices)
    item, quantity = case.subscription.items[0], draw(few)
    equal = tuple(Lot(number, item.product, quantity, price) for number in _ORIGINAL)
    span, paid = item.period, draw(prices)
    rows = tuple(Entitlement(1, number, span.start, span.end, paid) for number in _ORIGINAL)
    if draw(st.booleans()):
        rows = (Entitlement(1, None, span.start, span.end, paid),)
    held = replace(item, lots=equal, options=(), entitlements=rows)
    wanted = draw(
        st.sampled_from(
            (
                Change(quantity=3 * quantity + 1, alignment="reset"),
                Change(quantity=3 * quantity + 2, alignment="extend_existing", unit_price=price),
                Change(product="pro" if item.product != "pro" else "lite"),
                Change(quantity=0),
            )
        )
    )
    subscription = replace(case.subscription, items=(held,))
    return case._replace(subscription=subscription, change=wanted), price


LAWS = (
    Law(walks(86_400 * 40), credit_never_exceeds_what_was_paid),
    Law(_there_and_back(), a_change_and_its_inverse_never_make_money),
    Law(walks(0), no_cycle_of_changes_makes_money),
    Law(_two_items(), the_order_of_two_independent_changes_does_not_matter),
    Law(_more_seats(), more_seats_never_cost_less),
    Law(_less_time(), less_time_left_never_costs_more),
    Law(_equal_lots(), equal_lots_have_equal_shares),
)
