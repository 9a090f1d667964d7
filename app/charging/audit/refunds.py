"""Money that went back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import bindparam, select

from app.charging.audit.findings import Check, Seen, WholeCheck, judged
from app.charging.audit.rows import Row, name_in_log
from app.charging.audit.scene import PAID_STATES, Page, Scene
from app.charging.compare_refunds import COMES_BACK_WITHIN
from app.charging.transitions import BORN
from app.gateways.port import Payment, Refund, RefundStatus
from app.models.leases import CLOCKS_DIFFER
from app.models.orders import Attempt
from app.models.orders import Refund as RefundTable

COMPARED_WITHIN: Final = timedelta(hours=25) + CLOCKS_DIFFER
"""The gateway's books are compared with ours daily: what is there for longer was seen."""
_FOUND: Final = "found at the gateway"
"""How the log begins for a refund that somebody made there."""
_OF_PAYMENTS = (
    select(RefundTable.id, RefundTable.gw_ref, RefundTable.state, RefundTable.kind, Attempt.gw_ref.label("payment"))
    .join(Attempt, Attempt.id == RefundTable.attempt_id)
    .where(Attempt.gw_ref.in_(bindparam("refs", expanding=True)))
)


def never_more_than_captured(page: Page) -> Seen:
    """By our rows. What is no sale of ours took what the gateway says, such as one that a person gave back."""
    for attempt in page.rows.attempts:
        back = sum([
            row["amount"]
            for row in page.rows.refunds_of.get(attempt["order_id"], ())
            if row["attempt_id"] == attempt["id"] and row["state"] != "FAILED"
        ])  # fmt: skip
        captured = attempt["amount"]
        if attempt["state"] != "SUCCEEDED":
            if not page.is_compared(attempt["order_id"]):
                continue
            payment = page.held.by_place.get(page.held.place_of(attempt))
            captured = payment.captured if payment else 0
        yield judged(f"attempt {attempt['id']}", back > captured, f"has {back} given back, {captured} was captured")


def never_more_at_the_gateway(scene: Scene) -> Seen:
    for _, payment in scene.held.payments:
        wrong = payment.refunded > payment.captured
        yield judged(f"payment {payment.ref}", wrong, f"gave back {payment.refunded}, captured {payment.captured}")


def each_is_there(page: Page) -> Seen:
    """Each row that succeeded is one refund at the gateway."""
    attempts = {row["id"]: row for row in page.rows.attempts}
    for row in page.rows.refunds:
        attempt = attempts.get(row["attempt_id"])
        if attempt is None:
            yield judged(f"refund {row['id']}", "is of another order's attempt")
        elif row["state"] == "SUCCEEDED" and page.is_compared(row["order_id"]):
            listed = page.held.refunds.get(page.held.place_of(attempt), [])
            mine = [one for one in listed if one.ref == row["gw_ref"]]
            sums, own = [(one.amount, one.currency) for one in mine], (row["amount"], row["currency"])
            wrong = "" if sums == [own] else f"of {_sum(own)} is {[_sum(one) for one in sums]} at the gateway"
            if any(one.status is RefundStatus.FAILED for one in mine) and not _is_known_to_be_back(page, row, attempt):
                wrong = wrong or "came back at the gateway, and no person was told"
            yield judged(f"refund {row['id']}", wrong)


def _sum(of: tuple[int, str]) -> str:
    return f"{of[0]} {of[1]}"


def _is_known_to_be_back(page: Page, refund: Row, attempt: Row) -> bool:
    """A person was told, or the next comparison will tell one: banks send refunds back days later, without a date."""
    if refund["id"] in page.whole.stuck_refunds:
        return True
    settled = refund["settled_at"] or refund["created_at"]
    if page.began - settled > COMES_BACK_WITHIN + COMPARED_WITHIN:
        return False
    last = page.whole.compared.get(page.held.home(attempt["gateway"], attempt["account"], attempt["livemode"]))
    return page.began - max(settled, last or settled) <= COMPARED_WITHIN


