"""Every card of the sandbox's table: what the order becomes, and what the gateway's ledger says of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.charging.abandon import abandon
from app.charging.errors import ChargingError
from app.charging.repair import expire
from app.gateways.port import DeclineReason, RetrySameCard
from app.gateways.sandbox import CARDS, Effect, Fault
from app.models.customers import StoredCard
from tests.usecases.charging.desk import Desk

DECLINING = [card for card in CARDS.values() if card.effect is Effect.DECLINED and card.fault is None]
FAULTY = [card for card in CARDS.values() if card.fault is not None]


@pytest.mark.parametrize("card", DECLINING, ids=lambda card: card.behaviour)
def test_a_decline_takes_no_money_says_why_and_leaves_the_order_open_for_another_card(desk: Desk, card):
    order = desk.buy(card.behaviour)
    assert (order.state, order.outcome, order.last.state) == ("OPEN", "failed", "DECLINED")
    assert order.last.decline is card.decline.reason
    assert desk.captures() == []
    assert desk.seats() == 1
    assert [payment["status"] for payment in desk.payments()] == ["canceled"]
    assert desk.outbox() == []  # the page said it
    desk.check()
    assert desk.buy("mastercard_ok").state == "PAID"
    assert desk.captures() == [500]
    desk.check()


def test_a_card_the_scheme_forbids_to_try_again_is_blocked(desk: Desk):
    never = next(card for card in DECLINING if card.decline.retry_same_card is RetrySameCard.NEVER)
    order = desk.buy(never.behaviour)
    with desk.store.read() as conn:
        blocked = conn.execute(select(StoredCard.blocked).where(StoredCard.id == order.last.card.id)).scalar_one()
    assert blocked
    with pytest.raises(ChargingError) as refused:
        desk.buy(never.behaviour)
    assert refused.value.code == "card_unusable"


@pytest.mark.parametrize("card", FAULTY, ids=lambda card: card.behaviour)
def test_whatever_befalls_a_call_the_end_is_one_charge_or_none_and_the_row_says_which(desk: Desk, card):
    """The press never says "failed"; workers settle it. I1, I2, I11."""
    order = desk.buy(card.behaviour)
    assert order.state in ("OPEN", "PAID")
    assert order.last.state not in ("DECLINED", "CANCELLED", "QUARANTINED")
    desk.check()
    desk.heal(hours=2)
    order = desk.facts(order.id)
    assert order.last.state in ("SUCCEEDED", "CANCELLED")
    assert desk.captures() == ([500] if order.state == "PAID" else [])
    desk.check()


@pytest.mark.parametrize(
    ("behaviour", "paid"),
    [
        ("visa_timeout_acted", True), ("visa_timeout_not_acted", True), ("visa_timeout_always", False), ("visa_late", True),
        ("visa_error_before", True), ("visa_error_after", True), ("visa_unreachable", False),
    ],
)  # fmt: skip
def test_a_time_out_is_unknown_until_the_gateway_s_object_says_what_happened(desk: Desk, behaviour: str, paid: bool):
    order = desk.buy(behaviour)
    assert order.last.state == ("CREATED" if behaviour == "visa_unreachable" else "UNKNOWN")
    assert order.outcome == "pending"
    desk.heal()
    assert (desk.facts(order.id).state == "PAID") == paid


def test_a_slow_gateway_is_waited_for(desk: Desk):
    assert desk.buy(next(card.behaviour for card in FAULTY if card.fault is Fault.SLOW)).state == "PAID"


def test_a_busy_gateway_is_asked_again_under_the_same_key_while_the_shopper_waits(desk: Desk):
    order = desk.buy("visa_busy")
    assert order.state == "PAID"
    keys = [row["key"] for row in desk.requests("confirm_payment")]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_whoever_was_told_to_wait_gets_a_mail_when_nothing_was_charged(desk: Desk):
    order = desk.buy("visa_timeout_always")
    desk.heal()
    assert desk.facts(order.id).last.state == "CANCELLED"
    assert desk.outbox() == ["not_charged"]


def answer_bank(desk: Desk, approve: bool) -> None:
    """What the shopper does on the bank's page."""
    check = desk.payments()[-1]["challenge"]
    desk.sandbox.pages.answer_check(check, approve=approve)


