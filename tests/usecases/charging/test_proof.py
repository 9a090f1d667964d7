"""An order that was altered after it was accepted is found out (I14)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from app.billing.facts import Change, Discount
from app.charging.proof import order_is_untouched
from app.models.orders import Order
from tests.rewriting import Gone, rewrite
from tests.usecases.charging.desk import SECOND_SEAT, Desk


def is_untouched(desk: Desk) -> bool:
    with desk.store.read() as conn:
        return order_is_untouched(conn.execute(select(Order.__table__)).mappings().one())


def alter(desk: Desk, assignment: str, **values: Any) -> None:
    with desk.store.write() as conn:
        assert conn.execute(text(f"UPDATE orders SET {assignment}"), values).rowcount == 1


@pytest.mark.parametrize(
    "change",
    [
        SECOND_SEAT,
        Change(quantity=2, unit_price=0),
        Change(product="crm-pro"),
        Change(quantity=3, unit_price=1000, discount=Discount(percent=250_000, scope="periods", periods=2)),
    ],
)
def test_an_order_is_what_was_accepted_from_the_press_to_the_payment(desk: Desk, change: Change):
    placed = desk.place(desk.order(change=change))
    assert is_untouched(desk)
    desk.drive(placed.attempt_id)
    assert desk.facts(placed.order_id).state == "PAID"
    assert is_untouched(desk)


@pytest.mark.parametrize(
    "assignment",
    [
        "total = total + 1",
        "currency = 'EUR'",
        "quote_hash = replace(quote_hash, substr(quote_hash, 1, 1), '-')",
        "quote = '{}'",
    ],
)
def test_an_altered_order_is_caught(desk: Desk, assignment: str):
    desk.buy()
    assert is_untouched(desk)
    alter(desk, assignment)
    assert not is_untouched(desk)


@pytest.mark.parametrize(
    ("path", "value", "beside"),
    [
        (("due_now",), 1, "total = 1"),
        (("currency",), "EUR", "currency = 'EUR'"),
        (("tax",), 1, ""),
        (("lines", 0, "amount"), 499, ""),
        (("lines", 0, "quantity"), 2, ""),
        (("renewal", "amount"), 9900, ""),
        (("renewal", "date"), "2026-12-31", ""),
        (("after", 0, "lots", 1, "quantity"), 9, ""),
        (("entitlements", 0, "amount"), 5, ""),
        (("lines", 0), Gone, ""),
        (("due_now",), Gone, ""),
        (("at",), "yesterday", ""),
        (("after", 0, "interval"), "ages", ""),
        (("lines",), 7, ""),
    ],
)
def test_an_altered_quote_is_caught(desk: Desk, path: tuple[str | int, ...], value: Any, beside: str):
    desk.buy()
    assert is_untouched(desk)
    with desk.store.write() as conn:
        rewrite(conn, "orders", "quote", path, value)
    if beside:
        alter(desk, beside)
    assert not is_untouched(desk)
