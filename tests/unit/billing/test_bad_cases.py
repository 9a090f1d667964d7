"""A bad case names its field by path; what is known and not priced yet is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from app.billing.case import quote_case
from app.billing.errors import CaseError, NotSupported
from app.billing.vocabulary import PRICED
from tests.unit.billing.cases import ask, case

BAD: list[tuple[str, dict[str, Any]]] = [
    ("change.quantity", {"change__quantity": -1}),
    ("change.quantity", {"change__quantity": 1.5}),
    ("change.quantity", {"change__quantity": "2"}),
    ("change.quantity", {"change__quantity": True}),
    ("change.unit_price", {"change__unit_price": None}),
    ("change.unit_price", {"change__unit_price": 10}),
    ("change.unit_price", {"change__unit_price": "10.001"}),
    ("change.unit_price", {"change__unit_price": "-1.00"}),
    ("change.unit_price", {"change__unit_price": "1e3"}),
    ("change.item", {"change__item": 7}),
    ("change.interval.unit", {"change__interval": {"unit": "decade", "count": 1}}),
    ("change.interval.count", {"change__interval": {"unit": "year", "count": 0}}),
    ("change.effective", {"change__effective": "tomorrow"}),
    ("change.alignment", {"change__alignment": "sideways"}),
    ("change.price_rule", {"change__price_rule": "cheap"}),
    ("change.discount", {"change__discount": {"percent": "5", "amount": "1.00"}}),
    ("change.discount.percent", {"change__discount": {"percent": "101"}}),
    ("change.discount.percent", {"change__discount": {"percent": "1."}}),
    ("change.discount.scope", {"change__discount": {"percent": "5", "scope": "often"}}),
    ("change.colour", {"change__colour": "blue"}),
    ("change.options", {"change__options": ["sms"]}),
    ("policy.basis", {"policy__basis": "lunar"}),
    ("policy.unpaid_limit", {"policy__unpaid_limit": 0}),
    ("policy.baisis", {"policy__baisis": "day"}),
    ("tax.percent", {"tax__percent": 8}),
    ("tax.inclusive", {"tax__inclusive": "no"}),
    ("currency", {"currency": "XXX"}),
    ("timezone", {"timezone": "Mars/Olympus"}),
    ("timezone", {"timezone": "../etc/passwd"}),
    ("at", {"at": "yesterday"}),
    ("at", {"at": "2018-07-01T00:00:00"}),
    ("subscription", {"subscription": None}),
    ("subscription.status", {"subscription__status": "asleep"}),
    ("subscription.items", {"subscription__items": []}),
    ("subscription.items[0].lots", {"subscription__items__0__lots": []}),
    ("subscription.items[0].lots[0].quantity", {"subscription__items__0__lots": [{"quantity": 0, "unit_price": "1.00"}]}),
    ("subscription.items[0].lots[0].unit_price", {"subscription__items__0__lots": [{"quantity": 1}]}),
    ("subscription.items[0].period.end", {"subscription__items__0__period__end": "2017-01-01T00:00:00Z"}),
    ("subscription.items[0].anchor_day", {"subscription__items__0__anchor_day": 32}),
    ("subscription.items[0].entitlements[0].amount", {"subscription__items__0__entitlements__0__amount": 40}),
    ("catalog.crm-pro.prices.1yr", {"catalog": {"crm-pro": {"prices": {"1yr": "1.00"}}}}),
    ("catalog.crm-pro.options.sms.per", {"catalog": {"crm-pro": {"options": {"sms": {"per": "day"}}}}}),
    ("path.allowed", {"path": {"allowed": 1}}),
    ("customer.cards", {"customer": {"cards": -1}}),
    ("balance", {"balance": 3}),
    ("colour", {"colour": "blue"}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "facts"), BAD)
def test_a_bad_fact_is_named_by_its_path(field: str, facts: dict[str, Any]):
    with pytest.raises(CaseError) as caught:
        ask(**facts)
    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")


def test_a_value_that_nobody_priced_is_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PRICED, "policy.negative", frozenset({"refuse"}))
    with pytest.raises(NotSupported) as caught:
        ask(policy__negative="refund")
    error = caught.value
    assert (error.code, error.field, error.details["value"]) == ("not_supported", "policy.negative", "refund")


def test_an_item_is_changed_once_in_a_quote():
    made = case()
    made["change"] = [made["change"], made["change"]]
    with pytest.raises(CaseError, match=r"^change\[1\]\.item: is changed twice"):
        quote_case(made)


def test_a_list_of_one_change_is_that_change():
    made = case()
    made["change"] = [made["change"]]
    assert quote_case(made)["due_now"] == "5.00"


def test_a_missing_list_price_says_which_and_how_to_go_on():
    with pytest.raises(CaseError, match="no list price of 'crm-seat' per 1year; give one") as caught:
        ask(change__unit_price=None)
    assert caught.value.code == "price_missing"


@pytest.mark.parametrize("stated", [None, 3, "text", [], [1]])
def test_a_case_that_is_no_object_is_refused(stated: object):
    with pytest.raises(CaseError, match=r"^case: "):
        quote_case(stated)
