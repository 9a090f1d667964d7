"""Judges what follows a purchase: money given back, disputes, payments that no attempt accounts for, notices."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from tests.faults.banks import GivenBack
from tests.faults.view import View, Violation, loaded

ALIVE = {"CREATED", "SENT", "UNKNOWN"}


def at_any_time(v: View) -> Iterator[Violation]:
    """Never more given back than was taken, never one refund twice."""
    for each in v.objects:
        v.checked["I8"] += bool(each.refunded)
        if each.refunded > each.captured:
            yield Violation("I8", f"payment {each.ref}: {each.refunded} given back of {each.captured}")
    for mark, count in Counter(each.mark for each in v.given_back if each.mark and each.counts).items():
        if count > 1:
            yield Violation("I8", f"refund {mark} was made {count} times")


def at_rest(v: View) -> Iterator[Violation]:
    yield from _refund_rows(v)
    yield from _order_states(v)
    yield from _owed(v)
    yield from _disputes(v)
    yield from _started_while_contested(v)
    yield from _orphans(v)
    yield from _notices(v)


def _refund_rows(v: View) -> Iterator[Violation]:
    """Each row is one refund at the gateway and the reverse."""
    made = {each.ref: each for each in v.given_back if each.counts}
    known = {row["gw_ref"]: row for row in v.refunds if row["gw_ref"]}
    attempts = {row["gw_ref"]: row["id"] for row in v.attempts.values() if row["gw_ref"]}
    for row in v.refunds:
        v.checked["I8"] += 1
        if row["state"] in ALIVE:
            yield Violation("I12", f"refund {row['id']} is {row['state']} after days")
        there = made.get(row["gw_ref"]) if row["gw_ref"] else None
        if row["state"] == "SUCCEEDED" and (there is None or there.amount != row["amount"]):
            yield Violation("I8", f"refund {row['id']} of {row['amount']} succeeded, the gateway has {there}")
        if row["state"] == "FAILED" and any(each.mark == row["id"] for each in made.values()):
            yield Violation("I11", f"refund {row['id']} is called failed, and its money went back")
    for ref, each in made.items():
        if each.payment in attempts and ref not in known:
            yield Violation("I8", f"the gateway gave {each.amount} back as {ref}, which is no row")


def _order_states(v: View) -> Iterator[Violation]:
    """The order's state is what the gateway's refunds and disputes make of it."""
    back: dict[str, list[GivenBack]] = defaultdict(list)
    for each in v.given_back:
        if each.counts:
            back[each.payment].append(each)
    contested: dict[str, set[str]] = defaultdict(set)
    for one in v.contested:
        contested[one.payment].add(one.status)
    for row in v.attempts.values():
        order = v.orders[row["order_id"]]
        if row["state"] != "SUCCEEDED" or order["state"] == "OPEN":
            continue
        given, disputes = sum(each.amount for each in back[row["gw_ref"]]), contested[row["gw_ref"]]
        expected = "PAID" if not given else "REFUNDED" if given >= row["amount"] else "PART_REFUNDED"
        expected = "LOST" if "lost" in disputes else "DISPUTED" if "open" in disputes else expected
        # A dispute that came after everything was given back changes nothing any more.
        v.checked["I8"] += bool(given or disputes)
        if order["state"] != expected and not (order["state"] == "REFUNDED" and given >= row["amount"]):
            yield Violation("I8", f"order {order['id']} is {order['state']}, the gateway's ledger makes it {expected}")


def _owed(v: View) -> Iterator[Violation]:
    """A change with a total below zero gives back what its quote said, to cards or else to the balance."""
    on_balance = {row["order_id"]: row["amount"] for row in v.balances}
    for order_id, order in v.orders.items():
        owed = loaded(order["quote"]).get("refunded", 0) if order["state"] == "PAID" else 0
        rows = [row for row in v.refunds if row["cause_order"] == order_id]
        if not owed and not rows:
            continue
        v.checked["I8"] += 1
        promised = sum(row["amount"] for row in rows)
        if promised != owed:
            yield Violation("I8", f"order {order_id} owes {owed}, its refunds are {promised}")
        for row in rows:
            if (row["state"] == "FAILED") != (on_balance.get(row["id"]) == row["amount"]):
                yield Violation(
                    "I8", f"refund {row['id']} is {row['state']}, on the balance {on_balance.get(row['id'])}"
                )


def _disputes(v: View) -> Iterator[Violation]:
    rows = {row["gw_ref"]: row for row in v.disputes}
    ours = {row["gw_ref"] for row in v.attempts.values()}
    for each in v.contested:
        if each.payment not in ours:
            continue
        row = rows.pop(each.ref, None)
        v.checked["I8"] += 1
        if row is None or row["state"].lower() != each.status or row["amount"] != each.amount:
            yield Violation("I8", f"dispute {each.ref} is {each.status}, our row says {row and row['state']}")
    for ref in rows:
        yield Violation("I8", f"our dispute {ref} is not the gateway's")


def _started_while_contested(v: View) -> Iterator[Violation]:
    """No refund of ours begins while we know of a dispute that is open or lost."""
    spans: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in v.disputes:
        name = f"{row['gateway']}:{row['account']}:{row['gw_ref']}"
        seen = [one for one in v.transitions if one["kind"] == "dispute" and one["object"] == name]
        opened = next((one["at"] for one in seen if one["to_state"] == "OPEN"), None)
        won = next((one["at"] for one in seen if one["to_state"] == "WON"), float("inf"))
        if opened is not None:
            spans[row["attempt_id"]].append((opened, won))
    for row in v.refunds:
        for opened, won in spans[row["attempt_id"]]:
            v.checked["I8"] += 1
            if row["kind"] != "outside" and opened < row["created_at"] < won:
                yield Violation("I8", f"refund {row['id']} began while a dispute was open or lost")


def _orphans(v: View) -> Iterator[Violation]:
    """What became of a payment without an attempt is what the gateway shows."""
    objects = {each.ref: each for each in v.objects}
    held = {row["gw_ref"]: row for row in v.attempts.values() if row["gw_ref"]}
    for row in v.orphans:
        v.checked["I3"] += 1
        if (wrong := _orphan_is_wrong(row, objects.get(row["gw_ref"]), held)) is not None:
            yield Violation("I3", f"orphan {row['gw_ref']} is {row['state']}: {wrong}")


def _orphan_is_wrong(row: dict[str, Any], there: Any, held: dict[str, dict[str, Any]]) -> str | None:
    owner = held.get(row["gw_ref"])
    match row["state"]:
        case "FOUND":
            return "nobody decided after days"
        case "ADOPTED" if owner is None or owner["state"] != "SUCCEEDED":
            return "no attempt has it"
        case "REFUNDED" if there is None or there.refunded != there.captured:
            return "the gateway still has its money"
        case "CANCELLED" if there is not None and there.captured:
            return "the gateway took money for it"
        case _:
            return None


def _notices(v: View) -> Iterator[Violation]:
    """Whatever was told, in whatever order and however often: heard once each, and the states are those of the ledger."""
    for name, count in Counter((row["gateway"], row["account"], row["event_id"]) for row in v.inbox).items():
        v.checked["I20"] += 1
        if count > 1:
            yield Violation("I20", f"notice {name} was kept {count} times")
    for row in v.inbox:
        if row["state"] == "DEAD":
            yield Violation("I20", f"notice {row['event_id']} about {row['payment']} is dead")
