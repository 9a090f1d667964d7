"""What is allowed is kept when the product changes; what is bought once is charged by itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.billing.cases import ask

LIMIT: dict[str, Any] = {"kind": "limit", "step": 20, "prices": {"1year": "6.00"}}
SMS: dict[str, Any] = {"kind": "usage", "step": 100, "included": 100, "cap": 300, "price": "12.50"}


def seat(**esign: Any) -> dict[str, Any]:
    return {
        "prices": {"1year": "40.00"},
        "features": {"esign": {**LIMIT, **esign}, "sms": SMS, "sso": {"kind": "onoff"}},
    }


def to_pro(pro: dict[str, Any], steps: int = 1, **old: Any) -> tuple[Any, list[tuple[int, str]]]:
    lots = [{"quantity": 1, "unit_price": "40.00"}, {"quantity": steps, "unit_price": "6.00", "feature": "esign"}]
    answer = ask(
        catalog={"crm-seat": seat(**{"included": 10, **old}), "crm-pro": pro},
        subscription__items__0__lots=lots,
        change__product="crm-pro",
        change__unit_price="90.00",
        change__quantity=1,
    )
    charged = [(line["quantity"], line["unit_price"]) for line in answer["lines"] if line["kind"] == "charge"]
    return answer["eligibility"]["code"], charged[1:]


@pytest.mark.parametrize(
    ("included", "step", "bought"),
    [(0, 20, [(2, "6.00")]), (10, 20, [(1, "6.00")]), (30, 20, []), (100, 20, []), (10, 5, [(4, "6.00")]), (15, 20, [(1, "6.00")])],
)  # fmt: skip
def test_another_product_keeps_the_allowance_and_charges_what_it_does_not_include(
    included: int, step: int, bought: list[tuple[int, str]]
):
    assert to_pro(seat(included=included, step=step)) == (None, bought)


def usage(**facts: Any) -> dict[str, Any]:
    stated = {"change__features": {"sms": 200}, "change__quantity": 1, "change__unit_price": None, **facts}
    return ask(**{"catalog": {"crm-seat": seat()}, **stated})


@pytest.mark.parametrize("rule", [{"fixed": "5.00"}, "difference"])
def test_a_usage_alone_is_charged_at_its_price_whatever_a_change_of_plan_costs(rule: Any):
    path = {"price_rule": rule}
    answer = usage(path=path, change__price_rule=None)
    assert (answer["due_now"], [line["quantity"] for line in answer["lines"]]) == ("25.00", [2])
    with_a_seat = usage(path={"price_rule": {"fixed": "5.00"}}, change__price_rule=None, change__quantity=2)
    assert with_a_seat["due_now"] == "30.00"


@pytest.mark.parametrize(("used", "code"), [(0, None), (100, None)])
def test_what_is_used_up_is_a_fact_of_a_case(used: int, code: str | None):
    answer = usage(catalog={"crm-seat": {**seat(), "features": {"sms": {**SMS, "used": used}}}})
    assert answer["eligibility"]["code"] == code


@pytest.mark.parametrize(("used", "code"), [(0, "quantity_out_of_range"), (99, "quantity_out_of_range"), (100, None)])
def test_a_cap_is_of_what_there_is_to_use(used: int, code: str | None):
    facts = {"crm-seat": {**seat(), "features": {"sms": {**SMS, "used": used}}}}
    assert usage(catalog=facts, change__features={"sms": 300})["eligibility"]["code"] == code
