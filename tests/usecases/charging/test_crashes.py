"""The process dies between any two steps; another driver repairs. One charge or none, and the row says which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.charging.abandon import abandon
from app.charging.attempts import read_attempt
from app.charging.drive import driver_name
from app.charging.leftovers import cancel_leftovers
from app.charging.making import request_of
from app.kit.faults import install_plan
from app.models.orders import Attempt, Consent, Order
from tests.usecases.charging.desk import Desk

POINTS = ["C0", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture(autouse=True)
def _no_plan():
    yield
    install_plan(None)


def kill_at(point: str) -> Callable[[str], None]:
    def plan(name: str) -> None:
        if name == point:
            install_plan(None)
            raise Killed(name)

    return plan


def die(desk: Desk, point: str, behaviour: str = "visa_ok") -> None:
    install_plan(kill_at(point))
    with pytest.raises(Killed):
        desk.buy(behaviour)
    install_plan(None)


@pytest.mark.parametrize(
    ("behaviour", "point"),
    [
        (behaviour, point)
        for behaviour in ("visa_ok", "visa_declined", "visa_3ds", "visa_timeout_acted", "visa_error_after")
        for point in POINTS
        if point != "C7" or behaviour == "visa_ok"  # the first press of the others never settles
    ],
)
def test_a_death_at_any_point_leaves_one_charge_or_none(desk: Desk, point: str, behaviour: str):
    die(desk, point, behaviour)
    desk.check()
    desk.heal(hours=3)
    desk.check()
    orders = desk.count(Order)
    assert orders == (0 if point == "C0" else 1)
    if orders:
        order = desk.facts_of_first()
        expected = {"visa_declined": "DECLINED", "visa_3ds": "CANCELLED"}.get(behaviour, "SUCCEEDED")
        assert order.last.state == expected
        assert desk.captures() == ([500] if expected == "SUCCEEDED" else [])


@pytest.mark.parametrize("point", POINTS)
def test_the_shopper_presses_again_after_a_death_and_pays_once(desk: Desk, point: str):
    die(desk, point)
    desk.clock.move(timedelta(seconds=61))  # the dead driver's lease ends
    order = desk.buy()
    assert order.state == "PAID"
    assert desk.captures() == [500]
    assert len(desk.payments()) == 1
    desk.check()


@pytest.mark.parametrize("point", ["C2", "C3", "C4", "C5", "C7"])
def test_the_repairing_driver_dies_at_the_same_point_and_a_third_one_finishes(desk: Desk, point: str):
    die(desk, point)
    desk.clock.move(timedelta(seconds=61))
    install_plan(kill_at(point))
    with pytest.raises(Killed):
        desk.work()
    install_plan(None)
    desk.clock.move(timedelta(seconds=61))
    desk.work()
    assert desk.captures() == [500]
    assert desk.facts_of_first().state == "PAID"
    desk.check()


def test_keys_that_the_gateway_forgot_do_not_make_a_second_charge(desk: Desk):
    die(desk, "C6")
    desk.sandbox.controls.expire_keys()
    desk.heal()
    assert desk.captures() == [500]
    desk.check()


def test_nothing_is_asked_of_the_gateway_before_the_order_is_committed(desk: Desk):
    die(desk, "C1")
    assert desk.requests() == []
    assert (desk.count(Order), desk.count(Attempt), desk.count(Consent)) == (1, 1, 1)


def at(point: str, act: Callable[[], None]) -> None:
    """While a driver stands at that point, something else happens."""

    def plan(name: str) -> None:
        if name == point:
            install_plan(None)
            act()

    install_plan(plan)


@pytest.mark.parametrize("point", ["C2", "C3", "C4", "C5"])
def test_a_driver_that_slept_through_a_cancel_charges_nothing(desk: Desk, point: str):
    """SIGSTOP before the money moved, then the attempt is left and cancelled by another driver, then SIGCONT."""
    by = driver_name("sleeper")
    placed = desk.place(driver=by)

    def meanwhile() -> None:
        abandon(desk.store, desk.clock, desk.seeded.book, placed.order_id)
        desk.clock.move(timedelta(seconds=61))
        desk.work()
        assert desk.facts(placed.order_id).last.state == "CANCELLED"

    at(point, meanwhile)
    desk.drive(placed.attempt_id, by, budget=600)
    desk.heal()
    assert desk.captures() == []
    assert desk.facts(placed.order_id).last.state == "CANCELLED"
    assert {payment["status"] for payment in desk.payments()} <= {"canceled"}
    desk.check()


@pytest.mark.parametrize("point", ["C6", "C7"])
def test_a_driver_that_slept_after_the_money_moved_finds_the_order_paid_once(desk: Desk, point: str):
    by = driver_name("sleeper")
    placed = desk.place(driver=by)

    def meanwhile() -> None:
        abandon(desk.store, desk.clock, desk.seeded.book, placed.order_id)
        desk.clock.move(timedelta(seconds=61))
        desk.work()

    at(point, meanwhile)
    desk.drive(placed.attempt_id, by, budget=600)
    assert desk.captures() == [500]
    assert desk.facts(placed.order_id).state == "PAID"
    desk.check()


@pytest.mark.parametrize("point", ["C2", "C3", "C4", "C5", "C6", "C7"])
def test_two_drivers_on_one_attempt_end_in_one_charge(desk: Desk, point: str):
    """The first sleeps longer than its lease; the second does everything; the first goes on."""
    by = driver_name("sleeper")
    placed = desk.place(driver=by)

    def meanwhile() -> None:
        desk.clock.move(timedelta(seconds=61))
        desk.work()

    at(point, meanwhile)
    desk.drive(placed.attempt_id, by, budget=600)
    desk.heal()
    assert desk.captures() == [500]
    assert desk.facts(placed.order_id).state == "PAID"
    assert len([one for one in desk.payments() if one["status"] != "canceled"]) == 1
    desk.check()


@pytest.mark.parametrize("point", ["C1", "C3", "C4", "C5"])
def test_an_abandon_under_a_working_driver_is_obeyed_or_paid_never_both(desk: Desk, point: str):
    by = driver_name("request")
    at(point, lambda: None)
    placed = desk.place(driver=by)
    at(point, lambda: abandon(desk.store, desk.clock, desk.seeded.book, placed.order_id) and None)
    desk.drive(placed.attempt_id, by)
    desk.heal()
    order = desk.facts(placed.order_id)
    assert (order.last.state == "SUCCEEDED") == (desk.captures() == [500])
    assert order.last.state in ("SUCCEEDED", "CANCELLED")
    desk.check()


def test_a_lease_that_another_driver_holds_is_left_alone_at_once(desk: Desk):
    placed = desk.place(driver=driver_name("first"))
    desk.drive(placed.attempt_id, driver_name("second"))
    assert desk.requests() == []


def test_an_object_with_another_amount_is_quarantined_and_never_confirmed(desk: Desk):
    """The gateway's object is not what the row asked for: no code decides about that money."""
    by = driver_name("request")
    placed = desk.place(driver=by)

    def tamper() -> None:
        with desk.sandbox.ledger.write() as c:
            c.execute("UPDATE payments SET amount = 50000")

    at("C4", tamper)
    desk.drive(placed.attempt_id, by)
    order = desk.facts(placed.order_id)
    assert (order.state, order.last.state) == ("OPEN", "QUARANTINED")
    assert desk.captures() == []
    assert "attempt.quarantined" in desk.outbox("event")
    desk.heal()
    assert desk.captures() == []
    desk.check()


