"""What lowers a commitment: less of something that nothing of at least its price replaces, a shorter interval, a lower price."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.billing.cases import ask

OPTIONS: dict[str, Any] = {
    "users": {"prices": {"1year": "2.00", "1month": "0.20"}, "per": "subscription", "scale": {"min": 1, "max": 50}},
    "sa": {"prices": {"1year": "5.00"}, "per": "subscription"},
    "sb": {"prices": {"1year": "9.00"}, "per": "subscription"},
    "free": {"prices": {"1year": "0.00"}, "per": "subscription"},
}
FEATURES: dict[str, Any] = {"sso": {"kind": "onoff", "prices": {"1year": "9.00"}}}
CATALOG: dict[str, Any] = {
    "crm-seat": {"prices": {"1year": "40.00", "1month": "4.00"}, "options": OPTIONS, "features": FEATURES},
    "crm-pro": {"prices": {"1year": "100.00"}},
}
HELD = [
    {"quantity": 1, "unit_price": "40.00"},
    {"quantity": 7, "unit_price": "2.00", "option": "users"},
    {"quantity": 1, "unit_price": "5.00", "option": "sa"},
    {"quantity": 1, "unit_price": "9.00", "feature": "sso"},
]


def code_of(options: list[str] | None = None, **change: Any) -> str | None:
    facts = {f"change__{name}": value for name, value in {"quantity": 1, "unit_price": None, **change}.items()}
    answer = ask(
        catalog=CATALOG,
        policy__negative="credit",
        subscription__items__0__lots=HELD,
        subscription__items__0__options=["users=7", "sa"],
        subscription__items__0__committed_until="2018-12-01T00:00:00Z",
        **facts,
        **({} if options is None else {"change__options": options}),
    )
    return answer["eligibility"]["code"]


@pytest.mark.parametrize(
    "raised",
    [
        {"options": ["users=8", "sa"]},
        {"options": ["users=7", "sb"]},
        {"options": ["users=7", "sa", "sb"]},
        {"options": ["users=5", "sb"]},
        {"product": "crm-pro", "options": []},
        {"quantity": 2},
    ],
)
def test_what_raises_or_swaps_for_more_is_no_reduction(raised: dict[str, Any]):
    assert code_of(**raised) is None


@pytest.mark.parametrize(
    "lowered",
    [
        {"options": ["users=6", "sa"]},
        {"options": ["users=7"]},
        {"options": ["users=7"], "quantity": 3},
        {"options": ["users=4", "sb"], "quantity": 3},
        {"options": ["users=7", "free"], "quantity": 3},
        {"options": ["users=6", "sa"], "quantity": 3},
        {"features": {"sso": False}, "quantity": 3},
        {"interval": {"unit": "month", "count": 1}, "options": [], "features": {"sso": False}, "quantity": 99},
        {"quantity": 0},
    ],
)
def test_less_of_anything_is_a_reduction_whatever_else_is_added(lowered: dict[str, Any]):
    assert code_of(**lowered) == "commitment_running"
