"""Writes what must be told into the caller's transaction: it exists exactly if the change does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.models.prepared import inserting
from app.models.upsert import insert_new
from app.models.work import Outbox

_INSERT = inserting(Outbox)


def outbox_id(kind: str, object_id: str, version: int | str) -> str:
    """Kind, object and version: the same news has the same id, whoever records it."""
    return f"{kind}:{object_id}:{version}"


def record(
    conn: Connection,
    book_id: int,
    kind: str,
    object_id: str,
    version: int | str,
    channel: str,
    body: dict[str, Any],
    at: datetime,
) -> str:
    """Add one row to tell; its id. ``channel`` is ``mail`` (due at once), ``webhook`` or ``event`` (kept until asked for).

    The same news twice in one book is an ``IntegrityError``: the caller's transaction was about to tell it again.
    """
    identity = outbox_id(kind, object_id, version)
    _INSERT.run(conn, _row(identity, book_id, kind, channel, body, at))
    return identity


def _row(identity: str, book_id: int, kind: str, channel: str, body: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {
        "id": identity,
        "book_id": book_id,
        "channel": channel,
        "kind": kind,
        "body": body,
        "state": "READY",
        "next_at": at if channel == "mail" else None,
        "created_at": at,
    }


def record_once(
    conn: Connection,
    book_id: int,
    kind: str,
    object_id: str,
    version: int | str,
    channel: str,
    body: dict[str, Any],
    at: datetime,
) -> bool:
    """Like ``record``, for news that several passes may find: False when it is there already."""
    return insert_new(conn, Outbox, _row(outbox_id(kind, object_id, version), book_id, kind, channel, body, at))
