"""A comparison may take hours; the worker goes on beside it."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.kit.bell import ThreadBell
from tests.usecases.charging.desk import Desk
from tests.usecases.jobs.test_runner import desk, runner, soon

__all__ = ["desk"]


def test_a_comparison_that_takes_long_keeps_no_payment_and_no_gate_check_waiting(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    reads, bell, checked = list[str](), ThreadBell(), threading.Event()

    def reading(*_: object, stops: Any, **__: object) -> None:
        reads.append(threading.current_thread().name)
        assert soon(stops)

    monkeypatch.setattr("app.jobs.runner.compare_due", reading)
    monkeypatch.setattr("app.jobs.runner.GATE_SECONDS", 0)
    worker = runner(desk, tmp_path, bell, gate=checked.set)
    worker.start()
    try:
        assert soon(lambda: bool(reads))
        checked.clear()
        placed = desk.place()
        bell.ring()
        assert soon(lambda: desk.facts(placed.order_id).state == "PAID")
        assert checked.wait(5)
        assert reads == ["liftlink-compare"], "one at a time"
    finally:
        worker.stop()
    assert "liftlink-compare" not in [each.name for each in threading.enumerate()]


def test_a_stopped_worker_leaves_the_account_to_the_next(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The reading ends before its next call, and what it held is free."""
    from app.charging.compare import compare
    from tests.usecases.charging.test_compare import ACCOUNT

    began = threading.Event()
    worker = runner(desk, tmp_path)
    gateway = type(desk.gateways.of("sandbox", ACCOUNT.account, livemode=False))
    honest = gateway.list_payments

    def slow(self: Any, **how: Any) -> Any:
        began.set()
        assert worker._stopping.wait(10)
        return honest(self, **how)

    compare(desk.store, desk.gateways, desk.clock, by="before")
    desk.clock.move(timedelta(hours=25))
    monkeypatch.setattr("app.charging.compare_account.LEASE", timedelta(0))
    with monkeypatch.context() as waiting:
        waiting.setattr(gateway, "list_payments", slow)
        worker.start()
        assert began.wait(10)
        worker.stop()
    assert compare(desk.store, desk.gateways, desk.clock, by="after").busy == 0


def test_a_round_by_hand_compares_in_its_own_thread(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = list[str]()
    monkeypatch.setattr("app.jobs.runner.compare_due", lambda *_, **__: names.append(threading.current_thread().name))
    runner(desk, tmp_path).work()
    assert names == [threading.current_thread().name]
