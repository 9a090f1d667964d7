"""Billing dates come from the anchor, so that they never drift."""

from __future__ import annotations

import itertools
from calendar import monthrange
from datetime import date, timedelta

import pytest

from app.billing.errors import CaseError
from app.billing.facts import Interval
from app.billing.schedule import schedule, step


def dates(anchor: str, interval: str, count: int, since: str | None = None) -> list[str]:
    first = date.fromisoformat(anchor)
    return [
        day.isoformat()
        for day in schedule(first, Interval.parse(interval), count, date.fromisoformat(since) if since else None)
    ]


@pytest.mark.parametrize(
    ("anchor", "interval", "expected"),
    [
        ("2023-01-31", "1month", ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30"]),
        ("2024-01-30", "1month", ["2024-01-30", "2024-02-29", "2024-03-30"]),
        ("2024-02-29", "1year", ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]),
        ("2023-11-30", "3month", ["2023-11-30", "2024-02-29", "2024-05-30"]),
        ("2023-12-28", "7day", ["2023-12-28", "2024-01-04"]),
        ("2023-12-28", "2week", ["2023-12-28", "2024-01-11"]),
    ],
)
def test_dates_from_an_anchor(anchor: str, interval: str, expected: list[str]):
    assert dates(anchor, interval, len(expected)) == expected


@pytest.mark.parametrize("since", ["2024-02-28", "2024-02-29"])
def test_from_is_inclusive_and_count_counts_from_it(since: str):
    assert dates("2023-01-31", "1month", 2, since) == ["2024-02-29", "2024-03-31"]


def test_from_before_the_anchor_begins_at_the_anchor():
    assert dates("2023-01-31", "1month", 1, "2020-01-01") == ["2023-01-31"]


@pytest.mark.parametrize("day", range(1, 32))
def test_no_anchor_drifts_in_two_hundred_months(day: int):
    anchor = date(2023, 1, day)
    for number, billed in enumerate(schedule(anchor, Interval("month", 1), 200)):
        assert (billed.year * 12 + billed.month) - (2023 * 12 + 1) == number
        assert billed.day == min(day, monthrange(billed.year, billed.month)[1])


def test_days_and_weeks_are_equally_far_apart():
    days = schedule(date(2024, 2, 20), Interval("week", 2), 50)
    assert {later - earlier for earlier, later in itertools.pairwise(days)} == {timedelta(14)}


def test_a_step_back_and_forth_ends_where_it_began():
    assert step(step(date(2024, 3, 31), 31, Interval("month", 1), -1), 31, Interval("month", 1), 1) == date(2024, 3, 31)


def test_the_end_of_the_calendar_is_an_error_by_name():
    with pytest.raises(CaseError, match=r"^count: "):
        dates("9998-01-01", "1year", 5)


@pytest.mark.parametrize(
    "text", ["", "month", "0month", "1", "1moon", "01month", "-1month", "1.5year", "99999day", "١month"]
)
def test_what_is_no_interval_is_refused(text: str):
    with pytest.raises(CaseError):
        Interval.parse(text)
