"""Judges one iteration by the gateway's ledger and request log and by the database's rows, never by the application's words."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from app.billing.states import TABLES
from tests.faults import judge_aftermath
from tests.faults.banks import Request
from tests.faults.view import CLOSED, PAID, View, Violation, loaded

CALLED_INSIDE = "was called inside an open transaction"
KEY = re.compile(r"^(?P<attempt>[a-z0-9]+\.\d+):(create:\d+|confirm:\d+|cancel:.+|stray:.+)$")
OTHER_KEY = re.compile(r"^(leftover:|orphan|[a-z0-9]+\.r\d+:|customer|setup)")


def at_any_time(v: View, arrived: list[Request]) -> Iterator[Violation]:
    """What may never be seen, not even for a moment. ``arrived``: requests read before the rows were."""
    yield from _rows_before_calls(v, arrived)
    for order_id, row in v.orders.items():
        taken = v.captured(order_id)
        v.checked["I1"] += 1
        if taken > row["total"]:
            yield Violation("I1", f"order {order_id} of {row['total']} was charged {taken}")
        v.checked["I2"] += 1
        if row["state"] in PAID and row["total"] and row["outcome"] == "paid" and taken == 0:
            yield Violation("I2", f"order {order_id} is {row['state']} and nothing was captured")
    fulfilled = Counter(row["order_id"] for row in v.fulfilments)
    for order_id, count in fulfilled.items():
        v.checked["I17"] += 1
        if count > 1 or v.orders[order_id]["state"] not in PAID:
            yield Violation("I17", f"order {order_id} is {v.orders[order_id]['state']} with {count} fulfilments")
    counted = Counter(row["order_id"] for row in v.attempts.values() if row["state"] not in CLOSED)
    for order_id, count in counted.items():
        v.checked["I4"] += 1
        if count > 1:
            yield Violation("I4", f"order {order_id} has {count} open attempts")
    yield from judge_aftermath.at_any_time(v)


def _rows_before_calls(v: View, arrived: list[Request]) -> Iterator[Violation]:
    """Nothing reached the gateway that was not committed first, also while the database could not be written."""
    promised = {row["id"] for row in v.refunds}
    invariant = "I47" if v.around.storage else "I5"
    for each in arrived:
        mark = each.key.partition(":")[0] if each.verb == "refund" and not each.key.startswith("orphan") else ""
        missing = (mark and mark not in promised | v.around.lost) or (
            each.attempt and each.attempt not in v.attempts and each.attempt not in v.around.lost
        )
        if mark or each.attempt:
            v.checked["I5"] += 1
            v.checked["I47"] += v.around.storage
        if missing:
            yield Violation(invariant, f"{each.verb} carried {mark or each.attempt}, which is no row")
        row = v.attempts.get(each.attempt)
        if each.verb == "confirm_payment" and row is not None and row["gw_ref"] is None:
            yield Violation(invariant, f"{each.attempt} was confirmed, and its row does not know of which payment")


def at_rest(v: View) -> Iterator[Violation]:
    """What must hold when nothing runs any more."""
    yield from at_any_time(v, v.requests)
    yield from _silences(v)
    yield from _money(v)
    yield from _requests(v)
    yield from _rows(v)
    yield from _agreed(v)
    yield from _chains(v)
    yield from judge_aftermath.at_rest(v)


def in_the_log(said: str) -> Iterator[Violation]:
    """What the processes themselves raise when a call is made inside a transaction."""
    if CALLED_INSIDE in said:
        yield Violation("I44", "the server's log has a call inside an open transaction")


def _silences(v: View) -> Iterator[Violation]:
    """While not a row could be written, nobody asked the gateway to act."""
    for why, before, after in v.around.silences:
        v.checked["I47"] += 1
        if after != before:
            yield Violation("I47", f"{after - before} calls reached the gateway while {why}")


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
        v.checked["I3"] += 1
        if row is None:
            if each.ref not in aside:
                yield Violation("I3", f"capture {each.ref} of {each.captured} belongs to no attempt and no orphan")
            continue
        v.checked["I13"] += 1
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
    for each in v.ours:
        objects[each.attempt].append(each)
    for earlier in sorted(attempts, key=lambda row: row["n"])[:-1]:
        v.checked["I7"] += 1
        if earlier["state"] not in CLOSED:
            yield Violation("I7", f"attempt {earlier['id']} is {earlier['state']} and another came after it")
        for each in objects[earlier["id"]]:
            if each.status not in ("canceled", "requires_confirmation"):
                yield Violation("I7", f"attempt {earlier['id']} is closed, its payment {each.ref} is {each.status}")
    for row in attempts:
        v.checked["I11"] += row["state"] in CLOSED
        if row["state"] in CLOSED and any(each.captured for each in objects[row["id"]]):
            yield Violation("I11", f"attempt {row['id']} is {row['state']} and its money was taken")


def _requests(v: View) -> Iterator[Violation]:
    owner: dict[str, str] = {}
    params: dict[tuple[str, str], str] = {}
    for each in v.requests:
        v.checked["I6"] += 1
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
        v.checked["I18" if paid else "I22"] += 1
        receipts = news["receipt", order_id]
        if receipts != (1 if paid and row["outcome"] != "due" else 0):
            yield Violation("I18" if paid else "I22", f"order {order_id} is {row['state']} with {receipts} receipts")
    for attempt_id, row in v.attempts.items():
        if row["state"] in CLOSED and news["attempt.failed", attempt_id] != 1:
            yield Violation(
                "I18", f"attempt {attempt_id} is {row['state']} and was told {news['attempt.failed', attempt_id]} times"
            )
    for row in v.outbox:
        if row["channel"] == "mail" and row["state"] not in ("DELIVERED", "DEAD"):
            yield Violation("I18", f"mail {row['id']} is {row['state']}")
    holders = Counter((row["book_id"], row["jti"]) for row in v.uses if row["order_state"] in PAID)
    for (_, jti), count in holders.items():
        v.checked["I25"] += 1
        if count > 1:
            yield Violation("I25", f"link {jti} was used {count} times")


def _agreed(v: View) -> Iterator[Violation]:
    """What an attempt asks is its order's total, its quote's, its consent's, and what the page said that was pressed.

    Whatever is missing of these is a violation, so that nothing is ever passed over for want of something to compare.
    """
    consents = {row["attempt_id"]: row for row in v.consents}
    pages = [" ".join(text.split()) for text in v.around.shown.values()]
    for attempt_id, row in v.attempts.items():
        order, consent = v.orders[row["order_id"]], consents.get(attempt_id)
        if consent is None:
            yield Violation("I10", f"attempt {attempt_id} has no consent")
            continue
        amount, said = row["amount"], " ".join(consent["text"].split())
        told = {
            "its order": order["total"], "its quote": loaded(order["quote"]).get("due_now"),
            "its consent": loaded(consent["figures"]).get("due_now"),
        }  # fmt: skip
        for name, theirs in told.items():
            if theirs != amount:
                yield Violation("I10", f"attempt {attempt_id} asks {amount}, {name} says {theirs}")
        if (row["currency"], consent["quote_hash"]) != (order["currency"], order["quote_hash"]):
            yield Violation("I10", f"attempt {attempt_id}: currency or quote is not the order's")
        due = f"${amount // 100}.{amount % 100:02}"
        if not any(said in page and due in page for page in pages):
            yield Violation("I10", f"no page that was pressed says {due} and {said!r}")
        v.checked["I10"] += 1


def _chains(v: View) -> Iterator[Violation]:
    state: dict[tuple[str, str], str] = {}
    head: dict[tuple[str, str], str] = {}
    for row in v.transitions:
        what = (row["kind"], row["object"])
        old, new = row["from_state"], row["to_state"]
        v.checked["I15"] += bool(old)
        v.checked["I43"] += 1
        if old != state.get(what, ""):
            yield Violation("I15", f"{what} leaves {old}, but was {state.get(what, '')}")
        if old and row["kind"] in TABLES and new not in TABLES[row["kind"]].get(old, ()):
            yield Violation("I15", f"{what} went from {old} to {new}")
        if row["prev_hash"] != head.get(what, "") or row["hash"] != _digest(row):
            yield Violation("I43", f"the chain of {what} breaks at row {row['seq']}")
        state[what], head[what] = new, row["hash"]
    refunds = {row["id"]: row for row in v.refunds}
    for kind, rows in (("order", v.orders), ("attempt", v.attempts), ("refund", refunds)):
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
