"""The tables of who may follow whom."""

from __future__ import annotations

import pytest

from app.billing.states import TABLES, TransitionError, check_transition, is_final

ALLOWED = [
    ("attempt", "CREATED", "INTENT"), ("attempt", "INTENT", "SUCCEEDED"), ("attempt", "INTENT", "REQUIRES_ACTION"),
    ("attempt", "REQUIRES_ACTION", "CANCELLING"), ("attempt", "CANCELLING", "SUCCEEDED"), ("attempt", "UNKNOWN", "DECLINED"),
    ("attempt", "SUCCEEDED", "QUARANTINED"), ("order", "OPEN", "PAID"), ("order", "DISPUTED", "LOST"), ("order", "DISPUTED", "PAID"),
    ("refund", "SENT", "FAILED"), ("renewal", "PAST_DUE", "PAST_DUE"), ("subscription", "trialing", "active"),
    ("orphan", "REFUNDED", "PERSON"), ("orphan", "CANCELLED", "PERSON"),
]  # fmt: skip
FORBIDDEN = [
    ("attempt", "SUCCEEDED", "DECLINED"), ("attempt", "DECLINED", "SUCCEEDED"), ("attempt", "CANCELLED", "INTENT"),
    ("attempt", "CREATED", "SUCCEEDED"), ("order", "PAID", "OPEN"), ("order", "EXPIRED", "PAID"), ("order", "OPEN", "REFUNDED"),
    ("refund", "SUCCEEDED", "FAILED"), ("renewal", "DUE", "PAID"), ("subscription", "canceled", "active"),
    ("orphan", "REFUNDED", "FOUND"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "old", "new"), ALLOWED)
def test_allowed(kind: str, old: str, new: str):
    check_transition(kind, old, new)


@pytest.mark.parametrize(("kind", "old", "new"), FORBIDDEN)
def test_forbidden_by_name(kind: str, old: str, new: str):
    with pytest.raises(TransitionError, match=f"{old} is not followed by {new}") as caught:
        check_transition(kind, old, new)
    assert caught.value.code == "transition_forbidden"


def test_an_unknown_state_is_refused_by_name():
    with pytest.raises(TransitionError, match="attempt has no state PENDING"):
        check_transition("attempt", "CREATED", "PENDING")


@pytest.mark.parametrize("kind", TABLES)
def test_every_follower_is_a_state_of_its_table(kind: str):
    assert {follower for following in TABLES[kind].values() for follower in following} <= set(TABLES[kind])


def test_any_attempt_may_be_quarantined():
    assert all("QUARANTINED" in following for state, following in TABLES["attempt"].items() if state != "QUARANTINED")


def test_final_states():
    assert [state for state in TABLES["attempt"] if is_final("attempt", state)] == [
        "SUCCEEDED",
        "DECLINED",
        "CANCELLED",
    ]
