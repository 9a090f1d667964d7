"""What a rule without credit does not give back at once is not given back by a later change either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.billing import apply_quote, quote
from app.billing.facts import Change, Subscription
from app.billing.result import Quote
from app.billing.rulebook import Policy
from tests.unit.billing.cases import catalog, held, instant

AT = "2026-07-01"
POLICY = catalog(negative="credit")
GONE = Change(quantity=0)


def step(
    subscription: Subscription, change: Change, policy: Policy = POLICY, at: str = AT
) -> tuple[Quote, Subscription]:
    made = quote(subscription, change, policy, instant(at))
    return made, apply_quote(subscription, made, policy)


RULES: list[dict[str, Any]] = [
    {"price_rule": "list"},
    {"price_rule": "difference"},
    {"price_rule": "fixed", "fixed": 500},
    {"price_rule": "list", "alignment": "extend_existing"},
    {"effective": "early_renewal"},
    {"effective": "early_renewal", "price_rule": "fixed", "fixed": 500},
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("written_out", [True, False])
def test_units_that_go_without_credit_are_not_credited_later(rule: dict[str, Any], written_out: bool):
    subscription = held((3, 4000))
    if not written_out:
        subscription = replace(subscription, items=(replace(subscription.items[0], entitlements=None),))
    first, after = step(subscription, Change(quantity=1, **rule))
    assert first.credit == 0
    paid_now = sum(row.amount for row in first.entitlements)
    assert paid_now == first.charge
    then, _ = step(after, GONE)
    # Six months of one seat at 40.00 a year, and what was paid today for the time from today on.
    assert then.credit == -2000 - paid_now


@pytest.mark.parametrize("rule", RULES[:4])
def test_the_unit_that_stays_is_credited_in_full_later(rule: dict[str, Any]):
    _, after = step(held((3, 4000)), Change(quantity=2, price_rule="list"))
    then, _ = step(after, GONE, at="2026-10-01")
    assert then.credit == -2000


def test_a_reset_by_list_forfeits_what_goes():
    made, after = step(held((3, 4000)), Change(quantity=1, price_rule="list", alignment="reset"), at="2026-07-01")
    then, _ = step(after, GONE)
    assert (made.charge, then.credit) == (4000, -4000 - 2000)


def test_lots_that_shrink_keep_their_price_and_their_place():
    _, after = step(held((2, 4000), (3, 1000)), Change(quantity=3, price_rule="list"))
    assert [(lot.quantity, lot.unit_price) for lot in after.items[0].lots] == [(2, 4000), (1, 1000)]
    made, after = step(after, Change(quantity=2))
    assert made.credit == -500
    assert [(lot.quantity, lot.unit_price) for lot in after.items[0].lots] == [(2, 4000)]


def test_where_what_goes_is_credited_the_lot_keeps_its_number():
    _, after = step(held((3, 4000)), Change(quantity=1))
    assert [lot.number for lot in after.items[0].lots] == [1]
    then, _ = step(after, GONE)
    assert then.credit == -2000
