"""Payments under our marks that no attempt accounts for: adopted, cancelled, given back, or put before a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.charging import orphaned
from app.charging.remains import remains_of
from app.charging.repair import expire
from app.charging.transitions import first_break
from app.gateways.port import Marks
from app.gateways.sandbox import Fault
from app.models.merchants import Book
from app.models.orders import Attempt, Order, Orphan
from app.models.subscriptions import Subscription
from app.models.work import Outbox
from tests.factories import create_book, create_merchant
from tests.usecases.charging.person import decide, may, waiting
from tests.usecases.inbound.telling import Ears

GONE = Marks("order-of-a-lost-commit", "order-of-a-lost-commit.1")


def found(ears: Ears, ref: str) -> None:
    ears.tell_of(ref)
    ears.hear()
    assert ears.orphan_state(ref) == "FOUND"


def policy(ears: Ears, value: str) -> None:
    with ears.desk.store.write() as conn:
        conn.execute(update(Book).values(policy={"orphan_capture": value}))


def abandoned(ears: Ears) -> Any:
    """An order whose only attempt ended without money, still open for another."""
    order = ears.desk.buy("visa_3ds")
    with ears.desk.store.write() as conn:
        conn.execute(update(Attempt).values(deadline_at=ears.desk.clock.now()))
    ears.desk.clock.move(timedelta(minutes=1))
    expire(ears.desk.store, ears.desk.clock)
    ears.desk.work()
    facts = ears.desk.facts(order.id)
    assert (facts.state, facts.last.state) == ("OPEN", "CANCELLED")
    return facts


def captured_late(ears: Ears, order: Any, **how: Any) -> str:
    """The attempt was given up, and a payment of its own takes the money all the same."""
    return ears.pay_behind(Marks(order.id, order.last.id), behaviour="visa_3ds", confirm=False, **how)


def capture(ears: Ears, ref: str) -> None:
    gateway = ears.gateway
    answer = gateway.confirm_payment(ref, key=f"{ref}:confirm", return_url="https://x.example")
    if answer.payment is not None and answer.payment.action_url:
        ears.desk.sandbox.pages.answer_check(answer.payment.action_url.rpartition("/")[2], approve=True)


def forget_payment(ears: Ears) -> None:
    """As if the reference of the attempt's first payment had never been committed."""
    with ears.desk.store.write() as conn:
        conn.execute(update(Attempt).where(Attempt.state == "CANCELLED").values(gw_ref=None))


def chain_holds(ears: Ears, ref: str) -> bool:
    with ears.desk.store.read() as conn:
        name = f"sandbox:quillmark-test:{ref}"
        return first_break(conn, ears.desk.seeded.book, "orphan", name) is None


def test_a_payment_without_an_attempt_raises_the_alarm_once(ears: Ears):
    ref = ears.pay_behind(GONE)
    for _ in range(3):
        ears.tell_of(ref)
        ears.hear()
    row = ears.orphan(ref)
    assert (row.state, row.facts["captured"], row.facts["order"]) == ("FOUND", 500, GONE.order)
    assert ears.desk.outbox("event").count("orphan.found") == 1


@pytest.mark.parametrize(("marks", "order"), [(GONE, GONE.order), (Marks("", GONE.attempt), GONE.order)])
def test_an_orphan_is_found_by_the_order_that_its_marks_name_or_its_attempt_s(ears: Ears, marks: Marks, order: str):
    found(ears, ears.pay_behind(marks))
    with ears.desk.store.read() as conn:
        assert remains_of(conn, ears.desk.seeded.book, order).is_in_doubt
        assert not remains_of(conn, ears.desk.seeded.book, "another-order").is_in_doubt


def test_an_unconfirmed_orphan_is_cancelled_when_nobody_can_be_at_it_any_more(ears: Ears):
    ref = ears.pay_behind(GONE, confirm=False)
    found(ears, ref)
    ears.look_after()
    assert ears.orphan_state(ref) == "FOUND", "another installation on this account may be about to confirm it"
    ears.settle_down()
    assert ears.orphan_state(ref) == "CANCELLED"
    assert [row["status"] for row in ears.desk.payments()] == ["canceled"]
    assert chain_holds(ears, ref)


