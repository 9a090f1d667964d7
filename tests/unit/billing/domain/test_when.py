"""When a change begins and where its dates end up: effective, alignment, anchors, items that are added."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.billing import quote
from app.billing.errors import CaseError
from app.billing.facts import Change, Discount, Interval, LotDiscount, Subscription
from app.billing.rulebook import Policy
from app.billing.schedule import schedule
from tests.unit.billing.cases import MONTH, YEAR, catalog, change_to, held, instant
from tests.unit.billing.domain.sentences import names


def dates(made: object) -> tuple[str, str, int]:
    """The period of the first item as it will be, and its anchor day."""
    item = made.after[0]  # type: ignore[attr-defined]
    return str(item.period.start.date()), str(item.period.end.date()), item.anchor_day


@names("next-billing")
def test_at_the_next_billing_nothing_is_due_now_and_all_is_scheduled():
    made = change_to(held((1, 4000)), "2026-07-01", catalog(), product="crm-pro", effective="next_billing")
    assert (made.lines, made.due_now, made.entitlements) == ((), 0, ())
    assert (made.effective_on, made.renewal.amount) == (date(2027, 1, 1), 10_000)
    assert dates(made) == ("2026-01-01", "2027-01-01", 1)


@names("next-billing", "scope-once", "scope-periods", "scope-forever")
@pytest.mark.parametrize(
    ("scope", "periods", "left"), [("once", None, 0), ("periods", 1, 0), ("periods", 3, 2), ("forever", None, None)]
)
def test_the_period_of_a_scheduled_change_counts_as_the_first_though_nothing_is_charged_for_it(
    scope: str, periods: int | None, left: int | None
):
    off = Discount(percent=200_000, scope=scope, periods=periods)
    made = change_to(
        held((1, 4000)), "2026-07-01", catalog(), product="crm-pro", effective="next_billing", discount=off
    )
    kept = None if left == 0 else LotDiscount(percent=200_000, periods_left=left)
    assert made.after[0].lots[0].discount == kept
    assert made.renewal.amount == (8000 if kept else 10_000)


@names("early-renewal", "fine-in-full")
def test_an_early_renewal_charges_all_lots_and_runs_to_the_old_end_and_one_interval():
    made = change_to(held((1, 4000)), "2026-07-11", quantity=2, unit_price=1000, effective="early_renewal")
    assert [(line.kind, line.amount) for line in made.lines] == [("charge", 4000), ("charge", 1000), ("carry_over", 0)]
    assert (made.due_now, made.renewal.amount, dates(made)) == (5000, 5000, ("2026-07-11", "2028-01-01", 1))


@names("early-carried")
def test_an_early_renewal_credits_nothing_and_carries_the_time_not_the_value():
    """What was paid for the old plan's rest goes over to the new one's lot: two rows that cancel out."""
    made = change_to(held((1, 4000)), "2026-07-01", catalog(), product="crm-pro", effective="early_renewal")
    assert (made.credit, made.due_now) == (0, 10_000)
    assert [(row.lot, row.amount) for row in made.entitlements] == [(2, 10_000), (1, -2000), (2, 2000)]


@names("early-renewal")
def test_what_is_held_may_be_renewed_early_as_it_is():
    made = change_to(held((1, 4000)), "2026-07-01", effective="early_renewal")
    assert (made.eligibility.ok, made.due_now, dates(made)[1]) == (True, 4000, "2028-01-01")


@names("early-renewal")
def test_what_is_removed_has_no_renewal_to_bring_forward():
    made = change_to(held((1, 4000)), "2026-07-01", quantity=0, effective="early_renewal")
    assert (made.eligibility.code, made.due_now) == ("quantity_out_of_range", 0)


@names("fine-early-date")
@pytest.mark.parametrize("change_day", ["new", "old"])
def test_the_next_date_of_an_early_renewal_does_not_depend_on_the_day_of_the_change(change_day: str):
    subscription = held((1, 400), start="2026-01-31", end="2026-02-28", interval=MONTH, anchor_day=31)
    made = change_to(subscription, "2026-02-10", Policy(change_day=change_day), effective="early_renewal")
    assert (made.next_billing_date, made.after[0].anchor_day) == (date(2026, 3, 31), 31)


@names("shorten-new")
def test_all_ends_with_the_current_period():
    made = change_to(held((1, 4000)), "2026-07-01", catalog(), product="crm-pro")
    assert (made.charge, made.credit, dates(made)) == (5000, -2000, ("2026-01-01", "2027-01-01", 1))


@names("extend-new", "extend-old")
def test_the_new_part_gets_a_full_interval_and_the_old_one_is_taken_along():
    made = change_to(held((1, 4000)), "2026-07-01", quantity=2, unit_price=1000, alignment="extend_existing")
    assert [(line.kind, line.amount, str(line.start), str(line.end)) for line in made.lines] == [
        ("charge", 1000, "2026-07-01", "2027-07-01"), ("extension", 2000, "2027-01-01", "2027-07-01"),
    ]  # fmt: skip
    assert dates(made) == ("2026-07-01", "2027-07-01", 1)


@names("extend-anchor", "fine-anchor-day")
def test_the_new_end_is_the_anchor_and_the_day_is_todays_not_the_clamped_ends():
    subscription = held((1, 400), start="2026-08-15", end="2026-09-15", interval=MONTH)
    made = change_to(subscription, "2026-08-31", quantity=2, unit_price=400, alignment="extend_existing")
    assert (made.due_now, dates(made)) == (400 + 200, ("2026-08-31", "2026-09-30", 31))


@names("fine-today")
def test_with_the_day_of_the_change_old_an_extension_begins_the_next_day():
    policy = Policy(change_day="old")
    made = change_to(held((1, 4000)), "2026-07-01", policy, quantity=2, unit_price=1000, alignment="extend_existing")
    assert dates(made) == ("2026-07-02", "2027-07-02", 2)


@names("extend-product")
def test_for_another_product_an_extension_is_a_reset():
    extended, again = (
        change_to(held((1, 4000)), "2026-07-11", catalog(), product="crm-pro", alignment=one)
        for one in ("extend_existing", "reset")
    )
    assert extended == again


@names("extend-old", "fine-discount-kept")
def test_an_extension_has_its_lots_discount_for_as_many_periods_as_are_left():
    """Eleven months more at 4.00: two of them at half the price, and then the discount is used up."""
    subscription = held((1, 400), start="2026-07-01", end="2026-08-01", interval=MONTH)
    item = subscription.items[0]
    lot = replace(item.lots[0], discount=LotDiscount(percent=500_000, periods_left=2))
    subscription = replace(subscription, items=(replace(item, lots=(lot,)),))
    yearly = Change(None, "crm-pro", interval=YEAR, alignment="extend_existing")
    made = quote(subscription, yearly, catalog(), instant("2026-07-01"))
    assert [(line.kind, line.amount) for line in made.lines] == [
        ("charge", 10_000), ("extension", 4400), ("discount", -400),
    ]  # fmt: skip
    assert made.after[0].lots[0].discount is None


@names("extend-old")
def test_a_new_part_that_ends_before_the_old_one_cannot_extend_it():
    monthly = Change(None, "crm-pro", interval=MONTH, alignment="extend_existing")
    made = quote(held((1, 4000)), monthly, catalog(), instant("2026-02-01"))
    assert made.eligibility.code == "interval_mismatch"


@names("extend-old")
@pytest.mark.parametrize(("held_at", "wanted"), [(YEAR, MONTH), (MONTH, YEAR)])
def test_where_another_interval_leaves_nothing_to_extend_it_equals_a_reset(held_at: Interval, wanted: Interval):
    seat = held((1, 400), end="2027-01-01" if held_at == YEAR else "2026-02-01", interval=held_at)
    extended, anew = (
        change_to(seat, "2026-01-11", catalog(), interval=wanted, alignment=one) for one in ("extend_existing", "reset")
    )
    assert extended == anew
    assert extended.eligibility.code in (None, "negative_total")


KEPT = {
    "year to month": ("2026-07-11", YEAR, MONTH, "2027-01-01", 271, -1892, "2026-08-01"),
    "month to year": ("2026-01-16", MONTH, YEAR, "2026-02-01", 3839, -206, "2027-01-01"),
    "year to fortnight": ("2026-07-01", YEAR, Interval("week", 2), "2027-01-01", 100, -2000, "2026-07-02"),
    "year to 30 days": ("2026-07-01", YEAR, Interval("day", 30), "2027-01-01", 1400, -2000, "2026-07-30"),
}


@names("keep-day", "keep-day-end")
@pytest.mark.parametrize("case", KEPT)
def test_the_new_interval_that_contains_today_is_charged_to_its_end(case: str):
    at, old, new, end, charge, credit, next_date = KEPT[case]
    subscription = held((1, 4000 if old == YEAR else 400), end=end, interval=old)
    price = None if new in (YEAR, MONTH) else 1400 if new.unit == "week" else 1448
    policy = catalog(negative="zero")
    made = change_to(subscription, at, policy, interval=new, unit_price=price, alignment="keep_day")
    assert (made.charge, made.credit, str(made.next_billing_date)) == (charge, credit, next_date)


@names("keep-day", "change-day-old")
def test_keep_day_on_the_last_day_of_an_interval_that_is_the_old_plans_charges_nothing():
    """It is July's last day: the month that contains it is July, and of that nothing is left."""
    policy = catalog(change_day="old", negative="zero")
    made = change_to(held((1, 4000)), "2026-07-31", policy, interval=MONTH, alignment="keep_day")
    assert (made.charge, str(made.next_billing_date)) == (0, "2026-08-01")