@pytest.mark.parametrize("column", ["currency", "customer", "payment_method", "attempt"])
def test_an_object_of_somebody_else_is_quarantined(desk: Desk, column: str):
    by = driver_name("request")
    placed = desk.place(driver=by)

    def tamper() -> None:
        with desk.sandbox.ledger.write() as c:
            c.execute(f"UPDATE payments SET {column} = 'XXX'")

    at("C4", tamper)
    desk.drive(placed.attempt_id, by)
    assert desk.facts(placed.order_id).last.state == "QUARANTINED"


def test_an_object_that_vanished_is_quarantined(desk: Desk):
    by = driver_name("request")
    placed = desk.place(driver=by)

    def vanish() -> None:
        with desk.sandbox.ledger.write() as c:
            c.execute("DELETE FROM payments")

    at("C4", vanish)
    desk.drive(placed.attempt_id, by)
    assert desk.facts(placed.order_id).last.state == "QUARANTINED"


def test_an_object_nobody_confirmed_is_cancelled_after_a_day(desk: Desk):
    """Made under a key that rotated, by a driver that died before it could say so."""
    order = desk.buy()
    gateway = desk.gateways.of("sandbox", "quillmark-test", livemode=False)
    with desk.store.read() as conn:
        row = read_attempt(conn, order.last.id)
    assert row is not None
    gateway.create_payment(request_of(row), key=f"{row.id}:create:7")
    assert cancel_leftovers(desk.store, desk.gateways, desk.clock) == 0
    desk.clock.move(timedelta(hours=25))
    assert cancel_leftovers(desk.store, desk.gateways, desk.clock) == 1
    assert [payment["status"] for payment in desk.payments()] == ["succeeded", "canceled"]
