"""What was not really paid is never credited, and no way of bringing a renewal forward gives time away."""

from __future__ import annotations

from typing import Any

import pytest

from app.billing import apply_quote, quote
from app.billing.case import read_case
from app.billing.errors import CaseError
from app.billing.facts import Change
from tests.unit.billing.cases import ask, case, instant, priced

MINIMUM = {"amount": "50.00", "below": "waive"}


@pytest.mark.parametrize("below", ["waive", "defer"])
@pytest.mark.parametrize("tax", [{"percent": "0"}, {"percent": "20"}, {"percent": "20", "inclusive": True}])
def test_what_was_waived_or_deferred_is_not_credited_when_the_change_is_taken_back(below: str, tax: dict[str, Any]):
    stated = case(policy={"negative": "credit", "minimum_charge": {**MINIMUM, "below": below}}, tax=tax)
    subscription, (change,), policy, at = read_case(stated)
    made = quote(subscription, change, policy, at)
    assert made.due_now == 0 < made.waived + made.deferred
    back = quote(apply_quote(subscription, made, policy), Change(quantity=1), policy, at)
    assert (back.credit, back.credited) == (0, 0)


def test_what_the_balance_paid_of_it_was_paid():
    stated = case(policy={"negative": "credit", "minimum_charge": MINIMUM}, balance="2.00")
    subscription, (change,), policy, at = read_case(stated)
    made = quote(subscription, change, policy, at)
    assert (made.balance_used, made.waived) == (-200, 300)
    back = quote(apply_quote(subscription, made, policy), Change(quantity=1), policy, at)
    assert back.credited == 200


def test_what_is_charged_in_full_leaves_no_such_rows():
    assert priced(policy={"minimum_charge": {**MINIMUM, "below": "charge"}}).unpaid == ()
    assert priced().unpaid == ()


def test_a_renewal_that_is_brought_forward_is_paid_in_full_also_by_difference():
    answer = ask(change__effective="early_renewal", change__quantity=1, change__price_rule="difference")
    assert (answer["due_now"], answer["next_billing_date"]) == ("40.00", "2020-01-01")


def test_a_fixed_price_cannot_wait_for_the_next_billing():
    facts = {"change__effective": "next_billing", "change__price_rule": {"fixed": "5.00"}, "change__unit_price": None}
    answer = ask(catalog={"crm-seat": {"prices": {"1year": "40.00"}}}, **facts)
    assert answer["eligibility"]["code"] == "options_invalid"


def test_a_fixed_price_of_the_path_cannot_wait_either():
    facts = {"change__effective": "next_billing", "change__price_rule": None, "change__unit_price": None}
    facts |= {"catalog": {"crm-seat": {"prices": {"1year": "40.00"}}}, "path": {"price_rule": {"fixed": "5.00"}}}
    assert ask(**facts)["eligibility"]["code"] == "options_invalid"
    assert ask(**facts | {"change__price_rule": "list"})["eligibility"]["ok"]
    assert ask(**facts | {"change__quantity": 0})["eligibility"]["ok"]


def test_only_what_is_charged_today_is_struck_off_as_unpaid():
    """An early renewal takes 20.00 of the old plan over to the new one; those were paid long ago."""
    facts = {"change__effective": "early_renewal", "change__product": "crm-pro", "change__quantity": 1}
    made = priced(policy={"minimum_charge": MINIMUM}, **facts)
    assert (made.waived, [row.amount for row in made.entitlements]) == (1000, [1000, -2000, 2000])
    (struck,) = made.unpaid
    assert (struck.start, struck.amount) == (instant("2019-01-01"), -1000)


@pytest.mark.parametrize("rule", [{"fixed": "5.00"}, "list", "prorated_difference"])
def test_whatever_the_price_the_time_that_is_left_is_told(rule: Any):
    facts = {"change__effective": "early_renewal", "change__unit_price": None, "change__price_rule": rule}
    answer = ask(catalog={"crm-seat": {"prices": {"1year": "40.00"}}}, **facts)
    told = [line["period"] for line in answer["lines"] if line["kind"] == "carry_over"]
    assert told == [{"start": "2018-07-01", "end": "2019-01-01"}]
    assert answer["next_billing_date"] == "2020-01-01"


def test_a_unit_price_off_a_fixed_price_is_no_discount():
    facts = {
        "change__price_rule": {"fixed": "5.00"},
        "change__unit_price": None,
        "change__discount": {"unit_price": "1.00"},
    }
    catalog = {"crm-seat": {"prices": {"1year": "40.00"}}}
    assert ask(catalog=catalog, **facts)["eligibility"]["code"] == "coupon_not_applicable"


@pytest.mark.parametrize("name", ["localtime", "posixrules"])
def test_a_zone_of_the_machine_is_no_time_zone(name: str):
    with pytest.raises(CaseError, match=r"^timezone: "):
        ask(timezone=name)


def test_a_period_of_more_than_a_century_is_refused():
    with pytest.raises(CaseError) as refused:
        ask(subscription__items__0__period={"start": "1800-01-01T00:00:00Z", "end": "2019-01-01T00:00:00Z"})
    assert refused.value.field == "subscription.items[0].period.end"


@pytest.mark.parametrize(("inclusive", "struck"), [(False, -333), (True, -300)])
def test_of_what_was_not_paid_only_the_part_without_added_tax_is_struck_off(inclusive: bool, struck: int):
    """5.00 and 1.00 tax, of which the balance pays 2.00: 4.00 of 6.00 are waived, so 3.33 of the 5.00 were not paid."""
    tax = {"percent": "20", "inclusive": inclusive}
    made = priced(policy={"minimum_charge": MINIMUM}, tax=tax, balance="2.00")
    assert made.waived == (300 if inclusive else 400)
    assert [row.amount for row in made.unpaid] == [struck]
