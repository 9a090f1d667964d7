"""Clocks that differ (I12, I48): a lease is ended by whoever saw it stand still for its length, not by what its times say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from app.charging.abandon import abandon
from app.charging.attempts import lease
from app.charging.drive import drive, driver_name
from app.charging.gate import Account
from app.charging.place import place
from app.charging.reading import OrderFacts
from app.charging.refund_rows import lease_refund
from app.charging.refunding import ask_refund, drive_refund
from app.charging.repair import sweep
from app.charging.watching import LEASE, begin_watching, due_accounts, take
from app.gateways.sandbox import Fault
from app.jobs.rows import WORK
from app.kit.clock import Clock
from app.models.leases import Sightings
from tests.usecases.charging.desk import CONSENT, Desk, no_guard
from tests.usecases.charging.refunds import state_of

A_WHILE = 5
"""Seconds between two looks here; a worker looks every second."""
AHEAD, RIGHT, BEHIND = timedelta(minutes=5), timedelta(), timedelta(minutes=-5)


class WrongClock:
    """The desk's clock, so much off."""

    def __init__(self, true: Clock, off: timedelta) -> None:
        self._true, self._off = true, off

    def now(self) -> datetime:
        return self._true.now() + self._off

    def sleep(self, seconds: float) -> None:
        self._true.sleep(seconds)


class Machine:
    """A server or worker with a clock of its own."""

    def __init__(self, desk: Desk, off: timedelta) -> None:
        self.desk, self.clock, self.sightings = desk, WrongClock(desk.clock, off), Sightings(WORK)

    def press(self, behaviour: str = "visa_ok", *, dies: bool = False, budget: float = 15) -> str:
        """Buy; ``dies``: the request is killed before its first call. The order's id."""
        by = driver_name("request")
        placed = place(
            self.desk.store, self.clock, self.desk.order(), CONSENT, self.desk.card(behaviour), guard=no_guard,
            return_url="https://shop.example/return", driver=by,
        )  # fmt: skip
        if not dies and placed.attempt_id:
            drive(self.desk.store, self.desk.gateways, self.clock, [placed.attempt_id], by=by, budget_seconds=budget)
        return placed.order_id

    def look(self) -> list[str]:
        """One round of the worker, as far as attempts go."""
        self.sightings.look(self.desk.store, self.clock.now())
        return list(sweep(self.desk.store, self.desk.gateways, self.clock, by=driver_name("worker"), limit=50))


def seconds_until(desk: Desk, order: str, *machines: Machine, most: int = 900) -> int:
    """Seconds in which all machines look now and then, until the order is paid."""
    for second in range(0, most, A_WHILE):
        for machine in machines:
            machine.look()
        if _facts(desk, order).state == "PAID":
            return second
        desk.clock.sleep(A_WHILE)
    return most


def _facts(desk: Desk, order: str) -> OrderFacts:
    return desk.facts(order)


@pytest.mark.parametrize("taker", [RIGHT, BEHIND, AHEAD])
@pytest.mark.parametrize("dead", [RIGHT, BEHIND, AHEAD])
def test_the_attempt_of_a_dead_driver_is_paid_soon_whatever_the_clocks_say(
    desk: Desk, dead: timedelta, taker: timedelta
):
    order = Machine(desk, dead).press(dies=True)
    assert seconds_until(desk, order, Machine(desk, taker)) <= 75
    assert desk.captures() == [500]
    desk.check()


@pytest.mark.parametrize("taker", [RIGHT, BEHIND])
def test_what_a_clock_ahead_put_off_is_looked_at_after_its_back_off(desk: Desk, taker: timedelta):
    order = Machine(desk, AHEAD).press("visa_timeout_acted")
    assert seconds_until(desk, order, Machine(desk, taker)) <= 75  # an unknown end is looked at after a minute
    assert desk.captures() == [500]


@pytest.mark.parametrize("taker", [RIGHT, BEHIND])
def test_a_driver_that_lives_is_not_disturbed_because_clocks_differ(desk: Desk, taker: timedelta):
    """Its clock is ahead of the worker's, it takes its time, and it takes its lease on as it goes."""
    driver, worker = Machine(desk, AHEAD), Machine(desk, taker)
    seen: list[str] = []

    def meanwhile() -> None:
        for _ in range(5):
            desk.clock.sleep(A_WHILE)
            seen.extend(worker.look())

    _slow(desk, meanwhile)
    order = driver.press(budget=120)
    assert _facts(desk, order).state == "PAID"
    assert seen == []
    assert len(desk.requests("confirm_payment")) == 1