def test_an_unconfirmed_payment_of_a_closed_attempt_is_cancelled_at_once(ears: Ears):
    order = abandoned(ears)
    ref = captured_late(ears, order)
    found(ears, ref)
    ears.look_after()
    assert ears.orphan_state(ref) == "CANCELLED"


def test_a_captured_orphan_is_put_before_a_person(ears: Ears):
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.look_after()
    row = ears.orphan(ref)
    assert (row.state, row.next_at, row.facts["decision"]) == ("PERSON", None, "no attempt of ours")
    assert ears.desk.outbox("event").count("orphan.person") == 1
    assert ears.desk.requests("refund") == []
    assert chain_holds(ears, ref)


def test_by_policy_a_captured_orphan_is_given_back_after_a_day(ears: Ears):
    policy(ears, "refund")
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.settle_down(23)
    assert (ears.orphan_state(ref), ears.desk.requests("refund")) == ("FOUND", [])
    ears.settle_down(2)
    assert ears.orphan_state(ref) == "REFUNDED"
    assert [row["subject"] for row in ears.desk.requests("refund")] == [ref]
    assert ears.gateway.read_payment(ref).payment.refunded == 500
    assert chain_holds(ears, ref)


@pytest.mark.parametrize("fault", [Fault.TIMEOUT_AFTER, Fault.ERROR_AFTER, Fault.TIMEOUT_BEFORE, Fault.ERROR_BEFORE])
def test_a_refund_of_unknown_end_gives_nothing_back_twice(ears: Ears, fault: Fault):
    policy(ears, "refund")
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.desk.clock.move(timedelta(hours=25))
    ears.desk.sandbox.controls.fail_next("refund", fault)
    ears.settle_down()
    assert ears.orphan_state(ref) == "REFUNDED"
    assert ears.gateway.read_payment(ref).payment.refunded == 500
    assert len(ears.gateway.list_refunds(ref).value) == 1


def test_a_contested_orphan_is_never_given_back_by_a_machine(ears: Ears):
    policy(ears, "refund")
    ref = ears.pay_behind(GONE)
    ears.desk.sandbox.controls.open_dispute(ref)
    found(ears, ref)
    ears.settle_down(26)
    assert ears.orphan_state(ref) == "PERSON"
    assert ears.desk.requests("refund") == []


def test_money_that_a_person_gave_back_meanwhile_is_settled(ears: Ears):
    policy(ears, "refund")
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.gateway.refund(ref, amount=500, mark="", key="by hand")
    ears.look_after()
    assert ears.orphan_state(ref) == "REFUNDED"
    assert len(ears.desk.requests("refund")) == 1


def test_an_order_that_is_open_takes_over_what_its_attempt_captured_after_all(ears: Ears):
    order = abandoned(ears)
    forget_payment(ears)
    ref = captured_late(ears, order)
    capture(ears, ref)
    found(ears, ref)
    ears.look_after()
    assert ears.orphan_state(ref) == "ADOPTED"
    facts = ears.desk.facts(order.id)
    assert (facts.state, facts.last.state, ears.desk.attempt(order.last.id).gw_ref) == ("PAID", "SUCCEEDED", ref)
    assert ears.desk.outbox().count("receipt") == 1
    assert ears.desk.seats() == 2
    ears.desk.check()


@pytest.mark.parametrize("state", ["DECLINED", "CANCELLED"])
def test_money_that_a_closed_attempt_s_own_payment_took_raises_the_alarm(ears: Ears, state: str):
    order = ears.desk.buy("visa_3ds")
    attempt, now = ears.desk.attempt(order.last.id), ears.desk.clock.now()
    ref = attempt.gw_ref
    with ears.desk.store.write() as conn:
        conn.execute(update(Attempt).values(state=state, next_at=None, settled_at=now))
        conn.execute(update(Order).values(state="EXPIRED"))
    ears.desk.sandbox.pages.answer_check(attempt.action_url.rpartition("/")[2], approve=True)
    found(ears, ref)
    assert "orphan.found" in ears.desk.outbox("event")
    ears.look_after()
    assert ears.orphan_state(ref) == "PERSON"


