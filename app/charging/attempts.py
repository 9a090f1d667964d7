"""Attempt rows as drivers see them: read, leased, moved. Every UPDATE names the state and the lease it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from app.models.leases import Leases
from app.models.links import LinkUse
from app.models.orders import Attempt, Order
from app.models.prepared import Prepared, PreparedWrite
from app.models.work import GatewayWatch

LEASE = timedelta(seconds=60)
ATTEMPT_LIFE = timedelta(hours=1)
"""As long as a quoted price stands: nobody expects a charge later than that. Then the attempt is cancelled at the gateway."""
PERSON_AFTER = timedelta(hours=24)
REPEATED_WITHIN = timedelta(days=1)
"""So long after a restore a button may be pressed, or a call repeated, whose order was paid and lost: it gets the same id."""
SETTLED = frozenset({"SUCCEEDED", "DECLINED", "CANCELLED"})
RESTING = SETTLED | {"QUARANTINED"}
"""No driver has anything to do here."""
ATTEMPTS = Leases(Attempt, LEASE, works=Attempt.state.not_in(RESTING), born=Attempt.created_at)


def attempt_id_of(order_id: str, n: int) -> str:
    """The id of an order's attempt ``n``."""
    return f"{order_id}.{n}"


def order_of(name: str) -> str:
    """The order's id of which that is the id, or an attempt's or a refund's, which begin with it."""
    return name.partition(".")[0]


class Moved(Exception):
    """The row is no longer as it was read, or the lease is another driver's: nothing was written."""


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt with what its calls need from the order. ``use`` is (jti, n) of the link's use it was placed with."""

    id: str
    book_id: int
    order_id: str
    n: int
    amount: int
    currency: str
    gateway: str
    account: str
    livemode: bool
    payment_method: str
    gw_customer: str
    card_id: int
    off_session: bool
    return_url: str
    state: str
    gw_ref: str | None
    action_url: str | None
    create_try: int
    confirm_try: int
    tries: int
    lease_until: datetime | None
    lease_by: str | None
    next_at: datetime | None
    last_class: str | None
    created_at: datetime
    deadline_at: datetime
    told_to_wait: bool
    order_number: str
    quoted_at: datetime
    """When the page was made that the order is of, and with it the order's id."""
    use_jti: str | None
    use_n: int | None
    gate: str | None = None
    gate_closed_at: datetime | None = None

    def is_free_for(self, by: str, now: datetime) -> bool:
        """Whether ``by`` may take it: nobody works it, or whoever did has gone beyond its time."""
        return self.lease_by in (None, by) or self.lease_until is None or self.lease_until <= now

    @property
    def is_shut(self) -> bool:
        """The database was restored and the account not yet compared: only look, ask the gateway for nothing."""
        return self.gate == "CLOSED"

    @property
    def is_from_before_restore(self) -> bool:
        """What was done for it may have been lost: its last commits or, where a button is pressed again, all of them."""
        return self.gate_closed_at is not None and self.created_at <= self.gate_closed_at + REPEATED_WITHIN


_COLUMNS = tuple(getattr(Attempt, name) for name in AttemptRow.__dataclass_fields__ if hasattr(Attempt, name))
_ONE = Prepared(
    select(
        *_COLUMNS, Order.number.label("order_number"), Order.quoted_at,
        LinkUse.jti.label("use_jti"), LinkUse.n.label("use_n"), GatewayWatch.gate, GatewayWatch.closed_at,
    )
    .join(Order, Order.id == Attempt.order_id)
    .outerjoin(LinkUse, and_(LinkUse.book_id == Attempt.book_id, LinkUse.order_id == Attempt.order_id))
    .outerjoin(
        GatewayWatch,
        and_(
            GatewayWatch.gateway == Attempt.gateway,
            GatewayWatch.account == Attempt.account,
            GatewayWatch.livemode == Attempt.livemode,
        ),
    )
    .where(Attempt.id == bindparam("id"))
)  # fmt: skip


def read_attempt(conn: Connection, attempt_id: str) -> AttemptRow | None:
    """The row as it stands. Ids are derived from the book, so that an id names one book's row alone."""
    row = _ONE.first(conn, {"id": attempt_id})
    return None if row is None else AttemptRow(*row)


def lease(conn: Connection, attempt_id: str, by: str, now: datetime, *, is_mine: bool = False) -> bool:
    """Take the row for ``LEASE``, or take it on; False when another driver has it or nothing is left to do.

    ``next_at`` moves along: if this driver dies, the row is due when its lease ends. One that another transaction is just
    writing is left to it, unless it ``is_mine`` already.
    """
    return ATTEMPTS.take(conn, attempt_id, by, now, is_mine=is_mine)


def move(
    conn: Connection, row: AttemptRow, by: str | None, values: dict[str, Any], *, unreferenced: bool = False
) -> None:
    """Write ``values`` if the row is still in the state it was read in and ``by`` holds its lease; else ``Moved``.

    ``by`` None is for those who may move a row whoever drives it (abandon, deadline). ``unreferenced``: only while the row
    has no object at the gateway.
    """
    statement = _move(tuple(values), by is not None, unreferenced)
    bound = {"is_id": row.id, "is_state": row.state} | {f"to_{name}": value for name, value in values.items()}
    if by is not None:
        bound["is_lease_by"] = by
    if statement.run(conn, bound) != 1:
        raise Moved(row.id)


@cache
def _move(names: tuple[str, ...], leased: bool, unreferenced: bool) -> PreparedWrite:
    """Built once per set of columns: putting the statement together costs more than running it."""
    where = [Attempt.id == bindparam("is_id"), Attempt.state == bindparam("is_state")]
    if leased:
        where.append(Attempt.lease_by == bindparam("is_lease_by"))
    if unreferenced:
        where.append(Attempt.gw_ref.is_(None))
    table = Attempt.__table__
    return PreparedWrite(
        update(Attempt)
        .where(*where)
        .values({name: bindparam(f"to_{name}", type_=table.c[name].type) for name in names})
    )


def released(now: datetime, next_at: datetime | None) -> dict[str, Any]:
    """Give the lease back. ``lease_until`` stays as the moment of the last look."""
    return {"lease_by": None, "lease_until": now, "next_at": next_at}


def due_attempts(conn: Connection, now: datetime, limit: int) -> Sequence[str]:
    """Ids of rows whose time has come and whose lease is free, the longest waiting first."""
    return (
        conn.execute(select(Attempt.id).where(ATTEMPTS.is_due(now)).order_by(Attempt.next_at).limit(limit))
        .scalars()
        .all()
    )


def waited_for(conn: Connection, now: datetime, limit: int) -> Sequence[str]:
    """Ids of rows that somebody may be waiting for: young, undecided, not looked at a moment ago.

    A ring names no row, so this is what it may have meant. The bank's answer is looked for at once, an unknown end and a
    gateway that did not answer after five seconds.
    """
    return (
        conn.execute(
            select(Attempt.id)
            .where(
                Attempt.next_at.is_not(None),
                Attempt.next_at > now,
                Attempt.created_at > now - ATTEMPT_LIFE,
                or_(
                    and_(Attempt.state == "REQUIRES_ACTION", Attempt.lease_until <= now - timedelta(seconds=1)),
                    Attempt.lease_until <= now - timedelta(seconds=5),
                ),
                Attempt.state.not_in(RESTING),
            )
            .order_by(Attempt.created_at.desc())
            .limit(limit)
        )
        .scalars()
        .all()
    )
