"""What was paid on one grid of months stays measured on it, whatever anchor the item has later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.billing import apply_quote, quote
from app.billing.facts import Change, Entitlement, Subscription
from app.billing.rulebook import OptionFacts, PathFacts, Policy, ProductFacts
from tests.unit.billing.cases import MONTH, catalog, change_to, held, instant

MAIL = {"mail": OptionFacts("E-mail support", {"1month": 700}, "subscription")}
PRICES = {"crm-seat": ProductFacts("CRM seat", {"1month": 1576}, MAIL)}
OLD_DAY = Policy(negative="credit", change_day="old", catalog=PRICES)
AT = instant("2019-01-31")


def seats() -> Subscription:
    """Two seats paid until the end of February on the grid of the 31st; on the grid of the 1st other shares of it are left."""
    return held((2, 1576), start="2019-01-31", end="2019-02-28", interval=MONTH, anchor_day=31)


def given_back(subscription: Subscription, policy: Policy = OLD_DAY) -> int:
    return -quote(subscription, Change(quantity=0), policy, AT).credit


def bought(subscription: Subscription, policy: Policy = OLD_DAY, **wanted: Any) -> tuple[Subscription, int]:
    made = quote(subscription, Change(**wanted), policy, AT)
    return apply_quote(subscription, made, policy), made.subtotal


def test_nothing_is_left_of_what_a_new_period_has_credited():
    outright = given_back(seats())
    after, spent = bought(seats(), unit_price=1576, alignment="reset")
    assert outright == 3039
    assert given_back(after) - spent == outright


@pytest.mark.parametrize("wanted", [{"quantity": 3}, {"item": None, "product": "crm-seat"}])
def test_what_is_extended_is_worth_as_much_as_before(wanted: dict[str, Any]):
    after, spent = bought(seats(), alignment="extend_existing", **wanted)
    gone = [Change(item.running_number, quantity=0) for item in after.items]
    assert -quote(after, gone, OLD_DAY, AT).subtotal - spent == given_back(seats())


@pytest.mark.parametrize("rule", ["list", "fixed", "difference"])
def test_what_a_rule_does_not_credit_is_worth_as_much_as_before(rule: str):
    policy = Policy(negative="credit", change_day="old", catalog=PRICES, path=PathFacts(price_rule=rule, fixed=500))
    after, spent = bought(seats(), policy, quantity=3, alignment="reset")
    new = sum(row.amount for row in after.items[0].entitlements or () if row.start.day == 1 and row.end.day == 1)
    assert given_back(after) - new == given_back(seats())
    assert spent == new > 0


def test_units_that_go_take_their_part_of_a_cent_with_them():
    """A cent is left of what was paid for two seats: half of it is a cent, and the other half is nothing more."""
    subscription = seats()
    row = Entitlement(1, 1, instant("2019-02-01"), instant("2019-02-28"), 1)
    subscription = replace(subscription, items=(replace(subscription.items[0], entitlements=(row,)),))
    after, spent = bought(subscription, quantity=1, alignment="extend_existing", options=("mail",))
    assert [line.amount for line in quote(after, Change(quantity=0), OLD_DAY, AT).lines if line.amount] == [-51, -700]
    assert spent == 51 + 700 - 1


def test_lots_on_another_grid_have_numbers_of_their_own_and_keep_their_order():
    after, _ = bought(seats(), quantity=4, alignment="reset")
    assert [(lot.number, lot.quantity) for lot in after.items[0].lots] == [(2, 2), (3, 2)]
    once, _ = bought(after, quantity=5, alignment="reset")
    assert [(lot.number, lot.quantity) for lot in once.items[0].lots] == [(2, 2), (3, 2), (4, 1)]


def test_a_measure_that_credits_nothing_leaves_the_ledger_to_the_lots():
    policy = Policy(basis="none", change_day="old", catalog=PRICES)
    after, _ = bought(seats(), policy, quantity=4, alignment="reset")
    assert [lot.number for lot in after.items[0].lots] == [1, 2]


def test_what_is_extended_from_a_day_of_the_grid_that_the_month_cuts_short_keeps_the_anchor():
    """28 February is the 31st of that month."""
    subscription = held((1, 1000), start="2026-02-28", end="2026-03-31", interval=MONTH, anchor_day=31)
    made = change_to(subscription, "2026-02-28", quantity=2, unit_price=1000, alignment="extend_existing")
    assert made.eligibility.ok
    (item,) = made.after
    assert (item.period.end, item.anchor_day) == (instant("2026-03-31"), 31)


@pytest.mark.parametrize(
    ("alignment", "at", "end"), [("extend_existing", "2026-03-29", "2026-04-29"), ("reset", "2026-02-28", "2026-03-28")]
)
def test_another_day_or_a_new_beginning_has_an_anchor_of_its_own(alignment: str, at: str, end: str):
    subscription = held((1, 1000), start="2026-02-28", end="2026-03-31", interval=MONTH, anchor_day=31)
    made = change_to(subscription, at, catalog(negative="credit"), quantity=2, unit_price=1000, alignment=alignment)
    assert (made.after[0].period.end, made.after[0].anchor_day) == (instant(end), instant(at).day)


def test_the_day_that_a_grid_is_laid_from_is_its_anchor_where_the_stored_one_is_another():
    """The period begins and ends on a 15th, off the grid of the stored 31st."""
    stub = held((1, 4000), start="2026-01-15", end="2027-01-15", anchor_day=31)
    monthly = change_to(stub, "2026-07-20", catalog(negative="credit"), interval=MONTH, alignment="keep_day")
    assert (monthly.after[0].period.end, monthly.after[0].anchor_day) == (instant("2026-08-15"), 15)
    early = change_to(stub, "2026-07-20", effective="early_renewal")
    assert (early.after[0].period.end, early.after[0].anchor_day) == (instant("2028-01-15"), 15)
