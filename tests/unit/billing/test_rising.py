"""Whether a change asks for more is answered for every renewal to come, not for the first one alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.billing import quote, standing_renewal
from app.billing.facts import Change, Discount, Interval, Item, LotDiscount, Subscription
from app.billing.rulebook import PathFacts, Policy, ProductFacts
from app.billing.standing import rises
from tests.unit.billing.cases import held, instant

YEAR = "1year"
POLICY = Policy(
    catalog={"pro": ProductFacts("Pro", prices={YEAR: 10_000}), "lite": ProductFacts("Lite", prices={YEAR: 2000})},
    path=PathFacts(price_rule="list"),
)


def asks(subscription: Subscription, change: Change | Sequence[Change]) -> bool:
    made = quote(subscription, change, POLICY, instant("2026-07-01"))
    assert made.eligibility.ok, made.eligibility
    return rises(subscription, made, standing_renewal(subscription, POLICY))


def scheduled(discount: Discount | None = None, product: str = "pro") -> Change:
    return Change(item=1, product=product, effective="next_billing", discount=discount)


@pytest.mark.parametrize("scope", [{"scope": "periods", "periods": 3}, {"scope": "periods", "periods": 2}])
def test_a_price_that_rises_when_its_discount_ends_has_to_be_agreed_to(scope: dict[str, object]):
    """40.00 becomes 30.00 for a while, then 100.00."""
    assert asks(held((1, 4000)), scheduled(Discount(percent=700_000, **scope)))  # pyright: ignore[reportArgumentType]


def test_a_price_that_stays_below_the_old_one_when_its_discount_ends_need_not_be_agreed_to():
    assert not asks(held((1, 4000)), scheduled(Discount(percent=500_000, scope="periods", periods=2), "lite"))


def test_a_discount_that_would_have_ended_anyway_is_no_rise():
    """What is held renews at 20.00 once, then at 40.00; so it does when nothing is changed."""
    one = held((1, 4000)).items[0]
    ends = replace(one.lots[0], discount=LotDiscount(percent=500_000, periods_left=1))
    subscription = Subscription("USD", (replace(one, lots=(ends,)),))
    assert not asks(subscription, Change(item=1, quantity=2, unit_price=0))


def test_a_held_discount_that_ends_sooner_than_before_has_to_be_agreed_to():
    one = held((1, 10_000)).items[0]
    longer = replace(one.lots[0], discount=LotDiscount(percent=700_000, periods_left=3))
    subscription = Subscription("USD", (replace(one, lots=(longer,)),))
    assert asks(subscription, scheduled(Discount(percent=700_000, scope="periods", periods=2)))


def monthly(one: Item, price: int) -> Item:
    return replace(
        one, running_number=2, interval=Interval("month", 1), entitlements=None,
        lots=(replace(one.lots[0], unit_price=price),),
    )  # fmt: skip


def test_a_monthly_price_that_rises_does_not_hide_behind_a_yearly_one_that_falls_on_the_same_day():
    """50.00 on that day becomes 35.00; what follows is 20.00 and 15.00 a month instead of 40.00 and 10.00."""
    one = held((1, 4000)).items[0]
    subscription = Subscription("USD", (one, monthly(one, 1000)))
    dearer = Change(item=2, unit_price=500, quantity=2, effective="next_billing")
    assert asks(subscription, (scheduled(None, "lite"), dearer))
