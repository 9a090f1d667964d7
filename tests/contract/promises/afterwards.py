"""Refunds, disputes, card pages, and the rules for every verb."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.gateways.port import AnswerKind, DisputeStatus, PaymentStatus, SetupStatus
from app.kit import fence
from tests.contract.promises.steps import BACK, confirm, create, created, new_order, paid, read
from tests.contract.world import ScriptedWorld


class Refunds:
    def test_refunds_add_up_and_never_pass_the_capture(self, world: ScriptedWorld):
        payment = paid(world)
        assert world.gateway.refund(payment.ref, amount=300, mark="r1", key="r1").kind is AnswerKind.DEFINITE
        assert world.gateway.refund(payment.ref, amount=201, mark="r2", key="r2").kind is AnswerKind.BUG_OR_GONE
        assert world.gateway.refund(payment.ref, amount=200, mark="r3", key="r3").kind is AnswerKind.DEFINITE
        assert read(world, payment.ref).refunded == 500

    def test_refunds_of_a_payment_are_listed_with_our_marks(self, world: ScriptedWorld):
        payment = paid(world)
        made = world.gateway.refund(payment.ref, amount=300, mark="r1", key="r1").value
        assert world.gateway.list_refunds(payment.ref).value == (made,)
        assert made
        assert (made.mark, made.amount, made.payment) == ("r1", 300, payment.ref)

    def test_refunds_are_listed_by_time_for_all_payments_of_the_account(self, world: ScriptedWorld):
        made = [world.gateway.refund(paid(world).ref, amount=100, mark=f"r{n}", key=f"r{n}").value for n in (1, 2)]
        since = world.now() - timedelta(minutes=1)
        assert tuple(each for each in world.gateway.list_refunds(since=since).value or () if each in made) == tuple(
            made
        )
        assert world.gateway.list_refunds(since=world.now() + timedelta(hours=1)).value == ()
        assert world.gateway.list_refunds(since=since, until=since).value == ()
        assert set(made) <= set(
            world.gateway.list_refunds(since=since, until=world.now() + timedelta(hours=1)).value or ()
        )
        assert not set(world.another_account().list_refunds(since=since).value or ()) & set(made)

    def test_what_was_never_taken_is_not_given_back(self, world: ScriptedWorld):
        assert world.gateway.refund(created(world).ref, amount=1, mark="r", key="r").kind is AnswerKind.BUG_OR_GONE


class Disputes:
    def listed(self, world: ScriptedWorld, payment: str) -> list[tuple[str, DisputeStatus]]:
        found = world.gateway.list_disputes(payment=payment)
        assert found.kind is AnswerKind.DEFINITE, found
        return [(dispute.ref, dispute.status) for dispute in found.value or ()]

    def test_a_dispute_names_its_payment_its_amount_and_when_it_began(self, world: ScriptedWorld):
        payment = paid(world)
        assert self.listed(world, payment.ref) == []
        before = world.now()
        ref = world.open_dispute(payment.ref)
        (dispute,) = world.gateway.list_disputes(payment=payment.ref).value or ()
        assert (dispute.ref, dispute.payment, dispute.status) == (ref, payment.ref, DisputeStatus.OPEN)
        assert (dispute.amount, dispute.currency) == (payment.amount, payment.currency)
        assert abs(dispute.opened_at - before) < timedelta(seconds=60)

    @pytest.mark.parametrize(("won", "status"), [(True, DisputeStatus.WON), (False, DisputeStatus.LOST)])
    def test_a_decided_dispute_stays_listed_as_decided(self, world: ScriptedWorld, won: bool, status: DisputeStatus):
        payment = paid(world)
        ref = world.open_dispute(payment.ref)
        world.close_dispute(ref, won=won)
        assert self.listed(world, payment.ref) == [(ref, status)]

    def test_disputes_are_listed_by_time_for_all_payments_of_the_account(self, world: ScriptedWorld):
        refs = [world.open_dispute(paid(world).ref) for _ in range(2)]
        since = world.now() - timedelta(minutes=1)
        found = world.gateway.list_disputes(since=since).value or ()
        assert [dispute.ref for dispute in found if dispute.ref in refs] == refs
        assert world.gateway.list_disputes(since=world.now() + timedelta(hours=1)).value == ()
        assert world.gateway.list_disputes(since=since, until=since).value == ()
        within = world.gateway.list_disputes(since=since, until=world.now() + timedelta(hours=1)).value or ()
        assert set(refs) <= {dispute.ref for dispute in within}
        other = world.another_account().list_disputes(since=since).value or ()
        assert not {dispute.ref for dispute in other} & set(refs)

    def test_a_disputed_payment_stays_succeeded(self, world: ScriptedWorld):
        payment = paid(world)
        world.open_dispute(payment.ref)
        assert read(world, payment.ref).status is PaymentStatus.SUCCEEDED


class CardPages:
    def test_a_card_added_on_the_gateways_page_pays(self, world: ScriptedWorld):
        customer, order = world.customer(), new_order()
        setup = world.gateway.begin_card_setup(customer=customer, return_url=BACK, description="$5.00", key="s").value
        assert setup
        before = world.gateway.finish_card_setup(setup.ref).value
        assert before
        assert (before.status, before.card) == (SetupStatus.OPEN, None)
        world.fill_card_page(setup.url)
        finished = world.gateway.finish_card_setup(setup.ref).value
        assert finished
        assert finished.card
        assert (finished.status, finished.customer, finished.card.customer) == (
            SetupStatus.COMPLETE,
            customer,
            customer,
        )
        assert world.gateway.stored_cards(customer).value == (finished.card,)
        payment = create(world, finished.card.token, customer, order=order).payment
        assert payment
        confirm(world, payment.ref, "c")
        assert world.captured(order) == 500

    def test_an_unknown_page_is_gone(self, world: ScriptedWorld):
        assert world.gateway.finish_card_setup("setup_nobody_knows").kind is AnswerKind.BUG_OR_GONE

    def test_one_key_opens_one_page(self, world: ScriptedWorld):
        customer = world.customer()
        first, second = (
            world.gateway.begin_card_setup(customer=customer, return_url=BACK, description="$5.00", key="s")
            for _ in range(2)
        )
        assert first == second

    def test_a_customer_without_cards_has_none(self, world: ScriptedWorld):
        assert world.gateway.stored_cards(world.customer()).value == ()


class Rules:
    def test_every_verb_refuses_to_go_out_inside_a_transaction(self, world: ScriptedWorld):
        for verb, call in world.call_each_verb().items():
            with fence.transaction(), pytest.raises(AssertionError, match=verb):
                call()

    def test_capabilities_are_typed_and_cover_the_stated_times(self, world: ScriptedWorld):
        can = world.gateway.capabilities
        assert can.idempotency_ttl > timedelta(0)
        assert can.late_effect_max >= timedelta(0)
        assert can.crash_safe == (can.two_phase and can.cancel and can.read_by_ref and can.list_by_customer)

    def test_a_customer_is_made_once_per_key(self, world: ScriptedWorld):
        first, second = (world.gateway.create_customer(reference="QM-1001", key="k1") for _ in range(2))
        assert first == second
        assert first.value
