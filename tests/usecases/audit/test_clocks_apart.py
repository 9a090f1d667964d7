"""Machines whose clocks lie minutes apart keep one honest book (I48): what came before what is told by the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from app.charging.gate import open_or_close
from tests.usecases.audit.test_honest_stories import named
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask, drive
from tests.usecases.charging.test_clocks import WrongClock

FOUR = timedelta(minutes=4)


def machine(desk: Desk, off: timedelta) -> Desk:
    """One more server on the same database and the same gateway."""
    return replace(desk, clock=WrongClock(desk.clock, off))


def test_a_purchase_at_a_gateway_that_is_ahead_of_us(desk: Desk):
    behind = machine(desk, -FOUR)
    behind.buy()
    assert named(behind) == []


def test_a_purchase_at_a_gateway_that_is_behind(desk: Desk):
    ahead = machine(desk, FOUR)
    ahead.buy()
    assert named(ahead) == []


def test_refunds_that_machines_ask_for_whose_clocks_differ(desk: Desk):
    ahead, behind = machine(desk, FOUR), machine(desk, -FOUR)
    order = ahead.buy()
    for teller, amount in ((behind, 101), (ahead, 33), (behind, 77), (desk, None)):
        ask(teller, order.id, amount)
    drive(ahead)
    assert (desk.facts(order.id).state, named(behind)) == ("REFUNDED", [])


def test_a_purchase_just_before_charging_was_closed_by_another_machine(desk: Desk):
    open_or_close(desk.store, desk.clock, "")
    machine(desk, FOUR).buy()
    assert open_or_close(desk.store, desk.clock, "2") == "restore_epoch"
    assert named(desk) == []


def test_a_purchase_that_another_machine_drives_on(desk: Desk):
    """Due by a clock that is behind, and looked at by one that is ahead."""
    placed = machine(desk, -FOUR).place()
    ahead = machine(desk, FOUR)
    assert named(ahead) == []
    ahead.work()
    assert (desk.facts(placed.order_id).state, named(ahead)) == ("PAID", [])


def test_a_step_up_that_one_machine_saw_passed_and_another_used(desk: Desk):
    at = (desk.clock.now() + FOUR).isoformat()
    placed = desk.place(guard=lambda _: {"asked": "either", "passed": "code", "at": at})
    desk.drive(placed.attempt_id)
    assert named(desk) == []
