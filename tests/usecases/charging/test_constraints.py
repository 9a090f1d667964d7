"""What the database refuses whatever code may do: the constraints are the protocol, here on the migrated schema."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from app.models.orders import ATTEMPT_STATES, ORDER_STATES, Attempt, Order
from tests.usecases.charging.desk import Desk

# SQLite names the columns that are taken, PostgreSQL the index.
CLOSED = ("DECLINED", "CANCELLED")


def write_again(desk: Desk, table: Any, **differing: Any) -> None:
    """A second row like the only one there is."""
    with desk.store.write() as conn:
        row = conn.execute(select(table.__table__)).mappings().one()
        conn.execute(insert(table).values(**{**row, **differing}))


def second_order(desk: Desk) -> None:
    write_again(desk, Order, id="another", number="UP-0000-0000", checkout_id="checkout-2", state="OPEN")


def second_attempt(desk: Desk, state: str = "CREATED") -> None:
    write_again(desk, Attempt, id="another.2", n=2, state=state, gw_ref=None)


def put(desk: Desk, table: str, state: str) -> None:
    with desk.store.write() as conn:
        conn.execute(text(f"UPDATE {table} SET state = :state"), {"state": state})


def test_a_subscription_has_one_open_order(desk: Desk):
    desk.place()
    with pytest.raises(IntegrityError, match=r"orders\.subscription_id|one_open_order"):
        second_order(desk)
    assert desk.count(Order) == 1


@pytest.mark.parametrize("state", sorted(set(ORDER_STATES) - {"OPEN"}))
def test_an_order_that_is_over_holds_its_subscription_no_longer(desk: Desk, state: str):
    desk.place()
    put(desk, "orders", state)
    second_order(desk)
    assert desk.count(Order, state="OPEN") == 1


@pytest.mark.parametrize("state", sorted(set(ATTEMPT_STATES) - set(CLOSED)))
def test_an_order_has_one_attempt_that_may_take_money_or_took_it(desk: Desk, state: str):
    desk.place()
    put(desk, "attempts", state)
    for another in ("CREATED", "SUCCEEDED"):
        with pytest.raises(IntegrityError, match=r"attempts\.order_id|\"one_open\""):
            second_attempt(desk, another)
    assert desk.count(Attempt) == 1


@pytest.mark.parametrize("state", CLOSED)
def test_an_attempt_that_ended_without_money_makes_room_for_the_next(desk: Desk, state: str):
    desk.place()
    put(desk, "attempts", state)
    second_attempt(desk)
    assert desk.count(Attempt) == 2


def test_two_attempts_never_hold_one_payment(desk: Desk):
    desk.buy("visa_declined")
    with desk.store.read() as conn:
        held = conn.execute(select(Attempt.gw_ref)).scalar_one()
    assert held
    with pytest.raises(IntegrityError, match=r"attempts\.gw_ref|one_ref"):
        write_again(desk, Attempt, id="another.2", n=2, state="CREATED")
