"""Reading, declines and the bank's own check."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.gateways.port import AnswerKind, DeclineReason, Payment, PaymentStatus
from tests.contract.promises.steps import confirm, create, created, new_order, read
from tests.contract.world import ScriptedWorld, Story


class Reading:
    def test_an_unknown_reference_is_gone(self, world: ScriptedWorld):
        assert world.gateway.read_payment("pay_nobody_knows").kind is AnswerKind.BUG_OR_GONE
        assert confirm(world, "pay_nobody_knows", "c").kind is AnswerKind.BUG_OR_GONE
        assert world.gateway.cancel_payment("pay_nobody_knows", key="x").kind is AnswerKind.BUG_OR_GONE

    def test_another_account_sees_nothing_of_it(self, world: ScriptedWorld):
        payment = created(world)
        other = world.another_account()
        assert other.read_payment(payment.ref).kind is AnswerKind.BUG_OR_GONE
        assert other.list_payments(order=payment.metadata.order).value == ()

    def test_listing_finds_by_customer_order_and_time(self, world: ScriptedWorld):
        payment = created(world)
        listed = world.gateway.list_payments
        assert listed(customer=payment.customer).value == (payment,)
        assert listed(order=payment.metadata.order, customer=payment.customer).value == (payment,)
        assert listed(order=payment.metadata.order, since=world.now() - timedelta(hours=1)).value == (payment,)
        assert listed(order=payment.metadata.order, since=world.now() + timedelta(hours=1)).value == ()
        assert listed(order="nobody's order").value == ()

    def test_reading_keeps_saying_why_it_was_declined(self, world: ScriptedWorld):
        payment = created(world, Story.EXPIRED)
        confirm(world, payment.ref, "c")
        found = read(world, payment.ref)
        assert found.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
        assert found.decline
        assert found.decline.reason is DeclineReason.EXPIRED_CARD


UNASKED = frozenset({DeclineReason.CARD_GONE, DeclineReason.NOT_TAKEN})
"""What is refused before there is a payment to decline."""
NOT_BY_A_CARD = UNASKED | {DeclineReason.AUTHENTICATION_FAILED}
"""What no card brings about by itself: the shopper fails the bank's own check (see the tests of 3-D Secure)."""


class Declines:
    @pytest.mark.parametrize("reason", [reason for reason in DeclineReason if reason not in NOT_BY_A_CARD])
    def test_a_decline_is_a_result_with_its_reason(self, world: ScriptedWorld, reason: DeclineReason):
        customer, order = world.customer(), new_order()
        method = world.declined_card(reason, customer)
        assert method is not None, "the adapter's world has a card for every reason that a card alone can have"
        payment = create(world, method, customer, order=order).payment
        assert payment
        answer = confirm(world, payment.ref, "c", None)
        assert answer.kind is AnswerKind.DECLINE
        assert answer.decline
        assert answer.payment
        assert answer.decline.reason is reason
        assert answer.payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
        assert world.captured(order) == 0

    def test_a_card_that_is_gone_is_told_as_such_and_no_object_is_made(self, world: ScriptedWorld):
        customer, order = world.customer(), new_order()
        answer = create(world, world.gone_card(customer), customer, order=order)
        assert answer.kind is AnswerKind.BUG_OR_GONE
        assert answer.decline
        assert answer.decline.reason is DeclineReason.CARD_GONE
        assert world.gateway.list_payments(customer=customer, order=order).value == ()

    def test_a_declined_object_can_be_cancelled(self, world: ScriptedWorld):
        payment = created(world, Story.EXPIRED)
        confirm(world, payment.ref, "c")
        cancelled = world.gateway.cancel_payment(payment.ref, key="x").payment
        assert cancelled
        assert cancelled.status is PaymentStatus.CANCELED


class BankChecks:
    def asked(self, world: ScriptedWorld) -> tuple[Payment, str]:
        payment = created(world, Story.CHALLENGE)
        answer = confirm(world, payment.ref, "c")
        assert answer.kind is AnswerKind.DEFINITE
        assert answer.payment
        assert answer.payment.status is PaymentStatus.REQUIRES_ACTION
        assert answer.payment.action_url
        return answer.payment, answer.payment.action_url

    def test_an_approved_check_takes_the_money(self, world: ScriptedWorld):
        payment, url = self.asked(world)
        assert world.captured(payment.metadata.order) == 0
        world.answer_bank(url, approve=True)
        assert read(world, payment.ref).status is PaymentStatus.SUCCEEDED
        assert world.captured(payment.metadata.order) == 500

    def test_a_refused_check_takes_nothing(self, world: ScriptedWorld):
        payment, url = self.asked(world)
        world.answer_bank(url, approve=False)
        found = read(world, payment.ref)
        assert found.decline
        assert found.decline.reason is DeclineReason.AUTHENTICATION_FAILED
        assert world.captured(payment.metadata.order) == 0

    def test_an_abandoned_check_keeps_waiting_and_can_be_cancelled(self, world: ScriptedWorld):
        payment, url = self.asked(world)
        assert read(world, payment.ref).action_url == url
        world.gateway.cancel_payment(payment.ref, key="x")
        world.answer_bank(url, approve=True)
        assert read(world, payment.ref).status is PaymentStatus.CANCELED
        assert world.captured(payment.metadata.order) == 0

    def test_confirming_again_while_the_bank_asks_takes_nothing(self, world: ScriptedWorld):
        payment, url = self.asked(world)
        again = confirm(world, payment.ref, "c2")
        assert again.payment
        assert again.payment.action_url == url
        assert world.captured(payment.metadata.order) == 0

    @pytest.mark.parametrize("story", [Story.CHALLENGE, Story.OFF_SESSION_REFUSED])
    def test_off_session_the_banks_question_is_a_decline(self, world: ScriptedWorld, story: Story):
        answer = confirm(world, created(world, story).ref, "c", None)
        assert answer.kind is AnswerKind.DECLINE
        assert answer.decline
        assert answer.decline.reason is DeclineReason.AUTHENTICATION_REQUIRED
