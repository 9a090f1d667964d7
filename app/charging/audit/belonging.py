"""What belongs together stands together: one book, objects that are there, links that were good."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select

from app.charging.audit.findings import Check, Seen, WholeCheck, judged
from app.charging.audit.reading import claims_of
from app.charging.audit.scene import Page, Scene
from app.charging.transitions import BORN
from app.models.orders import Attempt, Order, Refund, Transition
from app.models.work import Inbox, Outbox

SKEW: Final = timedelta(seconds=60)
"""Between the look at the link and the order that comes of it (I27)."""
_TABLES: Final[dict[str, type[Any]]] = {"order": Order, "attempt": Attempt, "refund": Refund}
_TOLD_OF: Final = {
    "order.paid": "order", "receipt": "order", "attempt.failed": "attempt", "order.refunded": "refund", "refunded": "refund",
}  # fmt: skip


def of_one_book(page: Page) -> Seen:
    """Every row that hangs on an order is of the order's book."""
    rows = page.rows
    for name, children in (
        ("attempt", rows.attempts), ("refund", rows.refunds), ("consent", rows.consents), ("use of a link", rows.uses),
        ("fulfilment", rows.fulfilments), ("dispute", rows.disputes), ("balance entry", rows.balances),
    ):  # fmt: skip
        for row in children:
            order = rows.order.get(row["order_id"])
            wrong = order is not None and order["book_id"] != row["book_id"]
            yield judged(f"{name} of order {row['order_id']}", wrong, f"is of book {row['book_id']}")


def link_was_good(page: Page) -> Seen:
    """No order was placed from a link that had ended by then, by the clock of the server that placed it."""
    for order in page.rows.orders:
        claims = claims_of(order["claims"]) if order["link_jti"] is not None else None
        if claims is not None:
            late = order["created_at"] >= claims.expires + SKEW
            yield judged(
                f"order {order['id']}", late, f"was placed after its link ended at {claims.expires:%Y-%m-%d %H:%M}"
            )


def none_vanished(scene: Scene) -> Seen:
    """What the log saw begin is there."""
    born = select(Transition.seq, Transition.kind, Transition.object).where(
        Transition.from_state == BORN, Transition.kind.in_(_TABLES)
    )
    for rows in scene.by_key(lambda last: born.where(Transition.seq > last).order_by(Transition.seq), 0):
        there = {kind: _there(scene, kind, [row["object"] for row in rows if row["kind"] == kind]) for kind in _TABLES}
        for row in rows:
            gone = row["object"] not in there[row["kind"]]
            yield judged(f"{row['kind']} {row['object']}", gone, "is in the log and nowhere else")


def told_of_what_is(scene: Scene) -> Seen:
    """Nothing is told of an order, attempt or refund that is not there: its transaction did not commit."""
    told = select(Outbox.id, Outbox.kind).where(Outbox.kind.in_(_TOLD_OF)).order_by(Outbox.id)
    for rows in scene.by_key(lambda last: told.where(Outbox.id > last), ""):
        named = [(row["id"], _TOLD_OF[row["kind"]], row["id"].split(":")[1]) for row in rows]
        there = {kind: _there(scene, kind, [name for _, of, name in named if of == kind]) for kind in _TABLES}
        for identity, kind, name in named:
            yield judged(f"outbox {identity}", name not in there[kind], f"tells of {kind} {name}, which is not there")


def _there(scene: Scene, kind: str, names: list[str]) -> set[str]:
    table = _TABLES[kind]
    with scene.store.read() as conn:
        return set(conn.execute(select(table.id).where(table.id.in_(names))).scalars()) if names else set()


def notices_are_as_received(scene: Scene) -> Seen:
    """Of the book's mode, and, while the body is kept, with its hash."""
    query = select(
        Inbox.event_id, Inbox.gateway, Inbox.account, Inbox.book_id, Inbox.livemode, Inbox.body, Inbox.body_hash
    )
    order = (Inbox.event_id, Inbox.gateway, Inbox.account)
    for rows in scene.by_key(lambda last: query.where(Inbox.event_id > last).order_by(*order), ""):
        for row in rows:
            name = f"notice {row['event_id']} of {row['gateway']}"
            mode = scene.books[row["book_id"]]["mode"] if row["book_id"] in scene.books else "unknown"
            wrong = "" if mode == ("live" if row["livemode"] else "test") else f"is in the {mode} book"
            # Bytes that are no text were kept with a mark in their place, so their hash cannot be made again.
            whole = row["body"] and "\ufffd" not in row["body"]
            if whole and hashlib.sha256(row["body"].encode()).hexdigest() != row["body_hash"]:
                wrong = wrong or "is not what was received"
            yield judged(name, wrong)


CHECKS = (
    Check("I38", "everything of an order is of its book", of_one_book),
    Check("I27", "no order from a link that had ended", link_was_good),
    WholeCheck("I12", "nothing that began has vanished", none_vanished),
    WholeCheck("I22", "nothing is told of what is not there", told_of_what_is),
    WholeCheck("I21", "notices stand as they were received, each in its mode", notices_are_as_received),
)