@pytest.mark.parametrize("differs", ["amount", "card", "order"])
def test_a_payment_that_does_not_agree_is_not_adopted(ears: Ears, differs: str):
    order = abandoned(ears)
    forget_payment(ears)
    marks = Marks("another order" if differs == "order" else order.id, order.last.id)
    behaviour = "visa_ok" if differs == "card" else "visa_3ds"
    amount = 501 if differs == "amount" else 500
    ref = ears.pay_behind(marks, amount=amount, behaviour=behaviour, confirm=False)
    capture(ears, ref)
    found(ears, ref)
    ears.look_after()
    assert (ears.orphan_state(ref), ears.desk.facts(order.id).state) == ("PERSON", "OPEN")


def test_an_order_that_ended_takes_over_nothing(ears: Ears):
    order = abandoned(ears)
    forget_payment(ears)
    ears.desk.clock.move(timedelta(hours=2))
    expire(ears.desk.store, ears.desk.clock)
    ref = captured_late(ears, order)
    capture(ears, ref)
    found(ears, ref)
    ears.look_after()
    assert ears.orphan_state(ref) == "PERSON"
    assert ears.orphan(ref).facts["decision"] == f"order {order.id} is EXPIRED"
    assert ears.desk.facts(order.id).state == "EXPIRED"


def test_a_second_payment_of_an_order_that_was_paid_is_put_before_a_person(ears: Ears):
    order = ears.desk.buy()
    ref = ears.pay_behind(Marks(order.id, order.last.id))
    found(ears, ref)
    ears.look_after()
    assert ears.orphan_state(ref) == "PERSON"
    assert ears.desk.facts(order.id).state == "PAID"


def test_a_rival_attempt_is_cancelled_before_the_captured_payment_is_adopted(ears: Ears):
    """Otherwise the order could be charged twice (I1)."""
    order = abandoned(ears)
    forget_payment(ears)
    ref = captured_late(ears, order)
    again = ears.desk.buy("visa_3ds")
    assert (again.id, again.last.n, again.last.state) == (order.id, 2, "REQUIRES_ACTION")
    capture(ears, ref)
    found(ears, ref)
    ears.look_after()
    assert ears.orphan_state(ref) == "FOUND"
    assert ears.desk.facts(order.id).last.state == "CANCELLING"
    ears.settle_down(0.5)
    assert ears.orphan_state(ref) == "ADOPTED"
    assert ears.desk.facts(order.id).state == "PAID"
    assert ears.desk.captures(order.id) == [500]


def test_when_the_rival_was_faster_the_late_payment_is_the_orphan(ears: Ears):
    order = abandoned(ears)
    forget_payment(ears)
    ref = captured_late(ears, order)
    assert ears.desk.buy().state == "PAID"
    capture(ears, ref)
    policy(ears, "refund")
    found(ears, ref)
    ears.settle_down(26)
    assert ears.orphan_state(ref) == "REFUNDED"
    assert ears.desk.facts(order.id).state == "PAID"


def test_a_subscription_that_moved_meanwhile_leaves_the_money_to_a_person(ears: Ears):
    order = abandoned(ears)
    forget_payment(ears)
    ref = captured_late(ears, order)
    capture(ears, ref)
    with ears.desk.store.write() as conn:
        conn.execute(update(Subscription).values(version=Subscription.version + 1))
    found(ears, ref)
    ears.look_after()
    assert (ears.orphan_state(ref), ears.desk.facts(order.id).state) == ("PERSON", "OPEN")
    assert ears.desk.facts(order.id).last.state == "CANCELLED"


def test_a_payment_that_the_bank_still_works_on_is_waited_for(ears: Ears):
    ref = ears.pay_behind(GONE, behaviour="visa_processing")
    found(ears, ref)
    ears.look_after()
    assert (ears.orphan_state(ref), ears.orphan(ref).tries) == ("FOUND", 0)
    ears.settle_down(0.2)
    assert ears.orphan_state(ref) == "PERSON"


