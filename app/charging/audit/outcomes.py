"""What an order says of itself beside its state follows from it: how it ended, when it was paid, what was done for it."""

from __future__ import annotations

from app.charging.audit.findings import Check, Seen, judged
from app.charging.audit.rows import Row
from app.charging.audit.scene import PAID_STATES, Page


def outcome_follows(page: Page) -> Seen:
    """Paid by an attempt, or due by invoice, or nothing was due; failed when it ended, or while no attempt is open."""
    for order in page.rows.orders:
        fit = _fitting(page, order)
        yield judged(
            f"order {order['id']}", order["outcome"] not in fit,
            f"is {order['state']} with outcome {order['outcome']}, not {' or '.join(fit)}",
        )  # fmt: skip


def _fitting(page: Page, order: Row) -> tuple[str, ...]:
    attempts = page.rows.attempts_of.get(order["id"], [])
    if order["state"] == "OPEN":
        return ("failed",) if all(one["state"] in ("DECLINED", "CANCELLED") for one in attempts) else ("pending",)
    if order["state"] not in PAID_STATES:
        return ("failed",)
    if any(one["state"] == "SUCCEEDED" for one in attempts):
        return ("paid",)
    if order["total"]:
        return ("due",)
    return ("registered",) if order["quote"].get("effective") == "next_billing" else ("nocharge",)


def paid_when_the_log_says(page: Page) -> Seen:
    paid = {
        row["object"]: row["at"]
        for row in page.rows.transitions
        if row["from_state"] == "OPEN" and row["to_state"] == "PAID"
    }
    for order in page.rows.orders:
        at = paid.get(order["id"]) if order["state"] in PAID_STATES else None
        wrong = order["paid_at"] != at or (order["state"] in PAID_STATES) != (order["paid_at"] is not None)
        yield judged(
            f"order {order['id']}", wrong, f"is {order['state']}, paid at {order['paid_at']}; the log says {at}"
        )


def granted_what_was_quoted(page: Page) -> Seen:
    """The grant names the order's own subscription, and the version that it was quoted for."""
    for row in page.rows.fulfilments:
        order = page.rows.order.get(row["order_id"])
        if order is None:
            continue
        version = order["subscription_version"]
        owed = (order["subscription_id"], version, version + 1)
        has = (row["subscription_id"], row["from_version"], row["to_version"])
        yield judged(
            f"fulfilment of order {order['id']}", has != owed,
            "is of subscription {}, version {} to {}; its order's are {}, {} and {}".format(*has, *owed),
        )  # fmt: skip


CHECKS = (
    Check("I2", "orders say how they ended", outcome_follows),
    Check("I2", "orders were paid when the log says", paid_when_the_log_says),
    Check("I17", "what was granted is what was quoted", granted_what_was_quoted),
)
