"""The contract of ``app.gateways.port``: every adapter's test inherits this class and provides the fixture ``world``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import pytest

from app.gateways.port import (
    Answer,
    AnswerKind,
    CreatePayment,
    DeclineReason,
    DisputeStatus,
    Marks,
    Notice,
    NoticeRefused,
    Payment,
    PaymentStatus,
    SetupStatus,
)
from app.kit import fence
from tests.contract.world import ScriptedWorld, Story

BACK = "https://shop.example/return"
_numbers = count(1)


def new_order() -> str:
    return f"order{next(_numbers)}"


def create(world: ScriptedWorld, method: str, customer: str, *, order: str, key: str = "", amount: int = 500) -> Answer:
    request = CreatePayment(amount, "USD", customer, method, Marks(order, f"{order}.1", "use"), "QUILLMARK")
    return world.gateway.create_payment(request, key=key or f"{order}.1:create:0")


def confirm(world: ScriptedWorld, ref: str, key: str, return_url: str | None = BACK) -> Answer:
    return world.gateway.confirm_payment(ref, key=key, return_url=return_url)


def created(world: ScriptedWorld, story: Story = Story.APPROVED, *, order: str = "") -> Payment:
    customer = world.customer()
    answer = create(world, world.card(story, customer), customer, order=order or new_order())
    assert answer.kind is AnswerKind.DEFINITE, answer
    assert answer.payment
    return answer.payment


def paid(world: ScriptedWorld) -> Payment:
    ref = created(world).ref
    answer = confirm(world, ref, f"{ref}:pay")
    assert answer.payment, answer
    assert answer.payment.status is PaymentStatus.SUCCEEDED
    return answer.payment


def read(world: ScriptedWorld, ref: str) -> Payment:
    answer = world.gateway.read_payment(ref)
    assert answer.payment, answer
    return answer.payment


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


ONLY_THE_BANK = frozenset({DeclineReason.AUTHENTICATION_FAILED})
"""What no card brings about by itself: the shopper fails the bank's own check (see the tests of 3-D Secure)."""


class Declines:
    @pytest.mark.parametrize("reason", [reason for reason in DeclineReason if reason not in ONLY_THE_BANK])
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


class Notices:
    SECRET = "whsec_first"

    def test_a_genuine_notice_says_where_to_look(self, world: ScriptedWorld):
        headers, body = world.signed_notice(self.SECRET, world.now())
        notice = world.gateway.read_notice(headers, body, ["whsec_older", self.SECRET], world.now())
        assert isinstance(notice, Notice)
        assert notice.payment
        assert read(world, notice.payment)
        assert (notice.account, notice.livemode) == (world.gateway.account, world.gateway.livemode)

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_notice_from_another_time_is_refused(self, world: ScriptedWorld, minutes: int):
        headers, body = world.signed_notice(self.SECRET, world.now() + timedelta(minutes=minutes))
        refused = world.gateway.read_notice(headers, body, [self.SECRET], world.now())
        assert refused == NoticeRefused("too_old")

    def test_changed_bytes_another_secret_or_none_are_refused(self, world: ScriptedWorld):
        headers, body = world.signed_notice(self.SECRET, world.now())
        verify = world.gateway.read_notice
        assert verify(headers, body + b" ", [self.SECRET], world.now()) == NoticeRefused("bad_signature")
        assert verify(headers, body, ["whsec_other"], world.now()) == NoticeRefused("bad_signature")
        assert verify(headers, body, [], world.now()) == NoticeRefused("no_secret")
        assert verify({}, body, [self.SECRET], world.now()) == NoticeRefused("unsigned")

    def test_what_the_installation_was_given_verifies_its_notices(self, world: ScriptedWorld):
        secrets = world.opened.notice_secrets(world.gateway.account, livemode=world.gateway.livemode)
        headers, body = world.signed_notice(secrets[0], world.now())
        assert isinstance(world.gateway.read_notice(headers, body, secrets, world.now()), Notice)

    def test_an_empty_secret_is_no_secret(self, world: ScriptedWorld):
        headers, body = world.signed_notice(self.SECRET, world.now())
        assert world.gateway.read_notice(headers, body, ["", " "], world.now()) == NoticeRefused("no_secret")

    @pytest.mark.parametrize(
        "value",
        ["", "t=", "t=1", "t=-1,v1=00", "t=1,t=2,v1=00", "t=x,v1=00", "v1=00", "=,=,=", ",", "t=99999999999999999999,v1=0",
         "t=1.5,v1=a", "t=١,v1=00", "t=1,v1=é", "t=1;v1=00", "v1", "t=1,v1=" + "0" * 100_000],
    )  # fmt: skip
    def test_a_malformed_signature_is_refused_and_never_raises(self, world: ScriptedWorld, value: str):
        (name,) = world.signed_notice(self.SECRET, world.now())[0]
        refused = world.gateway.read_notice({name: value}, b"{}", [self.SECRET], world.now())
        assert isinstance(refused, NoticeRefused)

    def test_a_genuine_signature_over_nonsense_is_malformed(self, world: ScriptedWorld):
        for body in (b"", b"[]", b"{}", b"null", b"\xff\xfe", b'"text"', b"[" * 5000):
            headers = world.sign(body, self.SECRET, world.now())
            found = world.gateway.read_notice(headers, body, [self.SECRET], world.now())
            assert found == NoticeRefused("malformed"), body


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


class GatewayContract(
    TwoPhases, Idempotency, Reading, Declines, BankChecks, Trouble, Refunds, Disputes, CardPages, Notices, Rules
):
    """Inherit this, name the class ``Test…`` and give it a fixture ``world``."""
