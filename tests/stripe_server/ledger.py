"""What really happened, in a judge's words; from the running server or from its folder."""

from __future__ import annotations

from typing import Any

from tests.stripe_server.state import Row


def ledger_of(tables: dict[str, dict[str, Row]], requests: list[Row], now: float) -> dict[str, Any]:
    """Amounts in Stripe's minor units. ``captures`` has one line for each charge whose money was taken."""
    charges = list(tables.get("charges", {}).values())
    captures = [
        {
            "charge": row["id"], "payment": row["payment_intent"], "amount": row["amount_captured"], "currency": row["currency"], "customer": row["customer"],
            "payment_method": row["payment_method"], "metadata": row["metadata"], "account": row["_account"], "livemode": row["livemode"], "at": row["_at"],
            "key": row["_key"], "disputed": row["disputed"],
        }
        for row in charges if row["captured"]
    ]  # fmt: skip
    given_back: dict[str, int] = {}
    for row in tables.get("refunds", {}).values():
        if row["status"] not in ("failed", "canceled"):
            given_back[row["payment_intent"]] = given_back.get(row["payment_intent"], 0) + row["amount"]
    taken: dict[str, int] = {}
    for line in captures:
        taken[line["payment"]] = taken.get(line["payment"], 0) + line["amount"]
    payments = [
        {
            "id": row["id"], "status": row["status"], "amount": row["amount"], "currency": row["currency"], "customer": row["customer"],
            "payment_method": row["payment_method"], "metadata": row["metadata"], "account": row["_account"], "livemode": row["livemode"], "at": row["_at"],
            "captured": taken.get(row["id"], 0), "refunded": given_back.get(row["id"], 0),
        }
        for row in tables.get("intents", {}).values()
    ]  # fmt: skip
    return {
        "now": now, "payments": payments, "captures": captures, "refunds": _plain(tables, "refunds", "payment_intent"),
        "disputes": _plain(tables, "disputes", "payment_intent"), "customers": _plain(tables, "customers"), "cards": _plain(tables, "methods"),
        "sessions": _plain(tables, "sessions"), "setups": _plain(tables, "setups"), "events": _plain(tables, "events"), "requests": requests,
    }  # fmt: skip


def _plain(tables: dict[str, dict[str, Row]], name: str, payment: str = "") -> list[Row]:
    """The objects with their account and time; ``payment`` is a name for the payment they are about."""
    rows = []
    for row in tables.get(name, {}).values():
        told = {key: value for key, value in row.items() if not key.startswith("_")}
        told.update(account=row["_account"], at=row["_at"], livemode=row.get("livemode", row.get("_livemode")))
        if payment:
            told["payment"] = row[payment]
            told["key"] = row.get("_key")
        rows.append(told)
    return rows
