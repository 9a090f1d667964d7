"""Creating moves nothing, confirming takes it once, a key acts once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.gateways.port import AnswerKind, Marks, PaymentStatus
from tests.contract.promises.steps import BACK, confirm, create, created, new_order, paid, read
from tests.contract.world import ScriptedWorld, Story


class TwoPhases:
    def test_creating_moves_no_money(self, world: ScriptedWorld):
        payment = created(world)
        assert payment.status is PaymentStatus.REQUIRES_CONFIRMATION
        assert payment.captured == world.captured(payment.metadata.order) == 0

    def test_the_object_repeats_what_was_asked(self, world: ScriptedWorld):
        customer, order = world.customer(), new_order()
        method = world.card(Story.APPROVED, customer)
        payment = create(world, method, customer, order=order, amount=1234).payment
        assert payment
        assert (payment.amount, payment.currency, payment.customer) == (1234, "USD", customer)
        assert (payment.payment_method, payment.metadata) == (method, Marks(order, f"{order}.1", "use"))
        assert (payment.account, payment.livemode) == (world.gateway.account, world.gateway.livemode)

    @pytest.mark.parametrize("return_url", [BACK, None], ids=["on_session", "off_session"])
    def test_confirming_takes_the_amount(self, world: ScriptedWorld, return_url: str | None):
        payment = created(world)
        answer = confirm(world, payment.ref, "c", return_url)
        assert answer.kind is AnswerKind.DEFINITE
        assert answer.payment
        assert answer.payment.status is PaymentStatus.SUCCEEDED
        assert answer.payment.captured == world.captured(payment.metadata.order) == 500

    def test_confirming_twice_under_other_keys_takes_it_once(self, world: ScriptedWorld):
        payment = paid(world)
        again = confirm(world, payment.ref, "other key")
        assert again.kind is AnswerKind.READ
        assert world.captured(payment.metadata.order) == 500

    def test_a_cancelled_object_never_takes_money(self, world: ScriptedWorld):
        payment = created(world)
        cancelled = world.gateway.cancel_payment(payment.ref, key="x")
        assert cancelled.payment
        assert cancelled.payment.status is PaymentStatus.CANCELED
        assert confirm(world, payment.ref, "c").kind is AnswerKind.READ
        assert world.captured(payment.metadata.order) == 0

    def test_cancelling_after_success_says_read(self, world: ScriptedWorld):
        payment = paid(world)
        assert world.gateway.cancel_payment(payment.ref, key="x").kind is AnswerKind.READ
        assert read(world, payment.ref).status is PaymentStatus.SUCCEEDED

    def test_an_amount_of_nothing_is_a_bug(self, world: ScriptedWorld):
        customer = world.customer()
        answer = create(world, world.card(Story.APPROVED, customer), customer, order=new_order(), amount=0)
        assert answer.kind is AnswerKind.BUG_OR_GONE
        assert answer.decline is None  # it is not the card's fault

    def test_a_card_of_another_customer_cannot_be_charged(self, world: ScriptedWorld):
        owner, other, order = world.customer(), world.customer(), new_order()
        setup = world.gateway.begin_card_setup(customer=owner, return_url=BACK, description="", key=f"s{owner}").value
        assert setup
        world.fill_card_page(setup.url)
        (card,) = world.gateway.stored_cards(owner).value or ()
        assert create(world, card.token, other, order=order).kind is AnswerKind.BUG_OR_GONE

    def test_parallel_confirms_from_threads_take_it_once(self, world: ScriptedWorld):
        payment = created(world)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: confirm(world, payment.ref, f"c{n}"), range(8)))
        assert world.captured(payment.metadata.order) == 500
        assert {answer.kind for answer in answers} <= {AnswerKind.DEFINITE, AnswerKind.READ, AnswerKind.BUSY}

    def test_parallel_confirms_from_processes_take_it_once(self, world: ScriptedWorld):
        payment = created(world)
        world.confirm_in_processes(payment.ref, processes=2, threads=8)
        assert world.captured(payment.metadata.order) == 500


class Idempotency:
    def test_one_key_makes_one_object(self, world: ScriptedWorld):
        customer, order = world.customer(), new_order()
        method = world.card(Story.APPROVED, customer)
        first, second = (create(world, method, customer, order=order, key=f"{order}:k").payment for _ in range(2))
        assert first == second
        assert len(world.gateway.list_payments(order=order).value or ()) == 1

    def test_one_key_used_by_many_at_once_makes_one_object(self, world: ScriptedWorld):
        customer, order = world.customer(), new_order()
        method = world.card(Story.APPROVED, customer)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: create(world, method, customer, order=order, key=f"{order}:k"), range(8)))
        assert {answer.kind for answer in answers} <= {AnswerKind.DEFINITE, AnswerKind.BUSY}
        assert len(world.gateway.list_payments(order=order).value or ()) == 1

    def test_one_key_with_other_parameters_is_a_bug(self, world: ScriptedWorld):
        customer, order = world.customer(), new_order()
        method = world.card(Story.APPROVED, customer)
        create(world, method, customer, order=order, key=f"{order}:k")
        answer = create(world, method, customer, order=order, key=f"{order}:k", amount=501)
        assert answer.kind is AnswerKind.BUG
        assert len(world.gateway.list_payments(order=order).value or ()) == 1

    def test_a_repeated_confirm_gives_the_same_answer(self, world: ScriptedWorld):
        payment = created(world)
        first, second = (confirm(world, payment.ref, "same") for _ in range(2))
        assert first == second

    def test_a_forgotten_key_still_takes_the_money_once(self, world: ScriptedWorld):
        payment = created(world)
        confirm(world, payment.ref, "same")
        world.expire_keys()
        assert confirm(world, payment.ref, "same").kind is AnswerKind.READ
        assert world.captured(payment.metadata.order) == 500

    def test_a_saved_error_poisons_its_key_only(self, world: ScriptedWorld):
        payment = created(world, Story.ERROR_NOT_ACTED)
        assert confirm(world, payment.ref, "c0").kind is AnswerKind.UNKNOWN
        assert confirm(world, payment.ref, "c0").kind is AnswerKind.UNKNOWN
        assert confirm(world, payment.ref, "c1").kind is AnswerKind.DEFINITE
        assert world.captured(payment.metadata.order) == 500

    def test_one_key_makes_one_refund(self, world: ScriptedWorld):
        payment = paid(world)
        first, second = (world.gateway.refund(payment.ref, amount=200, mark="r1", key="r1") for _ in range(2))
        assert first == second
        assert read(world, payment.ref).refunded == 200
