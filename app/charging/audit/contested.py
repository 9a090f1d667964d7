"""Disputes and orphans: as the gateway has them, as their log ends, and orders as their disputes say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from app.charging.audit.cells import every
from app.charging.audit.findings import Check, Seen, WholeCheck, judged
from app.charging.audit.rows import Row, log_of, name_in_log
from app.charging.audit.scene import Page, Scene
from app.gateways.port import DisputeStatus
from app.models.leases import CLOCKS_DIFFER
from app.models.orders import Attempt, Dispute, Transition
from app.models.work import Outbox
from app.outbox.recording import outbox_id

_STATES = {DisputeStatus.OPEN: "OPEN", DisputeStatus.WON: "WON", DisputeStatus.LOST: "LOST"}


def orders_follow_disputes(page: Page) -> Seen:
    """Lost where one is lost, contested while one is open; what was all given back before stays so."""
    states: defaultdict[str, set[str]] = defaultdict(set)
    paid = {row["id"] for row in page.rows.attempts if row["state"] == "SUCCEEDED"}
    for row in [row for row in page.rows.disputes if row["attempt_id"] in paid]:
        states[row["order_id"]].add(row["state"])
    for order in page.rows.orders:
        has, state = states[order["id"]], order["state"]
        wrong = (state in ("PAID", "PART_REFUNDED") and has & {"OPEN", "LOST"}) or (
            (state == "LOST" and "LOST" not in has) or (state == "DISPUTED" and ("OPEN" not in has or "LOST" in has))
        )
        yield judged(
            f"order {order['id']}", bool(wrong), f"is {state}, its disputes are {', '.join(sorted(has)) or 'none'}"
        )


def disputes_are_the_gateways(scene: Scene) -> Seen:
    """One row for each dispute of a payment of ours, and as it is there. What contradicts itself was put before a person."""
    held = {(name, account, one.ref): one for name, account, one in scene.held.disputes}
    rows = _all(scene, Dispute)
    moved = _moved_since(scene)
    for row in rows:
        (attempt,) = _attempts(scene, Attempt.id == row["attempt_id"]) or [None]
        name = f"dispute {row['gw_ref']} of order {row['order_id']}"
        if attempt is None or not scene.held.was_asked(attempt):
            yield judged(name, attempt is None, "is of no attempt")
            continue
        place = (*scene.held.place_of(attempt)[:2], row["gw_ref"])
        seen = held.pop(place, None)
        if name_in_log(row) in moved:
            continue  # newer here than there
        if seen is None:
            yield judged(name, "is not at the gateway")
            continue
        wrong = seen.payment != attempt["gw_ref"] or (seen.amount, seen.currency) != (row["amount"], row["currency"])
        state = _STATES[seen.status]
        told = outbox_id("dispute.contradicted", name_in_log(row), state)
        yield judged(name, wrong, "is of another payment or sum at the gateway")
        unlike = state != row["state"] and not _is_told(scene, told)
        yield judged(name, unlike, f"is {row['state']}, at the gateway {state}")
    for (gateway, _, ref), seen in held.items():
        if seen.opened_at < scene.began - CLOCKS_DIFFER:
            mine = _attempts(scene, (Attempt.gateway == gateway) & (Attempt.gw_ref == seen.payment))
            yield judged(
                f"dispute {ref} at the gateway", bool(mine), f"is of {mine[0]['id']} and no row of ours" if mine else ""
            )


def _moved_since(scene: Scene) -> set[str]:
    """Disputes that moved after the gateways were asked."""
    moved = select(Transition.object).where(Transition.kind == "dispute", Transition.seq > scene.mark)
    with scene.store.read() as conn:
        return set(conn.execute(moved).scalars())


def stand_where_their_log_ends(scene: Scene) -> Seen:
    """Every dispute and every orphan came about by moves that were logged."""
    for kind, rows in (("dispute", _all(scene, Dispute)), ("orphan", scene.orphans)):
        for at in range(0, len(rows), scene.page_size):
            some = {name_in_log(row): row for row in rows[at : at + scene.page_size]}
            with scene.store.read() as conn:
                moves = log_of(conn, kind, some)
            ends = {row["object"]: row["to_state"] for row in moves}
            for name, row in some.items():
                what = f"is {row['state']}, but its log ends with {ends.get(name, 'nothing')}"
                yield judged(f"{kind} {row['gw_ref']} of {row['gateway']}", ends.get(name) != row["state"], what)


def _all(scene: Scene, table: type[Dispute]) -> Sequence[Row]:
    """Few, as orphans are."""
    with scene.store.read() as conn:
        return conn.execute(every(table)).mappings().all()


def _attempts(scene: Scene, where: object) -> list[Row]:
    with scene.store.read() as conn:
        return list(conn.execute(every(Attempt).where(where).limit(1)).mappings())  # pyright: ignore[reportArgumentType]


def _is_told(scene: Scene, identity: str) -> bool:
    with scene.store.read() as conn:
        return conn.execute(select(Outbox.id).where(Outbox.id == identity)).first() is not None


CHECKS = (
    Check("I20", "orders follow their disputes", orders_follow_disputes),
    WholeCheck("I20", "disputes are as the gateway has them", disputes_are_the_gateways, asks_gateway=True),
    WholeCheck("I15", "disputes and orphans stand where their log ends", stand_where_their_log_ends),
)
