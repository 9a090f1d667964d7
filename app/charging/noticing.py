"""Gateways' notices as rows: whose address it is, and the notice kept once, before anybody acts on it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, select

from app.gateways.port import Notice
from app.kit.clock import Clock
from app.kit.redaction import without_secrets
from app.models.merchants import Book, Merchant
from app.models.store import Store
from app.models.upsert import insert_new
from app.models.work import Inbox

LONGEST_NAME = 255
_ADDRESS = (
    select(Book.id, Book.gateway_account, Book.mode)
    .join(Merchant, Merchant.id == Book.merchant_id)
    .where(Merchant.code == bindparam("merchant"), Book.mode == bindparam("mode"), Book.gateway == bindparam("gateway"))
)


@dataclass(frozen=True, slots=True)
class NoticeAddress:
    """The book that a notice's address names, and the gateway account whose secrets count there."""

    book_id: int
    gateway: str
    account: str
    livemode: bool


class Kept(StrEnum):
    NEW = "new"
    KNOWN = "known"
    """The same notice came before."""
    DIFFERS = "differs"
    """Another content came before under this id; the first stays."""


def notice_address(conn: Connection, gateway: str, merchant: str, mode: str) -> NoticeAddress | None:
    """The book of this merchant in this mode, if it takes its payments through this gateway."""
    row = conn.execute(_ADDRESS, {"merchant": merchant, "mode": mode, "gateway": gateway}).first()
    return None if row is None else NoticeAddress(row.id, gateway, row.gateway_account, row.mode == "live")


def is_storable(notice: Notice) -> bool:
    """Whether its names can be kept in any database: not empty, not endless, nothing but what can be printed."""
    told = (notice.payment, notice.customer)
    needed = (notice.id, notice.kind)
    return all(map(_is_name, needed)) and all(_is_name(each) for each in told if each is not None)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and text.isprintable()


def _without_secrets(body: bytes) -> bytes:
    """The same for the same body, so that a notice that comes again is known by what is left of it."""
    return without_secrets(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def keep_notice(store: Store, clock: Clock, at: NoticeAddress, notice: Notice, body: bytes) -> Kept:
    """Insert the notice once, due at once. One commit; ring the bell afterwards.

    With a client secret in its body anybody could finish a payment's check in the shopper's place, so it is not kept.
    """
    body = _without_secrets(body)
    now, digest = clock.now(), hashlib.sha256(body).hexdigest()
    identity = {"gateway": at.gateway, "account": at.account, "event_id": notice.id}
    row: Mapping[str, Any] = {
        **identity,
        "book_id": at.book_id,
        "livemode": at.livemode,
        "kind": notice.kind,
        "payment": notice.payment,
        "customer": notice.customer,
        "body": body.decode("utf-8", "replace").replace("\0", "\ufffd"),
        "body_hash": digest,
        "state": "READY",
        "next_at": now,
        "received_at": now,
    }
    with store.write() as conn:
        if insert_new(conn, Inbox, row):
            return Kept.NEW
        first: str | None = conn.execute(select(Inbox.body_hash).filter_by(**identity)).scalar()
    return Kept.KNOWN if first == digest else Kept.DIFFERS
