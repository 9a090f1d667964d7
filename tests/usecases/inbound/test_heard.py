"""A notice leads to a look at the gateway; what is found there, and nothing else, sets our states."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, update

from app.charging import observing
from app.charging.attempts import AttemptRow
from app.charging.heard import STEPS
from app.charging.noticing import Kept
from app.charging.repair import expire
from app.gateways.port import Marks
from app.gateways.sandbox import Fault
from app.models.merchants import Book
from app.models.orders import Attempt, Orphan
from app.models.work import Inbox, Outbox
from tests.usecases.inbound.telling import Ears, Event, events


def test_a_notice_settles_a_payment_that_no_driver_finished(ears: Ears):
    order = ears.desk.buy("visa_3ds")
    assert order.last.state == "REQUIRES_ACTION"
    ears.desk.sandbox.pages.answer_check(order.last.action_url.rpartition("/")[2], approve=True)
    ears.tell_all()
    ears.desk.clock.move(timedelta(seconds=2))
    assert ears.hear()
    assert ears.desk.facts(order.id).state == "PAID"
    assert set(ears.inbox().values()) == {"DONE"}
    ears.desk.check()


def test_what_a_notice_says_sets_no_state(ears: Ears):
    """It says "succeeded" of a payment that waits for the bank: the gateway's object says otherwise."""
    order = ears.desk.buy("visa_3ds")
    ref = ears.desk.attempt(order.last.id).gw_ref
    ears.tell(Event("evt_lie", "payment.succeeded", ref))
    ears.desk.clock.move(timedelta(seconds=2))
    ears.hear()
    assert ears.desk.facts(order.id).last.state == "REQUIRES_ACTION"
    assert ears.inbox() == {"evt_lie": "DONE"}


def test_an_event_id_counts_once_and_the_first_content_stays(ears: Ears):
    order = ears.desk.buy()
    ref = ears.desk.attempt(order.last.id).gw_ref
    first, other = Event("evt_1", "payment.succeeded", ref), Event("evt_1", "payment.succeeded", "pay_of_another")
    assert [ears.tell(each) for each in (first, first, other)] == [Kept.NEW, Kept.KNOWN, Kept.DIFFERS]
    with ears.desk.store.read() as conn:
        assert conn.execute(select(Inbox.payment, Inbox.body)).all() == [(ref, first.body.decode())]


def test_a_payment_made_before_its_reference_was_committed_is_found_by_its_marks(ears: Ears):
    placed = ears.desk.place()
    marks = Marks(placed.order_id, placed.attempt_id, ears.desk.requests()[0]["use"] if ears.desk.requests() else "")
    with ears.desk.store.write() as conn:  # made by a driver that died before it could write the reference down
        conn.execute(update(Attempt).values(create_try=1, next_at=ears.desk.clock.now() + timedelta(hours=1)))
    ref = ears.pay_behind(marks, key=f"{placed.attempt_id}:create:0")
    ears.tell_of(ref)
    ears.hear()
    assert ears.desk.attempt(placed.attempt_id).gw_ref == ref
    assert ears.desk.facts(placed.order_id).state == "PAID"
    assert ears.desk.captures() == [500]
    assert ears.desk.count(Orphan) == 0


def test_a_reference_committed_while_its_notice_is_looked_at_is_no_orphan(ears: Ears, monkeypatch: pytest.MonkeyPatch):
    """The gateway tells of the payment before its own answer has arrived: TX2 falls between two looks at our rows."""
    order = ears.desk.buy("visa_3ds")
    ref = ears.desk.attempt(order.last.id).gw_ref
    honest, looks = observing.attempt_with, list[str]()

    def before_the_commit(conn: Connection, at: observing.Place, payment: str) -> AttemptRow | None:
        looks.append(payment)
        return honest(conn, at, payment) if len(looks) > 1 else None

    monkeypatch.setattr(observing, "attempt_with", before_the_commit)
    ears.tell_of(ref)
    ears.hear()
    assert (ears.orphan(ref), ears.desk.facts(order.id).last.state) == (None, "REQUIRES_ACTION")
    assert set(ears.inbox().values()) == {"DONE"}


def test_a_payment_of_the_merchant_s_own_business_is_none_of_ours(ears: Ears):
    ref = ears.pay_behind(Marks())
    ears.tell_of(ref)
    ears.hear()
    assert ears.inbox() == {"evt_0": "DONE"}
    assert ears.desk.count(Orphan) == 0


def test_a_payment_that_the_gateway_does_not_know_is_put_aside(ears: Ears):
    ears.tell_of("pay_nobody_made")
    ears.hear()
    assert ears.inbox() == {"evt_0": "DONE"}


