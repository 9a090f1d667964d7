"""Every code that the facts decide, its remedy, and what it does not refuse."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from app.billing import eligibility
from app.billing.eligibility import MESSAGES
from tests.unit.billing.cases import ask, case, priced
from tests.unit.billing.domain.sentences import names

PRO = {"crm-pro": {"name": "CRM Pro", "prices": {"1year": "100.00"}}}


def of_product(**facts: Any) -> dict[str, Any]:
    return {"catalog": {"crm-seat": {"name": "CRM seat", **facts}}}


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("subscription_not_active", {"subscription__status": "canceled"}),
    ("subscription_not_active", {"subscription__status": "expired"}),
    ("paused", {"subscription__status": "paused"}),
    ("scheduled_to_cancel", {"subscription__ends_at_period_end": True}),
    ("change_in_progress", {"subscription__change_in_progress": True}),
    ("renewal_in_progress", {"subscription__renewal_in_progress": True}),
    ("renewal_in_progress", {"at": "2018-12-31T23:30:00Z"}),
    ("renewal_in_progress", {"at": "2019-01-02T00:00:00Z"}),
    ("trial_not_allowed", {"subscription__status": "trialing", "path": {"allowed": True, "trial": "forbid"}}),
    ("trial_not_allowed", {"subscription__status": "trialing"}),
    ("currency_mismatch", {"subscription__currency": "EUR"}),
    ("same_target", {"change__quantity": 1}),
    ("path_not_allowed", {"path": {"allowed": False}}),
    ("target_inactive", of_product(active=False)),
    ("options_invalid", {"change__options": ["no-such"], **of_product()}),
    ("options_invalid", {"change__options": ["sms"], **of_product(options={"sms": {"prices": {"1year": "1.00"}, "active": False}})}),
    ("quantity_out_of_range", {"change__quantity": 9, **of_product(quantity={"max": 5})}),
    ("quantity_out_of_range", {"change__quantity": 2, **of_product(quantity={"min": 3})}),
    ("commitment_running", {"change__quantity": 0, "subscription__items__0__committed_until": "2018-12-01T00:00:00Z"}),
    ("country_not_allowed", {"customer": {"country": "US"}, **of_product(countries=["FR", "DE"])}),
    ("unpaid_invoices", {"customer": {"unpaid_invoices": 1}}),
    ("campaign_closed", {"campaign": "closed"}),
    ("campaign_exhausted", {"campaign": "exhausted"}),
    ("interval_mismatch", {"change__item": None, "change__quantity": 1, "change__interval": {"unit": "month", "count": 1}, "change__alignment": "extend_existing"}),
    ("coupon_not_applicable", {"change__discount": {"unit_price": "10.00"}}),
    ("feature_not_available", {"change__features": {"sso": True}, **of_product()}),
    ("negative_total", {"change__quantity": 0}),
    ("no_payment_method", {"customer": {"cards": 0}}),
]  # fmt: skip


@pytest.mark.parametrize("billed_in", ["JPY", "KWD"])
def test_an_offer_in_another_currency_is_refused_in_its_own_figures(billed_in: str):
    asked, refused = ask(), ask(subscription__currency=billed_in)
    assert refused["eligibility"]["code"] == "currency_mismatch"
    told = ("currency", "due_now", "charge", "lines", "renewal")
    assert [refused[name] for name in told] == [asked[name] for name in told]


@names("eligible", "eligible-codes")
@pytest.mark.parametrize(("code", "facts"), REFUSED)
def test_the_facts_refuse_by_that_code_with_a_message_and_a_remedy(code: str, facts: dict[str, Any]):
    said = ask(**facts)["eligibility"]
    assert (said["ok"], said["code"]) == (False, code)
    assert said["message"] == MESSAGES[code][0]
    assert said["remedy"]["do"] == MESSAGES[code][1]


def test_every_check_has_a_case_here_and_words():
    codes = {code for code, _ in REFUSED}
    named = set(re.findall(r'(?:return|else) "([a-z_]+)"', inspect.getsource(eligibility)))
    named |= set(re.findall(r'return "([a-z_]+)" if', inspect.getsource(eligibility)))
    assert named <= codes
    assert codes == set(MESSAGES)


ALLOWED: list[dict[str, Any]] = [
    {"at": "2018-12-31T23:29:59Z"},
    {"at": "2018-12-31T23:59:59Z", "policy__lock_window": 0},
    {"subscription__status": "past_due"},
    {"subscription__auto_renewal": False},
    {"customer": {"country": "FR", "cards": 1, "unpaid_invoices": 0}, **of_product(countries=["FR"])},
    {"customer": {"unpaid_invoices": 2}, "policy__unpaid_limit": 3},
    {"customer": {"cards": 0}, "change__unit_price": "0.00"},
    {"change__quantity": 5, **of_product(quantity={"min": 1, "max": 5})},
    {"subscription__items__0__committed_until": "2018-12-01T00:00:00Z"},
    {"customer": {}, **of_product(countries=["FR"])},
    {"change__quantity": 0, "policy__negative": "zero", "customer": {"country": "US"}, **of_product(countries=["FR"])},
    {"change__quantity": 0, "policy__negative": "zero", **of_product(active=False)},
    {"change__quantity": 1, "change__effective": "early_renewal"},
]


@names("case-facts")
@pytest.mark.parametrize("facts", ALLOWED)
def test_what_is_near_a_refusal_and_allowed(facts: dict[str, Any]):
    assert ask(**facts)["eligibility"]["ok"]


def test_the_remedy_of_unpaid_invoices_is_their_page():
    eligibility = ask(customer={"unpaid_invoices": 1, "pay_url": "https://pay.example/7"})["eligibility"]
    assert eligibility["remedy"] == {"do": "pay_invoices", "url": "https://pay.example/7"}


@names("fine-refused", "eligible")
def test_a_refused_quote_carries_its_figures():
    made = priced(subscription__status="paused")
    assert (made.eligibility.code, made.due_now, made.renewal.amount) == ("paused", 500, 5000)


@names("quote-valid")
def test_a_quote_is_valid_for_an_hour_the_local_day_or_until_the_lock():
    from app.billing import valid_until
    from app.billing.case import read_case
    from tests.unit.billing.cases import instant

    subscription, _, policy, at = read_case(case())
    assert valid_until(subscription, policy, at) == instant("2018-07-01T01:00:00")
    assert valid_until(subscription, policy, instant("2018-07-01T23:40:00")) == instant("2018-07-02T00:00:00")
    assert valid_until(subscription, policy, instant("2018-12-31T23:10:00")) == instant("2018-12-31T23:30:00")
