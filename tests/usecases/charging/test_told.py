"""What the log tells of money: enough to follow one order through a crash, and nothing that is nobody's business."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

import pytest

from app.charging import compare, contradicting, gate, telling
from app.charging.attempts import LEASE, lease
from app.charging.drive import drive, driver_name
from app.charging.refunding import ask_refund, drive_refunds
from app.charging.repair import expire, sweep
from app.charging.telling import clean
from app.gateways.sandbox import Sandbox
from app.gateways.sandbox.cards import Fault
from app.kit.clock import StoppedClock
from app.models.store import Store
from tests.factories import Seeded
from tests.logged import Lines, said_by
from tests.usecases.charging.desk import Desk


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    return said_by(monkeypatch, telling)


@pytest.fixture
def desk(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Desk:
    return Desk(store, sandbox, clock, seeded)


def events(lines: Lines) -> list[str]:
    return [line["event"] for line in lines]


def the(lines: Lines, event: str) -> dict[str, object]:
    """The one line of that event."""
    (found,) = [line for line in lines if line["event"] == event]
    return dict(found)


def test_a_purchase_is_told_from_the_press_to_the_money(desk: Desk, lines: Lines):
    order = desk.buy()
    assert events(lines) == ["order_open", "attempt_created", "attempt_intent", "attempt_succeeded", "order_paid"]
    paid = the(lines, "attempt_succeeded")
    assert paid["attempt"] == f"{order.id}.1"
    assert (paid["was"], paid["now"]) == ("INTENT", "SUCCEEDED")
    assert {line["number"] for line in lines} == {order.number}
    assert {(line["amount"], line["currency"], line["gateway"]) for line in lines} == {
        (order.total, order.currency, "sandbox")
    }


def test_a_decline_and_the_end_of_its_order_are_told(desk: Desk, clock: StoppedClock, lines: Lines):
    desk.buy("visa_declined")
    assert "attempt_declined" in events(lines)
    clock.move(timedelta(hours=2))
    expire(desk.store, clock)
    assert the(lines, "order_expired")["why"] == "validity"


def test_what_did_not_commit_is_not_told(desk: Desk, lines: Lines):
    class Undone(Exception):
        pass

    def undone() -> None:
        with desk.store.write():
            telling.tell_person(1, "attempt", "x.1", "never")
            raise Undone

    with pytest.raises(Undone):
        undone()
    assert lines == []


def test_an_attempt_of_unknown_end_is_told_and_so_is_how_it_cleared_up(desk: Desk, lines: Lines):
    desk.sandbox.controls.fail_next("confirm_payment", Fault.TIMEOUT_AFTER)
    desk.buy()
    assert the(lines, "attempt_unknown")["was"] == "INTENT"
    desk.heal()
    assert the(lines, "attempt_succeeded")["was"] == "UNKNOWN"


def test_a_refund_is_told_from_the_asking_to_the_end(desk: Desk, lines: Lines):
    order = desk.buy()
    lines.clear()
    ask_refund(desk.store, desk.clock, desk.seeded.book, order.id, 200, reason="ann@example.com asked", actor="test")
    drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
    assert events(lines) == ["refund_created", "refund_sent", "refund_succeeded", "order_part_refunded"]
    assert {line["number"] for line in lines} == {order.number}
    assert {line["amount"] for line in lines if "refund" in line} == {200}
    assert "ann@" not in str(lines)


def test_a_gate_that_closes_and_opens_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    told = said_by(monkeypatch, gate, compare)
    gate.open_or_close(desk.store, desk.clock, "")
    gate.open_or_close(desk.store, desk.clock, "2")
    for _ in range(2):
        compare.compare(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
        desk.clock.move(timedelta(minutes=20))
    assert events(told)[0] == "charging_closed"
    assert set(events(told)[1:]) == {"charging_opened"}


def test_what_a_person_must_decide_is_told(desk: Desk, clock: StoppedClock, lines: Lines):
    desk.sandbox.controls.fail_next("confirm_payment", Fault.TIMEOUT_BEFORE, times=500)
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE, times=500)
    order = desk.buy()
    clock.move(timedelta(hours=25))
    expire(desk.store, clock)
    assert the(lines, "put_before_a_person")["attempt"] == order.last.id


@pytest.mark.parametrize("committed", [True, False])
def test_a_difference_is_told_once_it_is_committed_and_only_once(
    desk: Desk, lines: Lines, monkeypatch: pytest.MonkeyPatch, committed: bool
):
    order = desk.buy()
    lines.clear()
    attempt = desk.attempt(order.last.id)

    def refuse(*_: object, **__: object) -> bool:
        raise OSError("disk full")

    if not committed:
        monkeypatch.setattr(contradicting, "record_once", refuse)
    for _ in range(2):
        with nullcontext() if committed else pytest.raises(OSError, match="disk full"):
            contradicting.contradicted(desk.store, desk.clock, attempt, "customer is cus_2, not cus_1")
    assert events(lines) == ["put_before_a_person"] * committed
    assert "cus_" not in str(lines)


def test_whoever_takes_over_from_a_driver_that_died_says_so(desk: Desk, clock: StoppedClock, lines: Lines):
    placed = desk.place()
    assert placed.attempt_id is not None
    with desk.store.write() as conn:
        assert lease(conn, placed.attempt_id, "request-1", clock.now())
    clock.move(LEASE + timedelta(seconds=1))
    assert sweep(desk.store, desk.gateways, clock, by="worker-2") == [placed.attempt_id]
    taken = the(lines, "lease_taken_over")
    assert (taken["left_by"], taken["by"], taken["attempt"]) == ("request-1", "worker-2", placed.attempt_id)
    assert "order_paid" in events(lines)


def test_a_driver_that_goes_on_with_its_own_row_takes_over_nothing(desk: Desk, clock: StoppedClock, lines: Lines):
    placed = desk.place()
    assert placed.attempt_id is not None
    by = driver_name("request")
    with desk.store.write() as conn:
        assert lease(conn, placed.attempt_id, by, clock.now())
    drive(desk.store, desk.gateways, clock, [placed.attempt_id], by=by, budget_seconds=10)
    assert "lease_taken_over" not in events(lines)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("card 4242 4242 4242 4242 of ann@example.com", "card (digits) of (address)"),
        ("No such customer; key sk_live_abcDEF123", "No such customer; key (sk_live key)"),
        (f"placed on consent {'0a1b2c3d' * 8}", "placed on consent 0a1b2c3d…"),
        ("amount is 12500, not 12000", "amount is 12500, not 12000"),
        ("card is pm_1Abc-9, not pm_1Xyz", "card is (a card), not (a card)"),
        ("No such customer: 'cus_NffrFeUf'", "No such customer: '(a customer)'"),
        ("put down by worker-19155-140012345678-123456789012", "put down by worker-19155-140012345678-123456789012"),
        ("request-1-7f7eeb477b80-123456789012 4242424242424242", "request-1-7f7eeb477b80-123456789012 (digits)"),
    ],
)
def test_a_gateways_words_are_told_without_cards_addresses_and_keys(said: str, told: str):
    assert clean(said) == told
