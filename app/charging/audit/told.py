"""What was granted and what was told: exactly once for each thing that happened."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from app.charging.audit.findings import Check, Seen, WholeCheck, judged
from app.charging.audit.rows import Row
from app.charging.audit.scene import CLOSED, PAID_STATES, Page, Scene
from app.models.work import Outbox


def granted_once(page: Page) -> Seen:
    count = Counter(row["order_id"] for row in page.rows.fulfilments)
    for order in page.rows.orders:
        owed = int(order["state"] in PAID_STATES)
        wrong = count[order["id"]] != owed
        yield judged(f"order {order['id']}", wrong, f"is {order['state']} and was granted {count[order['id']]} times")


def has_an_end(page: Page, row: Row) -> bool:
    """Whether the payment of this refund or dispute has one here: before that nobody is told."""
    return any(("attempt", row["attempt_id"], state) in page.rows.came_to for state in ("SUCCEEDED", *CLOSED))


def told_once(page: Page) -> Seen:
    """One event for each paid order, refund and failed attempt; one receipt for each paid order but those by invoice.

    An attempt that failed and was paid all the same, as was found later, was told of when it failed.
    """
    count = Counter(tuple(row["id"].split(":")[:2]) for row in page.rows.outbox)
    rows = page.rows
    owed = [("order.paid", row["id"], int(row["state"] in PAID_STATES), "order") for row in rows.orders]
    owed += [
        ("receipt", row["id"], int(row["state"] in PAID_STATES and row["outcome"] != "due"), "order")
        for row in rows.orders
    ]
    for row in rows.refunds:
        is_told = row["state"] == "SUCCEEDED" and has_an_end(page, row)
        owed.append(("order.refunded", row["id"], int(is_told), "refund"))
    ended = {name for kind, name, state in rows.came_to if kind == "attempt" and state in CLOSED}
    owed += [("attempt.failed", row["id"], int(row["id"] in ended), "attempt") for row in rows.attempts]
    for kind, identity, wanted, what in owed:
        told = count[kind, identity]
        yield judged(f"{what} {identity}", told != wanted, f"has {told} rows {kind} to tell, not {wanted}")


def ends_somewhere(scene: Scene) -> Seen:
    """Mail that is not delivered is due, or dead where a person sees it."""
    for rows in scene.by_key(lambda last: _MAILS.where(Outbox.id > last), ""):
        for row in rows:
            lost = row["state"] == "READY" and row["next_at"] is None
            yield judged(f"outbox {row['id']}", lost, "is ready and never due")


_MAILS = select(Outbox.id, Outbox.state, Outbox.next_at).where(Outbox.channel == "mail").order_by(Outbox.id)

CHECKS = (
    Check("I17", "granted once if paid, else never", granted_once),
    Check("I18", "told once for each thing that happened", told_once),
    WholeCheck("I18", "nothing to tell is lost", ends_somewhere),
)
