"""The ledger of what was paid follows a refund at once: whoever prices a change while the money is on its way must not
count on it any more. If the refund fails for certain, the same rows come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from app.billing.codec import dump_rows, load_quote, load_rows
from app.billing.facts import Entitlement as LedgerEntry
from app.billing.measures import measure_of
from app.billing.rounding import half_up
from app.billing.taking_back import LotKey, followed, net_of, spread
from app.charging.refund_rows import refunds_of
from app.models.base import whole_sum
from app.models.customers import BalanceEntry
from app.models.orders import Attempt, Dispute, Order, Refund
from app.models.subscriptions import Entitlement, Subscription
from app.subscriptions.apply import take_version, write_history
from app.subscriptions.facts import load


def take_back(conn: Connection, order: Mapping[Any, Any], amount: int, at: datetime) -> list[Any]:
    """Append what a refund of so much of the order's money takes back; the rows as ``refunds.takes`` keeps them.

    ``order`` has its ``quote``, ``subscription_id`` and ``subscription_number``. The subscription's version rises, so that
    no quote made before is confirmed; its plan stays as it is.
    """
    return _take_back(conn, order, amount, at)[0]


def take_back_once(conn: Connection, order: Mapping[Any, Any], amount: int, at: datetime) -> tuple[list[Any], int]:
    """``take_back``, and how much of ``amount`` a later change put on the customer's balance instead, used there or not."""
    takes, nowhere, lots = _take_back(conn, order, amount, at)
    quote = load_quote(order["quote"])
    if not nowhere or quote.subtotal <= 0:
        return takes, 0
    gross = min(half_up(nowhere * quote.unbounded_total, quote.subtotal), amount)
    return takes, min(gross, _put_on_the_balance(conn, order, lots))


def take_lost(conn: Connection, book_id: int, order_id: str, at: datetime) -> None:
    """Append what a dispute that is lost took of the order's money and no refund gives back, as ``take_back`` does.

    May be called again: what it took before counts, so that a refund which failed meanwhile leaves its part to it.
    """
    order = (
        conn.execute(
            select(Order.__table__, Subscription.number.label("subscription_number"))
            .join(Subscription, Subscription.id == Order.subscription_id)
            .where(Order.book_id == book_id, Order.id == order_id)
        )
        .mappings()
        .one()
    )
    lost = lost_of(conn, book_id, order_id)
    if not lost:
        return
    first, taken = lost[0], any(row.takes for row in lost)
    takes = take_back(conn, order, 0 if taken else _left_to_lose(conn, book_id, order_id, lost), at)
    if takes:
        it = (Dispute.gateway == first.gateway, Dispute.account == first.account, Dispute.gw_ref == first.gw_ref)
        conn.execute(update(Dispute).where(*it).values(takes=[*(first.takes or ()), *takes]))


def lost_of(conn: Connection, book_id: int, order_id: str) -> Sequence[Row[*tuple[Any, ...]]]:
    """The lost disputes of what paid for the order, oldest first."""
    columns = (Dispute.gateway, Dispute.account, Dispute.gw_ref, Dispute.amount, Dispute.takes)
    return conn.execute(
        select(*columns, Dispute.attempt_id, Attempt.amount.label("captured"))
        .join(Attempt, Attempt.id == Dispute.attempt_id)
        .where(Dispute.book_id == book_id, Dispute.order_id == order_id)
        .where(Dispute.state == "LOST", Attempt.state == "SUCCEEDED")
        .order_by(Dispute.opened_at, Dispute.gw_ref)
    ).all()


def _left_to_lose(conn: Connection, book_id: int, order_id: str, lost: Sequence[Row[*tuple[Any, ...]]]) -> int:
    """What the bank took, at most what no refund gives back."""
    back = sum([
        row.amount
        for row in refunds_of(conn, book_id, order_id)
        if row.attempt_id == lost[0].attempt_id and row.state != "FAILED" and (row.takes or row.kind == "negative")
    ])  # fmt: skip
    return max(min(sum([row.amount for row in lost]), lost[0].captured - back), 0)


