"""The person's queue: what no machine may decide, each with what is known of it. Reads only; ``desk_acts`` resolves.

What a person decided stays where it is if it cannot go on (a dead mail, a failed refund, an alarm): it leaves the queue by
the row ``queue.resolved`` that tells who took it off and why. That row is about the matter as it arose then: one that arises
anew is back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select

from app.billing.states import ATTEMPT_CLOSED
from app.charging.attempts import PERSON_AFTER, RESTING
from app.charging.gate import Account
from app.charging.orphans import orphan_name
from app.charging.overdue import overdue_accounts
from app.charging.refund_finding import WENT_BACK_AFTER_ALL
from app.charging.refund_rows import ALIVE
from app.gateways.port import DeclineReason
from app.models.customers import BalanceEntry
from app.models.orders import Attempt, Dispute, Order, Orphan, Refund, Transition
from app.models.work import Inbox, Outbox

RESOLVED = "queue.resolved"
LEFT = "left"
"""Of an account that no book sells through any more."""
ACTS = ("adopt", "cancel", "refund", "release")
ALARMS = ("attempt.contradicted", "attempt.refused", "dispute.contradicted")


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that waits for a person. ``may`` are the acts that its kind knows; the gateway's truth allows fewer.

    ``kind``: ``attempt`` (quarantined), ``undecided`` (for a day), ``orphan``, ``dispute``, ``refund``, ``mail``, ``notice``,
    ``alarm``, ``account`` (not compared whole for a day). ``key`` names the row; ``payment`` is the gateway's object.
    """

    id: str
    kind: str
    key: tuple[str, ...]
    book_id: int
    since: datetime
    why: str
    may: tuple[str, ...]
    order: str = ""
    payment: str = ""
    amount: int | None = None
    currency: str = ""
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


def matters(conn: Connection, now: datetime, *, book_id: int | None = None) -> list[Matter]:
    """Everything that waits, the longest first; of one book or of all."""
    is_off = _taken_off(conn)
    found = [each for read in _READERS for each in read(conn, now) if not is_off(each)]
    return sorted([each for each in found if book_id in (None, each.book_id)], key=lambda each: (each.since, each.id))


def _taken_off(conn: Connection) -> Callable[[Matter], bool]:
    """Whether a person took this matter off the queue as it arose."""
    notes = select(Outbox.body, Outbox.created_at).where(Outbox.kind == RESOLVED, Outbox.channel == "event")
    then, before = set[tuple[str, str]](), dict[str, datetime]()
    for body, at in conn.execute(notes.order_by(Outbox.created_at)):
        if "arose" in body:
            then.add((body["matter"], body["arose"]))
        elif "matter" in body:  # an older row: it was about whatever had arisen by then
            before[body["matter"]] = at
    return lambda it: (it.id, it.since.isoformat()) in then or (it.id in before and it.since <= before[it.id])


def booked_by_a_person(conn: Connection, refund_ids: Iterable[str]) -> set[str]:
    """Those of these refunds that came back to the gateway after they had succeeded, and that somebody booked on the
    customer's balance."""
    return decided_refunds(conn, refund_ids, "adopt")


def decided_refunds(conn: Connection, refund_ids: Iterable[str], act: str) -> set[str]:
    """Those of these refunds with which a person ever did that."""
    refunds = {_name("refund", each): each for each in refund_ids}
    bodies = conn.scalars(select(Outbox.body).where(Outbox.kind == RESOLVED, Outbox.channel == "event")).all()
    decided = {body.get("matter") for body in bodies if body.get("act") == act}
    return {refund for matter, refund in refunds.items() if matter in decided}


def count_matters(conn: Connection, now: datetime) -> int:
    """How many things wait for a person."""
    return len(matters(conn, now))


def _matter(kind: str, key: tuple[str, ...], **what: Any) -> Matter:
    return Matter(id=_name(kind, *key), kind=kind, key=key, **what)


def _name(kind: str, *key: str) -> str:
    return ":".join((kind, *key))


def _quarantined(conn: Connection, _now: datetime) -> Iterator[Matter]:
    for row in _attempts(conn, Attempt.state == "QUARANTINED"):
        moved = conn.execute(
            select(Transition.cause, Transition.at)
            .where(Transition.kind == "attempt", Transition.object == row.id, Transition.to_state == "QUARANTINED")
            .order_by(Transition.seq.desc())
            .limit(1)
        ).first()
        since, why = (moved.at, moved.cause) if moved else (row.created_at, "quarantined")
        yield _of_attempt("attempt", row, since, why, ("adopt", "cancel", "refund"))


def _undecided(conn: Connection, now: datetime) -> Iterator[Matter]:
    old = (Attempt.next_at.is_not(None), Attempt.created_at <= now - PERSON_AFTER, Attempt.state.not_in(RESTING))
    for row in _attempts(conn, *old):
        why = f"{row.state} for more than a day; the last answer was {row.last_class or 'none'}"
        yield _of_attempt("undecided", row, row.created_at, why, ("release",))


