"""The proof that every charge rests on."""

from __future__ import annotations

from app.charging.audit.findings import Check, Seen, judged
from app.charging.audit.scene import PAID_STATES, Scene


def one_each(scene: Scene) -> Seen:
    """Every attempt has its own consent to the very figures, written no later than itself; a free order has one as well."""
    proofs = {row["attempt_id"]: row for row in scene.rows.consents}
    wanted = [(row["id"], row["order_id"], row["created_at"]) for row in scene.rows.attempts]
    tried = scene.rows.attempts_of
    wanted += [
        (f"{row['id']}.0", row["id"], row["created_at"])
        for row in scene.rows.orders
        if row["state"] in PAID_STATES and row["id"] not in tried
    ]
    for attempt_id, order_id, at in wanted:
        proof, order = proofs.get(attempt_id), scene.rows.order.get(order_id)
        wrong = "has no consent"
        if proof is not None and order is not None:
            wrong = (
                "was consented to for another order" if proof["order_id"] != order_id
                else "was consented to in other figures" if proof["quote_hash"] != order["quote_hash"]
                else "was made before its consent" if proof["at"] > at else ""
            )  # fmt: skip
        yield judged(f"attempt {attempt_id}", wrong)


CHECKS = (Check("I51", "every charge rests on one consent to its figures", one_each),)
