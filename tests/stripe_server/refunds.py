"""Charges, what is given back of them, and what cardholders contest."""

from __future__ import annotations

from tests.stripe_server import shapes
from tests.stripe_server.call import Call, listed
from tests.stripe_server.customers import merge_metadata
from tests.stripe_server.state import Row
from tests.stripe_server.wire import Body, invalid

HELD = ("needs_response", "under_review", "warning_needs_response", "warning_under_review", "lost")
"""While a dispute is open or lost the money is not ours to give back."""


def read_charge(call: Call) -> Row:
    return call.find("charges", call.path["charge"], "charge", status=404)


def list_charges(call: Call) -> Body:
    wanted = {name: call.params[name] for name in ("customer", "payment_intent") if name in call.params}
    rows = [row for row in call.own("charges") if all(row[name] == value for name, value in wanted.items())]
    return listed(call, rows, "/v1/charges")


def create_refund(call: Call) -> Row:
    charged = _charge_of(call)
    left = charged["amount_captured"] - charged["amount_refunded"]
    if any(row["charge"] == charged["id"] and row["status"] in HELD for row in call.own("disputes")):
        raise invalid(
            f"Charge {charged['id']} has been charged back; cannot issue a refund.", "charge_disputed", executed=True
        )
    if left == 0:
        raise invalid(f"Charge {charged['id']} has already been refunded.", "charge_already_refunded", executed=True)
    amount = int(call.params.get("amount", left))
    if amount < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", param="amount")
    if amount > left:
        raise invalid(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
            param="amount",
            executed=True,
        )
    return give_back(call, charged, amount)


def give_back(call: Call, charged: Row, amount: int) -> Row:
    base = call.new("refund", "re_")
    row = shapes.refund(base, charged, amount=amount, reason=call.params.get("reason"), metadata={})
    merge_metadata(row, call.params)
    does = call.state.table("methods")[charged["payment_method"]]["_card"]["does"]
    row["_key"] = call.key
    if does in ("refund_pending", "refund_fails"):
        row.update(
            status="pending" if does == "refund_pending" else "succeeded",
            _does=does,
            _resolves_at=call.now + call.processing_seconds,
        )
    charged["amount_refunded"] += amount
    charged["refunded"] = charged["amount_refunded"] == charged["amount"]
    call.state.put("charges", charged)
    call.state.put("refunds", row)
    call.event("refund.created", row)
    call.event("charge.refunded", charged)
    return row


def resolve_refund(call: Call, row: Row) -> None:
    """A pending refund arrives; one that the bank sends back fails, and the charge has the money again."""
    fails = row["_does"] == "refund_fails"
    row.update(status="failed" if fails else "succeeded", _resolves_at=None)
    if fails:
        row["failure_reason"] = "expired_or_canceled_card"
        charged = call.state.table("charges")[row["charge"]]
        charged["amount_refunded"] -= row["amount"]
        charged["refunded"] = False
        call.state.put("charges", charged)
    call.state.put("refunds", row)
    call.event("refund.failed" if fails else "refund.updated", row)


def _charge_of(call: Call) -> Row:
    if "charge" in call.params:
        charged = call.find("charges", call.params["charge"], "charge")
    elif "payment_intent" in call.params:
        intent = call.find("intents", call.params["payment_intent"], "payment_intent")
        found = call.state.get("charges", intent["latest_charge"] or "")
        if found is None or not found["captured"]:
            raise invalid(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                "payment_intent_unexpected_state",
                executed=True,
            )
        charged = found
    else:
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or charge.",
            "parameter_missing",
        )
    if not charged["captured"]:
        raise invalid("This charge has not been captured.", "charge_not_refundable", executed=True)
    return charged


def read_refund(call: Call) -> Row:
    return call.find("refunds", call.path["refund"], "id", status=404)


def update_refund(call: Call) -> Row:
    row = read_refund(call)
    merge_metadata(row, call.params)
    return call.state.put("refunds", row)


def list_refunds(call: Call) -> Body:
    wanted = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    if "payment_intent" in wanted:
        call.find("intents", wanted["payment_intent"], "payment_intent")
    rows = [row for row in call.own("refunds") if all(row[name] == value for name, value in wanted.items())]
    return listed(call, rows, "/v1/refunds")


# Disputes


def open_dispute(call: Call, charged: Row) -> Row:
    row = shapes.dispute(call.new("dispute", "du_"), charged)
    charged["disputed"] = True
    call.state.put("charges", charged)
    call.state.put("disputes", row)
    call.event("charge.dispute.created", row)
    call.event("charge.dispute.funds_withdrawn", row)
    return row


def decide_dispute(call: Call, row: Row, *, won: bool) -> Row:
    if row["status"] in ("won", "lost"):
        return row
    row["status"] = "won" if won else "lost"
    call.state.put("disputes", row)
    call.event("charge.dispute.closed", row)
    if won:
        call.event("charge.dispute.funds_reinstated", row)
    return row


def read_dispute(call: Call) -> Row:
    return call.find("disputes", call.path["dispute"], "dispute", status=404)


def close_dispute(call: Call) -> Row:
    row = read_dispute(call)
    if row["status"] in ("won", "lost"):
        raise invalid("This dispute is already closed.", executed=True)
    return decide_dispute(call, row, won=False)


def list_disputes(call: Call) -> Body:
    wanted = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    rows = [row for row in call.own("disputes") if all(row[name] == value for name, value in wanted.items())]
    return listed(call, rows, "/v1/disputes")
