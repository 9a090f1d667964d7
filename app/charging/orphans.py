"""Payments at a gateway under our marks that no attempt accounts for: the rows, found once and moved by their states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from app.charging.attempts import order_of
from app.charging.telling import Sum, tell_person
from app.charging.transitions import BORN, Move, log
from app.gateways.port import Payment, PaymentStatus
from app.models.merchants import Book
from app.models.orders import Order, Orphan
from app.models.upsert import insert_new
from app.outbox import record_once

TOOK_ALL_THE_SAME = "it stood as cancelled, and took money all the same"


def orphan_name(gateway: str, account: str, ref: str) -> str:
    """How the log of transitions and the events call it."""
    return f"{gateway}:{account}:{ref}"


def note_orphan(
    conn: Connection,
    book_id: int,
    gateway: str,
    payment: Payment,
    *,
    names: Sequence[str] = (),
    why: str,
    actor: str,
    now: datetime,
) -> bool:
    """In the caller's transaction: keep the payment as an orphan, due at once, and raise the alarm. False when it is known;
    if it was closed as one that took nothing, and took money, it comes before a person.

    ``names``: all names of its account, the eldest first. The row belongs to the book whose order the payment names, if
    that book uses this account; else to ``book_id``, and where the account has several names, to the eldest book.
    """  # fmt: skip
    names = names or (payment.account,)
    where = (Orphan.gateway == gateway, Orphan.account.in_(names), Orphan.gw_ref == payment.ref)
    known = conn.execute(select(Orphan.account).where(*where)).scalar()
    if known is not None:
        if payment.status is PaymentStatus.SUCCEEDED:
            key = (gateway, known, payment.ref)
            take_up_again(conn, key, 0, TOOK_ALL_THE_SAME, was="CANCELLED", by=actor, now=now, seen=payment)
        return False
    account, book = _home(conn, gateway, payment, names) or (payment.account, book_id)
    payment = replace(payment, account=account)
    facts = orphan_facts(payment, why)
    row = {
        "gateway": gateway,
        "account": payment.account,
        "gw_ref": payment.ref,
        "book_id": book,
        "order_mark": payment.metadata.order or order_of(payment.metadata.attempt) or None,
        "use_mark": payment.metadata.use or None,
        "facts": facts,
        "state": "FOUND",
        "found_at": now,
        "next_at": now,
    }
    if not insert_new(conn, Orphan, row):
        return False
    name = orphan_name(gateway, payment.account, payment.ref)
    of = Sum(gateway, payment.amount, payment.currency)
    log(conn, book, [Move("orphan", name, BORN, "FOUND", why)], actor=actor, at=now, of=of)
    record_once(conn, book, "orphan.found", name, 1, "event", facts | {"payment": payment.ref}, now)
    return True


def orphan_facts(payment: Payment, why: str) -> dict[str, Any]:
    """What is kept of the payment, as it was when it was last seen."""
    return {
        "status": payment.status.value,
        "amount": payment.amount,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "currency": payment.currency,
        "customer": payment.customer,
        "livemode": payment.livemode,
        "order": payment.metadata.order,
        "attempt": payment.metadata.attempt,
        "made_at": payment.created_at.isoformat() if payment.created_at else None,
        "why": why,
    }


def put_orphan(
    conn: Connection,
    key: tuple[str, str, str],
    book_id: int,
    new: str,
    values: dict[str, Any],
    *,
    by: str,
    cause: str,
    now: datetime,
) -> bool:
    """``FOUND`` → ``new`` while ``by`` holds the lease; logged, told, and given back. False when it is not ours."""
    gateway, account, ref = key
    decided = {"state": new, "decided_at": now, "next_at": None, "lease_by": None, "lease_until": now, **values}
    where = (Orphan.gateway == gateway, Orphan.account == account, Orphan.gw_ref == ref)
    ours = (Orphan.state == "FOUND", Orphan.lease_by == by)
    if conn.execute(update(Orphan).where(*where, *ours).values(decided)).rowcount != 1:
        return False
    name = orphan_name(*key)
    of = _sum(gateway, values.get("facts", {}))
    log(conn, book_id, [Move("orphan", name, "FOUND", new, cause)], actor=by, at=now, of=of)
    tell_orphan(conn, book_id, key, new, cause, now)
    if new == "PERSON":
        tell_person(book_id, "orphan", name, cause, of=of)
    return True


def tell_orphan(conn: Connection, book_id: int, key: tuple[str, str, str], state: str, why: str, now: datetime) -> None:
    """In the caller's transaction: the event that it is in this state, each time that it gets there."""
    body = {"payment": key[2], "state": state, "why": why}
    stamp = int(now.timestamp() * 1_000_000)
    record_once(conn, book_id, f"orphan.{state.lower()}", orphan_name(*key), stamp, "event", body, now)


def take_up_again(
    conn: Connection,
    key: tuple[str, str, str],
    back: int,
    why: str,
    *,
    was: str = "REFUNDED",
    by: str,
    now: datetime,
    seen: Payment | None = None,
) -> bool:
    """``was`` → ``PERSON`` when less went ``back`` than was taken (minor units): what the gateway holds again is a person's
    to decide. ``seen``: the payment as it is now. Logged and told; False when it is not so."""
    gateway, account, ref = key
    where = (Orphan.gateway == gateway, Orphan.account == account, Orphan.gw_ref == ref, Orphan.state == was)
    row = conn.execute(select(Orphan.book_id, Orphan.facts).where(*where).with_for_update()).first()
    if row is None or back >= taken_of(row.facts):
        return False
    facts = row.facts | ({} if seen is None else orphan_facts(seen, why)) | {"decision": why}
    conn.execute(update(Orphan).where(*where).values(state="PERSON", decided_at=now, facts=facts))
    name, of = orphan_name(*key), _sum(gateway, facts)
    log(conn, row.book_id, [Move("orphan", name, was, "PERSON", why)], actor=by, at=now, of=of)
    tell_orphan(conn, row.book_id, key, "PERSON", why, now)
    tell_person(row.book_id, "orphan", name, why, of=of)
    return True


def taken_of(facts: dict[str, Any]) -> int:
    """What the payment took, in minor units; one that was found before it was captured tells its amount."""
    return int(facts.get("captured") or facts.get("amount", 0))


def _sum(gateway: str, facts: dict[str, Any]) -> Sum:
    return Sum(gateway, facts.get("amount", 0), facts.get("currency", ""))


def _home(conn: Connection, gateway: str, payment: Payment, names: Sequence[str]) -> tuple[str, int] | None:
    """The name and the book of its order; without one the eldest of several names, whoever was told of it."""
    mode = "live" if payment.livemode else "test"
    books = select(Book.gateway_account, Book.id).where(
        Book.gateway == gateway, Book.gateway_account.in_(names), Book.mode == mode
    )
    found = None
    if payment.metadata.order:
        found = conn.execute(
            books.join(Order, Order.book_id == Book.id).where(Order.id == payment.metadata.order)
        ).first()
    if found is None and len(names) > 1:
        found = conn.execute(books.where(Book.gateway_account == names[0]).order_by(Book.id)).first()
    return None if found is None else (found.gateway_account, found.id)
