"""The worker of a server process finishes what requests began, mails the receipt and survives everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DisconnectionError

from app.accounts.directory import Directory
from app.gateways.sandbox import Sandbox
from app.jobs import EmbeddedRunner, failing
from app.kit.bell import ThreadBell
from app.kit.clock import StoppedClock
from app.kit.keys import MasterKeys
from app.mail import Composer, FileMailer
from app.models.store import Store
from app.outbox import record
from app.web.i18n import tongue_of
from tests.factories import Seeded
from tests.logged import said_by
from tests.usecases.charging.desk import Desk

TEMPLATES = Path(__file__).parents[3] / "templates" / "mail"


@pytest.fixture
def desk(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Desk:
    return Desk(store, sandbox, clock, seeded)


def runner(desk: Desk, folder: Path, bell: ThreadBell | None = None, **more: Any) -> EmbeddedRunner:
    directory = Directory(desk.store, MasterKeys([b"0123456789abcdef0123456789abcdef"]))
    mailer = FileMailer(folder, desk.clock)
    return EmbeddedRunner(
        desk.store, desk.gateways, desk.clock, bell or ThreadBell(), mailer, Composer(TEMPLATES, tongue_of), directory,
        **more,
    )  # fmt: skip


def soon(true: Callable[[], bool]) -> bool:
    """Within ten seconds of real time."""
    until = time.monotonic() + 10
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


def test_an_order_that_nobody_drove_is_paid_and_its_receipt_is_a_file(desk: Desk, tmp_path: Path):
    placed = desk.place()
    runner(desk, tmp_path / "mails").work()
    assert desk.facts(placed.order_id).state == "PAID"
    (mail,) = (tmp_path / "mails").glob("receipt-*.eml")
    assert b"Quillmark" in mail.read_bytes()


def test_one_round_sends_every_mail_that_waits(desk: Desk, seeded: Seeded, tmp_path: Path):
    with desk.store.write() as conn:
        for name in "abcde":
            body = {"to": "dana@x.example", "language": "en", "subscription": 1048, "url": "https://pay.example/u/a",
                    "short_code": "LK-1", "expires_at": "2026-07-08T00:00:00+00:00"}  # fmt: skip
            record(conn, seeded.book, "fresh_link", name, 1, "mail", body, desk.clock.now())
    runner(desk, tmp_path, limit=2).work()
    assert len(list(tmp_path.glob("*.eml"))) == 5


def test_a_ring_wakes_the_thread(desk: Desk, tmp_path: Path):
    bell = ThreadBell()
    worker = runner(desk, tmp_path, bell)
    worker.start()
    try:
        placed = desk.place()
        bell.ring()
        assert soon(lambda: desk.facts(placed.order_id).state == "PAID")
    finally:
        worker.stop()


def test_a_pass_that_raises_stops_neither_the_others_nor_the_thread(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    order = desk.buy()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the database is away")

    monkeypatch.setattr("app.jobs.runner.sweep", broken)
    runner(desk, tmp_path).work()
    assert desk.facts(order.id).state == "PAID"
    assert list(tmp_path.glob("receipt-*.eml"))


def test_a_round_expires_what_nobody_bought(desk: Desk, tmp_path: Path):
    order = desk.buy("visa_declined")
    desk.clock.move(timedelta(hours=2))
    runner(desk, tmp_path).work()
    assert desk.facts(order.id).state == "EXPIRED"


def test_a_stopped_worker_has_no_thread_left(desk: Desk, tmp_path: Path):
    worker = runner(desk, tmp_path)
    worker.start()
    worker.start()
    worker.stop()
    assert worker._thread is None


def test_while_the_database_is_away_a_round_tries_it_once_and_the_log_holds_two_lines(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lines, tries = said_by(monkeypatch, failing), list[str]()
    worker = runner(desk, tmp_path)

    def away(*_: object, **__: object) -> None:
        tries.append("attempts")
        raise DisconnectionError

    with monkeypatch.context() as gone:
        gone.setattr("app.jobs.runner.sweep", away)
        gone.setattr("app.jobs.runner.hear", lambda *_, **__: tries.append("notices"))
        for _ in range(100):
            worker.work()
    assert tries == ["attempts"] * 100
    order = desk.place()
    worker.work()
    assert desk.facts(order.order_id).state == "PAID"
    assert [line["event"] for line in lines] == ["database_away", "database_back"]


def test_the_thread_waits_longer_and_longer_for_a_database_that_is_away(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    waits: list[float] = []
    monkeypatch.setattr("app.jobs.runner.WAIT_SECONDS", 0)
    monkeypatch.setattr("app.jobs.runner.sweep", lambda *_, **__: (_ for _ in ()).throw(DisconnectionError()))
    worker = runner(desk, tmp_path, wait=waits.append)
    worker.start()
    try:
        assert soon(lambda: len(waits) >= 7)
    finally:
        worker.stop()
    assert waits[:7] == [1, 2, 4, 8, 16, 30, 30]
