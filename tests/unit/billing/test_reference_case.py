"""The case that the whole product is judged by, and its nearest neighbours."""

from __future__ import annotations

import pytest

from tests.unit.billing.cases import ask, case, priced
from tests.unit.billing.domain.sentences import names


@names("reference")
def test_the_second_seat_costs_5_today_and_both_renew_at_50():
    answer = ask()
    assert answer["eligibility"] == {"ok": True, "code": None, "message": None}
    assert (answer["due_now"], answer["next_billing_date"]) == ("5.00", "2019-01-01")
    assert answer["renewal"] == {"date": "2019-01-01", "amount": "50.00", "tax": "0.00"}


@names("reference-day")
def test_by_calendar_days_it_costs_5_04():
    answer = ask(policy__basis="day")
    assert answer["due_now"] == "5.04"
    assert answer["lines"][0]["fraction"] == [184, 365]


@pytest.mark.parametrize(
    ("basis", "due"), [("month", "5.00"), ("day", "5.04"), ("thirty", "5.00"), ("second", "5.04"), ("none", "10.00")]
)
def test_each_measure_of_time_prices_it(basis: str, due: str):
    assert ask(policy__basis=basis)["due_now"] == due


@names("line-explains")
def test_the_line_explains_itself():
    line = ask(catalog={"crm-seat": {"name": "CRM seat"}})["lines"][0]
    assert line["label"] == "1 × CRM seat, 6 of 12 months"
    assert line["why"] == "Jul 1 to Dec 31, 2018: 6 of 12 months at $10.00 a year"
    assert line["period"] == {"start": "2018-07-01", "end": "2019-01-01"}
    assert (line["fraction"], line["basis"], line["quantity"]) == ([6, 12], "month", 1)


def test_the_answer_has_the_fields_of_the_specification_in_their_order_and_its_own_after_them():
    assert list(ask()) == [
        "eligibility", "currency", "lines", "credit", "charge", "discount", "subtotal", "tax", "unbounded_total",
        "balance_used", "waived", "deferred", "due_now", "next_billing_date", "renewal", "fingerprint",
        "credited", "refunded", "effective", "effective_on", "later_renewals",
    ]  # fmt: skip


def test_the_renewal_lists_both_seats():
    first, second = priced().renewal.lines
    assert (first.amount, first.added) == (4000, False)
    assert (second.amount, second.added) == (1000, True)


def test_what_settling_needs_is_in_the_quote():
    made = priced()
    assert [(lot.number, lot.quantity, lot.unit_price) for lot in made.after[0].lots] == [(1, 1, 4000), (2, 1, 1000)]
    assert [(row.lot, row.amount) for row in made.entitlements] == [(2, 500)]
    assert made.after[0].period == read_period()
    assert made.next_billing_before == made.next_billing_date


def read_period():
    from app.billing.case import read_case

    return read_case(case()).subscription.items[0].period


def test_a_missing_name_prints_the_code():
    assert ask()["lines"][0]["label"].startswith("1 × crm-seat")
