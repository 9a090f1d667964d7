"""Policy: the measures of time, what happens below zero, small amounts, the lock, the order of application."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

from app.billing import apply_quote, quote
from app.billing.facts import Change, Customer, Interval
from app.billing.rulebook import MinimumCharge, Policy, TaxRate
from tests.unit.billing.cases import MONTH, catalog, change_to, held, instant
from tests.unit.billing.domain.sentences import names


@names("quote-pure")
def test_a_quote_is_made_of_its_four_arguments_alone():
    """Asked twice, it says the same, and nothing that it was given has changed."""
    assert list(inspect.signature(quote).parameters) == ["subscription", "change", "policy", "at"]
    subscription, change, policy = held((1, 4000)), Change(quantity=2, unit_price=1000), Policy()
    before = repr((subscription, change, policy))
    one = quote(subscription, change, policy, instant("2026-07-01"))
    assert one == quote(subscription, change, policy, instant("2026-07-01"))
    assert repr((subscription, change, policy)) == before


@names("basis-thirty")
def test_thirty_counts_a_31st_as_the_30th():
    """Jul 31 to Jan 1: six months of 30 days, and 1 − 30 days."""
    made = change_to(held((1, 4000)), "2026-07-31", Policy(basis="thirty"), quantity=2, unit_price=3600)
    assert (made.lines[0].fraction, made.due_now) == ((151, 360), 1510)


@names("basis-second", "change-day-second")
@pytest.mark.parametrize("change_day", ["new", "old"])
def test_second_takes_the_instant_itself_whoever_the_day_belongs_to(change_day: str):
    """Noon of Jul 1: 183 and a half of 365 days."""
    policy = Policy(basis="second", change_day=change_day)
    assert change_to(held((1, 4000)), "2026-07-01T12:00:00", policy, quantity=2, unit_price=36_500).due_now == 18_350


@names("basis-none")
def test_none_charges_the_new_amount_in_full_and_credits_nothing():
    made = change_to(held((1, 4000)), "2026-07-01", catalog(basis="none"), product="crm-pro")
    assert (made.charge, made.credit) == (10_000, 0)


@names("basis-none", "share-whole")
def test_under_none_each_interval_that_is_touched_counts_whole():
    """Half a year that is left of seats paid by the year is six months and a bit of one at a monthly price."""
    wanted = {"unit_price": 1000, "interval": MONTH, "alignment": "shorten_new"}
    assert change_to(held((1, 4000)), "2026-07-01", catalog(basis="none"), **wanted).charge == 6 * 1000
    assert change_to(held((1, 4000)), "2026-06-30", catalog(basis="none"), **wanted).charge == 7 * 1000
    long = held((1, 4000), end="2028-01-01")
    assert change_to(long, "2026-01-01", catalog(basis="none"), quantity=2).charge == 2 * 4000


@names("basis-default")
def test_months_are_the_measure_that_nobody_chose():
    assert (Policy().basis, Policy().change_day, Policy().rounding, Policy().negative) == (
        "month", "new", "half_up", "refuse",
    )  # fmt: skip


@names("share-days")
@pytest.mark.parametrize("basis", ["month", "thirty", "day"])
@pytest.mark.parametrize(("interval", "days"), [(Interval("day", 30), 30), (Interval("week", 4), 28)])
def test_days_and_weeks_are_counted_by_the_calendar(basis: str, interval: Interval, days: int):
    """Over a February: 30/360 would count two days more."""
    end = "2026-03-17" if days == 30 else "2026-03-15"
    subscription = held((1, 2800), start="2026-02-15", end=end, interval=interval)
    made = change_to(subscription, "2026-02-20", Policy(basis=basis, negative="zero"), quantity=0)
    assert made.lines[0].fraction == (days - 5, days)


@names("period-end")
def test_the_end_of_a_period_does_not_belong_to_it():
    """On the last day one day is left; the line's own end is the first day that is not paid."""
    subscription = held((1, 3100), start="2026-01-01", end="2026-02-01", interval=MONTH)
    made = change_to(subscription, "2026-01-31", Policy(basis="day"), quantity=2, unit_price=3100)
    assert (made.lines[0].fraction, str(made.lines[0].end)) == ((1, 31), "2026-02-01")


@names("rounding-line")
def test_each_line_is_rounded_once():
    """Two halves of a cent are two cents, not one."""
    made = change_to(held((1, 1), (1, 1)), "2026-07-01", Policy(negative="zero"), quantity=0)
    assert [line.amount for line in made.lines] == [-1, -1]


