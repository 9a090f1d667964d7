"""What workers do when nobody asks: deadlines, people's queue, healthy gateways, and the log that cannot be edited."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app.billing.states import TransitionError
from app.charging import hastening, repair
from app.charging.abandon import abandon
from app.charging.attempts import read_attempt
from app.charging.gate import close_all
from app.charging.hastening import hasten
from app.charging.making import request_of
from app.charging.reading import WAITED_FOR, OrderFacts, wait_for_news
from app.charging.repair import expire, sweep
from app.charging.transitions import Move, first_break, log
from app.gateways.port import Answer, AnswerKind
from app.gateways.sandbox import Fault
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.orders import Attempt, Order, Transition
from app.models.subscriptions import Subscription
from tests.factories import create_subscription
from tests.usecases.charging.desk import Desk


def test_the_chain_of_transitions_verifies_and_an_edited_row_is_found(desk: Desk):
    order = desk.buy()
    with desk.store.write() as conn:
        assert first_break(conn, desk.seeded.book, "attempt", order.last.id) is None
        row = select(Transition.seq).where(Transition.object == order.last.id).order_by(Transition.seq)
        second = conn.execute(row.offset(1).limit(1)).scalar_one()
        conn.execute(update(Transition).where(Transition.seq == second).values(cause="somebody else"))
        assert (
            first_break(conn, desk.seeded.book, "attempt", order.last.id)
            == f"row {second} does not follow from the one before"
        )


def test_a_deleted_transition_is_found(desk: Desk):
    order = desk.buy()
    with desk.store.write() as conn:
        conn.execute(text("DELETE FROM transitions WHERE kind = 'attempt' AND to_state = 'INTENT'"))
        assert first_break(conn, desk.seeded.book, "attempt", order.last.id) is not None


def test_a_paid_purchase_logs_each_state_once(desk: Desk):
    order = desk.buy()
    with desk.store.read() as conn:
        rows = conn.execute(select(Transition.kind, Transition.to_state).order_by(Transition.seq)).all()
    assert [tuple(row) for row in rows] == [
        ("order", "OPEN"), ("attempt", "CREATED"), ("attempt", "INTENT"), ("attempt", "SUCCEEDED"), ("order", "PAID"),
    ]  # fmt: skip
    assert order.paid_at == desk.clock.now()


def test_a_transition_outside_the_table_cannot_be_written(desk: Desk):
    order = desk.buy()
    with desk.store.write() as conn, pytest.raises(TransitionError):
        log(
            conn,
            desk.seeded.book,
            [Move("attempt", order.last.id, "DECLINED", "INTENT", "no")],
            actor="x",
            at=desk.clock.now(),
        )


def test_a_failed_settlement_leaves_nothing_half_done(desk: Desk):
    """The subscription was moved behind our back: money is there, the change is not; a person decides."""
    order = desk.buy("visa_3ds")
    desk.sandbox.pages.answer_check(desk.payments()[-1]["challenge"], approve=True)
    with desk.store.write() as conn:
        conn.execute(update(Subscription).values(version=Subscription.version + 1))
    desk.clock.move(timedelta(seconds=20))
    desk.work()
    order = desk.facts(order.id)
    assert (order.state, order.last.state) == ("OPEN", "QUARANTINED")
    assert desk.captures() == [500]
    assert desk.seats() == 1
    assert desk.outbox() == []
    assert "attempt.quarantined" in desk.outbox("event")


def test_an_attempt_undecided_for_a_day_is_put_before_a_person_once(desk: Desk):
    order = desk.buy("visa_timeout_acted")
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE, times=1000)
    desk.heal(hours=25)
    expire(desk.store, desk.clock)
    expire(desk.store, desk.clock)
    assert desk.outbox("event").count("attempt.undecided") == 1
    assert desk.facts(order.id).last.state in WAITED_FOR
    assert desk.outbox() == []  # nobody was told that it failed


def test_of_many_undecided_attempts_each_comes_before_a_person(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """A pass takes its share of those of whom nobody was told yet, not the same ones again."""
    monkeypatch.setattr(repair, "PASS", 1)
    with desk.store.write() as conn:
        create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=2000)
    placed = [desk.place(desk.order("one")), desk.place(desk.order("two", jti="2.2", subscription=2000))]
    with desk.store.write() as conn:
        waits = {"state": "UNKNOWN", "lease_by": None, "next_at": desk.clock.now() + timedelta(days=2)}
        conn.execute(update(Attempt).values(**waits, deadline_at=desk.clock.now() + timedelta(days=2)))
    desk.clock.move(timedelta(hours=25))
    for _ in placed:
        expire(desk.store, desk.clock)
    assert desk.outbox("event").count("attempt.undecided") == len(placed)


def test_unknown_ends_are_looked_at_after_1_5_15_60_minutes_and_then_daily(desk: Desk):
    order = desk.buy("visa_timeout_acted")
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE, times=1000)
    waits = []
    for _ in range(6):
        row = desk.attempt(order.last.id)
        waits.append(round((row.next_at - row.lease_until).total_seconds() / 60))
        desk.clock.at = row.next_at
        desk.work()
    assert waits[:4] == [1, 5, 15, 39]  # the deadline comes before the hour is over
    assert waits[4:] == [24 * 60, 24 * 60]


def waits_long(desk: Desk, page: str, **facts: Any) -> OrderFacts:
    """An order whose gateway acted, did not answer, and could not be read three times over."""
    order = desk.buy("visa_timeout_acted", page, **facts)
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE, times=3)
    for _ in range(3):
        desk.clock.at = desk.attempt(order.last.id).next_at
        desk.work()
    return order


def test_of_what_waits_for_a_silent_gateway_one_row_is_looked_at_every_two_minutes(desk: Desk):
    """I12: the fault ended; nobody waits out a back-off of an hour, and a gateway that is down is spared."""
    order = waits_long(desk, "one")
    desk.clock.move(timedelta(seconds=100))
    assert hasten(desk.store, desk.clock) == 0
    desk.clock.move(timedelta(seconds=21))
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE)
    assert hasten(desk.store, desk.clock) == 1
    desk.work()
    assert desk.facts(order.id).state == "OPEN"
    desk.clock.move(timedelta(seconds=100))
    assert hasten(desk.store, desk.clock) == 0
    desk.clock.move(timedelta(seconds=21))
    assert hasten(desk.store, desk.clock) == 1
    desk.work()
    assert desk.facts(order.id).state == "PAID"


def test_what_waits_for_a_gateway_is_hastened_once_it_answers_others(desk: Desk):
    """The look at one of them need not be the first sign: somebody else's purchase is one as well."""
    order = waits_long(desk, "one")
    with desk.store.write() as conn:
        create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=2000)
    desk.clock.move(timedelta(seconds=90))
    assert hasten(desk.store, desk.clock) == 0
    desk.buy("visa_ok", "elsewhere", jti="9.9", subscription=2000)
    assert hasten(desk.store, desk.clock) == 1
    desk.work()
    assert desk.facts(order.id).state == "PAID"