def test_paid_after_the_deadline_counts_when_the_cancel_came_too_late(ears: Ears):
    order = ears.desk.buy("visa_3ds")
    ears.desk.clock.move(timedelta(hours=1, minutes=1))
    expire(ears.desk.store, ears.desk.clock)
    assert ears.desk.facts(order.id).last.state == "CANCELLING"
    ears.desk.sandbox.pages.answer_check(order.last.action_url.rpartition("/")[2], approve=True)
    ears.tell_all()
    ears.hear()
    assert ears.desk.facts(order.id).state == "PAID"
    ears.desk.check()


def test_a_silent_gateway_is_asked_again(ears: Ears):
    order = ears.desk.buy()
    ears.tell_all()
    ears.desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE)
    ears.hear()
    assert set(ears.inbox().values()) == {"READY"}
    ears.desk.clock.move(timedelta(minutes=1))
    ears.hear()
    assert set(ears.inbox().values()) == {"DONE"}
    assert ears.desk.facts(order.id).state == "PAID"


def test_a_ring_brings_the_second_look_forward(ears: Ears):
    ears.desk.buy()
    ears.tell_all()
    ears.desk.sandbox.controls.fail_next("read_payment", Fault.RATE_LIMITED)
    ears.hear()
    ears.desk.clock.move(timedelta(seconds=2))
    assert not ears.hear()
    assert ears.hear(rung=True)


def test_a_notice_that_always_raises_dies_visibly_and_stops_no_other(ears: Ears, monkeypatch: pytest.MonkeyPatch):
    from app.charging import heard

    look = heard.look_at_payment

    def poisoned(watch, at, ref):
        if ref == "pay_poison":
            raise RuntimeError("a handler's bug")
        return look(watch, at, ref)

    monkeypatch.setattr(heard, "look_at_payment", poisoned)
    ears.tell(Event("evt_poison", "payment.succeeded", "pay_poison"))
    for number in range(len(STEPS) + 2):
        ears.tell(Event(f"evt_{number}", "payment.succeeded", "pay_unknown"))
        ears.hear()
        assert ears.inbox()[f"evt_{number}"] == "DONE"
        ears.desk.clock.move(timedelta(days=2))
    assert ears.inbox()["evt_poison"] == "DEAD"
    with ears.desk.store.read() as conn:
        row = conn.execute(select(Inbox).where(Inbox.event_id == "evt_poison")).one()
        assert (row.last_error, row.next_at) == ("RuntimeError", None)
    assert ears.desk.count(Outbox, kind="notice.dead") == 1


def test_a_notice_that_kills_its_worker_dies_in_the_end(ears: Ears, monkeypatch: pytest.MonkeyPatch):
    from app.charging import heard

    class Killed(BaseException):
        pass

    def deadly(*_: object) -> str:
        raise Killed

    monkeypatch.setattr(heard, "look_at_payment", deadly)
    ears.tell_of("pay_poison")
    for _ in range(len(STEPS) + 1):
        with pytest.raises(Killed):
            ears.hear()
        ears.desk.clock.move(timedelta(minutes=3))
    ears.hear()
    assert ears.inbox() == {"evt_0": "DEAD"}


def test_a_notice_under_another_worker_s_lease_is_left_alone(ears: Ears):
    ears.tell_of("pay_unknown")
    now = ears.desk.clock.now()
    with ears.desk.store.write() as conn:
        conn.execute(update(Inbox).values(lease_by="another", lease_until=now + timedelta(minutes=1)))
    assert not ears.hear(rung=True)


def test_two_merchants_on_one_account_lead_to_the_same_attempt(ears: Ears):
    """Each has its own address; whichever is told, the payment's own attempt is found."""
    order = ears.desk.buy("visa_3ds")
    ears.desk.sandbox.pages.answer_check(order.last.action_url.rpartition("/")[2], approve=True)
    ears.tell_all()
    other = ears.desk.seeded.other_book
    with ears.desk.store.write() as conn:
        conn.execute(update(Book).where(Book.id == other).values(gateway="sandbox", gateway_account="quillmark-test"))
        conn.execute(update(Inbox).values(book_id=other))
    ears.desk.clock.move(timedelta(seconds=2))
    ears.hear()
    assert ears.desk.facts(order.id).state == "PAID"


def test_money_that_we_hold_and_the_gateway_does_not_is_an_alarm(ears: Ears):
    order = ears.desk.buy()
    elsewhere = ears.pay_behind(Marks(order.id, order.last.id), confirm=False)
    with ears.desk.store.write() as conn:
        conn.execute(update(Attempt).values(gw_ref=elsewhere))
    ears.tell_of(elsewhere)
    ears.hear()
    assert "attempt.contradicted" in ears.desk.outbox("event")
    assert ears.desk.facts(order.id).state == "PAID"


def test_an_event_of_a_ledger_names_its_payment(ears: Ears):
    order = ears.desk.buy()
    assert [event.payment for event in events(ears.desk)] == [ears.desk.attempt(order.last.id).gw_ref]
