"""Whatever happens to the call, the money of one refund goes back exactly once, or for certain not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.charging.refunding import state_of
from app.gateways.sandbox.cards import Fault
from app.kit.faults import install_plan
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.refunds import (
    ask,
    at_gateway,
    by_hand,
    drive,
    heal,
    order_state,
    refund_states,
    rows_of_no_order,
)
from tests.usecases.charging.test_compare import comparing

FAULTS = [fault for fault in Fault if fault is not Fault.UNAUTHORIZED]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, 2])
def test_one_fault_or_two_and_the_money_goes_back_once(desk: Desk, fault: Fault, times: int):
    order = desk.buy()
    refund_id = ask(desk, order.id, 200)
    desk.sandbox.controls.fail_next("refund", fault, times=times)
    heal(desk)
    assert at_gateway(desk) == [(refund_id, 200)]
    assert (refund_states(desk), order_state(desk, order.id)) == (["SUCCEEDED"], "PART_REFUNDED")


@pytest.mark.parametrize("fault", [Fault.TIMEOUT_AFTER, Fault.ERROR_AFTER, Fault.LATE])
def test_keys_that_are_forgotten_meanwhile_give_nothing_back_twice(desk: Desk, fault: Fault):
    refund_id = ask(desk, desk.buy().id, 200)
    desk.sandbox.controls.fail_next("refund", fault)
    drive(desk)
    desk.sandbox.controls.expire_keys()
    heal(desk)
    assert at_gateway(desk) == [(refund_id, 200)]


def test_an_end_that_is_not_known_is_never_called_failed(desk: Desk):
    refund_id = ask(desk, desk.buy().id, 200)
    desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_BEFORE)
    drive(desk)
    assert state_of(desk.store, refund_id).state == "UNKNOWN"


def test_no_repeat_while_the_last_try_may_still_act(desk: Desk):
    refund_id = ask(desk, desk.buy().id, 200)
    desk.sandbox.controls.fail_next("refund", Fault.LATE)
    drive(desk)
    desk.clock.at += timedelta(seconds=59)  # type: ignore[attr-defined]
    drive(desk)
    assert (len(desk.requests("refund")), state_of(desk.store, refund_id).try_no) == (1, 0)


@pytest.mark.parametrize("point", ["R2", "R3", "R4", "R5"])
def test_a_driver_that_dies_leaves_nothing_that_is_not_repaired(desk: Desk, point: str):
    order = desk.buy()
    refund_id = ask(desk, order.id, 200)
    armed = [True]

    def die(name: str) -> None:
        if name == point and armed.pop():
            raise RuntimeError("killed")

    install_plan(lambda name: die(name) if armed else None)
    try:
        drive(desk)
    finally:
        install_plan(None)
    assert state_of(desk.store, refund_id).state in ("CREATED", "SENT")
    heal(desk)
    assert at_gateway(desk) == [(refund_id, 200)]
    assert order_state(desk, order.id) == "PART_REFUNDED"


def test_two_drivers_never_work_on_one_refund(desk: Desk):
    order = desk.buy()
    ask(desk, order.id, 200)
    install_plan(lambda name: (install_plan(None), drive(desk)) if name == "R3" else None)
    try:
        drive(desk)
    finally:
        install_plan(None)
    assert len(desk.requests("refund")) == 1


def test_what_the_gateway_refuses_fails_and_the_ledger_comes_back(desk: Desk):
    order = desk.buy()
    by_hand(desk, order.id, 400)
    refund_id = ask(desk, order.id, 200)
    drive(desk)
    assert (state_of(desk.store, refund_id).state, order_state(desk, order.id)) == ("FAILED", "PAID")
    assert sum(row.amount for row in rows_of_no_order(desk)) == 0
    assert "refund.failed" in desk.outbox("event")
    ask(desk, order.id, 100)


def test_a_dispute_that_opens_meanwhile_refuses_it(desk: Desk):
    order = desk.buy()
    refund_id = ask(desk, order.id, 200)
    desk.sandbox.controls.open_dispute(desk.attempt(f"{order.id}.1").gw_ref)
    drive(desk)
    assert state_of(desk.store, refund_id).state == "FAILED"
    assert at_gateway(desk) == []


def test_no_refund_is_sent_under_a_dispute_that_is_known(desk: Desk):
    order = desk.buy()
    refund_id = ask(desk, order.id, 200)
    payment = desk.attempt(f"{order.id}.1").gw_ref
    dispute = desk.sandbox.controls.open_dispute(payment)
    comparing(desk)
    drive(desk)
    assert (len(desk.requests("refund")), state_of(desk.store, refund_id).state) == (0, "FAILED")
    assert sum(row.amount for row in rows_of_no_order(desk)) == 0
    told = next(each for each in waiting(desk) if each.kind == "refund")
    assert told.why == "the payment is in dispute, or lost in one"
    desk.sandbox.controls.close_dispute(dispute, won=True)
    comparing(desk)
    decide(desk, told, "refund")
    drive(desk)
    assert [amount for _, amount in at_gateway(desk)] == [200]


def test_no_refund_is_sent_again_under_a_dispute_that_came_between_two_tries(desk: Desk):
    order = desk.buy()
    refund_id = ask(desk, order.id, 200)
    desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_BEFORE)
    drive(desk)
    assert state_of(desk.store, refund_id).state == "UNKNOWN"
    desk.sandbox.controls.open_dispute(desk.attempt(f"{order.id}.1").gw_ref)
    comparing(desk)
    asked = len(desk.requests("refund"))
    heal(desk)
    assert (len(desk.requests("refund")), state_of(desk.store, refund_id).state) == (asked, "FAILED")
    assert at_gateway(desk) == []


def test_refused_credentials_are_told_and_tried_again(desk: Desk):
    refund_id = ask(desk, desk.buy().id, 200)
    desk.sandbox.controls.fail_next("refund", Fault.UNAUTHORIZED)
    drive(desk)
    assert "gateway.refused" in desk.outbox("event")
    heal(desk)
    assert at_gateway(desk) == [(refund_id, 200)]