def each_is_ours(scene: Scene) -> Seen:
    """Each refund at the gateway is one row of ours, or one that is under way; none is one that failed here, whose money
    went to the balance instead. What somebody gave back there by hand, or what we gave and had no answer to, has a row
    once it was compared: until then it is nobody's fault."""
    orphans = {row["gw_ref"] for row in scene.orphans}
    for payments in scene.payments():
        given = {ref: listed for (_, _, ref), listed in _refunds_of(scene, payments) if ref not in orphans}
        with scene.store.read() as conn:
            rows: Sequence[Any] = conn.execute(_OF_PAYMENTS, {"refs": list(given)}).all() if given else ()
        known = {(row.payment, row.gw_ref): row.state != "FAILED" for row in rows}
        failed = {row.id for row in rows if row.state == "FAILED" and row.kind == "negative"}
        under_way = {row.id for row in rows if row.state in ("CREATED", "SENT", "UNKNOWN")}
        for ref, listed in given.items():
            for one in listed:
                if one.status is not RefundStatus.FAILED and one.mark not in under_way:
                    is_fresh = one.created_at is not None and scene.began - one.created_at <= COMPARED_WITHIN
                    wrong = "" if known.get((ref, one.ref), is_fresh) else "is no row of ours that went through"
                    if one.mark in failed:
                        wrong = f"went back though {one.mark} failed, and its sum stands on the balance as well"
                    yield judged(f"refund {one.ref} at the gateway", wrong)


def _refunds_of(
    scene: Scene, payments: list[tuple[str, Payment]]
) -> Iterator[tuple[tuple[str, str, str], list[Refund]]]:
    for name, payment in payments:
        key = (name, payment.account, payment.ref)
        if key in scene.held.refunds:
            yield key, scene.held.refunds[key]


def as_asked_for(page: Page) -> Seen:
    """Of the kind that the log saw begin, and in the currency of its payment."""
    attempts = {row["id"]: row for row in page.rows.attempts}
    born = {row["object"]: row["cause"] for row in page.rows.transitions if row["from_state"] == BORN}
    for row in page.rows.refunds:
        kind = "outside" if born.get(row["id"]) == _FOUND else born.get(row["id"], row["kind"])
        wrong = "" if kind == row["kind"] else f"is {row['kind']}, by its log {kind}"
        paid = attempts.get(row["attempt_id"])
        if paid is not None and paid["currency"] != row["currency"]:
            wrong = wrong or f"is in {row['currency']}, its payment in {paid['currency']}"
        yield judged(f"refund {row['id']}", wrong)


def none_while_disputed(page: Page) -> Seen:
    """By the log: a dispute begins when it is seen, for one that was an inquiry before was opened long before it held the
    money. What the gateway refused is no refund."""
    for row in page.rows.refunds:
        if row["kind"] != "outside":
            wrong = row["gw_ref"] is not None and row["state"] != "FAILED"
            wrong = wrong and any(_covers(page, one, row) for one in page.rows.disputes)
            yield judged(f"refund {row['id']}", wrong, "began in a dispute")


def _covers(page: Page, dispute: Row, refund: Row) -> bool:
    log, name = page.rows.came_to, name_in_log(dispute)
    opened, sent = log.get(("dispute", name, "OPEN"), 0), log.get(("refund", refund["id"], "SENT"), 0)
    won = log.get(("dispute", name, "WON"))
    return dispute["attempt_id"] == refund["attempt_id"] and sent > opened and (won is None or sent < won)


def state_follows(page: Page) -> Seen:
    """PART_REFUNDED and REFUNDED are what the refunds of what paid for the order add up to."""
    paid = {row["id"] for row in page.rows.attempts if row["state"] == "SUCCEEDED"}
    for order in page.rows.orders:
        if order["state"] not in PAID_STATES or order["state"] in ("DISPUTED", "LOST"):
            continue
        done = [row for row in page.rows.refunds_of.get(order["id"], ()) if row["state"] == "SUCCEEDED"]
        back = sum([row["amount"] for row in done if row["attempt_id"] in paid])
        owed = "PAID" if not back else "REFUNDED" if back >= order["total"] else "PART_REFUNDED"
        yield judged(
            f"order {order['id']}", order["state"] != owed, f"is {order['state']}, {back} of {order['total']} went back"
        )


CHECKS = (
    Check("I8", "never more given back than was captured", never_more_than_captured),
    WholeCheck("I8", "nor at the gateway", never_more_at_the_gateway, asks_gateway=True),
    Check("I8", "each refund is one at the gateway", each_is_there, asks_gateway=True),
    WholeCheck("I8", "each refund at the gateway is ours", each_is_ours, asks_gateway=True),
    Check("I8", "each refund is as it was asked for", as_asked_for),
    Check("I8", "none began while a dispute was open or lost", none_while_disputed),
    Check("I8", "orders say how much went back", state_follows),
)