@names("negative-credit")
def test_what_is_below_zero_goes_to_the_balance_where_the_merchant_says_so():
    subscription, policy = held((2, 4000)), Policy(negative="credit")
    made = change_to(subscription, "2026-07-01", policy, quantity=1)
    assert (made.eligibility.ok, made.due_now, made.credited, made.unbounded_total) == (True, 0, 2000, -2000)
    assert apply_quote(subscription, made, policy).balance == 2000


@names("negative-zero", "answer-below")
def test_where_nothing_is_paid_out_the_negative_figure_is_still_told():
    made = change_to(held((2, 4000), balance=700), "2026-07-01", Policy(negative="zero"), quantity=1)
    assert (made.subtotal, made.unbounded_total, made.due_now, made.credited, made.balance_used) == (
        -2000,
        -2000,
        0,
        0,
        0,
    )


@names("negative-refund")
@pytest.mark.parametrize(
    ("refundable", "figures"), [(None, (2000, 0)), (2000, (2000, 0)), (1500, (1500, 500)), (0, (0, 2000))]
)
def test_a_refund_goes_to_our_captures_and_the_rest_to_the_balance(refundable: int | None, figures: tuple[int, int]):
    subscription = replace(held((2, 4000)), refundable=refundable)
    policy = Policy(negative="refund")
    made = change_to(subscription, "2026-07-01", policy, quantity=1)
    assert (made.eligibility.ok, made.due_now, made.unbounded_total) == (True, 0, -2000)
    assert (made.refunded, made.credited) == figures
    assert apply_quote(subscription, made, policy).balance == figures[1]


@names("minimum-waive", "minimum-defer", "minimum-charge")
@pytest.mark.parametrize(
    ("below", "figures"), [("waive", (0, 500, 0)), ("defer", (0, 0, 500)), ("charge", (500, 0, 0))]
)
def test_a_total_under_the_minimum_is_waived_deferred_or_charged(below: str, figures: tuple[int, int, int]):
    policy = Policy(minimum_charge=MinimumCharge(501, below))
    made = change_to(held((1, 4000)), "2026-07-01", policy, quantity=2, unit_price=1000)
    assert (made.due_now, made.waived, made.deferred) == figures


@names("minimum-charge")
def test_the_minimum_itself_is_charged():
    policy = Policy(minimum_charge=MinimumCharge(500, "waive"))
    assert change_to(held((1, 4000)), "2026-07-01", policy, quantity=2, unit_price=1000).due_now == 500


@names("lock-window")
def test_nothing_may_change_in_the_last_half_hour_before_a_renewal():
    def code(at: str, window: int | None = None) -> str | None:
        policy = Policy() if window is None else Policy(lock_window=window)
        return change_to(held((1, 4000)), at, policy, quantity=2, unit_price=1000).eligibility.code

    assert (code("2026-12-31T23:29:59"), code("2026-12-31T23:30:00")) == (None, "renewal_in_progress")
    assert (code("2026-12-31T23:59:59", 0), code("2026-12-31T00:00:00", 86_400)) == (None, "renewal_in_progress")


@names("unpaid-limit", "past-due")
@pytest.mark.parametrize(
    ("unpaid", "limit", "code"), [(1, 1, "unpaid_invoices"), (1, 2, None), (2, 2, "unpaid_invoices")]
)
def test_unpaid_invoices_refuse_from_the_limit_on(unpaid: int, limit: int, code: str | None):
    subscription = held((1, 4000), status="past_due", customer=Customer(unpaid_invoices=unpaid))
    made = change_to(subscription, "2026-07-01", Policy(unpaid_limit=limit), quantity=2, unit_price=1000)
    assert made.eligibility.code == code


@names("order", "order-sum")
def test_tax_comes_before_the_balance_and_the_minimum_looks_at_what_is_left():
    """5.00 and 10 % are 5.50; 3.00 come from the balance; 2.50 are under the minimum."""
    policy = Policy(tax=TaxRate(100_000), minimum_charge=MinimumCharge(300, "defer"))
    made = change_to(held((1, 4000), balance=300), "2026-07-01", policy, quantity=2, unit_price=1000)
    assert (made.unbounded_total, made.balance_used, made.deferred, made.due_now) == (550, -300, 250, 0)
    assert sum(line.amount for line in made.lines) == 550


@names("order")
def test_a_balance_below_zero_is_no_debt_that_a_change_collects():
    made = change_to(held((1, 4000), balance=-300), "2026-07-01", Policy(), quantity=2, unit_price=1000)
    assert (made.balance_used, made.due_now) == (0, 500)
