"""Each call of the protocol fails in each way the gateway knows: afterwards one charge or none, and nobody was told wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.charging.abandon import abandon
from app.charging.errors import ChargingError
from app.gateways.port import DeclineReason
from app.gateways.sandbox import Fault
from tests.usecases.charging.desk import Desk

FINAL = {"SUCCEEDED", "DECLINED", "CANCELLED"}
CALLS = [
    ("visa_ok", "create_payment"),
    ("visa_ok", "read_payment"),
    ("visa_ok", "confirm_payment"),
    ("visa_declined", "cancel_payment"),
    ("visa_declined", "confirm_payment"),
]


@pytest.mark.parametrize("fault", list(Fault), ids=str)
@pytest.mark.parametrize(("behaviour", "verb"), CALLS)
def test_one_charge_or_none_whatever_happens_to_a_call_twice(desk: Desk, behaviour: str, verb: str, fault: Fault):
    desk.sandbox.controls.fail_next(verb, fault, times=2)
    order = desk.buy(behaviour)
    assert order.last.state != "QUARANTINED"
    desk.check()
    desk.heal(hours=1.5)
    order = desk.facts(order.id)
    assert order.last.state in FINAL
    assert (order.state == "PAID") == (desk.captures() == [500])
    if behaviour == "visa_declined":
        assert order.last.state == "DECLINED"
        assert order.last.decline is DeclineReason.GENERIC
        assert {payment["status"] for payment in desk.payments()} == {"canceled"}
    desk.check()


@pytest.mark.parametrize("fault", list(Fault), ids=str)
def test_a_cancel_that_fails_is_repeated_until_it_is_certain(desk: Desk, fault: Fault):
    order = desk.buy("visa_3ds")
    abandon(desk.store, desk.clock, desk.seeded.book, order.id)
    desk.sandbox.controls.fail_next("cancel_payment", fault, times=3)
    desk.heal(hours=1.5)
    assert desk.facts(order.id).last.state == "CANCELLED"
    assert desk.payments()[-1]["status"] == "canceled"
    desk.check()


def test_a_decline_whose_cancel_is_uncertain_lets_no_other_attempt_begin(desk: Desk):
    """I7: a driver that slept could still confirm the declined object."""
    desk.sandbox.controls.fail_next("cancel_payment", Fault.TIMEOUT_BEFORE)
    order = desk.buy("visa_declined")
    assert order.last.state == "UNKNOWN"
    placed = desk.place(desk.order("tab-2"), desk.card("mastercard_ok"))
    assert placed.order_id == order.id
    assert len(desk.facts(order.id).attempts) == 1


def test_refused_credentials_charge_nothing_and_are_told_to_the_merchant(desk: Desk):
    desk.sandbox.controls.fail_next("create_payment", Fault.UNAUTHORIZED)
    order = desk.buy()
    assert (order.last.state, order.last.last_class) == ("CREATED", "merchant_fault")
    assert desk.captures() == []
    assert "gateway.refused" in desk.outbox("event")


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("visa_3ds_fails", DeclineReason.AUTHENTICATION_FAILED),
        ("visa_3ds_then_declined", DeclineReason.INSUFFICIENT_FUNDS),
        ("visa_processing_declined", DeclineReason.GENERIC),
    ],
)
def test_a_refusal_that_comes_later_is_a_decline_with_its_reason(desk: Desk, behaviour: str, reason: DeclineReason):
    order = desk.buy(behaviour)
    if order.last.action_url:
        desk.sandbox.pages.answer_check(desk.payments()[-1]["challenge"], approve=True)
    desk.heal(hours=0.5)
    order = desk.facts(order.id)
    assert (order.last.state, order.last.decline) == ("DECLINED", reason)
    assert desk.captures() == []
    desk.check()


def test_a_bank_that_never_answers_ends_with_the_deadline(desk: Desk):
    order = desk.buy("visa_3ds_silent")
    desk.heal(hours=1.1)
    assert desk.facts(order.id).last.state == "CANCELLED"
    assert desk.outbox() == ["not_charged"]
    desk.check()


def test_no_time_is_spent_beyond_the_budget_and_the_worker_goes_on(desk: Desk):
    placed = desk.place()
    desk.drive(placed.attempt_id, budget=0)
    assert desk.requests() == []
    desk.work()
    assert desk.facts(placed.order_id).state == "PAID"


def test_an_attempt_is_not_confirmed_after_its_deadline(desk: Desk):
    """Nobody expects a charge an hour later, when the gateway is back."""
    desk.sandbox.controls.fail_next("confirm_payment", Fault.REFUSED, times=1000)
    order = desk.buy()
    assert order.last.state == "INTENT"
    desk.clock.move(timedelta(hours=1, seconds=1))
    desk.work()
    assert desk.facts(order.id).last.state == "CANCELLED"
    assert desk.captures() == []
    with pytest.raises(ChargingError) as refused:  # that price stood for an hour
        desk.place(desk.order(valid_until=desk.clock.now()), desk.card())
    assert refused.value.code == "order_closed"
