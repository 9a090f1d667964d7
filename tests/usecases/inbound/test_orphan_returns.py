"""Orphans that were given back or adopted: told once, undone by nobody, and taken up again when the bank sends them back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import Mock, patch

import pytest
from sqlalchemy import select, update

from app.charging.desk_deciding import DeskRefused, Resolving
from app.charging.repair import expire
from app.gateways.port import Answer, AnswerKind, Refund, RefundStatus, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.orders import Orphan, Transition
from tests.late_capture import take_all_the_same
from tests.usecases.audit.test_honest_stories import named
from tests.usecases.charging.person import decide, may, waiting
from tests.usecases.charging.refunds import drive, listed_as, refund_states, sent_back
from tests.usecases.charging.test_compare import comparing
from tests.usecases.inbound.telling import Ears
from tests.usecases.inbound.test_orphans import GONE, abandoned, chain_holds, found, policy


def test_a_refund_of_an_orphan_that_the_bank_sends_back_comes_before_a_person_each_time(ears: Ears):
    policy(ears, "refund")
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.settle_down(26)
    assert ears.orphan_state(ref) == "REFUNDED"
    with sent_back():
        for _ in range(2):
            ears.desk.clock.move(timedelta(days=1))
            comparing(ears.desk)
    (matter,) = waiting(ears.desk)
    assert (matter.payment, matter.why) == (ref, "the refund came back after it had succeeded")
    assert ears.desk.outbox("event").count("orphan.person") == 1
    assert chain_holds(ears, ref)
    decide(ears.desk, matter, "refund")
    ears.desk.clock.move(timedelta(days=1))
    comparing(ears.desk)
    assert (ears.orphan_state(ref), waiting(ears.desk)) == ("REFUNDED", [])
    with sent_back():
        comparing(ears.desk)
    assert ears.orphan_state(ref) == "PERSON"
    assert ears.desk.outbox("event").count("orphan.person") == 2


def test_an_orphan_stays_given_back_when_a_second_refund_stood_after_the_first_had_failed(ears: Ears):
    policy(ears, "refund")
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.settle_down(26)
    honest, made = SandboxGateway.list_refunds, ears.gateway.list_refunds(ref).value[0]

    def both(self: Any, *of: Any, **how: Any) -> Any:
        failed = replace(made, ref="re_first", status=RefundStatus.FAILED)
        return replace(honest(self, *of, **how), value=(failed, made))

    with patch.object(SandboxGateway, "list_refunds", both):
        comparing(ears.desk)
    assert ears.orphan_state(ref) == "REFUNDED"


def late_capture(ears: Ears) -> str:
    """The payment of an attempt that was cancelled took the money all the same, after its order had ended."""
    order = abandoned(ears)
    ears.desk.clock.move(timedelta(hours=3))
    expire(ears.desk.store, ears.desk.clock)
    ref = ears.desk.attempt(order.last.id).gw_ref
    take_all_the_same(ears.desk.sandbox, ref)
    found(ears, ref)
    return ref


@pytest.mark.parametrize("who", ["policy", "person", "by hand"])
def test_whoever_paid_late_is_told_once_that_we_gave_it_back(ears: Ears, who: str):
    policy(ears, "refund" if who == "policy" else "person")
    ref = late_capture(ears)
    if who == "by hand":
        ears.gateway.refund(ref, amount=500, mark="", key="by hand")
    ears.settle_down(26)
    if who == "person":
        decide(ears.desk, *waiting(ears.desk), "refund")
    ears.desk.clock.move(timedelta(days=1))
    comparing(ears.desk)
    assert ears.orphan_state(ref) == "REFUNDED"
    assert ears.desk.outbox("event").count("order.refunded") == 1
    assert ears.desk.outbox().count("refunded") == (who != "by hand"), "of what was given back there the gateway tells"
    assert waiting(ears.desk) == []
    assert named(ears.desk) == []


def test_what_comes_back_of_an_order_s_own_payment_is_one_matter_and_not_two(ears: Ears):
    policy(ears, "refund")
    ref = late_capture(ears)
    ears.settle_down(26)
    with sent_back():
        for _ in range(2):
            ears.desk.clock.move(timedelta(days=1))
            comparing(ears.desk)
    assert ears.orphan_state(ref) == "REFUNDED"
    assert [(each.kind, each.why) for each in waiting(ears.desk)] == [("refund", "came back after it had succeeded")]


def test_money_that_the_bank_still_sends_back_is_not_told_as_given_back(ears: Ears):
    policy(ears, "refund")
    ref = late_capture(ears)
    with listed_as(RefundStatus.PENDING):
        ears.settle_down(26)
    assert (ears.orphan_state(ref), ears.desk.outbox().count("refunded")) == ("FOUND", 0)
    ears.settle_down(6)
    assert (ears.orphan_state(ref), ears.desk.outbox().count("refunded")) == ("REFUNDED", 1)


def test_whose_refund_was_under_way_and_failed_is_given_back_by_a_person_once(ears: Ears):
    policy(ears, "refund")
    ref = late_capture(ears)
    with listed_as(RefundStatus.PENDING):
        ears.settle_down(26)
        comparing(ears.desk)
    with sent_back():
        drive(ears.desk)
        ears.settle_down(24)  # what the payment says of its refunds is late here, and it is put down as given back
        assert (ears.orphan_state(ref), refund_states(ears.desk)) == ("REFUNDED", ["FAILED"])
        comparing(ears.desk)
    acts = {each.kind: each.may for each in waiting(ears.desk)}
    assert acts == {"refund": ("cancel",), "orphan": ("adopt", "cancel", "refund", "release")}
    for matter in waiting(ears.desk):
        decide(ears.desk, matter, "cancel" if matter.kind == "refund" else "refund")
    assert ears.orphan_state(ref) == "REFUNDED"


def test_what_comes_back_waits_since_then_and_each_return_of_it_is_told(ears: Ears):
    policy(ears, "refund")
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.settle_down(26)
    ears.desk.clock.move(timedelta(days=3))
    with sent_back():
        comparing(ears.desk)
    (matter,) = waiting(ears.desk)
    assert matter.since == ears.desk.clock.now()
    decide(ears.desk, matter, "refund")
    assert ears.desk.outbox("event").count("orphan.refunded") == 2


def test_money_of_an_orphan_that_stands_as_cancelled_comes_before_a_person_whenever_it_is_seen(ears: Ears):
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.look_after()
    with patch.object(SandboxGateway, "read_payment", lambda *_: Answer(AnswerKind.BUG_OR_GONE)):
        decide(ears.desk, *waiting(ears.desk), "cancel")  # what another account's key says
    assert (ears.orphan_state(ref), waiting(ears.desk)) == ("CANCELLED", [])
    ears.desk.clock.move(timedelta(minutes=1))
    for _ in range(2):
        ears.tell_of(ref)
        ears.hear()
    (matter,) = waiting(ears.desk)
    assert (ears.orphan_state(ref), matter.why) == ("PERSON", "it stood as cancelled, and took money all the same")
    assert ears.desk.outbox("event").count("orphan.person") == 2
    assert chain_holds(ears, ref)
    ears.desk.clock.move(timedelta(minutes=1))
    decide(ears.desk, matter, "refund")
    assert (ears.orphan_state(ref), waiting(ears.desk)) == ("REFUNDED", [])


def test_what_the_bank_took_in_a_dispute_after_its_refund_had_failed_waits_for_nobody(ears: Ears):
    ref = ears.pay_behind(GONE)
    dispute = ears.desk.sandbox.controls.open_dispute(ref)
    ears.desk.sandbox.controls.close_dispute(dispute, won=False)
    found(ears, ref)
    ears.settle_down(0.5)
    failed = Refund("re_1", ref, 500, "USD", RefundStatus.FAILED, "")
    with patch.object(SandboxGateway, "list_refunds", lambda *_a, **_k: Reply(AnswerKind.DEFINITE, (failed,))):
        for _ in range(2):
            ears.desk.clock.move(timedelta(days=1))
            comparing(ears.desk)
    assert (ears.orphan_state(ref), waiting(ears.desk)) == ("REFUNDED", [])


def before_a_person(ears: Ears) -> Any:
    """Money that its order, which is still open, could take over."""
    order = abandoned(ears)
    ref = ears.desk.attempt(order.last.id).gw_ref
    take_all_the_same(ears.desk.sandbox, ref)
    found(ears, ref)
    with ears.desk.store.write() as conn:
        conn.execute(update(Orphan).values(state="PERSON", next_at=None))
    return order


def stand(ears: Ears, order: Any) -> tuple[str, str | None]:
    """Of the order and of the orphan."""
    return ears.desk.facts(order.id).state, ears.orphan_state(ears.desk.attempt(order.last.id).gw_ref)


def test_an_orphan_and_its_order_are_adopted_in_one_commit_by_whoever_decided(
    ears: Ears, monkeypatch: pytest.MonkeyPatch
):
    order = before_a_person(ears)
    (matter,) = waiting(ears.desk)
    with monkeypatch.context() as dying:
        dying.setattr(Resolving, "note", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            decide(ears.desk, matter, "adopt")
    assert stand(ears, order) == ("OPEN", "PERSON")
    decide(ears.desk, matter, "adopt")
    assert stand(ears, order) == ("PAID", "ADOPTED")
    with ears.desk.store.read() as conn:
        paid = select(Transition.actor).where(Transition.kind == "order", Transition.to_state == "PAID")
        assert conn.scalars(paid).all() == ["maria"]


def test_what_an_order_was_paid_with_is_never_given_back_as_an_orphan(ears: Ears):
    before_a_person(ears)
    (matter,) = waiting(ears.desk)
    decide(ears.desk, matter, "adopt")
    with ears.desk.store.write() as conn:
        conn.execute(update(Orphan).values(state="PERSON"))
    (matter,) = waiting(ears.desk)
    assert may(ears.desk, matter) == ("release",)
    with pytest.raises(DeskRefused, match="has it and is SUCCEEDED"):
        decide(ears.desk, matter, "refund")
    assert ears.desk.requests("refund") == []