@names("anchor", "schedule")
def test_billing_dates_come_from_the_anchor_never_from_the_date_before():
    assert [str(day) for day in schedule(date(2023, 1, 31), MONTH, 4)] == [
        "2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30",
    ]  # fmt: skip
    assert str(schedule(date(2024, 2, 29), YEAR, 5)[-1]) == "2028-02-29"


def two_items() -> Subscription:
    """A seat until 2027-01-01 and a second item until 2026-10-01."""
    one = held((1, 4000))
    other = held((1, 900), start="2025-10-01", end="2026-10-01").items[0]
    rows = tuple(row._replace(item=2) for row in other.entitlements or ())
    return replace(one, items=(*one.items, replace(other, running_number=2, entitlements=rows)))


@names("new-item", "new-item-latest")
@pytest.mark.parametrize(("align_with", "due", "end"), [(2, 2500, "2026-10-01"), (None, 5000, "2027-01-01")])
def test_an_item_that_is_added_joins_the_one_that_is_named_or_that_ends_last(
    align_with: int | None, due: int, end: str
):
    made = quote(two_items(), Change(None, "crm-pro", align_with=align_with), catalog(), instant("2026-07-01"))
    assert (made.due_now, made.after[2].running_number, str(made.after[2].period.end.date())) == (due, 3, end)


@names("new-item", "case-list")
def test_an_item_may_be_swapped_for_a_new_one_in_one_quote():
    swap = [Change(1, quantity=0), Change(None, "crm-pro")]
    made = quote(held((1, 4000)), swap, catalog(), instant("2026-07-01"))
    assert (made.credit, made.charge, [item.running_number for item in made.after]) == (-2000, 5000, [2])


@names("renewal-earliest")
def test_the_renewal_is_that_of_the_earliest_next_date():
    made = quote(two_items(), Change(1, quantity=2, unit_price=1000), Policy(), instant("2026-07-01"))
    assert (str(made.renewal.date), made.renewal.amount) == ("2026-10-01", 900)


@names("case-list")
def test_what_is_made_now_and_what_waits_are_quotes_of_their_own():
    mixed = [Change(1, quantity=2, unit_price=1), Change(2, quantity=2, unit_price=1, effective="next_billing")]
    with pytest.raises(CaseError, match="quotes of their own"):
        quote(two_items(), mixed, Policy(), instant("2026-07-01"))
