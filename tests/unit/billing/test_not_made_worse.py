"""A change is not refused for what is so already and what it does not make worse, nor scheduled for what never comes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.billing.cases import ask

OPTIONS: dict[str, Any] = {code: {"prices": {"1year": "5.00"}, "per": "subscription"} for code in ("a", "b", "c", "d")}
OPTIONS["users"] = {"prices": {"1year": "1.00"}, "per": "subscription", "scale": {"min": 10, "max": 50, "step": 10}}
SUPPORT = {"code": "support", "kind": "one", "options": ["a", "b", "c"]}
PRO = {"prices": {"1year": "100.00"}, "options": OPTIONS, "groups": [SUPPORT], "quantity": {"min": 3, "max": 5}}


def code_of(held: int = 1, options: tuple[str, ...] = (), limits: dict[str, int] | None = None, **change: Any) -> Any:
    """``options`` are those held; ``wanted`` those of the change."""
    if "wanted" in change:
        change["options"] = change.pop("wanted")
    facts = {f"change__{name}": value for name, value in {"quantity": held, "unit_price": None, **change}.items()}
    seat = {
        "prices": {"1year": "40.00"},
        "options": OPTIONS,
        "groups": [SUPPORT],
        **({"quantity": limits} if limits else {}),
    }
    return ask(
        catalog={"crm-seat": seat, "crm-pro": PRO},
        policy__negative="credit",
        subscription__items__0__lots=[{"quantity": held, "unit_price": "40.00"}],
        subscription__items__0__options=list(options),
        **facts,
    )["eligibility"]["code"]


MANY, FEW = {"max": 5}, {"min": 3}


@pytest.mark.parametrize(
    "facts",
    [
        {"quantity": 0},
        {"quantity": 2},
        {"options": ("d",), "quantity": 2},
        {"wanted": ["a"]},
        {"options": ("a", "b", "c"), "wanted": ["a", "b"]},
        {"options": ("a", "users=60"), "quantity": 2},
        {"options": ("a", "users=90"), "wanted": ["a", "users=60"]},
        {"options": ("a", "users=5"), "wanted": ["a", "users=10"]},
        {"options": ("a",), "held": 10, "limits": MANY, "quantity": 8},
        {"options": ("a",), "held": 10, "limits": MANY, "wanted": ["a", "d"]},
        {"options": ("a",), "held": 10, "limits": MANY, "quantity": 0},
        {"options": ("a",), "held": 1, "limits": FEW, "wanted": ["a", "d"]},
    ],
)
def test_what_it_does_not_make_worse_refuses_nothing(facts: dict[str, Any]):
    assert code_of(**facts) is None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"options": ("a",), "wanted": []}, "options_invalid"),
        ({"wanted": ["d"]}, "options_invalid"),
        ({"options": ("a",), "held": 1, "limits": FEW, "quantity": 2}, "quantity_out_of_range"),
        ({"options": ("a",), "wanted": ["a", "b"]}, "options_invalid"),
        ({"options": ("a", "b"), "wanted": ["a", "b", "c"]}, "options_invalid"),
        ({"options": ("a", "users=60"), "wanted": ["a", "users=70"]}, "options_invalid"),
        ({"options": ("a", "users=90"), "wanted": ["a", "users=65"]}, "options_invalid"),
        ({"options": ("a", "users=90"), "wanted": ["a", "users=5"]}, "options_invalid"),
        ({"options": (), "product": "crm-pro", "quantity": 3}, "options_invalid"),
        ({"options": ("a",), "held": 10, "limits": MANY, "quantity": 11}, "quantity_out_of_range"),
        ({"options": ("a",), "held": 5, "limits": MANY, "quantity": 6}, "quantity_out_of_range"),
        ({"options": ("a",), "held": 2, "limits": FEW, "quantity": 1}, "quantity_out_of_range"),
        ({"options": ("a",), "held": 10, "limits": FEW, "quantity": 2}, "quantity_out_of_range"),
        ({"options": ("a",), "held": 10, "product": "crm-pro", "quantity": 9}, "quantity_out_of_range"),
        ({"options": ("a",), "held": 1, "product": "crm-pro", "quantity": 2}, "quantity_out_of_range"),
        ({"wanted": ["a"], "limits": FEW, "item": None, "quantity": 1, "product": "crm-seat"}, "quantity_out_of_range"),
    ],
)  # fmt: skip
def test_what_it_makes_worse_is_refused(facts: dict[str, Any], code: str):
    assert code_of(**facts) == code


@pytest.mark.parametrize("renews", [True, False])
def test_nothing_waits_for_a_next_billing_that_never_comes(renews: bool):
    said = ask(change__effective="next_billing", subscription__auto_renewal=renews)["eligibility"]
    assert said["code"] == (None if renews else "scheduled_to_cancel")
    assert renews or said["remedy"]["do"] == "resume"


def test_what_is_made_today_needs_no_renewal():
    assert ask(subscription__auto_renewal=False)["eligibility"]["ok"]