def _attempts(conn: Connection, *where: Any) -> Any:
    columns = (
        Attempt.id, Attempt.book_id, Attempt.order_id, Attempt.gw_ref, Attempt.amount, Attempt.currency, Attempt.state,
        Attempt.created_at, Attempt.last_class, Order.number,
    )  # fmt: skip
    return conn.execute(select(*columns).join(Order, Order.id == Attempt.order_id).where(*where)).all()


def _of_attempt(kind: str, row: Any, since: datetime, why: str, may: tuple[str, ...]) -> Matter:
    return _matter(
        kind, (row.id,), book_id=row.book_id, since=since, why=why, may=may, order=row.number, payment=row.gw_ref or "",
        amount=row.amount, currency=row.currency, facts={"state": row.state, "last_answer": row.last_class},
    )  # fmt: skip


def _orphans(conn: Connection, _now: datetime) -> Iterator[Matter]:
    query = select(Orphan.gateway, Orphan.account, Orphan.gw_ref, Orphan.book_id, Orphan.facts, Orphan.found_at)
    for row in conn.execute(query.add_columns(Orphan.decided_at).where(Orphan.state == "PERSON")):
        facts: dict[str, Any] = row.facts
        yield _matter(
            "orphan", (row.gateway, row.account, row.gw_ref), book_id=row.book_id,
            since=row.decided_at or row.found_at, why=str(facts.get("decision") or facts.get("why", "")),
            may=("adopt", "cancel", "refund", "release"),
            order=str(facts.get("order", "")), payment=row.gw_ref, amount=facts.get("amount"),
            currency=str(facts.get("currency", "")), facts=facts,
        )  # fmt: skip


def _disputes(conn: Connection, _now: datetime) -> Iterator[Matter]:
    query = select(Dispute.__table__, Order.number).join(Order, Order.id == Dispute.order_id)
    for row in conn.execute(query.where(Dispute.state == "OPEN")):
        yield _matter(
            "dispute", (row.gateway, row.account, row.gw_ref), book_id=row.book_id, since=row.opened_at,
            why="the cardholder contests the payment: answer at the gateway", may=("release",), order=row.number,
            payment=row.gw_ref, amount=row.amount, currency=row.currency, facts={"attempt": row.attempt_id},
        )  # fmt: skip


def _refunds(conn: Connection, now: datetime) -> Iterator[Matter]:
    """Refunds that failed, stand still or have no certain end for a day."""
    query = select(Refund.__table__, Order.number, Attempt.state.label("attempt_state"))
    query = query.join(Order, Order.id == Refund.order_id).join(Attempt, Attempt.id == Refund.attempt_id)
    alive = Refund.state.in_(ALIVE)
    old = Refund.created_at <= now - PERSON_AFTER
    news = _news_of_refunds(conn)
    for row in conn.execute(query.where((Refund.state == "FAILED") | (alive & (Refund.next_at.is_(None) | old)))):
        since = row.settled_at or row.created_at
        if row.state != "FAILED":
            last = f"{row.state} for more than a day; the last answer was {row.last_class or 'none'}"
            why = last if row.next_at else _cause(conn, "refund", row.id) or "it does not agree with the gateway"
            yield _of_refund(row, since, why, ("release",) if row.next_at else ("cancel", "release"))
            continue
        why = _cause(conn, "refund", row.id) or "refused"
        last = news.get(row.id)
        if last is not None and last.body["why"] == WENT_BACK_AFTER_ALL:
            yield _of_refund(row, last.created_at, WENT_BACK_AFTER_ALL, ("cancel",))
        elif row.kind == "negative":  # once is enough
            yield _of_refund(row, since, f"{why}; the money stands on the customer's balance instead", ("cancel",))
        elif row.attempt_state in ATTEMPT_CLOSED:  # it paid for no order: whoever has the orphan gives it back, once
            yield _of_refund(row, since, f"{why}; its payment is looked after as an orphan", ("cancel",))
        else:
            yield _of_refund(row, since, why, ("refund", "cancel"))


def _undone_refunds(conn: Connection, _now: datetime) -> Iterator[Matter]:
    """The row says that the money is back; the bank sent it on to the gateway again, or the gateway does not know of it.

    One that was booked on the customer's balance is dealt with, whatever becomes of it there.
    """
    news = _news_of_refunds(conn)
    query = select(Refund.__table__, Order.number).join(Order, Order.id == Refund.order_id)
    booked = exists().where(BalanceEntry.order_id == Refund.id, BalanceEntry.cause == "refund_failed")
    for row in conn.execute(query.where(Refund.state == "SUCCEEDED", Refund.id.in_(news), ~booked)):
        if row.settled_at <= news[row.id].created_at:  # what was told of it before it succeeded is over
            yield _of_refund(row, news[row.id].created_at, str(news[row.id].body["why"]), ("adopt", "cancel"))


