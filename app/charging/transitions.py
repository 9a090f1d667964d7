"""The log of every change of state, in the transaction that makes it; each object's rows form a hash chain."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from sqlalchemy import Connection, bindparam, select

from app.billing.states import check_transition
from app.charging.telling import Charged, tell_moves
from app.models.base import canonical_json
from app.models.orders import Transition
from app.models.prepared import Prepared, inserting

BORN = ""
"""What an object was before its first row."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_INSERT = inserting(Transition)
_LAST_HASH = Prepared(
    select(Transition.hash)
    .where(Transition.kind == bindparam("kind"), Transition.object == bindparam("object"))
    .order_by(Transition.seq.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Move:
    """One change of state. ``kind`` is ``attempt`` or ``order``; ``cause`` says why in a few words, without secrets."""

    kind: str
    object: str
    old: str
    new: str
    cause: str


def log(
    conn: Connection, book_id: int, moves: Sequence[Move], *, actor: str, at: datetime, of: Charged | None = None
) -> None:
    """Append the moves. Call it after the conditional UPDATE that made them, so that the row is ours by then.

    The server's log says them too once they are committed, with the sum ``of`` which they are.

    ``TransitionError`` for a move that the tables of ``app.billing.states`` do not know: the transaction must not commit.
    """
    heads: dict[tuple[str, str], str] = {}
    rows: list[dict[str, object]] = []
    for move in moves:
        if move.old != BORN:
            check_transition(move.kind, move.old, move.new)
        head = heads.get((move.kind, move.object))
        if head is None:
            head = BORN if move.old == BORN else _head(conn, move)
        row: dict[str, object] = {
            "book_id": book_id,
            "kind": move.kind,
            "object": move.object,
            "from_state": move.old,
            "to_state": move.new,
            "cause": move.cause,
            "actor": actor,
            "at": at,
            "prev_hash": head,
        }
        row["hash"] = heads[move.kind, move.object] = digest(row)
        rows.append(row)
    _INSERT.run_all(conn, rows)
    tell_moves(book_id, moves, actor=actor, of=of)


def _head(conn: Connection, move: Move) -> str:
    row = _LAST_HASH.first(conn, {"kind": move.kind, "object": move.object})
    return row[0] if row else BORN


def digest(row: dict[str, object]) -> str:
    """SHA-256 over the row's content and the hash before it, as canonical JSON."""
    at = cast("datetime", row["at"])
    content = [
        row[name]
        for name in ("prev_hash", "book_id", "kind", "object", "from_state", "to_state", "cause", "actor")
    ]  # fmt: skip
    content.append((at - _EPOCH) // timedelta(microseconds=1))
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def first_break(conn: Connection, book_id: int, kind: str, object_id: str) -> str | None:
    """None when the object's chain verifies; else what is wrong with its first bad row, in a few words."""
    previous, state = BORN, BORN
    rows = conn.execute(
        select(Transition.__table__)
        .where(Transition.book_id == book_id, Transition.kind == kind, Transition.object == object_id)
        .order_by(Transition.seq)
    ).mappings()
    for row in rows:
        if row["prev_hash"] != previous or row["hash"] != digest(dict(row)):
            return f"row {row['seq']} does not follow from the one before"
        if row["from_state"] != state:
            return f"row {row['seq']} leaves {row['from_state']}, but the object was {state or 'not there'}"
        if state != BORN:
            check_transition(kind, state, row["to_state"])
        previous, state = row["hash"], row["to_state"]
    return None