def test_a_bank_check_that_is_passed_pays(desk: Desk):
    order = desk.buy("visa_3ds")
    assert order.last.state == "REQUIRES_ACTION"
    assert order.last.action_url.startswith("https://")
    assert desk.captures() == []
    answer_bank(desk, approve=True)
    desk.clock.move(timedelta(seconds=20))
    desk.work()
    assert desk.facts(order.id).state == "PAID"
    desk.check()


def test_a_bank_check_that_fails_declines_and_another_try_is_possible(desk: Desk):
    order = desk.buy("visa_3ds")
    answer_bank(desk, approve=False)
    desk.clock.move(timedelta(seconds=20))
    desk.work()
    order = desk.facts(order.id)
    assert (order.state, order.last.state, order.last.decline) == (
        "OPEN",
        "DECLINED",
        DeclineReason.AUTHENTICATION_FAILED,
    )
    assert desk.buy("visa_ok").state == "PAID"
    desk.check()


def test_a_bank_check_that_is_left_is_cancelled_at_the_gateway(desk: Desk):
    order = desk.buy("visa_3ds")
    assert abandon(desk.store, desk.clock, desk.seeded.book, order.id)
    assert desk.facts(order.id).last.state == "CANCELLING"
    desk.work()
    assert desk.facts(order.id).last.state == "CANCELLED"
    assert desk.payments()[-1]["status"] == "canceled"
    assert desk.outbox() == []  # the shopper left, and knows it
    assert desk.buy("visa_ok").state == "PAID"
    desk.check()


def test_a_bank_check_that_was_passed_before_it_was_left_is_paid_after_all(desk: Desk):
    order = desk.buy("visa_3ds")
    answer_bank(desk, approve=True)
    assert abandon(desk.store, desk.clock, desk.seeded.book, order.id)
    desk.work()
    assert desk.facts(order.id).state == "PAID"
    assert desk.captures() == [500]
    desk.check()


def test_an_unanswered_bank_check_ends_with_its_deadline_and_the_use_is_given_back(desk: Desk):
    order = desk.buy("visa_3ds")
    assert desk.uses() == 1
    desk.clock.move(timedelta(hours=1, seconds=1))
    expire(desk.store, desk.clock)
    desk.work()
    assert desk.facts(order.id).last.state == "CANCELLED"
    expire(desk.store, desk.clock)
    order = desk.facts(order.id)
    assert (order.state, order.outcome) == ("EXPIRED", "failed")
    assert desk.uses() == 0
    desk.check()
    assert desk.buy("visa_ok", "fresh").state == "PAID"


def test_an_order_with_an_open_attempt_does_not_expire(desk: Desk):
    order = desk.buy("visa_timeout_always")
    desk.clock.move(timedelta(hours=3))
    expire(desk.store, desk.clock)
    assert desk.facts(order.id).state == "OPEN"
    assert desk.uses() == 1


def test_a_payment_in_the_bank_s_hands_is_waited_for(desk: Desk):
    order = desk.buy("visa_processing")
    assert (order.last.state, order.last.last_class) == ("INTENT", "pending")
    desk.clock.move(timedelta(seconds=10))
    desk.work()
    assert desk.facts(order.id).state == "PAID"
    desk.check()


@pytest.mark.parametrize(
    ("behaviour", "call"),
    [("visa_processing_declined", ""), ("visa_declined", "cancel_payment"), ("visa_declined", "read_payment")],
)
def test_whoever_was_told_that_the_answer_comes_by_mail_gets_it(desk: Desk, behaviour: str, call: str):
    if call:
        desk.sandbox.controls.fail_next(call, Fault.TIMEOUT_BEFORE, times=1)
    order = desk.buy(behaviour)
    assert order.last.is_open
    desk.heal()
    assert desk.facts(order.id).last.state == "DECLINED"
    assert desk.outbox() == ["not_charged"]


def test_whoever_saw_the_answer_on_the_page_gets_no_mail(desk: Desk):
    assert desk.buy("visa_declined").last.state == "DECLINED"
    assert desk.outbox() == []
