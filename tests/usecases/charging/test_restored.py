"""What a restored database holds of attempts that were paid after the copy was made: each is found and ends by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.charging import repair
from app.charging.abandon import abandon
from app.charging.attempts import read_attempt
from app.charging.gate import close_all
from app.charging.making import request_of
from app.charging.place import Placed
from app.charging.repair import expire
from app.models.orders import Attempt, Order
from app.models.work import GatewayWatch
from tests.factories import create_subscription
from tests.usecases.charging.desk import Desk


def taken_there(desk: Desk, placed: Placed, times: int = 1) -> list[str]:
    """The gateway has the money, and everything we wrote of that is lost; the payments, oldest first."""
    assert placed.attempt_id is not None
    with desk.store.read() as conn:
        row = read_attempt(conn, placed.attempt_id)
    assert row is not None
    gateway = desk.gateways.of(row.gateway, row.account, livemode=row.livemode)
    refs: list[str] = []
    for n in range(times):
        made = gateway.create_payment(request_of(row), key=f"{row.id}:create:{n}").payment
        assert made is not None
        gateway.confirm_payment(made.ref, key=f"{row.id}:confirm:{n}", return_url="https://pay.quillmark.example")
        refs.append(made.ref)
    return refs


def left(desk: Desk) -> Placed:
    """An attempt on its way to be cancelled, whose object, if it has one, the row does not know."""
    placed = desk.place()
    assert abandon(desk.store, desk.clock, desk.seeded.book, placed.order_id)
    return placed


def shut(desk: Desk) -> None:
    with desk.store.write() as conn:
        close_all(conn, desk.clock.now())


def opened(desk: Desk) -> None:
    with desk.store.write() as conn:
        conn.execute(update(GatewayWatch).values(gate="OPEN"))


def test_an_attempt_that_was_to_end_and_was_paid_is_settled_behind_the_closed_gate(desk: Desk):
    placed = left(desk)
    taken_there(desk, placed)
    shut(desk)
    asked = len(desk.requests())
    desk.clock.move(timedelta(minutes=1))
    desk.work()
    assert desk.facts(placed.order_id).state == "PAID"
    assert len(desk.requests()) == asked, "behind the gate it is only read"
    desk.check()


def test_an_attempt_that_was_to_end_and_was_paid_is_settled_when_the_gate_is_open_again(desk: Desk):
    placed = left(desk)
    taken_there(desk, placed)
    shut(desk)
    opened(desk)
    desk.clock.move(timedelta(minutes=1))
    desk.work()
    assert desk.facts(placed.order_id).state == "PAID"
    assert desk.captures() == [500]
    desk.check()


def test_an_attempt_past_its_deadline_that_was_paid_is_settled_when_the_gate_is_open_again(desk: Desk):
    placed = desk.place()
    taken_there(desk, placed)
    shut(desk)
    opened(desk)
    desk.clock.move(timedelta(hours=1, minutes=1))
    expire(desk.store, desk.clock)
    desk.work()
    assert desk.facts(placed.order_id).state == "PAID"
    desk.check()


@pytest.mark.parametrize("is_open", [False, True], ids=["behind the gate", "open again"])
def test_of_several_payments_of_one_attempt_the_oldest_is_its_own_whoever_finds_them(desk: Desk, is_open: bool):
    placed = left(desk)
    first, _ = taken_there(desk, placed, times=2)
    shut(desk)
    if is_open:
        opened(desk)
    desk.clock.move(timedelta(minutes=1))
    desk.work()
    assert desk.attempt(placed.attempt_id).gw_ref == first
    assert desk.facts(placed.order_id).state == "PAID"


def test_an_attempt_that_was_to_end_and_was_not_paid_ends_without_money(desk: Desk):
    placed = left(desk)
    shut(desk)
    desk.clock.move(timedelta(minutes=1))
    desk.work()
    assert desk.facts(placed.order_id).last.state == "CANCELLING"
    opened(desk)
    desk.clock.move(timedelta(minutes=20))
    desk.work()
    assert desk.facts(placed.order_id).last.state == "CANCELLED"
    desk.check()


def test_a_payment_that_nobody_here_confirmed_comes_before_a_person_where_nothing_was_restored(desk: Desk):
    placed = left(desk)
    taken_there(desk, placed)
    desk.clock.move(timedelta(minutes=1))
    desk.work()
    assert desk.facts(placed.order_id).last.state == "QUARANTINED"


def test_nobody_is_told_that_nothing_was_charged_by_an_attempt_from_before_a_restore(desk: Desk):
    placed = left(desk)
    assert desk.facts(placed.order_id).last.unheard
    shut(desk)
    assert not desk.facts(placed.order_id).last.unheard
    opened(desk)
    assert not desk.facts(placed.order_id).last.unheard


def test_behind_a_closed_gate_nobody_takes_an_attempt_back(desk: Desk):
    placed = desk.place()
    shut(desk)
    assert not abandon(desk.store, desk.clock, desk.seeded.book, placed.order_id)
    assert desk.facts(placed.order_id).last.state == "CREATED"
    opened(desk)
    assert abandon(desk.store, desk.clock, desk.seeded.book, placed.order_id)


def test_an_order_whose_last_attempt_may_be_lost_is_not_closed_behind_the_gate(desk: Desk):
    """It would give its link's use back, and a payment that is found later would have no open order any more."""
    order = desk.buy("visa_declined")
    shut(desk)
    desk.clock.move(timedelta(hours=2))
    expire(desk.store, desk.clock)
    assert (desk.facts(order.id).state, desk.uses()) == ("OPEN", 1)
    opened(desk)
    expire(desk.store, desk.clock)
    assert (desk.facts(order.id).state, desk.uses()) == ("EXPIRED", 0)


def test_what_waits_behind_a_closed_gate_takes_no_open_account_s_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):  # fmt: skip
    monkeypatch.setattr(repair, "PASS", 1)
    with desk.store.write() as conn:
        create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=2000)
    first, second = desk.place(), desk.place(desk.order("two", jti="2.2", subscription=2000))
    with desk.store.write() as conn:
        conn.execute(update(Attempt).where(Attempt.id == second.attempt_id).values(account="another"))
        conn.execute(update(Order).where(Order.id == first.order_id).values(valid_until=desk.clock.now()))
        close_all(conn, desk.clock.now())
    desk.clock.move(timedelta(hours=1, minutes=1))
    assert expire(desk.store, desk.clock) == 1
    assert desk.facts(first.order_id).last.state == "CREATED"
    assert desk.facts(second.order_id).last.state == "CANCELLING"