@pytest.mark.parametrize(("driver", "worker"), [(BEHIND, RIGHT), (RIGHT, AHEAD), (BEHIND, AHEAD)])
def test_a_driver_whose_lease_looks_over_is_overtaken_and_charges_nothing_twice(
    desk: Desk, driver: timedelta, worker: timedelta
):
    slow, quick = Machine(desk, driver), Machine(desk, worker)
    _slow(desk, quick.look)
    order = slow.press()
    assert seconds_until(desk, order, quick) < 75
    assert desk.captures() == [500]
    desk.check()


def test_two_workers_whose_clocks_differ_keep_to_the_back_off_together(desk: Desk):
    """Neither takes the other's times for wrong at once: the gateway that is down is not asked again and again."""
    order = Machine(desk, RIGHT).press("visa_timeout_acted")
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE, times=1000)
    machines, looks = [Machine(desk, BEHIND), Machine(desk, RIGHT)], 0
    for _ in range(0, 20 * 60, 2 * A_WHILE):
        looks += sum(len(machine.look()) for machine in machines)
        desk.clock.sleep(2 * A_WHILE)
    assert _facts(desk, order).state == "OPEN"
    assert 2 <= looks <= 8


def test_a_lease_that_is_renewed_is_seen_anew(desk: Desk):
    ahead, worker = Machine(desk, AHEAD), Machine(desk, RIGHT)
    order = ahead.press(dies=True)
    attempt = _facts(desk, order).last.id
    by = desk.attempt(attempt).lease_by

    for second in range(0, 180, A_WHILE):
        if second % 30 == 0:
            with desk.store.write() as conn:
                assert lease(conn, attempt, by, ahead.clock.now(), is_mine=True)
        assert worker.look() == []
        desk.clock.sleep(A_WHILE)
    assert desk.attempt(attempt).lease_by == by


def test_a_cancel_that_a_clock_ahead_asked_for_is_due_at_once(desk: Desk):
    order = Machine(desk, RIGHT).press("visa_3ds")
    abandon(desk.store, Machine(desk, AHEAD).clock, desk.seeded.book, order)
    assert Machine(desk, RIGHT).look() == [_facts(desk, order).last.id]
    assert _facts(desk, order).last.state == "CANCELLED"


@pytest.mark.parametrize("taker", [RIGHT, BEHIND])
def test_a_refund_of_a_dead_driver_whose_clock_was_ahead_is_sent_soon(desk: Desk, taker: timedelta):
    order = Machine(desk, RIGHT).press()
    refund = ask_refund(desk.store, desk.clock, desk.seeded.book, order, None, reason="test", actor="test")
    assert lease_refund(desk.store, refund, "dead", Machine(desk, AHEAD).clock.now())
    worker = Machine(desk, taker)
    for _ in range(0, 80, A_WHILE):
        worker.sightings.look(desk.store, worker.clock.now())
        drive_refund(desk.store, desk.gateways, worker.clock, refund, by=driver_name("worker"))
        desk.clock.sleep(A_WHILE)
    assert state_of(desk.store, refund).state == "SUCCEEDED"


def _slow(desk: Desk, meanwhile: Callable[[], object]) -> None:
    """While the gateway makes the object, and again while it confirms, somebody else is at work."""
    at = desk.gateways.of

    def of(*where: str, **how: bool) -> object:
        return _Slow(at(*where, **how), meanwhile)

    desk.gateways.of = of  # type: ignore[method-assign,assignment]


class _Slow:
    """A gateway during whose changing calls something else happens, once each."""

    def __init__(self, real: object, meanwhile: Callable[[], object]) -> None:
        self._real, self._meanwhile = real, meanwhile

    def __getattr__(self, name: str) -> object:
        asked = getattr(self._real, name)
        if name not in ("create_payment", "confirm_payment"):
            return asked

        def ask(*args: object, **how: object) -> object:
            meanwhile, self._meanwhile = self._meanwhile, lambda: None
            meanwhile()
            return asked(*args, **how)

        return ask


def test_an_account_whose_comparison_died_under_a_clock_far_ahead_is_compared_again(desk: Desk):
    account = Account("sandbox", "quillmark-test", False)
    with desk.store.write() as conn:
        begin_watching(conn, desk.clock.now() - timedelta(days=2))
        assert take(conn, account, "died", desk.clock.now() + timedelta(hours=12)) is not None
    sightings = Sightings(WORK)
    for _ in range(2):
        sightings.look(desk.store, desk.clock.now())
        desk.clock.sleep(LEASE.total_seconds())
    sightings.look(desk.store, desk.clock.now())
    with desk.store.read() as conn:
        assert account in due_accounts(conn, desk.clock.now())