def test_after_one_row_s_look_showed_the_gateway_back_all_the_others_are_due(desk: Desk):
    with desk.store.write() as conn:
        for number in (2000, 2001):
            create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=number)
    orders = [desk.buy("visa_timeout_acted", "one")]
    orders.append(desk.buy("visa_timeout_acted", "two", jti="2.2", subscription=2000))
    orders.append(desk.buy("visa_timeout_acted", "three", jti="3.3", subscription=2001))
    with desk.store.write() as conn:
        conn.execute(update(Attempt).values(next_at=desk.clock.now() + timedelta(hours=1)))
    desk.clock.move(timedelta(minutes=2, seconds=1))
    assert hasten(desk.store, desk.clock) == 1
    desk.work()
    assert [desk.facts(each.id).state for each in orders].count("PAID") == 1
    desk.clock.move(timedelta(seconds=5))
    assert hasten(desk.store, desk.clock) == 2
    desk.work()
    assert [desk.facts(each.id).state for each in orders] == ["PAID"] * 3


def test_what_waits_since_long_before_is_hastened_by_a_row_as_old(desk: Desk):
    """I12 after an outage of any length: in a quiet shop nothing else is settled than what waited as well."""
    with desk.store.write() as conn:
        for number in range(2000, 2008):
            create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=number)
    orders = [
        desk.buy("visa_timeout_acted", f"tab-{number}", jti=f"{number}.1", subscription=number)
        for number in range(2000, 2008)
    ]
    desk.clock.move(timedelta(hours=5))
    looked_at = {"lease_until": desk.clock.now(), "next_at": desk.clock.now() + timedelta(hours=24)}
    with desk.store.write() as conn:
        conn.execute(update(Attempt).values(**looked_at))
    for _ in range(5):
        desk.clock.move(timedelta(minutes=1))
        hasten(desk.store, desk.clock)
        desk.work()
    assert [desk.facts(each.id).state for each in orders] == ["PAID"] * len(orders)


