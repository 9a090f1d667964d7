"""Items with their lots, what was paid for them, and the customer's cards, in one statement.

The three lists have nothing in common but that a cart page needs them all: one round trip costs less than three. Values
come as the columns store them and are converted here; the ledger's rows arrive in no order, which their sums do not need.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, func, literal_column, null, select, type_coerce, union_all
from sqlalchemy.sql.elements import ColumnElement

from app.billing import facts as billing
from app.models.base import Int64
from app.models.customers import StoredCard
from app.models.prepared import Prepared
from app.models.subscriptions import Entitlement, Lot, SubscriptionItem
from app.subscriptions.stored import interval_from, lot_from

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ITEM, _PAID, _CARD = 1, 2, 3
_TEXTS, _NUMBERS = 7, 8


def _line(kind: int, texts: Sequence[Any], numbers: Sequence[Any]) -> list[ColumnElement[Any]]:
    """The columns of one arm: its kind, texts, numbers, filled up so that all arms are alike."""
    filled: list[ColumnElement[Any]] = [literal_column(str(kind), Int64)]
    filled += [type_coerce(text, Text) for text in texts]
    filled += [cast(null(), Text)] * (_TEXTS - len(texts))
    filled += [type_coerce(number, Int64) for number in numbers]
    filled += [cast(null(), Int64)] * (_NUMBERS - len(numbers))
    return [column.label(f"c{index}") for index, column in enumerate(filled)]


_SUBSCRIPTION = bindparam("subscription", type_=Int64)
_BOOK = bindparam("book", type_=Int64)
_I, _L, _E, _C = SubscriptionItem, Lot, Entitlement, StoredCard
_begun = (
    select(func.min(_I.period_start)).where(_I.book_id == _BOOK, _I.subscription_id == _SUBSCRIPTION).scalar_subquery()
)
_HOLDINGS = Prepared(union_all(
    select(
        *_line(
            _ITEM,
            (_I.product, _I.options, _I.interval, _L.code, _L.facts),
            (
                _I.running_number, _I.period_start, _I.period_end, _I.anchor_day, _I.committed_until,
                _L.position, _L.quantity, _L.unit_price,
            ),
        )
    )
    .outerjoin(_L, _L.item_id == _I.id)
    .where(_I.book_id == _BOOK, _I.subscription_id == _SUBSCRIPTION),
    # Rows that ended before the earliest current period began have no unused part at any instant that can be priced.
    select(*_line(_PAID, (), (_E.item, _E.lot, _E.span_start, _E.span_end, _E.amount)))
    .where(_E.book_id == _BOOK, _E.subscription_id == _SUBSCRIPTION, _E.span_end > _begun),
    select(
        *_line(
            _CARD,
            (_C.token, _C.gateway, _C.gateway_customer, _C.brand, _C.last4, _C.cart_session, _C.fingerprint),
            (_C.id, _C.exp_month, _C.exp_year, _C.is_default, _C.blocked),
        )
    )
    .where(_C.book_id == _BOOK, _C.customer_id == bindparam("customer", type_=Int64)),
))  # fmt: skip

CardRow = tuple[int, str, str, str, str, str, int, int, bool, bool, str | None, str]
"""Id, token, gateway, its customer, brand, last four, expiry's month and year, default, blocked, cart session, fingerprint."""


def read_holdings(
    conn: Connection, book_id: int, subscription_id: int, customer_id: int
) -> tuple[tuple[billing.Item, ...], list[CardRow]]:
    """The items with the ledger's rows that may still be unused, and the customer's cards, the default one first."""
    scope = {"book": book_id, "subscription": subscription_id, "customer": customer_id}
    lots: list[Any] = []
    paid: dict[int, list[billing.Entitlement]] = {}
    cards: list[CardRow] = []
    for row in _HOLDINGS.all(conn, scope):
        kind: int = row[0]
        if kind == _ITEM:
            lots.append(row)
        elif kind == _PAID:
            item, lot, start, end, amount = row[8:13]
            entry = billing.Entitlement(item, lot, _instant(start), _instant(end), amount)
            paid.setdefault(item, []).append(entry)
        else:
            _, token, gateway, owner, brand, last4, session, mark, *numbers = row
            identity, month, year, default, blocked = numbers[:5]
            shown = (identity, token, gateway, owner, brand, last4, month, year)
            cards.append((*shown, bool(default), bool(blocked), session, mark))
    cards.sort(key=lambda card: (not card[8], card[0]))
    return _items(lots, paid), cards


def held_items(conn: Connection, book_id: int, subscription_id: int) -> tuple[billing.Item, ...]:
    """The items alone."""
    return read_holdings(conn, book_id, subscription_id, 0)[0]


def _items(rows: Iterable[Any], paid: dict[int, list[billing.Entitlement]]) -> tuple[billing.Item, ...]:
    heads: dict[int, Any] = {}
    lots: dict[int, list[billing.Lot]] = {}
    for row in sorted(rows, key=lambda row: (row[8], row[13] or 0)):
        number = row[8]
        if number not in heads:
            heads[number] = row
            lots[number] = []
        if row[13] is not None:
            facts: dict[str, Any] = {} if row[5] == "{}" else json.loads(row[5])
            lots[number].append(lot_from(row[13], row[4], row[14], row[15], facts))
    return tuple(_item(row, lots[number], paid.get(number, [])) for number, row in heads.items())


def _item(row: Any, lots: list[billing.Lot], paid: list[billing.Entitlement]) -> billing.Item:
    product, options, interval = row[1:4]
    number, start, end, anchor_day, committed = row[8:13]
    return billing.Item(
        number,
        product,
        interval_from(interval),
        billing.Span(_instant(start), _instant(end)),
        anchor_day,
        tuple(lots),
        () if options == "[]" else tuple(json.loads(options)),
        None if committed is None else _instant(committed),
        tuple(paid),
    )


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
