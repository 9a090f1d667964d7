"""A gateway that takes the money of a payment which it had called cancelled."""

from __future__ import annotations

from app.gateways.sandbox import Sandbox


def take_all_the_same(sandbox: Sandbox, ref: str) -> None:
    """The sandbox holds that a payment's end is final, so it is done behind its back, in its ledger."""
    with sandbox.ledger.write() as c:
        c.execute("DROP TRIGGER final_payments")
        c.execute("UPDATE payments SET status = 'succeeded' WHERE id = ?", (ref,))
        c.execute(
            "INSERT INTO captures (id, payment, amount, currency, order_mark, attempt, at) "
            "SELECT 'late', id, amount, currency, order_mark, attempt, created_at FROM payments WHERE id = ?",
            (ref,),
        )
