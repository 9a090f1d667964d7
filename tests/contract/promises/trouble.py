"""Lost, late and slow answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.gateways.port import AnswerKind, PaymentStatus
from tests.contract.promises.steps import confirm, create, created, new_order, read
from tests.contract.world import ScriptedWorld, Story


class Trouble:
    @pytest.mark.parametrize("story", [Story.TIMEOUT_ACTED, Story.CUT_BODY, Story.ERROR_ACTED])
    def test_an_answer_lost_after_acting_is_unknown_and_reading_tells(self, world: ScriptedWorld, story: Story):
        payment = created(world, story)
        assert confirm(world, payment.ref, "c").kind is AnswerKind.UNKNOWN
        assert read(world, payment.ref).status is PaymentStatus.SUCCEEDED
        assert confirm(world, payment.ref, "c1").kind is AnswerKind.READ
        assert world.captured(payment.metadata.order) == 500

    @pytest.mark.parametrize("story", [Story.TIMEOUT_NOT_ACTED, Story.ERROR_NOT_ACTED])
    def test_an_answer_lost_before_acting_is_unknown_and_reading_tells(self, world: ScriptedWorld, story: Story):
        payment = created(world, story)
        assert confirm(world, payment.ref, "c").kind is AnswerKind.UNKNOWN
        assert read(world, payment.ref).status is PaymentStatus.REQUIRES_CONFIRMATION
        assert world.captured(payment.metadata.order) == 0
        assert confirm(world, payment.ref, "c1").kind is AnswerKind.DEFINITE
        assert world.captured(payment.metadata.order) == 500

    def test_a_late_effect_lands_within_the_stated_time(self, world: ScriptedWorld):
        payment = created(world, Story.LATE)
        assert confirm(world, payment.ref, "c").kind is AnswerKind.UNKNOWN
        assert read(world, payment.ref).status is PaymentStatus.REQUIRES_CONFIRMATION
        world.pass_time(world.gateway.capabilities.late_effect_max)
        assert read(world, payment.ref).status is PaymentStatus.SUCCEEDED
        assert world.captured(payment.metadata.order) == 500

    def test_a_late_effect_after_a_second_confirm_takes_nothing_more(self, world: ScriptedWorld):
        payment = created(world, Story.LATE)
        confirm(world, payment.ref, "c")
        assert confirm(world, payment.ref, "c1").kind is AnswerKind.DEFINITE
        world.pass_time(world.gateway.capabilities.late_effect_max)
        assert read(world, payment.ref).captured == world.captured(payment.metadata.order) == 500

    def test_a_slow_answer_is_an_answer(self, world: ScriptedWorld):
        assert confirm(world, created(world, Story.SLOW).ref, "c").kind is AnswerKind.DEFINITE

    def test_busy_is_passed_with_the_same_key(self, world: ScriptedWorld):
        payment = created(world, Story.BUSY)
        assert confirm(world, payment.ref, "c").kind is AnswerKind.BUSY
        assert world.captured(payment.metadata.order) == 0
        assert confirm(world, payment.ref, "c").kind is AnswerKind.DEFINITE

    def test_no_connection_is_not_sent(self, world: ScriptedWorld):
        customer, order = world.customer(), new_order()
        assert create(world, world.card(Story.UNREACHABLE, customer), customer, order=order).kind is AnswerKind.NOT_SENT
        assert world.gateway.list_payments(order=order).value == ()

    @pytest.mark.parametrize(
        ("story", "objects"), [(Story.TIMEOUT_ACTED, 1), (Story.TIMEOUT_NOT_ACTED, 0), (Story.ERROR_NOT_ACTED, 0)]
    )
    def test_a_create_of_unknown_end_is_found_by_listing(self, world: ScriptedWorld, story: Story, objects: int):
        customer, order = world.customer(), new_order()
        method = world.card(Story.APPROVED, customer)
        world.fail_create(story)
        assert create(world, method, customer, order=order).kind is AnswerKind.UNKNOWN
        assert len(world.gateway.list_payments(order=order, customer=customer).value or ()) == objects

    def test_pending_ends_by_itself(self, world: ScriptedWorld):
        payment = created(world, Story.PROCESSING)
        assert confirm(world, payment.ref, "c").kind is AnswerKind.PENDING
        assert world.gateway.read_payment(payment.ref).kind is AnswerKind.PENDING
        assert world.gateway.cancel_payment(payment.ref, key="x").kind is AnswerKind.READ
        world.pass_time(timedelta(minutes=5))
        assert read(world, payment.ref).status is PaymentStatus.SUCCEEDED
        assert world.captured(payment.metadata.order) == 500

    def test_pending_may_end_in_a_decline(self, world: ScriptedWorld):
        payment = created(world, Story.PROCESSING_DECLINED)
        confirm(world, payment.ref, "c")
        world.pass_time(timedelta(minutes=5))
        assert read(world, payment.ref).decline
        assert world.captured(payment.metadata.order) == 0