def test_when_a_book_last_settled_is_found_without_a_scan(desk: Desk):
    """Every worker asks it each minute while something waits."""
    explain, how = "EXPLAIN QUERY PLAN", {"SEARCH attempts USING COVERING INDEX attempts_settled"}
    with desk.store.engine.connect() as conn:
        query = str(hastening.settled_since(1, desk.clock.now()).compile(conn, compile_kwargs={"literal_binds": True}))
        if not desk.store.is_sqlite:
            # Its planner scans tables as small as these, or takes any index that names the book.
            explain, how = "EXPLAIN", {"Index Only Scan", "using attempts_settled on attempts"}
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
            conn.exec_driver_sql("DROP INDEX ix_attempts_book_id_created_at")
        plan = "\n".join(row[-1] for row in conn.exec_driver_sql(f"{explain} {query}"))
        conn.rollback()
    assert {words for words in how if words in plan} == how, plan
    assert "Filter" not in plan


def test_a_ring_has_the_bank_s_answer_looked_for_before_its_time(desk: Desk):
    order = desk.buy("visa_3ds")
    desk.sandbox.pages.answer_check(desk.payments()[-1]["challenge"], approve=True)
    desk.clock.move(timedelta(seconds=2))
    assert sweep(desk.store, desk.gateways, desk.clock, by="worker-1") == []
    assert sweep(desk.store, desk.gateways, desk.clock, by="worker-2", rung=True) == [order.last.id]
    assert desk.facts(order.id).state == "PAID"


def test_waiting_for_news_ends_with_the_time_given(desk: Desk):
    order = desk.buy("visa_3ds")
    before = desk.clock.now()
    seen = wait_for_news(desk.store, desk.clock, desk.seeded.book, order.id, seconds=5)
    assert seen is not None
    assert seen.last.state == "REQUIRES_ACTION"
    assert desk.clock.now() - before == timedelta(seconds=5)


def test_one_attempt_that_raises_does_not_stop_the_others(desk: Desk):
    with desk.store.write() as conn:
        create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=2000)
    broken = desk.place(desk.order("one"))
    good = desk.place(desk.order("two", jti="2.2", subscription=2000))
    with desk.store.write() as conn:
        conn.execute(update(Order).where(Order.id == broken.order_id).values(quote={}))
    desk.work()
    assert desk.facts(good.order_id).state == "PAID"
    assert desk.attempt(broken.attempt_id).state == "INTENT"


def test_one_book_s_many_waiting_rows_hold_up_no_other_book_s(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Their gateway is away; another book's is back, and its row waits no longer for them."""
    monkeypatch.setattr(hastening, "MOST", 4)
    with desk.store.write() as conn:
        for number in range(2000, 2005):
            create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=number)
    placed = [desk.place(desk.order(f"tab-{n}", jti=f"1.{n}", subscription=n)) for n in range(2000, 2005)]
    now = desk.clock.now()
    with desk.store.write() as conn:
        waits = {"state": "UNKNOWN", "lease_by": None, "next_at": now + timedelta(hours=1)}
        conn.execute(update(Attempt).values(**waits, lease_until=now - timedelta(minutes=40)))
        other = Attempt.id == placed[-1].attempt_id
        later = {"book_id": desk.seeded.other_book, "lease_until": now - timedelta(minutes=20)}
        conn.execute(update(Attempt).where(other).values(**later))
    assert hasten(desk.store, desk.clock) == 2  # one of each book
    assert desk.attempt(placed[-1].attempt_id).next_at == now


