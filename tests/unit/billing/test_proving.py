"""When a link alone does not buy: by the larger of what is due now and what every renewal comes to, or by the link's age."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.billing.proving import way_asked
from tests.unit.billing.cases import instant

NOW = instant("2026-07-01")


def asked(rule: dict[str, Any] | None, due: int, renewal: int, **more: Any) -> str | None:
    given: dict[str, Any] = {
        "currency": "USD", "asks_card": True, "rises": True, "issued": NOW - timedelta(days=3), "now": NOW, **more,
    }  # fmt: skip
    return way_asked({"step_up": rule} if rule else {}, due=due, renewal=renewal, **given)


@pytest.mark.parametrize(
    ("due", "renewal", "asks"),
    [
        (14, 500_000, True), (500_000, 14, True), (10_000, 0, True), (0, 10_000, True),
        (9_999, 9_999, False), (0, 0, False),
    ],
)  # fmt: skip
def test_the_larger_of_both_is_held_against_the_threshold(due: int, renewal: int, asks: bool):
    assert (asked({"amount": "100.00"}, due, renewal) == "code") is asks


def test_the_threshold_is_counted_in_the_subscriptions_currency():
    assert asked({"amount": "100"}, 100, 0, currency="JPY") == "code"
    assert asked({"amount": "100"}, 99, 0, currency="JPY") is None
    assert asked({"amount": "0.50"}, 1, 0, currency="JPY") == "code"


@pytest.mark.parametrize(("days", "asks"), [(0, True), (3, True), (4, False)])
def test_an_old_link_asks_whatever_the_sum(days: int, asks: bool):
    assert (asked({"link_age_days": days}, 1, 1) == "code") is asks


def test_a_card_is_asked_for_only_where_one_is_charged():
    assert asked({"amount": "1.00", "how": "card"}, 500, 500) == "card"
    assert asked({"amount": "1.00", "how": "card"}, 0, 500, asks_card=False) == "code"


def test_without_a_rule_or_where_nothing_costs_more_nothing_is_asked():
    assert asked(None, 500_000, 500_000) is None
    assert asked({"amount": "0.01"}, 500_000, 500_000, rises=False) is None