def _take_back(
    conn: Connection, order: Mapping[Any, Any], amount: int, at: datetime
) -> tuple[list[Any], int, set[LotKey]]:
    book_id, subscription_id = order["book_id"], order["subscription_id"]
    quote = load_quote(order["quote"])
    earlier = [row for row in refunds_of(conn, book_id, order["id"]) if row.state != "FAILED" and row.takes]
    lost = lost_of(conn, book_id, order["id"])
    so_far = sum([row.amount for row in earlier])
    if any(row.takes for row in lost):
        so_far += _left_to_lose(conn, book_id, order["id"], lost)
    rows = [take for row in (*earlier, *lost) for take in load_rows(row.takes or [])]
    net = net_of(quote, so_far + amount) + sum([row.amount for row in rows])
    takes = spread(quote, net, rows)
    if not takes:
        return [], 0, set()
    held = load(conn, book_id, order["subscription_number"])
    if held is None:
        raise LookupError(f"order {order['id']} has no subscription")
    policy = held.book.policy
    measure = measure_of(policy.get("basis", "month"), held.book.timezone)
    since = measure.today(at, policy.get("change_day", "new"))
    items = {item.running_number: item for item in held.facts.items}
    shapes = {item.running_number: item for item in quote.after}
    lots = {(row.item, row.lot) for row in takes}
    heirs = _heirs(conn, book_id, subscription_id, lots, order["id"])
    rows, nowhere = followed(takes, items, shapes, heirs, measure, since)
    append(conn, book_id, subscription_id, rows, at)
    if not _is_being_paid(conn, held.open_order):
        take_version(conn, book_id, subscription_id, held.version)
        write_history(
            conn, book_id, subscription_id, held.version + 1, held.facts.items, held.facts.items, cause="refund",
            order_id=order["id"], at=at,
        )  # fmt: skip
    return dump_rows(rows), nowhere, {*lots, *heirs}


def _put_on_the_balance(conn: Connection, order: Mapping[Any, Any], lots: set[LotKey]) -> int:
    """What changes that credited one of ``lots`` put on the balance, by their quotes or because a card did not take it."""
    credits = select(Entitlement.item, Entitlement.lot, Entitlement.order_id).where(
        Entitlement.book_id == order["book_id"],
        Entitlement.subscription_id == order["subscription_id"],
        Entitlement.order_id.is_not(None),
        Entitlement.order_id != order["id"],
        Entitlement.amount < 0,
    )
    changes = {row.order_id for row in conn.execute(credits) if (row.item, row.lot) in lots}
    failed = select(Refund.id).where(Refund.book_id == order["book_id"], Refund.cause_order.in_(changes))
    put = select(whole_sum(BalanceEntry.amount)).where(
        BalanceEntry.book_id == order["book_id"],
        ((BalanceEntry.cause == "credited") & BalanceEntry.order_id.in_(changes))
        | ((BalanceEntry.cause == "refund_failed") & BalanceEntry.order_id.in_(failed)),
    )
    return int(conn.execute(put).scalar_one())


def append(conn: Connection, book_id: int, subscription_id: int, rows: Iterable[LedgerEntry], at: datetime) -> None:
    """Rows of no order: an order's own rows go on adding up to its lines."""
    values = [
        {
            "book_id": book_id,
            "subscription_id": subscription_id,
            "item": row.item,
            "lot": row.lot,
            "span_start": row.start,
            "span_end": row.end,
            "amount": row.amount,
            "order_id": None,
            "line": None,
            "created_at": at,
        }
        for row in rows
    ]
    if values:
        conn.execute(insert(Entitlement), values)


def _heirs(conn: Connection, book_id: int, subscription_id: int, lots: set[LotKey], order_id: str) -> list[LotKey]:
    """The lots that got what later changes credited of ``lots``, and what was credited of those, in that order."""
    own = select(func.min(Entitlement.id)).where(Entitlement.book_id == book_id, Entitlement.order_id == order_id)
    ledger = conn.execute(
        select(Entitlement.item, Entitlement.lot, Entitlement.amount, Entitlement.order_id)
        .where(
            Entitlement.book_id == book_id,
            Entitlement.subscription_id == subscription_id,
            Entitlement.order_id.is_not(None),
            Entitlement.order_id != order_id,
            Entitlement.id > own.scalar_subquery(),
        )
        .order_by(Entitlement.id)
    ).all()
    reached, found = set(lots), dict[LotKey, None]()
    while True:
        orders = {row.order_id for row in ledger if row.amount < 0 and (row.item, row.lot) in reached}
        new = [(row.item, row.lot) for row in ledger if row.amount > 0 and row.order_id in orders]
        fresh = [key for key in new if key not in reached]
        if not fresh:
            return list(found)
        found.update(dict.fromkeys(fresh))
        reached.update(fresh)


def _is_being_paid(conn: Connection, order_id: str | None) -> bool:
    """An order whose money may be on its way rests on the version that it was quoted for."""
    if order_id is None:
        return False
    open_attempt = select(Attempt.id).where(
        Attempt.order_id == order_id, Attempt.state.not_in(("DECLINED", "CANCELLED"))
    )
    return conn.execute(open_attempt.limit(1)).first() is not None
