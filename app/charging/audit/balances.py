"""What stands to customers' credit: every entry comes from somewhere, and nobody spent what was not there."""

from __future__ import annotations

from sqlalchemy import func, select

from app.charging.audit.cells import every
from app.charging.audit.findings import Seen, WholeCheck, judged
from app.charging.audit.rows import Row, among
from app.charging.audit.scene import Scene
from app.charging.desk import booked_by_a_person
from app.models.base import whole_sum
from app.models.customers import BalanceEntry
from app.models.orders import Order, Refund
from app.models.work import Outbox
from app.outbox.recording import outbox_id

_OF_ORDERS = ("used", "given_back", "credited")


def entries_come_from_somewhere(scene: Scene) -> Seen:
    """An import that told of it, an order of the same customer, or a refund that failed or came back."""
    query = every(BalanceEntry).order_by(BalanceEntry.id)
    for rows in scene.by_key(lambda last: query.where(BalanceEntry.id > last), 0):
        names = {row["order_id"] for row in rows if row["order_id"] is not None}
        told = [_told(row) for row in rows if row["cause"] == "import"]
        with scene.store.read() as conn:
            refunds = {row["id"]: row for row in among(conn, Refund, Refund.id, names)}
            orders = names | {row["order_id"] for row in refunds.values()}
            found = {row["id"]: row for row in among(conn, Order, Order.id, orders)}
            events = {row["id"]: row["body"] for row in among(conn, Outbox, Outbox.id, told)}
            succeeded = [row["id"] for row in refunds.values() if row["state"] == "SUCCEEDED"]
            booked = booked_by_a_person(conn, succeeded) if succeeded else set[str]()
        for row in rows:
            yield judged(f"balance entry {row['id']}", _wrong(row, found, refunds, events, booked))


def _wrong(row: Row, orders: dict[str, Row], refunds: dict[str, Row], events: dict[str, Row], booked: set[str]) -> str:
    if row["cause"] == "import":
        said = {"customer": row["customer_id"], "currency": row["currency"], "amount": row["amount"]}
        return "" if events.get(_told(row)) == said else "is of no import, or not as it was imported"
    refund = refunds.get(row["order_id"]) if row["cause"] == "refund_failed" else None
    order = orders.get(refund["order_id"] if refund else row["order_id"])
    if order is None or row["cause"] not in (("refund_failed",) if refund else _OF_ORDERS):
        return f"is of {row['order_id'] or 'nothing'} by {row['cause']}, which is not there"
    if (order["customer_id"], order["currency"]) != (row["customer_id"], row["currency"]):
        return f"of {row['order_id']} is another customer's or in another currency"
    if refund is None:
        return ""
    failed = (refund["state"], refund["kind"]) == ("FAILED", "negative")
    came_back = refund["state"] == "SUCCEEDED" and refund["id"] in booked
    owed = (failed or came_back) and refund["amount"] == row["amount"]
    return "" if owed else f"stands for refund {row['order_id']}, which owes it not"


def _told(row: Row) -> str:
    return outbox_id("balance.imported", str(row["id"]), 1)


def failed_refunds_are_on_the_balance(scene: Scene) -> Seen:
    """What a change gave back and no card took is the customer's all the same."""
    owed = every(Refund).where(Refund.kind == "negative", Refund.state == "FAILED").order_by(Refund.id)
    for rows in scene.by_key(lambda last: owed.where(Refund.id > last), ""):
        with scene.store.read() as conn:
            names = [row["id"] for row in rows]
            entries = among(
                conn, BalanceEntry, BalanceEntry.order_id, names, where=BalanceEntry.cause == "refund_failed"
            )
        there = {row["order_id"] for row in entries}
        for row in rows:
            yield judged(f"refund {row['id']}", row["id"] not in there, "failed, and its sum is not on the balance")


def none_is_below_zero(scene: Scene) -> Seen:
    """Orders take no more than there is. A merchant's later file may say less than was spent by then."""
    whose = (BalanceEntry.book_id, BalanceEntry.customer_id, BalanceEntry.currency)
    lowered = func.min(BalanceEntry.amount).filter(BalanceEntry.cause == "import")
    below = (
        select(*whose, whole_sum(BalanceEntry.amount).label("balance"))
        .group_by(*whose)
        .having(func.sum(BalanceEntry.amount) < 0, func.coalesce(lowered, 0) >= 0)
    )
    with scene.store.read() as conn:
        for row in conn.execute(below):
            yield judged(
                f"balance of customer {row.customer_id} in book {row.book_id}", f"is {row.balance} {row.currency}"
            )
    yield None


CHECKS = (
    WholeCheck("ledger", "every entry of a balance comes from somewhere", entries_come_from_somewhere),
    WholeCheck("ledger", "what no card took is on the balance", failed_refunds_are_on_the_balance),
    WholeCheck("ledger", "no balance is below zero", none_is_below_zero),
)
