"""What the checks look at: the rows, page by page of orders, and what the gateways hold of those accounts.

The gateways are asked first, once. An order that moves while the audit reads on is therefore newer here than there: the
checks that compare the two leave it out, by the number in the log that was the last one before the gateways were asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func, select

from app.charging.audit.cells import every
from app.charging.audit.held import Held, ask
from app.charging.audit.plans import PlanPage, plans_of
from app.charging.audit.rows import PAID_STATES as PAID_STATES
from app.charging.audit.rows import Row, Rows, among, rows_of
from app.charging.gate import Account
from app.charging.namesakes import by_account
from app.gateways.port import Gateways, Payment
from app.kit.clock import Clock
from app.models.merchants import Book
from app.models.orders import Attempt, Order, Orphan, Transition
from app.models.store import Store
from app.models.work import GatewayWatch, Outbox

CLOSED = ("DECLINED", "CANCELLED")
OPEN_STATES = ("CREATED", "INTENT", "REQUIRES_ACTION", "UNKNOWN", "CANCELLING", "QUARANTINED")
PAGE = 500
"""So many orders, or rows of another kind, are read at once; memory holds no more of them."""


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

    def plans(self) -> Iterator[PlanPage]:
        """Every subscription with all that made it what it is, by key."""
        last = 0
        while True:
            with self.store.read() as conn:
                page = plans_of(conn, last, self.page_size)
            if not page.subscriptions:
                return
            last = page.subscriptions[-1]["id"]
            yield page

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
            return {row["id"]: row for row in conn.execute(every(Book)).mappings()}

    @cached_property
    def orphans(self) -> Sequence[Row]:
        """Few: each is an object that no attempt accounts for."""
        with self.store.read() as conn:
            return conn.execute(every(Orphan)).mappings().all()

    @cached_property
    def stuck_refunds(self) -> set[str]:
        """Refunds that a person was told of, because no machine may go on with them. Few."""
        with self.store.read() as conn:
            told = among(conn, Outbox, Outbox.kind, ["refund.stuck"])
        return {str(row["body"]["refund"]) for row in told if isinstance(row["body"], dict) and "refund" in row["body"]}

    @cached_property
    def compared(self) -> dict[Account, datetime]:
        """Until when an account's books were compared with ours, by the name under which it was asked."""
        found: dict[Account, datetime] = {}
        with self.store.read() as conn:
            for row in conn.execute(every(GatewayWatch)).mappings():
                home, until = self.held.home(row["gateway"], row["account"], row["livemode"]), row["compared_until"]
                if isinstance(until, datetime):
                    found[home] = max(until, found.get(home, until))
        return found

    @cached_property
    def held(self) -> Held:
        """What the gateways hold. Asked once."""
        with self.store.read() as conn:
            self.mark = conn.execute(select(func.max(Transition.seq))).scalar() or 0
            made = conn.execute(select(Attempt.gateway, Attempt.account, Attempt.livemode).distinct()).all()
            used = {Account(gateway, account, bool(livemode)) for gateway, account, livemode in made}
            books = self.books.values()
            kept = {Account(one["gateway"], one["gateway_account"], one["mode"] == "live") for one in books}
            accounts = by_account(conn, self.gateways, sorted(used | kept, key=astuple))
        return ask(self.gateways, self.clock, accounts, used, books)

    def count(self, table: type[Any], *where: Any) -> int:
        with self.store.read() as conn:
            return int(conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def known(self, payments: Sequence[Payment], table: type[Attempt | Order], mark: str) -> dict[str, Row]:
        """The rows that those payments name, by id. ``mark``: which of the payment's marks names them."""
        names = {getattr(one.metadata, mark) for one in payments}
        with self.store.read() as conn:
            found = conn.execute(every(table).where(table.id.in_(names))).mappings()
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

    def is_compared(self, order_id: str) -> bool:
        """Whether the gateways' side is known as it was when the order last moved."""
        asked = all(self.held.was_asked(one) for one in self.rows.attempts_of.get(order_id, ()))
        return asked and not self.has_moved(order_id)

    @property
    def name(self) -> str:
        return f"order {self.rows.orders[0]['id']}"

    def each(self) -> Iterator[Page]:
        """Every order with its rows on a page of its own."""
        for order in self.rows.orders:
            yield Page(self.whole, self.rows.alone(order))


def connected(conn: Connection) -> str:
    """The kind of database: only the check of its own integrity asks."""
    return conn.dialect.name
