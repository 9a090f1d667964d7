"""``reconcile`` does whatever a worker does, and begins nothing once its time is over."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.charging.attempts import read_attempt
from app.charging.gate import close_all
from app.charging.making import request_of
from app.gateways.sandbox import Fault, Sandbox
from app.jobs.reconciling import Reconciled, Tools, reconcile
from app.kit.clock import StoppedClock
from app.mail import FileMailer, Mail
from app.models.orders import Attempt
from app.models.store import Store
from app.models.work import CardSetup
from app.outbox import MailRow
from tests.factories import Seeded, create_subscription
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.test_cards import begin, card_row, enter, status
from tests.usecases.charging.test_compare import comparing

CALLS = ("create_payment", "confirm_payment", "cancel_payment", "read_payment", "find_payments", "finish_card_setup",
         "list_payments", "list_refunds", "list_disputes")  # fmt: skip


class SlowGateways:
    """Each call of a gateway takes ``each`` seconds."""

    def __init__(self, desk: Desk, each: float = 1.0) -> None:
        self._gateways, self._clock, self._each = desk.gateways, desk.clock, timedelta(seconds=each)
        self._began = desk.clock.now()
        self.asked: list[str] = []
        self.begun_at: list[float] = []

    def of(self, gateway: str, account: str, *, livemode: bool) -> Any:
        return _Slow(self, self._gateways.of(gateway, account, livemode=livemode))

    def seconds(self) -> float:
        return (self._clock.now() - self._began).total_seconds()

    def call(self, name: str) -> None:
        self.asked.append(name)
        self.begun_at.append(self.seconds())
        self._clock.sleep(self._each.total_seconds())


class _Slow:
    def __init__(self, slow: SlowGateways, gateway: Any) -> None:
        self._slow, self._gateway = slow, gateway

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._gateway, name)
        if name not in CALLS:
            return found

        def called(*args: Any, **how: Any) -> Any:
            self._slow.call(name)
            return found(*args, **how)

        return called


@pytest.fixture
def desk(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Desk:
    return Desk(store, sandbox, clock, seeded)


def reconciled(desk: Desk, folder: Path, slow: SlowGateways, seconds: float = 300.0, **how: Any) -> Reconciled:
    def compose(row: MailRow) -> Mail:
        return Mail(row.id, "dana@x.example", "Quillmark", "help@x.example", row.kind, "text", "", "en")

    mailer = FileMailer(folder, desk.clock)
    return reconcile(Tools(desk.store, slow, desk.clock, mailer, compose, slow.seconds), seconds=seconds, **how)


def undecided(desk: Desk, count: int) -> None:
    """That many payments of which the gateway gave no certain answer, none of them due before a day is over."""
    with desk.store.write() as conn:
        for number in range(2000, 2000 + count):
            create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=number)
    for number in range(2000, 2000 + count):
        desk.buy("visa_timeout_acted", f"tab-{number}", jti=f"{number}.1", subscription=number)
    with desk.store.write() as conn:
        later = {"next_at": desk.clock.now() + timedelta(days=1), "lease_until": desk.clock.now()}
        conn.execute(update(Attempt).values(**later))


def states(desk: Desk) -> list[str]:
    with desk.store.read() as conn:
        return sorted(conn.execute(select(Attempt.state)).scalars())


def test_after_its_time_no_undecided_payment_is_looked_at(desk: Desk, tmp_path: Path):
    undecided(desk, 5)
    slow = SlowGateways(desk)
    done = reconciled(desk, tmp_path, slow, seconds=2)
    assert set(slow.asked) == {"read_payment"}
    assert (len(slow.asked), done.jobs["janitor"]) == (2, 2)
    assert (done.in_time, done.is_done) == (False, False)
    assert states(desk).count("UNKNOWN") == 3


def test_after_its_time_no_list_is_asked_for(desk: Desk, tmp_path: Path):
    comparing(desk)
    slow = SlowGateways(desk)
    done = reconciled(desk, tmp_path, slow, seconds=2.5)
    assert slow.asked, "it began"
    assert max(slow.begun_at) < 2.5
    assert (done.in_time, done.is_done) == (False, False)


def test_after_its_time_no_leftover_is_cancelled(desk: Desk, tmp_path: Path):
    gateway, order = desk.gateways.of("sandbox", "quillmark-test", livemode=False), desk.buy()
    with desk.store.read() as conn:
        row = read_attempt(conn, order.last.id)
    assert row is not None
    for key in "abc":
        gateway.create_payment(request_of(row), key=key)
    desk.clock.move(timedelta(hours=25))
    slow = SlowGateways(desk)
    done = reconciled(desk, tmp_path, slow, seconds=3)
    assert slow.asked.count("cancel_payment") == done.jobs["leftovers"]
    assert max(slow.begun_at) < 3
    assert [payment["status"] for payment in desk.payments()].count("canceled") == done.jobs["leftovers"] == 1
    assert not done.is_done


def test_a_run_within_its_time_is_done(desk: Desk, tmp_path: Path):
    undecided(desk, 2)
    assert not reconciled(desk, tmp_path, SlowGateways(desk), seconds=2).is_done
    assert reconciled(desk, tmp_path, SlowGateways(desk)).in_time


def test_a_card_page_that_is_due_is_finished(desk: Desk, tmp_path: Path):
    started = begin(desk)
    enter(desk, started)
    desk.clock.move(timedelta(minutes=2))
    done = reconciled(desk, tmp_path, SlowGateways(desk))
    assert (done.jobs["setups"], status(desk, started).state) == (1, "DONE")
    assert card_row(desk, status(desk, started).card_id).last4 == "4242"


def test_what_waits_for_a_gateway_that_came_back_is_looked_at_again_at_once(desk: Desk, tmp_path: Path):
    undecided(desk, 3)
    with desk.store.write() as conn:
        conn.execute(update(Attempt).values(tries=10))  # the next look would be an hour away
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE)
    desk.sandbox.controls.fail_next("list_payments", Fault.UNAUTHORIZED, times=9)  # no comparison finds it either
    done = reconciled(desk, tmp_path, SlowGateways(desk))
    assert (done.jobs["hasten"], states(desk)) == (1, ["SUCCEEDED"] * 3)


def test_while_it_waits_a_row_that_a_clock_far_ahead_holds_is_freed(desk: Desk, tmp_path: Path):
    comparing(desk)
    started = begin(desk)
    enter(desk, started)
    ahead = desk.clock.now() + timedelta(hours=12)
    with desk.store.write() as conn:
        conn.execute(update(CardSetup).values(lease_by="died", lease_until=ahead, next_at=ahead))
        close_all(conn, desk.clock.now())
    done = reconciled(desk, tmp_path, SlowGateways(desk), seconds=3600, wait=True)
    assert (done.closed, done.jobs["leases"], status(desk, started).state) == ([], 1, "DONE")
