"""A page of orders, by key, with every row that belongs to them: nothing of other orders is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, or_

from app.charging.attempts import order_of
from app.charging.audit.cells import every
from app.models.customers import BalanceEntry, StoredCard
from app.models.links import LinkUse
from app.models.orders import Attempt, Consent, Dispute, Fulfilment, Order, Refund, Transition
from app.models.subscriptions import Entitlement
from app.models.work import Outbox
from app.outbox.recording import outbox_id

Row = RowMapping
PAID_STATES = ("PAID", "PART_REFUNDED", "REFUNDED", "DISPUTED", "LOST")
DISPUTE_NEWS = {"OPEN": "order.disputed", "WON": "order.dispute_won", "LOST": "order.dispute_lost"}
"""Under which kind each state of a dispute is told."""
AT_ONCE = 400
"""So many names stand in one statement."""


@dataclass(frozen=True)
class Rows:
    """What belongs to some orders. Entitlements are all those of their subscriptions; ``outbox`` is what is told of them."""

    orders: Sequence[Row]
    attempts: Sequence[Row]
    refunds: Sequence[Row]
    caused: Sequence[Row]
    """Refunds that these orders owe, from whichever order's payment they are taken."""
    disputes: Sequence[Row]
    consents: Sequence[Row]
    fulfilments: Sequence[Row]
    entitlements: Sequence[Row]
    balances: Sequence[Row]
    uses: Sequence[Row]
    transitions: Sequence[Row]
    contests: Sequence[Row]
    """The log of their disputes."""
    cards: dict[int, Row]
    outbox: Sequence[Row]

    def alone(self, order: Row) -> Rows:
        """The same for one of the orders."""
        mine, others = order["id"], ("attempts", "refunds", "disputes", "consents", "fulfilments", "balances", "uses")
        kept = {name: [row for row in getattr(self, name) if row["order_id"] == mine] for name in others}
        contested = {name_in_log(row) for row in kept["disputes"]}
        return replace(
            self,
            orders=[order],
            caused=[row for row in self.caused if row["cause_order"] == mine],
            entitlements=[row for row in self.entitlements if row["subscription_id"] == order["subscription_id"]],
            transitions=[row for row in self.transitions if order_of(row["object"]) == mine],
            contests=[row for row in self.contests if row["object"] in contested],
            **kept,
        )

    @cached_property
    def attempts_of(self) -> dict[str, list[Row]]:
        return _grouped(self.attempts, "order_id")

    @cached_property
    def refunds_of(self) -> dict[str, list[Row]]:
        return _grouped(self.refunds, "order_id")

    @cached_property
    def order(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.orders}

    @cached_property
    def came_to(self) -> dict[tuple[str, str, str], int]:
        """By kind, object and state: the number in the log of its first move there. It tells what came before what, also
        where two machines' clocks do not agree."""
        first: dict[tuple[str, str, str], int] = {}
        for row in (*self.transitions, *self.contests):
            first.setdefault((row["kind"], row["object"], row["to_state"]), row["seq"])
        return first

    @cached_property
    def moved_at(self) -> dict[str, int]:
        """By order: its last row in the log, or that of an attempt or refund of it."""
        belongs = {row["id"]: row["order_id"] for row in (*self.attempts, *self.refunds)}
        last: dict[str, int] = {}
        for row in self.transitions:
            order = belongs.get(row["object"], row["object"])
            last[order] = max(last.get(order, 0), row["seq"])
        return last


def rows_of(conn: Connection, after: str, size: int) -> Rows:
    """The next ``size`` orders after that id. Children first would miss none: each is read after its order."""
    orders = conn.execute(
        every(Order).where(Order.id > after).order_by(Order.id).limit(size)
    ).mappings().all()  # fmt: skip
    ids = [row["id"] for row in orders]
    attempts = among(conn, Attempt, Attempt.order_id, ids, Attempt.order_id, Attempt.n)
    refunds = among(conn, Refund, Refund.order_id, ids, Refund.created_at)
    disputes = among(conn, Dispute, Dispute.order_id, ids)
    moving = {"order": ids, "attempt": [row["id"] for row in attempts], "refund": [row["id"] for row in refunds]}
    return Rows(
        orders=orders,
        attempts=attempts,
        refunds=refunds,
        caused=among(conn, Refund, Refund.cause_order, ids),
        disputes=disputes,
        consents=among(conn, Consent, Consent.order_id, ids),
        fulfilments=among(conn, Fulfilment, Fulfilment.order_id, ids),
        entitlements=among(
            conn, Entitlement, Entitlement.subscription_id, {row["subscription_id"] for row in orders}, Entitlement.id
        ),
        balances=among(conn, BalanceEntry, BalanceEntry.order_id, ids),
        uses=among(conn, LinkUse, LinkUse.order_id, ids),
        transitions=[row for kind, names in moving.items() for row in log_of(conn, kind, names)],
        contests=log_of(conn, "dispute", [name_in_log(row) for row in disputes]),
        cards={row["id"]: row for row in among(conn, StoredCard, StoredCard.id, {row["card_id"] for row in attempts})},
        outbox=among(conn, Outbox, Outbox.id, _told_of(orders, attempts, refunds, disputes)),
    )


def _told_of(
    orders: Sequence[Row], attempts: Sequence[Row], refunds: Sequence[Row], disputes: Sequence[Row]
) -> list[str]:
    """Under which ids there may be something to tell: an order's carry the version that it had then."""
    found = [
        outbox_id(kind, row["id"], version)
        for row in orders
        for version in range(1, row["version"] + 2)
        for kind in ("order.paid", "receipt")
    ]
    told = ("attempt.failed", "attempt.quarantined", "attempt.undecided", "not_charged")
    found += [outbox_id(kind, row["id"], 1) for row in attempts for kind in told]
    told = ("order.refunded", "refunded", "refund.failed")
    found += [outbox_id(kind, row["id"], 1) for row in refunds for kind in told]
    return found + [
        outbox_id(kind, f"{row['order_id']}:{row['gw_ref']}", 1) for row in disputes for kind in DISPUTE_NEWS.values()
    ]


def log_of(conn: Connection, kind: str, names: Iterable[str]) -> list[Row]:
    """The log of some objects of a kind, in its order."""
    return among(conn, Transition, Transition.object, names, Transition.seq, where=Transition.kind == kind)


def name_in_log(row: Row) -> str:
    """Of a dispute or an orphan."""
    return f"{row['gateway']}:{row['account']}:{row['gw_ref']}"


def among(
    conn: Connection, table: type[Any], column: Any, names: Iterable[Any], *order: Any, where: Any = None
) -> list[Row]:  # fmt: skip
    """The rows of a table that hold one of those names."""
    wanted, found = list(names), list[Row]()
    for at in range(0, len(wanted), AT_ONCE):
        query = every(table).where(column.in_(wanted[at : at + AT_ONCE])).order_by(*order)
        found += conn.execute(query if where is None else query.where(where)).mappings()
    return found


def after(columns: Sequence[Any], last: Sequence[Any]) -> Any:
    """The condition of a key of two columns that comes after the last one."""
    (first, second), (one, two) = columns, last
    return or_(first > one, and_(first == one, second > two))


def _grouped(rows: Sequence[Row], by: str) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[by]].append(row)
    return found
