"""States and the log of how they came about."""

from __future__ import annotations

import itertools
from collections import defaultdict

from app.billing.states import TransitionError, check_transition, is_final
from app.charging.audit.findings import Check, Seen, judged
from app.charging.audit.rows import Row
from app.charging.audit.scene import CLOSED, Page
from app.charging.transitions import BORN, digest


def one_live_attempt(page: Page) -> Seen:
    for order_id, attempts in page.rows.attempts_of.items():
        live = [one["id"] for one in attempts if one["state"] not in CLOSED]
        yield judged(
            f"order {order_id}", len(live) > 1, f"has {len(live)} attempts that may take money: {', '.join(live)}"
        )


def one_after_the_other(page: Page) -> Seen:
    """Attempt n+1 exists only once attempt n ended without money, and none is left out."""
    for attempts in page.rows.attempts_of.values():
        for place, one in enumerate(attempts, 1):
            yield judged(f"attempt {one['id']}", one["n"] != place, f"is number {one['n']}, but the {place}. there is")
        for before, after in itertools.pairwise(attempts):
            wrong = before["state"] not in CLOSED
            yield judged(f"attempt {after['id']}", wrong, f"was made though {before['id']} is {before['state']}")


def logged(page: Page) -> Seen:
    """Only the moves of the tables occur, nothing follows a final state, and each row stands where its log ends."""
    last: dict[tuple[str, str], str] = {}
    for row in page.rows.transitions:
        key = (row["kind"], row["object"])
        old = last.get(key, BORN)
        yield judged(_name(row), _bad_move(row, old))
        last[key] = row["to_state"]
    for kind, rows in _objects(page):
        for row in rows:
            ends = last.get((kind, row["id"]))
            yield judged(
                f"{kind} {row['id']}",
                ends != row["state"],
                f"is {row['state']}, but its log ends with {ends or 'nothing'}",
            )


def _objects(page: Page) -> tuple[tuple[str, list[Row]], ...]:
    rows = page.rows
    return ("attempt", list(rows.attempts)), ("order", list(rows.orders)), ("refund", list(rows.refunds))


def _bad_move(row: Row, old: str) -> str:
    if row["from_state"] != old:
        return f"leaves {row['from_state'] or 'nothing'}, but the {row['kind']} was {old or 'not there'}"
    if old == BORN:
        return ""
    try:
        check_transition(row["kind"], old, row["to_state"])
    except TransitionError as error:
        return error.message
    final = is_final(row["kind"], old) and row["to_state"] != "QUARANTINED"
    return f"leaves {old}, which is final" if final else ""


def chained(page: Page) -> Seen:
    """Every row of the log holds the hash of the one before it, and its own over what it says."""
    heads: defaultdict[tuple[str, str], str] = defaultdict(lambda: BORN)
    for row in page.rows.transitions:
        key = (row["kind"], row["object"])
        wrong = row["prev_hash"] != heads[key] or row["hash"] != digest(dict(row))
        yield judged(_name(row), wrong, f"does not follow from the row before it ({row['kind']} {row['object']})")
        heads[key] = row["hash"]


def in_its_mode(page: Page) -> Seen:
    for row in page.rows.attempts:
        book = page.whole.books.get(row["book_id"])
        mode = "live" if row["livemode"] else "test"
        kept = book["mode"] if book else "unknown"
        yield judged(f"attempt {row['id']}", mode != kept, f"is {mode} in the {kept} book {row['book_id']}")
        order = page.rows.order.get(row["order_id"])
        yield judged(
            f"attempt {row['id']}", order is None or order["book_id"] != row["book_id"], "is of another book's order"
        )


def _name(row: Row) -> str:
    return f"transition {row['seq']}"


CHECKS = (
    Check("I4", "at most one attempt of an order can take money", one_live_attempt),
    Check("I7", "a new attempt only after the last one ended without money", one_after_the_other),
    Check("I15", "only the moves of the state tables, and rows stand where their log ends", logged),
    Check("I16", "live and test never meet", in_its_mode),
    Check("I43", "the log's hash chain verifies", chained),
)
