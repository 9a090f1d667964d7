"""What the checks look at: the rows as they were when the audit began, and what the gateways hold of those accounts.

The database is read first. What happens while the audit runs is then newer at the gateway than here, never the other way
round, and objects made after that moment are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from app.gateways.port import AnswerKind, Dispute, Gateway, GatewayError, Gateways, Payment, Refund
from app.kit.clock import Clock
from app.models.customers import BalanceEntry, StoredCard
from app.models.links import LinkUse
from app.models.merchants import Book
from app.models.orders import Attempt, Consent, Fulfilment, Order, Orphan, Transition
from app.models.orders import Dispute as DisputeTable
from app.models.orders import Refund as RefundTable
from app.models.store import Store
from app.models.subscriptions import Entitlement
from app.models.work import Outbox

PAID_STATES = ("PAID", "PART_REFUNDED", "REFUNDED", "DISPUTED", "LOST")
CLOSED = ("DECLINED", "CANCELLED")
OPEN_STATES = ("CREATED", "INTENT", "REQUIRES_ACTION", "UNKNOWN", "CANCELLING", "QUARANTINED")
SKEW = timedelta(minutes=10)
"""By how much a gateway's clock may differ from ours."""

Row = RowMapping


class NotRead(Exception):
    """A gateway did not answer, so that what it holds is not known."""


@dataclass
class Scene:
    """Rows by table, read once each; ``held`` is the gateways' side."""

    store: Store
    gateways: Gateways
    clock: Clock
    began: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock.now()

    def _all(self, table: Any, *order: Any) -> Sequence[Row]:
        with self.store.read() as conn:
            return conn.execute(select(table.__table__).order_by(*order)).mappings().all()

    @cached_property
    def rows(self) -> Rows:
        # Children first: a row whose parent is read later always has it.
        return Rows(
            transitions=self._all(Transition, Transition.seq),
            outbox=self._all(Outbox, Outbox.created_at),
            fulfilments=self._all(Fulfilment),
            entitlements=self._all(Entitlement, Entitlement.id),
            balances=self._all(BalanceEntry, BalanceEntry.id),
            uses=self._all(LinkUse),
            refunds=self._all(RefundTable, RefundTable.created_at),
            disputes=self._all(DisputeTable),
            orphans=self._all(Orphan),
            consents=self._all(Consent),
            attempts=self._all(Attempt, Attempt.order_id, Attempt.n),
            orders=self._all(Order, Order.created_at, Order.id),
            books={row["id"]: row for row in self._all(Book)},
            cards={row["id"]: row for row in self._all(StoredCard)},
        )

    @cached_property
    def held(self) -> Held:
        """What the gateways hold; ``NotRead`` when one does not say."""
        rows = self.rows
        found = Held()
        accounts = {(one["gateway"], one["account"], one["livemode"]) for one in rows.attempts}
        accounts |= {(one["gateway"], one["gateway_account"], one["mode"] == "live") for one in rows.books.values()}
        first: datetime = min([one["created_at"] for one in rows.attempts], default=self.began) - SKEW
        for name, account, livemode in sorted(accounts):
            try:
                gateway = self.gateways.of(name, account, livemode=livemode)
            except GatewayError as error:
                raise NotRead(f"{name} {account}: {error.code}") from error
            self._read(gateway, first, found)
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

    def connection(self) -> Any:
        return self.store.read()


@dataclass(frozen=True)
class Rows:
    """Every table that a check looks at."""

    transitions: Sequence[Row]
    outbox: Sequence[Row]
    fulfilments: Sequence[Row]
    entitlements: Sequence[Row]
    balances: Sequence[Row]
    uses: Sequence[Row]
    refunds: Sequence[Row]
    disputes: Sequence[Row]
    orphans: Sequence[Row]
    consents: Sequence[Row]
    attempts: Sequence[Row]
    orders: Sequence[Row]
    books: dict[int, Row]
    cards: dict[int, Row]

    @cached_property
    def attempts_of(self) -> dict[str, list[Row]]:
        return _grouped(self.attempts, "order_id")

    @cached_property
    def refunds_of(self) -> dict[str, list[Row]]:
        return _grouped(self.refunds, "order_id")

    @cached_property
    def order(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.orders}


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


def _grouped(rows: Sequence[Row], by: str) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[by]].append(row)
    return found


def connected(conn: Connection) -> str:
    """The kind of database: only the check of its own integrity asks."""
    return conn.dialect.name
