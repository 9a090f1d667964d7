"""Judges one iteration by the gateway's ledger and request log and by the database's rows, never by the application's words."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.billing.states import TABLES
from tests.faults.banks import Bank, Object, Request
from tests.faults.databases import Database

OPEN = {"CREATED", "INTENT", "REQUIRES_ACTION", "UNKNOWN", "CANCELLING", "QUARANTINED", "SUCCEEDED"}
CLOSED = {"DECLINED", "CANCELLED"}
FINAL = CLOSED | {"SUCCEEDED"}
PAID = {"PAID", "PART_REFUNDED", "REFUNDED", "DISPUTED", "LOST"}
KEY = re.compile(r"^(?P<attempt>[a-z0-9]+\.\d+):(create:\d+|confirm:\d+|cancel:.+|stray:.+)$")
OTHER_KEY = re.compile(r"^(leftover:|orphan|[a-z0-9]+\.r\d+:|customer|setup)")
INVARIANTS = (
    "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "I11", "I12", "I13", "I15", "I17", "I18", "I22", "I25",
    "I42", "I43", "I44", "I47",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


@dataclass
class View:
    """Everything that is judged, read once."""

    orders: dict[str, dict[str, Any]]
    attempts: dict[str, dict[str, Any]]
    fulfilments: list[dict[str, Any]]
    outbox: list[dict[str, Any]]
    transitions: list[dict[str, Any]]
    uses: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    disputes: list[dict[str, Any]]
    orphans: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    objects: list[Object]
    requests: list[Request]

    def captured(self, order: str) -> int:
        return sum(each.captured for each in self.objects if each.order == order)


def look(database: Database, bank: Bank) -> View:
    """Rows first, ledger after: what is PAID in the rows must be in a ledger that is read later."""
    orders, attempts, *rest = database.rows(
        "SELECT * FROM orders", "SELECT * FROM attempts ORDER BY order_id, n", "SELECT * FROM fulfilments",
        "SELECT * FROM outbox", "SELECT * FROM transitions ORDER BY seq",
        "SELECT u.*, o.state AS order_state FROM link_uses u JOIN orders o ON o.id = u.order_id",
        "SELECT * FROM refunds", "SELECT * FROM disputes", "SELECT * FROM orphans", "SELECT * FROM consents",
    )  # fmt: skip
    return View({row["id"]: row for row in orders}, {row["id"]: row for row in attempts}, *rest, *bank.ledger())


def at_any_time(v: View, arrived: list[Request]) -> Iterator[Violation]:
    """What may never be seen, not even for a moment. ``arrived``: requests read before the rows were."""
    for each in arrived:
        if each.attempt and each.attempt not in v.attempts:
            yield Violation("I5", f"{each.verb} carried attempt {each.attempt}, which is no row")
    for order in {each.order for each in v.objects if each.captured}:
        row, taken = v.orders.get(order), v.captured(order)
        if row is not None and taken > row["total"]:
            yield Violation("I1", f"order {order} of {row['total']} was charged {taken}")
    for order_id, row in v.orders.items():
        if row["state"] in PAID and row["total"] and row["outcome"] == "paid" and v.captured(order_id) == 0:
            yield Violation("I2", f"order {order_id} is {row['state']} and nothing was captured")
    fulfilled = Counter(row["order_id"] for row in v.fulfilments)
    for order_id, count in fulfilled.items():
        if count > 1 or v.orders[order_id]["state"] not in PAID:
            yield Violation("I17", f"order {order_id} is {v.orders[order_id]['state']} with {count} fulfilments")
    counted = Counter(row["order_id"] for row in v.attempts.values() if row["state"] not in CLOSED)
    for order_id, count in counted.items():
        if count > 1:
            yield Violation("I4", f"order {order_id} has {count} open attempts")
    yield from _refunds(v)


def _refunds(v: View) -> Iterator[Violation]:
    for each in v.objects:
        if each.refunded > each.captured:
            yield Violation("I8", f"payment {each.ref}: {each.refunded} given back of {each.captured}")


def at_rest(v: View) -> Iterator[Violation]:
    """What must hold when nothing runs any more."""
    yield from at_any_time(v, v.requests)
    yield from _money(v)
    yield from _requests(v)
    yield from _rows(v)
    yield from _chains(v)


def _money(v: View) -> Iterator[Violation]:
    for order_id, row in v.orders.items():
        taken = v.captured(order_id)
        attempts = [each for each in v.attempts.values() if each["order_id"] == order_id]
        person = any(each["state"] == "QUARANTINED" for each in attempts)
        if taken not in (0, row["total"]):
            yield Violation("I1", f"order {order_id} of {row['total']} was charged {taken}")
        if not person and row["outcome"] == "paid" and (row["state"] in PAID) != (taken == row["total"]):
            yield Violation("I2", f"order {order_id} is {row['state']} and {taken} of {row['total']} was captured")
        if not person and row["outcome"] != "paid" and taken:
            yield Violation("I2", f"order {order_id} is {row['state']}/{row['outcome']} and {taken} was captured")
        yield from _next_attempts(v, attempts)
    known = {row["gw_ref"]: row for row in v.attempts.values() if row["gw_ref"]}
    aside = {row["gw_ref"] for row in v.orphans}
    for each in v.objects:
        if not each.captured:
            continue
        row = known.get(each.ref)
        if row is None:
            if each.ref not in aside:
                yield Violation("I3", f"capture {each.ref} of {each.captured} belongs to no attempt and no orphan")
            continue
        pairs = (
            ("amount", row["amount"], each.captured), ("currency", row["currency"], each.currency),
            ("customer", row["gw_customer"], each.customer), ("card", row["payment_method"], each.payment_method),
            ("account", row["account"], each.account),
        )  # fmt: skip
        for name, ours, theirs in pairs:
            if ours != theirs:
                invariant = "I13" if name in ("customer", "card") else "I3"
                yield Violation(invariant, f"attempt {row['id']}: {name} is {ours}, the capture's is {theirs}")


def _next_attempts(v: View, attempts: list[dict[str, Any]]) -> Iterator[Violation]:
    objects = defaultdict(list)
    for each in v.objects:
        objects[each.attempt].append(each)
    for earlier in sorted(attempts, key=lambda row: row["n"])[:-1]:
        if earlier["state"] not in CLOSED:
            yield Violation("I7", f"attempt {earlier['id']} is {earlier['state']} and another came after it")
        for each in objects[earlier["id"]]:
            if each.status not in ("canceled", "requires_confirmation"):
                yield Violation("I7", f"attempt {earlier['id']} is closed, its payment {each.ref} is {each.status}")
    for row in attempts:
        if row["state"] in CLOSED and any(each.captured for each in objects[row["id"]]):
            yield Violation("I11", f"attempt {row['id']} is {row['state']} and its money was taken")


def _requests(v: View) -> Iterator[Violation]:
    owner: dict[str, str] = {}
    params: dict[tuple[str, str], str] = {}
    for each in v.requests:
        match = KEY.match(each.key)
        if match is None and not OTHER_KEY.match(each.key):
            yield Violation("I6", f"{each.verb} came with the key {each.key!r}")
        if match is not None and each.attempt and match["attempt"] != each.attempt:
            yield Violation("I6", f"{each.verb} of attempt {each.attempt} came with the key {each.key!r}")
        if each.attempt:
            row = v.attempts.get(each.attempt)
            if row is not None and each.amount is not None and each.amount != row["amount"]:
                yield Violation("I5", f"{each.verb} of {each.attempt} carried {each.amount}")
            if owner.setdefault(each.key, each.attempt) != each.attempt:
                yield Violation("I6", f"the key {each.key!r} belongs to two attempts")
        if params.setdefault((each.key, each.verb), each.params) != each.params:
            yield Violation("I6", f"the key {each.key!r} came with two sets of parameters")


def _rows(v: View) -> Iterator[Violation]:
    fulfilled = Counter(row["order_id"] for row in v.fulfilments)
    news = Counter((row["kind"], row["id"].split(":")[1]) for row in v.outbox)
    for order_id, row in v.orders.items():
        paid = row["state"] in PAID
        if fulfilled[order_id] != (1 if paid else 0):
            yield Violation("I17", f"order {order_id} is {row['state']} with {fulfilled[order_id]} fulfilments")
        if news["order.paid", order_id] != (1 if paid else 0):
            invariant = "I18" if paid else "I22"
            yield Violation(invariant, f"order {order_id} is {row['state']} with {news['order.paid', order_id]} events")
        receipts = news["receipt", order_id]
        if receipts != (1 if paid and row["outcome"] != "due" else 0):
            yield Violation("I18" if paid else "I22", f"order {order_id} is {row['state']} with {receipts} receipts")
    for attempt_id, row in v.attempts.items():
        if row["state"] in CLOSED and news["attempt.failed", attempt_id] != 1:
            yield Violation(
                "I18", f"attempt {attempt_id} is {row['state']} and was told {news['attempt.failed', attempt_id]} times"
            )
        order = v.orders[row["order_id"]]
        if row["amount"] != order["total"] or row["currency"] != order["currency"]:
            yield Violation("I10", f"attempt {attempt_id} asks {row['amount']}, its order is of {order['total']}")
        quote = json.loads(order["quote"]) if isinstance(order["quote"], str) else order["quote"]
        due = quote.get("due_now") if isinstance(quote, dict) else None
        if isinstance(due, int) and due != row["amount"]:
            yield Violation("I10", f"attempt {attempt_id} asks {row['amount']}, its quote says {due}")
    agreed = {row["attempt_id"] for row in v.consents}
    for attempt_id in v.attempts:
        if attempt_id not in agreed:
            yield Violation("I10", f"attempt {attempt_id} has no consent")
    for row in v.outbox:
        if row["channel"] == "mail" and row["state"] not in ("DELIVERED", "DEAD"):
            yield Violation("I18", f"mail {row['id']} is {row['state']}")
    holders = Counter((row["book_id"], row["jti"]) for row in v.uses if row["order_state"] in PAID)
    for (_, jti), count in holders.items():
        if count > 1:
            yield Violation("I25", f"link {jti} was used {count} times")


def _chains(v: View) -> Iterator[Violation]:
    state: dict[tuple[str, str], str] = {}
    head: dict[tuple[str, str], str] = {}
    for row in v.transitions:
        what = (row["kind"], row["object"])
        old, new = row["from_state"], row["to_state"]
        if old != state.get(what, ""):
            yield Violation("I15", f"{what} leaves {old}, but was {state.get(what, '')}")
        if old and row["kind"] in TABLES and new not in TABLES[row["kind"]].get(old, ()):
            yield Violation("I15", f"{what} went from {old} to {new}")
        if row["prev_hash"] != head.get(what, "") or row["hash"] != _digest(row):
            yield Violation("I43", f"the chain of {what} breaks at row {row['seq']}")
        state[what], head[what] = new, row["hash"]
    for kind, rows in (("order", v.orders), ("attempt", v.attempts)):
        for identity, row in rows.items():
            if state.get((kind, identity)) != row["state"]:
                yield Violation(
                    "I43", f"{kind} {identity} is {row['state']}, its log says {state.get((kind, identity))}"
                )


def _digest(row: dict[str, Any]) -> str:
    """As documented, computed here anew: the application's function is not asked."""
    names = ("prev_hash", "book_id", "kind", "object", "from_state", "to_state", "cause", "actor", "at")
    text = json.dumps([row[name] for name in names], separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
