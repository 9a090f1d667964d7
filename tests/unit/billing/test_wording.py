"""Every line's sentence, and the same facts in another language's words."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from app.billing.case import read_case
from app.billing.engine import quote
from app.billing.errors import CaseError
from app.billing.facts import Interval
from app.billing.result import Line
from app.billing.wording import ENGLISH, TEXTS, Words, explain, label, percent, says_something
from tests.unit.billing.cases import priced
from tests.unit.billing.mixed import mixed_cases

PRO: dict[str, Any] = {"change__product": "crm-pro", "change__quantity": 1, "change__unit_price": "100.00"}


def credit_sentence(facts: dict[str, Any]) -> str:
    return next(explain(line) for line in priced(**facts).lines if line.kind == "credit")


def test_a_credit_counts_the_months_and_days_of_its_own_span():
    assert credit_sentence({**PRO, "at": "2018-07-11T00:00:00Z"}) == (
        "Jul 11 to Dec 31, 2018: 5 months and 21 of 31 days, out of 12 months, already paid"
    )
    rows = [{"start": "2018-07-05T00:00:00Z", "end": "2018-07-20T00:00:00Z", "amount": "5.00"}]
    within = {**PRO, "at": "2018-07-11T00:00:00Z", "subscription__items__0__entitlements": rows}
    assert credit_sentence(within) == "Jul 11 to Jul 19, 2018: 9 of 15 days, already paid"


def test_a_credit_of_several_spans_is_a_share_of_what_was_paid():
    rows = [
        {"start": "2018-01-01T00:00:00Z", "end": "2019-01-01T00:00:00Z", "amount": "40.00"},
        {"start": "2018-06-01T00:00:00Z", "end": "2019-01-01T00:00:00Z", "amount": "10.00"},
    ]
    assert credit_sentence({**PRO, "subscription__items__0__entitlements": rows}) == (
        "Jul 1 to Dec 31, 2018: 4/7 of what was paid"
    )


@pytest.mark.parametrize(
    ("facts", "sentences"),
    [
        (PRO, [
            "Jul 1 to Dec 31, 2018: 6 of 12 months at $100.00 a year",
            "Jul 1 to Dec 31, 2018: 6 of 12 months, already paid",
        ]),
        ({"at": "2018-07-11T00:00:00Z"}, ["Jul 11 to Dec 31, 2018: 5 months and 21 of 31 days, out of 12 months at $10.00 a year"]),
        ({"at": "2018-12-11T00:00:00Z"}, ["Dec 11 to Dec 31, 2018: 21 of 31 days, out of 12 months at $10.00 a year"]),
        ({"policy__basis": "day", "change__quantity": 3}, ["Jul 1 to Dec 31, 2018: 184 of 365 days at 2 × $10.00 a year"]),
        ({"policy__basis": "none"}, ["Jul 1 to Dec 31, 2018 at $10.00 a year"]),
        ({"change__discount": {"percent": "12.5"}, "tax__percent": "8.875", "tax__label": "Oregon"}, [
            "Jul 1 to Dec 31, 2018: 6 of 12 months at $10.00 a year",
            "Jul 1 to Dec 31, 2018: 12.5% off this charge",
            "Oregon: 8.875% on the sum of the lines above",
        ]),
        ({"tax__percent": "20"}, ["Jul 1 to Dec 31, 2018: 6 of 12 months at $10.00 a year", "20% on the sum of the lines above"]),
        ({**PRO, "at": "2018-01-01T00:00:00Z"}, ["Jan 1 to Dec 31, 2018 at $100.00 a year", "Jan 1 to Dec 31, 2018: already paid"]),
        ({"policy__basis": "second"}, ["Jul 1 to Dec 31, 2018: 15,897,600 of 31,536,000 seconds at $10.00 a year"]),
        ({"change__discount": {"amount": "1.00"}}, [
            "Jul 1 to Dec 31, 2018: 6 of 12 months at $10.00 a year", "Jul 1 to Dec 31, 2018: taken off this charge",
        ]),
        ({**PRO, "change__alignment": "reset", "change__interval": "3month"}, [
            "Jul 1 to Sep 30, 2018 at $100.00 every 3 months",
            "Jul 1 to Dec 31, 2018: 6 of 12 months, already paid",
        ]),
    ],
)  # fmt: skip
def test_each_line_says_why(facts: dict[str, Any], sentences: list[str]):
    assert [explain(line) for line in priced(**facts).lines] == sentences


def test_each_kind_has_a_label():
    made = priced(**PRO, change__discount={"percent": "20"}, tax__percent="8.5", tax__label="Oregon")
    assert [label(line) for line in made.lines] == [
        "1 × crm-pro, 6 of 12 months", "20% off 1 × crm-pro", "Credit for 1 × crm-seat, 6 of 12 months", "Oregon, 8.5%",
    ]  # fmt: skip


def test_another_language_renders_the_same_facts():
    french = replace(
        ENGLISH,
        texts=TEXTS | {
            "charge.why": ("{span} : {share} à {price}",), "share": ("{parts} sur {whole}",), "month": ("{count} mois",), "per.year": ("par an", "tous les {count} ans"),
            "charge.label": ("{quantity} × {name}, {share}",),
        },
        money=lambda minor, currency: f"{minor // 100},{minor % 100:02} {currency}",
        span=lambda first, last: f"{first:%d/%m/%Y} au {last:%d/%m/%Y}",
    )  # fmt: skip
    line = priced().lines[0]
    assert explain(line, french) == "01/07/2018 au 31/12/2018 : 6 mois sur 12 à 10,00 USD par an"
    assert label(line, french) == "1 × crm-seat, 6 mois sur 12"


def test_a_language_may_have_more_plural_forms_than_english():
    polish = Words(
        {"month": ("miesiąc", "miesiące", "miesięcy")},
        lambda n: 0 if n == 1 else 1 if n < 5 else 2,
        ENGLISH.money,
        ENGLISH.span,
    )
    assert [polish.say("month", n) for n in (1, 3, 7)] == ["miesiąc", "miesiące", "miesięcy"]


def test_all_forms_of_a_text_name_the_same_parts_or_fewer():
    """The form for one may leave out the count (`a year`); no form may name a part that the others do not know."""
    for key, forms in TEXTS.items():
        parts = [{name for _, name, _, _ in string.Formatter().parse(form) if name} for form in forms]
        assert all(part <= parts[-1] for part in parts), key


@pytest.mark.parametrize(
    ("rate", "text"), [(200_000, "20"), (88_750, "8.875"), (5_000, "0.5"), (0, "0"), (1_000_000, "100")]
)
def test_percentages_have_no_trailing_zeros(rate: int, text: str):
    assert percent(rate) == text


def extended(basis: str, at: str, end: str, interval: str = "1year", price: str = "600.00") -> Line:
    """The line that takes a month's plan further, so that it ends with what is added."""
    start = f"{end[:5]}{int(end[5:7]) - 1:02}{end[7:]}"
    held = {
        "product": "p",
        "interval": "1month",
        "period": {"start": start, "end": end},
        "lots": [{"quantity": 1, "unit_price": "30.00"}],
    }
    case = {
        "at": f"{at}T00:00:00Z", "currency": "USD", "policy": {"basis": basis}, "subscription": {"items": [held]},
        "change": {"item": None, "product": "q", "unit_price": price, "interval": interval, "alignment": "extend_existing"},
    }  # fmt: skip
    return next(line for line in lines_of(case) if line.kind == "extension")


