"""Trouble on command: which call it befalls, and when."""

from __future__ import annotations

from typing import Any

from tests.stripe_server.state import Row, State

BEFORE = frozenset({"drop_before", "timeout_before", "late", "rate_limited", "lock_timeout", "key_in_use", "unauthorized", "forbidden", "error_unsaved", "bad_gateway", "refused"})  # fmt: skip
"""The call does nothing (``late``: not yet), and nothing is saved under its key."""
DURING = frozenset({"slow", "error_before", "error_after"})
AFTER = frozenset({"drop_after", "timeout_after", "cut_body", "cut_headers", "unparsable"})
"""The call acts and its true answer is saved; only what leaves the server is broken."""
FAULTS = BEFORE | DURING | AFTER
SECONDS = {"late": 3.0, "slow": 0.5}


def plan(state: State, wanted: dict[str, Any]) -> Row:
    """Remembers a fault for fitting calls to come."""
    if wanted.get("fault") not in FAULTS:
        raise ValueError(f"no fault {wanted.get('fault')!r}; there are {', '.join(sorted(FAULTS))}")
    number = max((int(ref.removeprefix("fault_")) for ref in state.table("faults")), default=0) + 1
    row = {
        "id": f"fault_{number}", "verb": wanted.get("verb", "*"), "fault": wanted["fault"], "times": int(wanted.get("times", 1)),
        "after": int(wanted.get("after", 0)), "order": wanted.get("order"), "payment_method": wanted.get("payment_method"),
        "account": wanted.get("account"), "seconds": float(wanted.get("seconds", SECONDS.get(wanted["fault"], 0.0))),
    }  # fmt: skip
    return state.put("faults", row)


def pick(state: State, verb: str, account: str, params: Row, path: dict[str, str]) -> Row | None:
    """The oldest plan that fits this call, one time less; None when nothing befalls it."""
    planned = state.table("faults")
    if not planned:
        return None
    order, method = _marks(state, params, path)
    for row in list(planned.values()):
        fits = row["verb"] in ("*", verb) and row["account"] in (None, account)
        if not fits or row["order"] not in (None, order) or row["payment_method"] not in (None, method):
            continue
        if row["after"] > 0:
            state.put("faults", {**row, "after": row["after"] - 1})
            continue
        if row["times"] <= 1:
            state.drop("faults", row["id"])
        else:
            state.put("faults", {**row, "times": row["times"] - 1})
        return row
    return None


def _marks(state: State, params: Row, path: dict[str, str]) -> tuple[str | None, str | None]:
    """The order's mark and the card that a call is about: its own parameters', or those of the payment it names."""
    given = params.get("metadata")
    metadata: Row = given if isinstance(given, dict) else {}
    ref = path.get("intent") or params.get("payment_intent") or ""
    intent = state.get("intents", ref) if isinstance(ref, str) else None
    known: Row = intent or {}
    method = params.get("payment_method") or known.get("payment_method") or path.get("payment_method")
    return metadata.get("order") or known.get("metadata", {}).get("order"), method
