"""``liftlink reconcile`` brings everything to rest from whatever a crash, a lost notice or a restore left behind."""

from __future__ import annotations

from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from sqlalchemy import select, update

from app.billing.facts import Change
from app.gateways.sandbox import Fault, Sandbox
from app.gateways.sandbox.adapter import SandboxGateway
from app.kit.clock import StoppedClock
from app.kit.faults import install_plan
from app.models.orders import Attempt, Order
from app.models.store import Store
from tests.doors.commands.conftest import Commands
from tests.factories import Seeded
from tests.usecases.charging.desk import Desk


@pytest.fixture
def desk(
    run: Commands, store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    """The reference case in the folder that the commands work in, on the same day."""
    monkeypatch.setenv("LIFTLINK_DATABASE_URL", store.url.render_as_string(hide_password=False))
    monkeypatch.setenv("LIFTLINK_START_AT", clock.now().isoformat())
    return Desk(store, sandbox, clock, seeded)


class Killed(BaseException):
    """Stands for SIGKILL."""


THIRD_SEAT = Change(quantity=3, unit_price=1000)


def die(desk: Desk, point: str, checkout: str = "checkout-1", **order: Any) -> None:
    def plan(name: str) -> None:
        if name == point:
            raise Killed

    install_plan(plan)
    try:
        with pytest.raises(Killed):
            desk.buy("visa_ok", checkout, **order)
    finally:
        install_plan(None)


def later(monkeypatch: pytest.MonkeyPatch, desk: Desk, minutes: int) -> None:
    desk.clock.move(timedelta(minutes=minutes))
    monkeypatch.setenv("LIFTLINK_START_AT", desk.clock.now().isoformat())


def orders(desk: Desk) -> list[Any]:
    with desk.store.read() as conn:
        return list(conn.execute(select(Order.id, Order.state)).mappings())


@pytest.mark.parametrize("point", ["C1", "C3", "C5", "C6", "C7"])
def test_a_payment_that_nobody_follows_up_is_brought_to_its_end(
    run: Commands, desk: Desk, monkeypatch: pytest.MonkeyPatch, point: str
):
    die(desk, point)
    later(monkeypatch, desk, 2)
    done = run("reconcile", "--json")
    assert (done.code, done.json["done"]) == (0, True)
    assert desk.facts_of_first().state == "PAID"
    assert desk.captures() == [500]
    assert list((run.folder / "outbox").glob("receipt-*.eml"))
    desk.check()


def test_one_line_a_job_and_nothing_to_do_is_zero(run: Commands, desk: Desk):
    assert run("reconcile").code == 0
    done = run("reconcile")
    assert done.code == 0
    lines = [line.split("\t") for line in done.out.splitlines() if "\t" in line]
    assert [line[0] for line in lines[1:]] == [
        "leases", "expirer", "hasten", "sweep", "inbox", "refunds", "orphans", "setups", "outbox", "janitor", "leftovers",
        "compare",
    ]  # fmt: skip
    assert {line[1] for line in lines[1:]} == {"0"}
    assert "compared 2 accounts" in done.out


def test_undecided_payments_are_looked_at_before_their_time(run: Commands, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    order = desk.buy("visa_timeout_acted")
    assert desk.facts(order.id).last.state == "UNKNOWN"
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE, times=2)
    later(monkeypatch, desk, 2)
    desk.work()
    desk.clock.move(timedelta(minutes=1))
    desk.work()
    later(monkeypatch, desk, 1)
    assert desk.attempt(order.last.id).next_at > desk.clock.now()
    assert run("reconcile").code == 0
    assert desk.facts(order.id).state == "PAID"


def test_a_list_that_cannot_be_read_is_told_by_the_exit_code(run: Commands, desk: Desk):
    desk.sandbox.controls.fail_next("list_disputes", Fault.UNAUTHORIZED)
    done = run("reconcile")
    assert done.code == 1
    assert "could not be read whole" in done.err
    assert run("reconcile").code == 0


def test_that_its_time_was_up_is_told_by_a_line_and_the_exit_code(
    run: Commands, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    honest, asked = SandboxGateway.list_payments, list[str]()

    def slow(self: SandboxGateway, **how: Any) -> Any:
        asked.append(self.account)
        sleep(1.1)
        return honest(self, **how)

    monkeypatch.setattr(SandboxGateway, "list_payments", slow)
    done = run("reconcile", "--seconds", "1")
    assert (done.code, len(asked)) == (1, 1)
    assert "time was up" in done.err


def test_without_any_notice_reconcile_alone_makes_every_state_right(
    run: Commands, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Webhooks are off for the whole run. Each purchase ends otherwise; the gateway's book is the judge."""
    paid = desk.buy("visa_ok", "paid")
    ref = desk.payments()[0]["id"]
    desk.sandbox.at("quillmark-test", livemode=False).refund(ref, amount=100, mark="", key="by hand")
    assert run("reconcile").code == 0
    assert desk.facts(paid.id).state == "PART_REFUNDED"
    die(desk, "C6", "second", jti="1.2", change=THIRD_SEAT)
    later(monkeypatch, desk, 2)
    assert run("reconcile").code == 0
    assert len(desk.captures()) == 2
    assert {row["state"] for row in orders(desk)} == {"PART_REFUNDED", "PAID"}
    disputed = desk.sandbox.controls.open_dispute(ref)
    later(monkeypatch, desk, 10)
    assert run("reconcile").code == 0
    assert desk.facts(paid.id).state == "DISPUTED"
    desk.sandbox.controls.close_dispute(disputed, won=False)
    later(monkeypatch, desk, 24 * 60)
    assert run("reconcile").code == 0
    assert desk.facts(paid.id).state == "LOST"


def test_a_3ds_check_answered_late_and_one_left_for_good(run: Commands, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    answered = desk.buy("visa_3ds", "answered")
    desk.sandbox.pages.answer_check(desk.payments()[-1]["challenge"], approve=True)
    later(monkeypatch, desk, 30)
    assert run("reconcile").code == 0
    assert desk.facts(answered.id).state == "PAID"
    left = desk.buy("visa_3ds", "left", jti="1.2", change=THIRD_SEAT)
    later(monkeypatch, desk, 120)
    assert run("reconcile").code == 0
    assert desk.facts(left.id).state == "EXPIRED"
    assert desk.facts(left.id).last.state == "CANCELLED"
    assert desk.captures(left.id) == []


class TestRestore:
    """I49: the database goes back an hour; what was charged since is known again before anything new is."""

    def test_charging_opens_with_the_second_comparison(
        self, run: Commands, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ):
        run("reconcile")
        die(desk, "C7")
        with desk.store.write() as conn:  # the commits that a restored copy lacks
            conn.execute(update(Attempt).values(state="CREATED", gw_ref=None, lease_by=None, lease_until=None))
            lost = "DELETE FROM transitions WHERE kind = 'attempt' AND to_state <> 'CREATED'"
            conn.exec_driver_sql(lost)
        monkeypatch.setenv("LIFTLINK_RESTORE_EPOCH", "2026-07-01")
        first = run("reconcile")
        assert first.code == 1
        assert "charging is closed at sandbox quillmark-test (test)" in first.err
        assert desk.captures() == [500]
        later(monkeypatch, desk, 12)
        assert run("reconcile").code == 0
        assert desk.facts_of_first().state == "PAID"
        assert desk.captures() == [500]
        desk.check()