def lines_of(case: dict[str, Any]) -> tuple[Line, ...]:
    subscription, change, policy, at = read_case(case)
    return quote(subscription, change, policy, at).lines


@pytest.mark.parametrize("basis", ["day", "second"])
def test_a_sum_over_months_of_unlike_lengths_is_never_told_as_days(basis: str):
    line = extended(basis, "2026-04-11", "2026-05-01")
    assert line.fraction == (34, 3)
    assert label(line) == "1 × p, extension, 34/3 of a full period's price"
    assert explain(line) == (
        "May 1, 2026 to Apr 10, 2027: 34/3 of a full period's price at $30.00 a month, so that all ends on one day"
    )


@pytest.mark.parametrize("basis", ["day", "second", "month", "thirty"])
def test_whole_periods_are_counted_as_periods(basis: str):
    assert label(extended(basis, "2026-05-01", "2026-05-01")) == "1 × p, extension, 12 full periods"


def test_equal_months_are_still_told_as_days():
    """July and August are 31 days each; so are 30/360's months 30."""
    assert (
        label(extended("day", "2026-06-10", "2026-07-01", "2month"))
        == "1 × p, extension, 1 full period and 9 of 31 days"
    )


def credited(rows: list[dict[str, Any]], interval: str, period: tuple[str, str], at: str) -> list[str]:
    lot = {"quantity": 1, "unit_price": "30.00"}
    held = {
        "product": "p",
        "interval": interval,
        "period": dict(zip(("start", "end"), period, strict=True)),
        "lots": [lot],
        "entitlements": rows,
    }
    case = {
        "at": f"{at}T00:00:00Z", "currency": "USD", "policy": {"negative": "credit"}, "subscription": {"items": [held]},
        "change": {"quantity": 0},
    }  # fmt: skip
    return [text for line in lines_of(case) if line.kind == "credit" for text in (label(line), explain(line))]


