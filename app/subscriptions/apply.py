"""Applies a paid change in the caller's transaction: the plan, the ledger and the history move together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, insert, select, update

from app.billing.facts import Entitlement as LedgerEntry
from app.billing.facts import Item
from app.billing.result import Quote
from app.billing.schedule import local_day, zone_of
from app.models.prepared import Prepared, PreparedWrite, inserting
from app.models.subscriptions import Entitlement, Lot, Subscription, SubscriptionChange, SubscriptionItem
from app.subscriptions.errors import SubscriptionMoved
from app.subscriptions.holdings import held_items
from app.subscriptions.stored import history, item_row, lot_rows

_ITEM_IDS = Prepared(
    select(SubscriptionItem.running_number, SubscriptionItem.id).where(
        SubscriptionItem.book_id == bindparam("book"), SubscriptionItem.subscription_id == bindparam("subscription")
    )
)
_OLD_LOTS = PreparedWrite(
    delete(Lot).where(
        Lot.book_id == bindparam("book"),
        Lot.item_id.in_(
            select(SubscriptionItem.id).where(
                SubscriptionItem.book_id == bindparam("book"),
                SubscriptionItem.subscription_id == bindparam("subscription"),
            )
        ),
    )
)
_LOT, _ENTITLEMENT, _HISTORY = inserting(Lot), inserting(Entitlement), inserting(SubscriptionChange)
_ITEM = PreparedWrite(
    update(SubscriptionItem)
    .where(SubscriptionItem.book_id == bindparam("book"), SubscriptionItem.id == bindparam("identity"))
    .values(
        {
            name: bindparam(name, type_=SubscriptionItem.__table__.c[name].type)
            for name in (
                "running_number", "product", "options", "interval", "period_start", "period_end", "anchor_day",
                "committed_until",
            )
        }
    )
)  # fmt: skip


def apply_paid(
    conn: Connection,
    *,
    book_id: int,
    subscription_id: int,
    quote: Quote,
    expected_version: int,
    order_id: str,
    card_id: int | None,
    mandate: dict[str, Any] | None,
    at: datetime,
) -> int:
    """Make the subscription what ``quote.after`` says and append ``quote.entitlements``; the new version.

    ``card_id`` becomes the card that pays; it and ``mandate`` stay as they are if None. Raises ``SubscriptionMoved``, with
    nothing written, when the subscription is no longer at ``expected_version``. Everything written belongs to ``order_id``.
    """
    take_version(
        conn, book_id, subscription_id, expected_version, card_id=card_id, mandate=mandate, ends_trial=bool(quote.lines)
    )
    version = expected_version + 1
    before = held_items(conn, book_id, subscription_id)
    _replace_items(conn, book_id, subscription_id, quote.after)
    append_entitlements(conn, book_id, subscription_id, quote, order_id, at)
    write_history(conn, book_id, subscription_id, version, before, quote.after, cause="order", order_id=order_id, at=at)
    return version


def write_history(
    conn: Connection,
    book_id: int,
    subscription_id: int,
    version: int,
    before: tuple[Item, ...],
    after: tuple[Item, ...],
    *,
    cause: str,
    order_id: str | None,
    at: datetime,
    **facts: Any,
) -> None:
    """The row that says why the subscription is at ``version``. More ``facts`` stand beside the items as they are after."""
    _HISTORY.run(
        conn,
        {
            "book_id": book_id,
            "subscription_id": subscription_id,
            "version": version,
            "order_id": order_id,
            "cause": cause,
            "before": {"version": version - 1, "items": history(before)},
            "after": {"version": version, "items": history(after), **facts},
            "created_at": at,
        },
    )


def take_version(
    conn: Connection,
    book_id: int,
    subscription_id: int,
    expected_version: int,
    *,
    card_id: int | None = None,
    mandate: dict[str, Any] | None = None,
    ends_trial: bool = False,
) -> None:
    """Raise the version; ``SubscriptionMoved`` when it is another one. First of all, so that of two that race the loser
    has written nothing."""
    values: dict[str, Any] = {} if card_id is None else {"card_id": card_id}
    if mandate is not None:
        values["mandate"] = mandate
    statement = _taking(tuple(values), ends_trial)
    expected = {"book": book_id, "subscription": subscription_id, "expected": expected_version}
    if statement.run(conn, {**expected, "next": expected_version + 1, **values}) != 1:
        raise SubscriptionMoved(subscription_id, expected_version)


@cache
def _taking(names: tuple[str, ...], ends_trial: bool) -> PreparedWrite:
    """Put together once for each set of columns."""
    columns = Subscription.__table__.c
    values: dict[str, Any] = {name: bindparam(name, type_=columns[name].type) for name in names}
    if ends_trial:
        values["status"] = case((Subscription.status == "trialing", "active"), else_=Subscription.status)
    return PreparedWrite(
        update(Subscription)
        .where(
            Subscription.book_id == bindparam("book"),
            Subscription.id == bindparam("subscription"),
            Subscription.version == bindparam("expected"),
        )
        .values(version=bindparam("next"), **values)
    )


def _replace_items(conn: Connection, book_id: int, subscription_id: int, items: Sequence[Item]) -> None:
    """Items keep their rows by running number; lots are written anew. The number of one that goes stays taken."""
    scope = {"book": book_id, "subscription": subscription_id}
    ids: dict[int, int] = dict(_ITEM_IDS.all(conn, scope))
    wanted = {item.running_number for item in items}
    gone = [identity for number, identity in ids.items() if number not in wanted]
    if ids:
        _OLD_LOTS.run(conn, scope)
    if gone:
        conn.execute(delete(SubscriptionItem).where(SubscriptionItem.book_id == book_id, SubscriptionItem.id.in_(gone)))
        last = max(ids)
        conn.execute(
            update(Subscription)
            .where(Subscription.book_id == book_id, Subscription.id == subscription_id, Subscription.last_item < last)
            .values(last_item=last)
        )
    for item in items:
        row = item_row(item)
        identity = ids.get(item.running_number)
        if identity is None:
            new = {"book_id": book_id, "subscription_id": subscription_id, **row}
            identity = conn.execute(insert(SubscriptionItem).returning(SubscriptionItem.id), new).scalar_one()
        else:
            _ITEM.run(conn, {"book": book_id, "identity": identity, **row})
        lots = [{"book_id": book_id, "item_id": identity, **lot} for lot in lot_rows(item)]
        _LOT.run_all(conn, lots)


def append_entitlements(
    conn: Connection, book_id: int, subscription_id: int, quote: Quote, order_id: str, at: datetime
) -> None:
    """Add the quote's ledger rows, each with the order and the number of the line it comes from (1 is the first).

    What was waived or put off is taken back by rows of no order: an order's own rows add up to its lines.
    """
    zone = zone_of(quote.timezone)
    rows = [
        {
            "book_id": book_id,
            "subscription_id": subscription_id,
            "item": entry.item,
            "lot": entry.lot,
            "span_start": entry.start,
            "span_end": entry.end,
            "amount": entry.amount,
            "order_id": order_id if paid else None,
            "line": _line_of(entry, quote, zone) if paid else None,
            "created_at": at,
        }
        for entry, paid in (*((row, True) for row in quote.entitlements), *((row, False) for row in quote.unpaid))
    ]
    _ENTITLEMENT.run_all(conn, rows)


def _line_of(entry: LedgerEntry, quote: Quote, zone: tzinfo) -> int | None:
    """The line that a row of the ledger comes from.

    A charge has one row, over the line's own days. A credit takes back what several rows paid for, each over its span, and
    what they took back before. What is left are the rows that take time over, told by one line for the item; or by none,
    where lots go on with another day of the month: then it is the line that made the item's dates others.
    """
    days = (local_day(entry.start, zone), local_day(entry.end, zone))
    credited = carried = cause = None
    for number, line in enumerate(quote.lines, 1):
        if line.item != entry.item:
            continue
        cause = cause or number
        if line.kind == "carry_over":
            carried = number if carried is None or line.lot == entry.lot else carried
        elif line.lot == entry.lot:
            if line.kind == "credit":
                credited = number
            elif entry.amount > 0 and line.kind in _CHARGES and (line.start, line.end) == days:
                return number
    return credited or carried or cause or (1 if quote.lines else None)


_CHARGES = ("charge", "extension")
