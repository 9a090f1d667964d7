"""Who may follow whom: the states of attempts, orders, refunds, disputes, orphans, renewals and subscriptions.

LiftlinkError
└── TransitionError     state_unknown, transition_forbidden
"""

from __future__ import annotations

from collections.abc import Mapping

from app.kit.errors import LiftlinkError

Table = Mapping[str, frozenset[str]]


class TransitionError(LiftlinkError):
    """``code`` is ``transition_forbidden`` or ``state_unknown``; details name the kind and both states."""


def _table(rows: Mapping[str, str]) -> Table:
    return {state: frozenset(following.split()) for state, following in rows.items()}


# UNKNOWN is left by reading the gateway's object, which may be in any of the other states. A final state has no
# followers but QUARANTINED: a mismatch found later is a person's business whatever the row says.
ATTEMPT = _table(
    {
        "CREATED": "INTENT UNKNOWN CANCELLING QUARANTINED",
        "INTENT": "SUCCEEDED REQUIRES_ACTION DECLINED UNKNOWN CANCELLING QUARANTINED",
        "REQUIRES_ACTION": "SUCCEEDED DECLINED UNKNOWN CANCELLING INTENT QUARANTINED",
        "UNKNOWN": "CREATED INTENT REQUIRES_ACTION SUCCEEDED DECLINED CANCELLING CANCELLED QUARANTINED",
        "CANCELLING": "CANCELLED SUCCEEDED QUARANTINED",
        "SUCCEEDED": "QUARANTINED",
        "DECLINED": "QUARANTINED",
        "CANCELLED": "QUARANTINED",
        "QUARANTINED": "SUCCEEDED DECLINED CANCELLED",
    }
)
ORDER = _table(
    {
        "OPEN": "PAID EXPIRED CANCELLED",
        "PAID": "PART_REFUNDED REFUNDED DISPUTED",
        "PART_REFUNDED": "PART_REFUNDED REFUNDED DISPUTED",
        "DISPUTED": "PAID LOST",
        "REFUNDED": "",
        "LOST": "",
        "EXPIRED": "",
        "CANCELLED": "",
    }
)
REFUND = _table(
    {
        "CREATED": "SENT UNKNOWN FAILED",
        "SENT": "SUCCEEDED FAILED UNKNOWN",
        "UNKNOWN": "CREATED SENT SUCCEEDED FAILED",
        "SUCCEEDED": "",
        "FAILED": "",
    }
)
DISPUTE = _table({"OPEN": "WON LOST", "WON": "", "LOST": ""})
ORPHAN = _table(
    {
        "FOUND": "ADOPTED CANCELLED REFUNDED PERSON",
        "PERSON": "FOUND ADOPTED CANCELLED REFUNDED",
        "ADOPTED": "",
        "CANCELLED": "PERSON",
        "REFUNDED": "PERSON",
    }
)
RENEWAL = _table(
    {
        "DUE": "ORDERED",
        "ORDERED": "PAID PAST_DUE",
        "PAST_DUE": "PAST_DUE PAID UNPAID CANCELLED",
        "PAID": "",
        "UNPAID": "",
        "CANCELLED": "",
    }
)
SUBSCRIPTION = _table(
    {
        "trialing": "active past_due paused canceled expired",
        "active": "past_due paused canceled expired",
        "past_due": "active paused canceled expired",
        "paused": "active canceled expired",
        "canceled": "",
        "expired": "",
    }
)
TABLES: Mapping[str, Table] = {
    "attempt": ATTEMPT,
    "order": ORDER,
    "refund": REFUND,
    "dispute": DISPUTE,
    "orphan": ORPHAN,
    "renewal": RENEWAL,
    "subscription": SUBSCRIPTION,
}
ATTEMPT_CLOSED = frozenset({"DECLINED", "CANCELLED"})
"""An attempt in one of these moved no money and never will; every other state blocks a new attempt, SUCCEEDED included."""


def is_final(kind: str, state: str) -> bool:
    """Nothing follows but a person's attention."""
    return TABLES[kind][state] <= {"QUARANTINED"}


def check_transition(kind: str, old: str, new: str) -> None:
    """Returns when ``old → new`` is in the table of ``kind``; raises ``TransitionError`` by name otherwise."""
    table = TABLES[kind]
    for state in (old, new):
        if state not in table:
            raise TransitionError("state_unknown", f"{kind} has no state {state}", kind=kind, state=state)
    if new not in table[old]:
        raise TransitionError(
            "transition_forbidden", f"{kind}: {old} is not followed by {new}", kind=kind, old=old, new=new
        )
