"""What the checks look at: the rows, page by page of orders, and what the gateways hold of those accounts.

The gateways are asked first, once. An order that moves while the audit reads on is therefore newer here than there: the
checks that compare the two leave it out, by the number in the log that was the last one before the gateways were asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func, select

from app.charging.audit.rows import Row, Rows, rows_of
from app.gateways.port import AnswerKind, Dispute, Gateway, GatewayError, Gateways, Payment, Refund
from app.kit.clock import Clock
from app.models.merchants import Book
from app.models.orders import Attempt, Order, Orphan, Transition
from app.models.store import Store

PAID_STATES = ("PAID", "PART_REFUNDED", "REFUNDED", "DISPUTED", "LOST")
CLOSED = ("DECLINED", "CANCELLED")
OPEN_STATES = ("CREATED", "INTENT", "REQUIRES_ACTION", "UNKNOWN", "CANCELLING", "QUARANTINED")
SKEW = timedelta(minutes=10)
"""By how much a gateway's clock may differ from ours."""
PAGE = 500
"""So many orders, or rows of another kind, are read at once; memory holds no more of them."""


class NotRead(Exception):
    """A gateway did not answer, so that what it holds is not known."""


@dataclass
class Scene:
    """One audit: the database, page by page, and ``held``, the gateways' side."""

    store: Store
    gateways: Gateways
    clock: Clock
    page_size: int = PAGE
    began: datetime = field(init=False)
    mark: int = field(init=False, default=0)
    """The last row of the log before the gateways were asked."""
    _unread: NotRead | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.began = self.clock.now()

    def pages(self) -> Iterator[Page]:
        """Every order with all that belongs to it, ``page_size`` at a time, by key."""
        last = ""
        while True:
            with self.store.read() as conn:
                rows = rows_of(conn, last, self.page_size)
            if not rows.orders:
                return
            last = rows.orders[-1]["id"]
            yield Page(self, rows)

    def by_key(self, query: Callable[[Any], Any], last: Any) -> Iterator[Sequence[Row]]:
        """Pages of another table: ``query(last)`` is ordered by a key that begins after ``last``, the first column."""
        while True:
            with self.store.read() as conn:
                found = conn.execute(query(last).limit(self.page_size)).mappings().all()
            if not found:
                return
            yield found
            last = next(iter(found[-1].values()))

    @cached_property
    def books(self) -> dict[int, Row]:
        with self.store.read() as conn:
            return {row["id"]: row for row in conn.execute(select(Book.__table__)).mappings()}

    @cached_property
    def orphans(self) -> Sequence[Row]:
        """Few: each is an object that no attempt accounts for."""
        with self.store.read() as conn:
            return conn.execute(select(Orphan.__table__)).mappings().all()

    @property
    def held(self) -> Held:
        """What the gateways hold; ``NotRead`` when one does not say. Asked once."""
        if self._unread is not None:
            raise self._unread
        try:
            return self._held
        except NotRead as error:
            self._unread = error
            raise

    @cached_property
    def _held(self) -> Held:
        with self.store.read() as conn:
            self.mark = conn.execute(select(func.max(Transition.seq))).scalar() or 0
            first = conn.execute(select(func.min(Attempt.created_at))).scalar() or self.began
            used = conn.execute(select(Attempt.gateway, Attempt.account, Attempt.livemode).distinct()).all()
        accounts = {(name, account, bool(livemode)) for name, account, livemode in used}
        accounts |= {(one["gateway"], one["gateway_account"], one["mode"] == "live") for one in self.books.values()}
        found = Held()
        for name, account, livemode in sorted(accounts):
            try:
                gateway = self.gateways.of(name, account, livemode=livemode)
            except GatewayError as error:
                raise NotRead(f"{name} {account}: {error.code}") from error
            self._read(gateway, first - SKEW, found)
        return found

    def _read(self, gateway: Gateway, since: datetime, found: Held) -> None:
        for payment in _payments(gateway, since):
            if payment.created_at is not None and payment.created_at > self.began:
                continue
            found.payments.append((gateway.name, payment))
            if payment.refunded:
                found.refunds[gateway.name, payment.account, payment.ref] = list(
                    _value(gateway.list_refunds(payment.ref), f"refunds of {payment.ref}")
                )
        found.disputes += [
            (gateway.name, gateway.account, one)
            for one in _value(gateway.list_disputes(since=since), f"disputes of {gateway.account}")
        ]

    def count(self, table: type[Any], *where: Any) -> int:
        with self.store.read() as conn:
            return int(conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def known(self, payments: Sequence[Payment], table: type[Attempt | Order], mark: str) -> dict[str, Row]:
        """The rows that those payments name, by id. ``mark``: which of the payment's marks names them."""
        names = {getattr(one.metadata, mark) for one in payments}
        with self.store.read() as conn:
            found = conn.execute(select(table.__table__).where(table.id.in_(names))).mappings()
            return {row["id"]: row for row in found}

    def payments(self) -> Iterator[list[tuple[str, Payment]]]:
        """What the gateways hold, as many at a time as there are orders on a page."""
        held = self.held.payments
        for at in range(0, len(held), self.page_size):
            yield held[at : at + self.page_size]


@dataclass(frozen=True)
class Page:
    """Some of the orders, with every row that belongs to them."""

    whole: Scene
    rows: Rows

    @property
    def held(self) -> Held:
        return self.whole.held

    @property
    def began(self) -> datetime:
        return self.whole.began

    def has_moved(self, order_id: str) -> bool:
        """Whether the order moved after the gateways were asked."""
        return self.rows.moved_at.get(order_id, 0) > self.whole.mark


@dataclass
class Held:
    """Payments with the gateway's name; refunds by gateway, account and payment."""

    payments: list[tuple[str, Payment]] = field(default_factory=list[tuple[str, Payment]])
    refunds: dict[tuple[str, str, str], list[Refund]] = field(default_factory=dict[tuple[str, str, str], list[Refund]])
    disputes: list[tuple[str, str, Dispute]] = field(default_factory=list[tuple[str, str, Dispute]])

    @cached_property
    def by_ref(self) -> dict[tuple[str, str, str], Payment]:
        return {(name, one.account, one.ref): one for name, one in self.payments}

    @cached_property
    def of_order(self) -> dict[str, list[Payment]]:
        found: defaultdict[str, list[Payment]] = defaultdict(list)
        for _, payment in self.payments:
            found[payment.metadata.order].append(payment)
        return found


def _payments(gateway: Gateway, since: datetime) -> list[Payment]:
    """Page by page by time, until a page shows nothing new: a gateway may answer with a part at once."""
    found: dict[str, Payment] = {}
    while True:
        page = _value(gateway.list_payments(since=since), f"payments of {gateway.account}")
        new = {one.ref: one for one in page if one.ref not in found}
        found.update(new)
        times = [one.created_at for one in new.values() if one.created_at is not None]
        if not times or max(times) <= since:
            return list(found.values())
        since = max(times)


def _value(reply: Any, what: str) -> Any:
    if reply.kind is not AnswerKind.DEFINITE or reply.value is None:
        raise NotRead(f"{what}: {reply.detail or reply.kind.value}")
    return reply.value


def connected(conn: Connection) -> str:
    """The kind of database: only the check of its own integrity asks."""
    return conn.dialect.name