def _news_of_refunds(conn: Connection) -> dict[str, Any]:
    """What was told last of each refund that needs a person."""
    told = select(Outbox.body, Outbox.created_at).where(Outbox.kind == "refund.stuck", Outbox.channel == "event")
    return {str(row.body["refund"]): row for row in conn.execute(told.order_by(Outbox.created_at, Outbox.id))}


def _of_refund(row: Any, since: datetime, why: str, may: tuple[str, ...]) -> Matter:
    return _matter(
        "refund", (row.id,), book_id=row.book_id, since=since, why=why, may=may, order=row.number, payment=row.gw_ref or "",
        amount=row.amount, currency=row.currency, facts={"state": row.state, "order": row.order_id},
    )  # fmt: skip


def _cause(conn: Connection, kind: str, name: str) -> str:
    query = select(Transition.cause).where(Transition.kind == kind, Transition.object == name)
    return conn.execute(query.order_by(Transition.seq.desc()).limit(1)).scalar() or ""


def _mails(conn: Connection, _now: datetime) -> Iterator[Matter]:
    query = select(Outbox.id, Outbox.book_id, Outbox.kind, Outbox.created_at, Outbox.last_error, Outbox.tries)
    for row in conn.execute(query.where(Outbox.state == "DEAD")):
        yield _matter(
            "mail", (row.id,), book_id=row.book_id, since=row.created_at, why=row.last_error or "not delivered",
            may=("release", "cancel"), facts={"kind": row.kind, "tries": row.tries},
        )  # fmt: skip


def _notices(conn: Connection, _now: datetime) -> Iterator[Matter]:
    query = select(
        Inbox.gateway, Inbox.account, Inbox.event_id, Inbox.book_id, Inbox.kind, Inbox.payment, Inbox.received_at,
        Inbox.last_error, Inbox.tries,
    )  # fmt: skip
    for row in conn.execute(query.where(Inbox.state == "DEAD")):
        yield _matter(
            "notice", (row.gateway, row.account, row.event_id), book_id=row.book_id, since=row.received_at,
            why=row.last_error or "not worked", may=("release", "cancel"), payment=row.payment or "",
            facts={"kind": row.kind, "tries": row.tries},
        )  # fmt: skip


def _alarms(conn: Connection, _now: datetime) -> Iterator[Matter]:
    query = select(Outbox.id, Outbox.book_id, Outbox.body, Outbox.created_at)
    for row in conn.execute(query.where(Outbox.kind.in_(ALARMS), Outbox.channel == "event")):
        body: dict[str, Any] = row.body
        if body.get("reason") == DeclineReason.CARD_GONE:
            continue  # the card is blocked and the shopper was offered another: nothing is left to decide
        yield _matter(
            "alarm", (row.id,), book_id=row.book_id, since=row.created_at, why=str(body.get("why", "")), may=("cancel",),
            order=str(body.get("order", "")), payment=str(body.get("payment") or ""), facts=body,
        )  # fmt: skip


def _accounts(conn: Connection, _now: datetime | None = None) -> Iterator[Matter]:
    for each in overdue_accounts(conn):
        at = each.account
        why = "not compared whole with the gateway for a day: the log tells why (not_listed, not_compared, compare_failed)"
        if each.is_shut:
            why = f"charging is closed; {why}"
        key: tuple[str, ...] = (at.gateway, at.account, _mode(at))
        # One that its book has left is another matter: what was decided of it is over once it is sold through again.
        key, may = (key, ("release",)) if each.is_sold_through else ((*key, LEFT), ("release", "cancel"))
        yield _matter("account", key, book_id=each.book, since=each.since, why=why, may=may)


def is_given_up(conn: Connection, account: Account) -> bool:
    """Whether a person waits no more for this account, which no book sells through, to be compared."""
    key, is_off = (account.gateway, account.account, _mode(account), LEFT), _taken_off(conn)
    return any(each.key == key and is_off(each) for each in _accounts(conn))


def _mode(account: Account) -> str:
    return "live" if account.livemode else "test"


_READERS = (
    _quarantined, _undecided, _orphans, _disputes, _refunds, _undone_refunds, _mails, _notices, _alarms, _accounts,
)  # fmt: skip


def log_of(conn: Connection, matter: Matter) -> list[dict[str, Any]]:
    """The transitions of what the matter is about, oldest first."""
    names = {
        "attempt": ("attempt", matter.key[0]),
        "undecided": ("attempt", matter.key[0]),
        "refund": ("refund", matter.key[0]),
    }
    if matter.kind in ("orphan", "dispute"):
        names[matter.kind] = (matter.kind, orphan_name(*matter.key))
    if matter.kind not in names:
        return []
    kind, name = names[matter.kind]
    rows = conn.execute(
        select(Transition.at, Transition.from_state, Transition.to_state, Transition.cause, Transition.actor)
        .where(Transition.kind == kind, Transition.object == name)
        .order_by(Transition.seq)
    )
    return [dict(row) for row in rows.mappings()]