def test_a_credit_for_no_whole_number_of_months_is_a_share_of_what_was_paid():
    rows = [{"start": "2026-04-04", "end": "2026-07-01", "amount": "29.00"}]
    assert credited(rows, "3month", ("2026-04-01", "2026-07-01"), "2026-04-14") == [
        "Credit for 1 × p, 77/87 of what was paid",
        "Apr 14 to Jun 30, 2026: 77/87 of what was paid",
    ]


def test_a_credit_for_a_row_that_is_not_the_items_interval_never_guesses_its_months():
    rows = [{"start": "2026-01-05", "end": "2027-01-05", "amount": "29.00"}]
    told = credited(rows, "1year", ("2026-01-01", "2027-01-01"), "2026-03-05")
    assert told[0] == "Credit for 1 × p, 5/6 of what was paid"


PERIODS = re.compile(r"([\d,]+) full periods? and ")
OF = re.compile(r"([\d,]+) of ([\d,]+) (month|day|second)s?")
LENGTHS = {"month": (1, 1), "day": (28, 31), "second": (28 * 86_400 - 3_600, 31 * 86_400 + 3_600)}
DAYS = {"day": 1, "week": 7}


def untrue(line: Line) -> str | None:
    """What is false in ``N of M days``: N lasts from the line's first day to its last, M is one interval's own length."""
    told = OF.search(label(line))
    if told is None or line.start is None or line.end is None or line.interval is None or line.kind == "discount":
        return None
    part, whole, unit = int(told[1].replace(",", "")), int(told[2].replace(",", "")), told[3]
    days = (line.end - line.start).days
    periods = PERIODS.search(label(line))
    if periods is not None:
        part += int(periods[1].replace(",", "")) * whole
    if "month" in label(line).partition(told[0])[0] or "out of" in label(line):
        return None if part < whole <= 31 else "more odd days than a month has"
    if unit == "day" and line.basis == "thirty" and line.interval.unit not in DAYS:
        apart = (line.end.year - line.start.year) * 12 + line.end.month - line.start.month
        days = 30 * apart + min(line.end.day, 30) - min(line.start.day, 30)
    spans = {
        "day": (days, days),
        "second": ((days - 1) * 86_400 - 3_600, (days + 1) * 86_400 + 3_600),
        "month": (days // 31, days // 28),
    }
    least, most = spans[unit]
    if not least <= part <= most:
        return f"{part} {unit}s for {days} days"
    return (
        None
        if line.kind == "credit" or _one_interval(line.interval, unit, whole)
        else f"no interval of {whole} {unit}s"
    )


def _one_interval(interval: Interval, unit: str, whole: int) -> bool:
    if interval.unit in DAYS:
        length = DAYS[interval.unit] * interval.count
        return whole == length if unit == "day" else abs(whole - length * 86_400) <= 3_600
    months = interval.count * (12 if interval.unit == "year" else 1)
    least, most = LENGTHS[unit]
    return least * months <= whole <= most * months


def test_whatever_is_told_in_units_is_true_of_its_line():
    told = 0
    for number, case in enumerate(mixed_cases(1_500)):
        try:
            lines = lines_of(case)
        except CaseError:
            continue
        for line in lines:
            told += OF.search(label(line)) is not None
            assert untrue(line) is None, (number, label(line), explain(line), untrue(line))
    assert told > 300


def test_whole_periods_and_a_part_of_one_are_told_apart():
    """A rest of 275 days at a price for 14 of them."""
    line = Line(
        "charge", 13_750, "USD", name="p", quantity=1, unit_price=700, interval=Interval("week", 2), start=date(2026, 4, 1),
        end=date(2027, 1, 1), basis="day", fraction=(275, 14), unit="day",
    )  # fmt: skip
    assert label(line) == "1 × p, 19 full periods and 9 of 14 days"
    assert explain(line) == "Apr 1 to Dec 31, 2026: 19 full periods and 9 of 14 days at $7.00 every 2 weeks"


def test_an_empty_rest_is_no_line_to_a_reader():
    line = Line("charge", 0, "USD", name="p", quantity=1, unit_price=1000, fraction=(0, 1), unit="month")
    assert not says_something(line)
    assert says_something(line._replace(fraction=(6, 12)))  # a free seat
    assert says_something(Line("charge", 0, "USD", rule="fixed"))
