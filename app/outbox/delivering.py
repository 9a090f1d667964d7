"""Delivers mail rows: leased, sent with no transaction open, marked. A crash in between sends again under the same id."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import and_, bindparam, select, update

from app.kit.clock import Clock
from app.kit.faults import fault_point
from app.mail.port import Mail, Mailer, MailError
from app.models.leases import Leases
from app.models.locks import skip_held
from app.models.prepared import Prepared, PreparedWrite
from app.models.store import Store
from app.models.work import Outbox

LEASE = timedelta(seconds=60)
MAILS = Leases(Outbox, LEASE, works=and_(Outbox.channel == "mail", Outbox.state == "READY"), born=Outbox.created_at)
STEPS = tuple(timedelta(minutes=each) for each in (1, 5, 15, 60, 6 * 60, 24 * 60, 24 * 60))
"""After the last of these the row is dead: visible, and sent again only when a person says so."""
SECRET = frozenset({"url", "seed"})
"""What a delivered row need not keep: a link that somebody could still open, what a code is made of."""
_DUE = (
    select(Outbox.id)
    .where(MAILS.is_due(bindparam("now", type_=Outbox.next_at.type)))
    .order_by(Outbox.next_at)
    .limit(bindparam("most"))
)
_WAITS = Prepared(_DUE)
_IS_OURS = and_(
    Outbox.book_id == bindparam("book"), Outbox.id == bindparam("row"), Outbox.state == "READY",
    Outbox.lease_by == bindparam("me"),
)  # fmt: skip
_MARK = PreparedWrite(
    update(Outbox)
    .where(_IS_OURS)
    .values(
        state="DELIVERED", done_at=bindparam("at", type_=Outbox.done_at.type), next_at=None, lease_by=None, lease_until=None,
        body=bindparam("kept", type_=Outbox.body.type), last_error=None, tries=Outbox.tries + 1,
    )
)  # fmt: skip
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MailRow:
    """One row to send."""

    id: str
    book_id: int
    kind: str
    body: Mapping[str, Any]
    tries: int


Compose = Callable[[MailRow], Mail]


def deliver_due(store: Store, mailer: Mailer, clock: Clock, *, compose: Compose, by: str, limit: int = 20) -> int:
    """Send the mails whose time has come, the longest waiting first; how many were delivered.

    ``compose`` makes the mail of a row. A row that fails is looked at again later and, after a few days, is dead; it never
    holds up the others.
    """
    fault_point("C9")
    delivered = 0
    for row in _lease(store, clock, by, limit):
        try:
            _check_time(row, clock.now())
            mail = compose(row)
            fault_point("C10")
            mailer.send(mail)
        except Exception as error:
            final = isinstance(error, MailError) and error.is_final
            _log.warning("mail_not_sent", outbox=row.id, error=type(error).__name__, code=getattr(error, "code", ""))
            _postpone(store, clock, by, row, error, final=final)
            continue
        fault_point("C11")
        delivered += _mark(store, clock, by, row)
    return delivered


def _check_time(row: MailRow, now: datetime) -> None:
    """A mail with a ``not_after`` is worth nothing later: it is dead, not late."""
    until = row.body.get("not_after")
    if until is not None and now >= datetime.fromisoformat(until):
        raise MailError("mail_malformed", "what it says is over", not_after=until)


def _lease(store: Store, clock: Clock, by: str, limit: int) -> Sequence[MailRow]:
    now = clock.now()
    with store.read() as conn:
        if _WAITS.first(conn, {"now": now, "most": 1}) is None:
            return ()
    # Asked anew, passing over what another worker is just taking: two never wait for each other, nor send the same row.
    with store.write() as conn:
        rows = conn.execute(
            update(Outbox)
            .where(Outbox.id.in_(skip_held(_DUE)))
            .values(MAILS.values(by, now))
            .returning(Outbox.created_at, Outbox.id, Outbox.book_id, Outbox.kind, Outbox.body, Outbox.tries),
            {"now": now, "most": limit},
        ).all()
    return [MailRow(*row[1:]) for row in sorted(rows, key=lambda row: (row[0], row[1]))]


def _mark(store: Store, clock: Clock, by: str, row: MailRow) -> int:
    """Only while the lease is ours: whoever took the row over has sent it under the same id."""
    kept = {name: value for name, value in row.body.items() if name not in SECRET}
    with store.write() as conn:
        return _MARK.run(conn, _ours(by, row) | {"at": clock.now(), "kept": kept})


def _postpone(store: Store, clock: Clock, by: str, row: MailRow, error: Exception, *, final: bool) -> None:
    now = clock.now()
    dead = final or row.tries >= len(STEPS)
    next_at = None if dead else now + STEPS[row.tries]
    values = {"state": "DEAD" if dead else "READY", "next_at": next_at, "tries": row.tries + 1}
    values |= {"lease_by": None, "lease_until": None, "last_error": str(error)[:500]}
    with store.write() as conn:
        conn.execute(update(Outbox).where(_IS_OURS).values(values), _ours(by, row))


def _ours(by: str, row: MailRow) -> dict[str, Any]:
    return {"book": row.book_id, "row": row.id, "me": by}
