"""A book in which everything has happened, made once; each test damages a copy of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from app.billing.facts import Change
from app.charging.repair import expire
from app.gateways.sandbox import Sandbox, open_gateway
from app.gateways.sandbox.cards import Fault
from app.kit.clock import StoppedClock
from app.migrations import upgrade
from app.models.merchants import Book
from app.models.store import Store
from tests.conftest import TODAY
from tests.factories import Seeded, create_balance, create_subscription, seed
from tests.usecases.audit.busy import Busy, Names
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask, drive, give_back


def happen(desk: Desk) -> Names:
    """Paid, declined, abandoned, expired, free, by balance, credited, refunded in part and in full, one after a fault."""
    store, clock, seeded = desk.store, desk.clock, desk.seeded
    assert isinstance(clock, StoppedClock)
    with store.write() as conn:
        for _ in range(5):
            create_subscription(conn, seeded.book, seeded.customer, card_id=seeded.visa)
    paid = desk.buy()
    desk.buy("visa_declined", checkout="c2", subscription=1049, jti="1.2")
    retried = desk.buy(checkout="c2", subscription=1049, jti="1.2")
    desk.buy("visa_declined", checkout="c3", subscription=1050, jti="1.3")
    left = desk.buy("visa_3ds", checkout="c4", subscription=1051, jti="1.4")
    clock.at += timedelta(hours=3)
    expire(store, clock)
    desk.work(3)
    expire(store, clock)
    with store.write() as conn:
        create_balance(conn, seeded.book, seeded.customer, 700)
        conn.execute(update(Book).values(policy={"negative": "credit"}, policy_version=Book.policy_version + 1))
    desk.buy(checkout="c5", subscription=1052, jti=None)
    desk.buy(checkout="c6", subscription=1053, jti=None)
    desk.buy(checkout="c7", subscription=1053, jti=None, change=Change(quantity=1))
    give_back(desk, paid.id, 200)
    give_back(desk, retried.id)
    desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_AFTER)
    ask(desk, paid.id, 100)
    drive(desk)
    clock.at += timedelta(minutes=10)
    drive(desk)
    return Names(paid.id, retried.id, left.id)


def _gateway(folder: Path, clock: StoppedClock) -> Sandbox:
    path = folder / "sandbox.sqlite3"
    return open_gateway({"production": False, "path": path, "public_url": "https://pay.example", "clock": clock})


@pytest.fixture(scope="session")
def happened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seeded, Names, StoppedClock]:
    """The files of the busy book, always on SQLite; and when it was."""
    folder = tmp_path_factory.mktemp("busy")
    clock, store = StoppedClock(TODAY), Store(f"sqlite:///{folder / 'liftlink.sqlite3'}")
    upgrade(store.engine)
    with store.write() as conn:
        seeded = seed(conn)
    sandbox = _gateway(folder, clock)
    names = happen(Desk(store, sandbox, clock, seeded))
    store.close()
    sandbox.close()
    return folder, seeded, names, clock


@pytest.fixture
def busy(happened: tuple[Path, Seeded, Names, StoppedClock], tmp_path: Path) -> Iterator[Busy]:
    folder, seeded, names, clock = happened
    copied = tmp_path / "busy"
    shutil.copytree(folder, copied)
    clock = StoppedClock(clock.at)
    store, sandbox = Store(f"sqlite:///{copied / 'liftlink.sqlite3'}"), _gateway(copied, clock)
    yield Busy(Desk(store, sandbox, clock, seeded), names.paid, names.retried, names.left)
    store.close()
    sandbox.close()
