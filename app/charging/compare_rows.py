"""Our side of the comparison, read in as few statements as there are chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection, and_, or_, select, true

from app.charging.gate import Account
from app.gateways.port import Payment
from app.models.merchants import Book
from app.models.orders import Attempt


@dataclass(frozen=True, slots=True)
class Ours:
    """What the comparison needs of an attempt."""

    id: str
    book_id: int
    order_id: str
    state: str
    gw_ref: str | None
    amount: int
    currency: str
    gw_customer: str
    payment_method: str
    livemode: bool
    created_at: datetime


CHUNK = 500
T = TypeVar("T")
_COLUMNS = tuple(getattr(Attempt, name) for name in Ours.__dataclass_fields__)


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many as one statement asks for."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def differs(row: Ours, payment: Payment) -> bool:
    """Whether a paid attempt and its captured object are about different money."""
    ours = (row.amount, row.currency, row.gw_customer, row.payment_method, row.livemode, row.amount)
    theirs = (
        payment.amount, payment.currency, payment.customer, payment.payment_method, payment.livemode, payment.captured,
    )  # fmt: skip
    return ours != theirs


def ours_of(
    conn: Connection, names: Sequence[Account], listed: Sequence[Payment]
) -> tuple[dict[str, Ours], dict[str, Ours]]:
    """Our attempts that have these objects or are named by them: by the object, and by their own id."""
    marks = [payment.metadata.attempt for payment in listed if payment.metadata.attempt]
    return ours_at(conn, names, [payment.ref for payment in listed], marks)


def ours_at(
    conn: Connection, names: Sequence[Account], refs: Sequence[str], ids: Sequence[str]
) -> tuple[dict[str, Ours], dict[str, Ours]]:
    """Our attempts under any name of the account by the object they have, and whatever its name, by their own id."""
    rows = conn.execute(
        select(*_COLUMNS, Attempt.account).where(
            Attempt.gateway == names[0].gateway,
            Attempt.livemode == names[0].livemode,
            or_(
                and_(Attempt.account.in_([each.account for each in names]), Attempt.gw_ref.in_(refs)),
                Attempt.id.in_(ids),
            ),
        )
    )
    found = [(Ours(*row[:-1]), row.account) for row in rows]
    here = {each.account for each in names}
    by_ref = {row.gw_ref: row for row, account in found if row.gw_ref and account in here}
    return by_ref, {row.id: row for row, _ in found}


def made_between(conn: Connection, names: Sequence[Account], since: datetime, until: datetime | None) -> list[Ours]:
    """Attempts that were made in that time and have an object, however old their orders are."""
    account, called = names[0], [each.account for each in names]
    # Whichever account they sell through now: the books are here for the index alone.
    books = select(Book.id).where(Book.mode == ("live" if account.livemode else "test"))
    rows = conn.execute(
        select(*_COLUMNS).where(
            Attempt.book_id.in_(books),
            Attempt.created_at >= since,
            true() if until is None else Attempt.created_at < until,
            Attempt.gateway == account.gateway,
            Attempt.account.in_(called),
            Attempt.livemode == account.livemode,
            Attempt.gw_ref.is_not(None),
        )
    )
    return [Ours(*row) for row in rows]