def test_an_orphan_that_its_attempt_found_meanwhile_is_one_no_more(ears: Ears):
    order = ears.desk.buy()
    ref = ears.desk.attempt(order.last.id).gw_ref
    other = ears.pay_behind(GONE)
    found(ears, other)
    with ears.desk.store.write() as conn:
        conn.execute(update(Orphan).values(gw_ref=ref))
    ears.look_after()
    assert ears.orphan_state(ref) == "ADOPTED"


@pytest.mark.parametrize(("confirm", "state"), [(False, "CANCELLED"), (True, "PERSON")])
def test_a_payment_that_is_gone_needs_nothing_unless_it_had_taken_money(ears: Ears, confirm: bool, state: str):
    ref = ears.pay_behind(GONE, confirm=confirm)
    found(ears, ref)
    with ears.desk.store.write() as conn:
        conn.execute(update(Orphan).values(gw_ref="pay_deleted"))
    ears.look_after()
    assert ears.orphan_state("pay_deleted") == state


def test_a_person_may_close_an_orphan_that_the_gateway_does_not_have(ears: Ears):
    found(ears, ears.pay_behind(GONE))
    with ears.desk.store.write() as conn:
        conn.execute(update(Orphan).values(gw_ref="pay_deleted"))
    ears.look_after()
    (matter,) = waiting(ears.desk)
    assert may(ears.desk, matter) == ("cancel", "release")
    decide(ears.desk, matter, "cancel")
    assert ears.orphan_state("pay_deleted") == "CANCELLED"


def test_money_of_no_attempt_goes_back_only_if_every_book_of_that_name_says_so(ears: Ears):
    policy(ears, "refund")
    with ears.desk.store.write() as conn:
        other = create_merchant(conn, code="northpress", name="North Press")
        create_book(conn, other, gateway_account="quillmark-test", policy={})
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.settle_down(26)
    assert (ears.orphan_state(ref), ears.desk.requests("refund")) == ("PERSON", [])


def test_one_orphan_that_always_raises_stops_no_other_and_ends_before_a_person(
    ears: Ears, monkeypatch: pytest.MonkeyPatch
):
    poison, other = ears.pay_behind(GONE), ears.pay_behind(Marks("lost-2", "lost-2.1"))
    found(ears, poison)
    found(ears, other)
    judge = orphaned._judge

    def poisoned(watch: Any, gateway: Any, orphan: Any) -> Any:
        if orphan.gw_ref == poison:
            raise RuntimeError("a handler's bug")
        return judge(watch, gateway, orphan)

    monkeypatch.setattr(orphaned, "_judge", poisoned)
    ears.look_after(limit=2)
    assert ears.orphan_state(other) == "PERSON"
    for _ in range(len(orphaned.STEPS)):
        ears.desk.clock.move(timedelta(days=2))
        ears.look_after()
    assert ears.orphan_state(poison) == "PERSON"
    assert "RuntimeError" in ears.orphan(poison).facts["decision"]


def test_an_orphan_belongs_to_the_book_whose_order_it_names(ears: Ears):
    order = ears.desk.buy()
    other = ears.desk.seeded.other_book
    ref = ears.pay_behind(Marks(order.id, order.last.id))
    with ears.desk.store.write() as conn:
        conn.execute(update(Book).where(Book.id == other).values(gateway="sandbox", gateway_account="quillmark-test"))
    ears.tell_of(ref)
    with ears.desk.store.write() as conn:
        from app.models.work import Inbox

        conn.execute(update(Inbox).values(book_id=other))
    ears.hear()
    assert ears.orphan(ref).book_id == ears.desk.seeded.book


def test_events_of_orphans_are_told_once_each(ears: Ears):
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.look_after()
    ears.look_after()
    with ears.desk.store.read() as conn:
        kinds = conn.scalars(select(Outbox.kind).where(Outbox.kind.like("orphan.%"))).all()
    assert sorted(kinds) == ["orphan.found", "orphan.person"]
    assert ears.desk.count(Order) == 0