def test_of_a_book_with_very_many_waiting_rows_one_is_looked_at_every_two_minutes_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hastening, "EACH", 1)
    orders = [waits_long(desk, "one")]
    with desk.store.write() as conn:
        create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=2000)
    orders.append(waits_long(desk, "two", jti="2.2", subscription=2000))
    desk.clock.move(timedelta(seconds=60))
    assert hasten(desk.store, desk.clock) == 0, "the second was looked at a minute ago"
    desk.clock.move(timedelta(seconds=61))
    assert hasten(desk.store, desk.clock) == 1


def test_a_silent_gateway_does_not_hold_up_the_rest_of_the_worker(desk: Desk):
    with desk.store.write() as conn:
        for number in range(2000, 2030):
            create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=number)
    for number in range(2000, 2030):
        desk.place(desk.order(f"tab-{number}", jti=f"1.{number}", subscription=number))
    desk.sandbox.controls.fail_next("create_payment", Fault.TIMEOUT_BEFORE, times=1000)
    before = desk.clock.now()
    driven = sweep(desk.store, desk.gateways, desk.clock, by="worker", limit=30)
    assert 15 <= len(driven) < 30
    assert desk.clock.now() - before < timedelta(seconds=30)


def test_an_attempt_of_an_unknown_gateway_waits_and_the_merchant_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    from app.gateways.port import GatewayError

    placed = desk.place()

    def unknown(*_: object, **__: object) -> None:
        raise GatewayError("gateway_unknown")

    monkeypatch.setattr(desk.gateways, "of", unknown)
    desk.drive(placed.attempt_id)
    row = desk.attempt(placed.attempt_id)
    assert (row.state, row.last_class) == ("CREATED", "merchant_fault")
    assert "gateway.refused" in desk.outbox("event")


def test_no_row_of_another_book_is_read(desk: Desk):
    from app.charging.abandon import abandon
    from app.charging.reading import order_facts, orders_of_link

    order = desk.buy("visa_3ds")
    with desk.store.read() as conn:
        assert order_facts(conn, desk.seeded.other_book, order.id) is None
        assert orders_of_link(conn, desk.seeded.other_book, "1.1") == ()
    assert not abandon(desk.store, desk.clock, desk.seeded.other_book, order.id)
    with desk.store.read() as conn:
        assert conn.execute(select(Attempt.state)).scalar_one() == "REQUIRES_ACTION"


def test_a_cancel_that_is_refused_while_the_bank_may_still_be_asked_frees_no_second_charge(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """A 400 is no word about money: the object stands, so its order waits for a person and no other card is charged."""
    order = desk.buy("visa_3ds")
    refused = Answer(AnswerKind.BUG_OR_GONE, detail="400")
    with monkeypatch.context() as gateway:
        gateway.setattr(SandboxGateway, "cancel_payment", lambda _self, _ref, *, key: refused)  # type: ignore[misc]
        abandon(desk.store, desk.clock, desk.seeded.book, order.id)
        desk.work()
    assert desk.attempt(order.last.id).state == "QUARANTINED"
    desk.sandbox.pages.answer_check(desk.payments()[-1]["challenge"], approve=True)
    assert sum(desk.captures()) == 500


def test_a_deadline_that_passes_behind_a_closed_gate_cancels_nothing_and_what_was_taken_is_settled(desk: Desk):
    """An attempt as the backup held it: the gateway took the money after it, and an hour has passed."""
    placed = desk.place(desk.order("one"), desk.card())
    with desk.store.read() as conn:
        row = read_attempt(conn, placed.attempt_id)
    assert row is not None
    gateway = desk.gateways.of(row.gateway, row.account, livemode=row.livemode)
    made = gateway.create_payment(request_of(row), key=f"{row.id}:create:0").payment
    assert made is not None
    gateway.confirm_payment(made.ref, key=f"{row.id}:confirm:0", return_url="https://pay.quillmark.example")
    desk.clock.move(timedelta(hours=1, minutes=1))
    with desk.store.write() as conn:
        close_all(conn, desk.clock.now())
    assert expire(desk.store, desk.clock) == 0
    desk.work(2)
    desk.clock.move(timedelta(minutes=2))
    desk.work(2)
    assert desk.facts(placed.order_id).state == "PAID"
    assert desk.captures() == [500]
