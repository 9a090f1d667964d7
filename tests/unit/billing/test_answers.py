"""The answer's JSON is written by hand for speed; it is the JSON that any writer would make of it."""

from __future__ import annotations

import json

from app.billing.answers import answer, answer_text
from app.billing.case import quote_case, quote_text
from tests.unit.billing.cases import case, priced
from tests.unit.billing.mixed import mixed_cases


def test_the_text_is_what_json_writes_of_the_same_values():
    for mixed in mixed_cases(500):
        text = quote_text(mixed)
        assert json.dumps(json.loads(text), ensure_ascii=False) == text
        assert quote_case(mixed) == json.loads(text)


def test_names_and_addresses_are_escaped():
    name = 'a "seat"\\ \n\t\u2028 </script> é 席'
    named = case(catalog={"crm-seat": {"name": name}}, tax__percent="10", tax__label=name)
    answered = json.loads(quote_text(named))
    assert answered["lines"][0]["label"] == f"1 × {name}, 6 of 12 months"
    assert answered["lines"][1]["label"] == f"{name}, 10%"
    refused = case(customer={"unpaid_invoices": 1, "pay_url": 'https://pay.example/?a="b"'})
    assert json.loads(quote_text(refused))["eligibility"]["remedy"]["url"] == 'https://pay.example/?a="b"'


def test_the_fields_stand_in_the_order_of_the_specification():
    made = priced()
    assert json.loads(answer_text(made)) == answer(made)
    assert list(answer(made)) == [
        "eligibility", "currency", "lines", "credit", "charge", "discount", "subtotal", "tax", "unbounded_total",
        "balance_used", "waived", "deferred", "due_now", "next_billing_date", "renewal", "fingerprint", "credited",
        "refunded", "effective", "effective_on", "later_renewals",
    ]  # fmt: skip
