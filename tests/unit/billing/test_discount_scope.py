"""Which charges a discount comes off, where nothing is charged today: today's period is the first all the same."""

from __future__ import annotations

import pytest

from app.billing import apply_quote
from app.billing.facts import Discount, LotDiscount
from tests.unit.billing.cases import catalog, change_to, held


def scheduled(scope: str, periods: int | None = None):
    off = Discount(percent=200_000, scope=scope, periods=periods)
    return change_to(
        held((1, 4000)), "2026-07-01", catalog(), product="crm-pro", effective="next_billing", discount=off
    )


@pytest.mark.parametrize("facts", [("once",), ("periods", 1)])
def test_a_discount_of_todays_charge_only_does_not_reach_the_next_billing(facts: tuple[str, int]):
    made = scheduled(*facts)
    assert (made.due_now, made.renewal.amount) == (0, 10000)
    assert made.eligibility.code == "coupon_not_applicable"


@pytest.mark.parametrize("periods", [2, 3])
def test_a_discount_of_several_periods_comes_off_as_many_renewals_as_after_a_charge_today(periods: int):
    made = scheduled("periods", periods)
    assert made.eligibility.ok
    assert (made.due_now, made.renewal.amount) == (0, 8000)
    assert made.after[0].lots[0].discount == LotDiscount(percent=200_000, periods_left=periods - 1)
    off = Discount(percent=200_000, scope="periods", periods=periods)
    today = change_to(held((1, 4000)), "2026-07-01", catalog(), product="crm-pro", discount=off)
    assert today.after[0].lots == made.after[0].lots


def test_a_discount_for_good_comes_off_each_renewal():
    made = scheduled("forever")
    assert (made.renewal.amount, made.after[0].lots[0].discount) == (8000, LotDiscount(percent=200_000))


def test_a_trial_that_goes_on_counts_the_same():
    from app.billing.rulebook import PathFacts

    policy = catalog(path=PathFacts(trial="keep_trial"))
    off = Discount(percent=200_000, scope="periods", periods=2)
    made = change_to(held((1, 4000), status="trialing"), "2026-07-01", policy, product="crm-pro", discount=off)
    assert made.after[0].lots[0].discount == LotDiscount(percent=200_000, periods_left=1)
    assert apply_quote(held((1, 4000)), made, policy).items[0].lots == made.after[0].lots
