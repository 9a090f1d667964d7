"""Money that went back."""

from __future__ import annotations

from app.charging.audit.findings import Check, Seen, judged
from app.charging.audit.scene import PAID_STATES, Row, Scene
from app.gateways.port import RefundStatus


def never_more_than_captured(scene: Scene) -> Seen:
    """By our rows and by the gateway's."""
    for attempt in scene.rows.attempts:
        back = sum([
            row["amount"]
            for row in scene.rows.refunds_of.get(attempt["order_id"], ())
            if row["attempt_id"] == attempt["id"] and row["state"] != "FAILED"
        ])  # fmt: skip
        captured = attempt["amount"] if attempt["state"] == "SUCCEEDED" else 0
        yield judged(f"attempt {attempt['id']}", back > captured, f"has {back} given back, {captured} was captured")
    for _, payment in scene.held.payments:
        wrong = payment.refunded > payment.captured
        yield judged(f"payment {payment.ref}", wrong, f"gave back {payment.refunded}, captured {payment.captured}")


def one_refund_each(scene: Scene) -> Seen:
    """Each row that succeeded is one refund at the gateway, and each refund there is one row."""
    attempts = {row["id"]: row for row in scene.rows.attempts}
    known: set[tuple[str, str]] = set()
    for row in scene.rows.refunds:
        attempt = attempts[row["attempt_id"]]
        if row["gw_ref"]:
            known.add((attempt["gw_ref"], row["gw_ref"]))
        if row["state"] == "SUCCEEDED":
            listed = scene.held.refunds.get((attempt["gateway"], attempt["account"], attempt["gw_ref"]), [])
            mine = [one for one in listed if one.ref == row["gw_ref"]]
            wrong = [one.amount for one in mine] != [row["amount"]]
            yield judged(
                f"refund {row['id']}", wrong, f"of {row['amount']} is {[one.amount for one in mine]} at the gateway"
            )
    under_way = {row["id"] for row in scene.rows.refunds if row["state"] in ("SENT", "UNKNOWN")}
    orphans = {row["gw_ref"] for row in scene.rows.orphans}
    for (_, _, payment), listed in scene.held.refunds.items():
        for one in listed:
            if one.status is not RefundStatus.FAILED and payment not in orphans and one.mark not in under_way:
                yield judged(f"refund {one.ref} at the gateway", (payment, one.ref) not in known, "is no row of ours")


def none_while_disputed(scene: Scene) -> Seen:
    for row in scene.rows.refunds:
        if row["kind"] != "outside":
            yield judged(
                f"refund {row['id']}", any(_covers(one, row) for one in scene.rows.disputes), "began in a dispute"
            )


def _covers(dispute: Row, refund: Row) -> bool:
    if dispute["attempt_id"] != refund["attempt_id"] or refund["created_at"] < dispute["opened_at"]:
        return False
    return dispute["state"] != "WON" or dispute["closed_at"] is None or refund["created_at"] < dispute["closed_at"]


def state_follows(scene: Scene) -> Seen:
    """PART_REFUNDED and REFUNDED are what the refunds that succeeded add up to."""
    for order in scene.rows.orders:
        if order["state"] not in PAID_STATES or order["state"] in ("DISPUTED", "LOST"):
            continue
        back = sum([row["amount"] for row in scene.rows.refunds_of.get(order["id"], ()) if row["state"] == "SUCCEEDED"])
        owed = "PAID" if not back else "REFUNDED" if back >= order["total"] else "PART_REFUNDED"
        yield judged(
            f"order {order['id']}", order["state"] != owed, f"is {order['state']}, {back} of {order['total']} went back"
        )


CHECKS = (
    Check("I8", "never more given back than was captured", never_more_than_captured, asks_gateway=True),
    Check("I8", "each refund is one at the gateway, and each there is ours", one_refund_each, asks_gateway=True),
    Check("I8", "none began while a dispute was open or lost", none_while_disputed),
    Check("I8", "orders say how much went back", state_follows),
)
