"""What was granted and what was told: exactly once for each thing that happened."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from app.charging.audit.findings import Broken, Check, Seen, WholeCheck, judged
from app.charging.audit.rows import DISPUTE_NEWS, Row
from app.charging.audit.scene import CLOSED, PAID_STATES, Page, Scene
from app.models.leases import CLOCKS_DIFFER
from app.models.work import Outbox
from app.outbox.recording import outbox_id


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
    owed += [("refund.failed", row["id"], int(row["state"] == "FAILED"), "refund") for row in rows.refunds]
    ended = {name for kind, name, state in rows.came_to if kind == "attempt" and state in CLOSED}
    owed += [("attempt.failed", row["id"], int(row["id"] in ended), "attempt") for row in rows.attempts]
    for kind, identity, wanted, what in owed:
        told = count[kind, identity]
        yield judged(f"{what} {identity}", told != wanted, f"has {told} rows {kind} to tell, not {wanted}")


def mailed_once(page: Page) -> Seen:
    """Whoever was told to wait hears that nothing was charged, or that the bank gave it back; whoever else gets money back
    hears of that, unless somebody gave it back at the gateway, which tells the customer itself."""
    mails = {row["id"] for row in page.rows.outbox}
    refs = {row["gw_ref"] for row in page.whole.orphans}
    orphans = {row["id"] for row in page.rows.attempts if row["gw_ref"] in refs}
    for row in page.rows.attempts:
        if row["state"] in CLOSED:
            yield _mailed(f"attempt {row['id']}", outbox_id("not_charged", row["id"], 1), mails, _waited(page, row))
    given_back = {row["id"] for row in page.rows.attempts if _by_a_person(page, row)}
    for row in page.rows.refunds:
        owed = row["state"] == "SUCCEEDED" if row["kind"] != "outside" else row["attempt_id"] in given_back
        outside = row["kind"] == "outside"
        if not has_an_end(page, row) or (outside and (row["state"] == "FAILED" or row["attempt_id"] in orphans)):
            continue  # not told yet; before it failed somebody may have been told; an orphan's may be ours or a merchant's
        yield _mailed(f"refund {row['id']}", outbox_id("refunded", row["id"], 1), mails, owed)


def _mailed(name: str, identity: str, mails: set[str], owed: bool) -> Broken | None:
    has = identity in mails
    return judged(name, has != owed, f"has {int(has)} mails {identity.partition(':')[0]}, not {int(owed)}")


def _waited(page: Page, attempt: Row) -> bool:
    """As it was written when the attempt ended: its end was not seen on the page at once.

    An unknown end was always shown as one, whether or not the attempt's row says so.
    """
    if _was_quarantined(page, attempt):
        back = {row["attempt_id"] for row in page.rows.refunds if row["state"] != "FAILED"}
        return not (attempt["id"] in back and _by_a_person(page, attempt))
    late = attempt["settled_at"] is not None and attempt["settled_at"] >= attempt["deadline_at"]
    unknown = ("attempt", attempt["id"], "UNKNOWN") in page.rows.came_to
    return bool(attempt["told_to_wait"] or unknown or late)


def _ends(row: Row, attempt: Row) -> bool:
    return row["kind"] == "attempt" and row["object"] == attempt["id"] and row["to_state"] in CLOSED


def _was_quarantined(page: Page, attempt: Row) -> bool:
    return "QUARANTINED" in {row["from_state"] for row in page.rows.transitions if _ends(row, attempt)}


def _by_a_person(page: Page, attempt: Row) -> bool:
    """Whether a person gave its money back instead of a sale: then it is we who told the customer."""
    returned = any(
        row["kind"] == "order" and row["object"] == attempt["order_id"] and row["cause"] == RETURNED
        for row in page.rows.transitions
    )
    return returned and _was_quarantined(page, attempt)


def disputes_told_once(page: Page) -> Seen:
    """That it began, and how it ended."""
    told = {row["id"] for row in page.rows.outbox}
    for row in [row for row in page.rows.disputes if has_an_end(page, row)]:
        for state in dict.fromkeys(("OPEN", row["state"])):
            kind = DISPUTE_NEWS[state]
            has = outbox_id(kind, f"{row['order_id']}:{row['gw_ref']}", 1) in told
            yield judged(f"dispute {row['gw_ref']} of order {row['order_id']}", not has, f"has no row {kind} to tell")


def ends_somewhere(scene: Scene) -> Seen:
    """Mail that is not delivered is due, and looked at when it is; or it is dead, where a person sees it.

    One that cannot be sent now is due again at a time that is still to come, whatever the outage: a worker that was there
    put it off. So one that stands for a day where it was due has no worker, or none that ever comes to it.
    """
    over = scene.began - MAILED_WITHIN
    for rows in scene.by_key(lambda last: _MAILS.where(Outbox.id > last), ""):
        for row in rows:
            wrong = ""
            if row["state"] == "READY":
                due, leased = row["next_at"], row["lease_until"]
                if due is None:
                    wrong = "is ready and never due"
                elif due < over and (leased is None or leased < over):
                    wrong = f"was due at {due:%Y-%m-%d %H:%M} and nobody sent it"
            yield judged(f"outbox {row['id']}", wrong)


MAILED_WITHIN: Final = timedelta(days=1) + CLOCKS_DIFFER
RETURNED: Final = "refunded by a person"
_MAILS = (
    select(Outbox.id, Outbox.state, Outbox.next_at, Outbox.lease_until)
    .where(Outbox.channel == "mail")
    .order_by(Outbox.id)
)

CHECKS = (
    Check("I17", "granted once if paid, else never", granted_once),
    Check("I18", "told once for each thing that happened", told_once),
    Check("I18", "mailed once to whoever waits for money or for an answer", mailed_once),
    Check("I18", "told of every dispute", disputes_told_once),
    WholeCheck("I18", "nothing to tell is lost", ends_somewhere),
)
