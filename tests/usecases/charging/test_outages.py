"""A database that is away ends the pass that meets it: it is told once and waited for, not once for every row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app.charging import heard, repair
from app.charging.heard import hear
from app.charging.noticing import NoticeAddress, keep_notice
from app.charging.refunding import drive_refunds
from app.charging.repair import sweep
from app.gateways.port import Notice
from app.jobs.failing import Failing
from app.jobs.reconciling import janitor
from app.models.store import Store
from tests.factories import create_subscription
from tests.logged import said_by
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask

Pass = Callable[[Desk], object]
PASSES: dict[str, Pass] = {
    "attempts": lambda desk: sweep(desk.store, desk.gateways, desk.clock, by="worker"),
    "refunds": lambda desk: drive_refunds(desk.store, desk.gateways, desk.clock, by="worker"),
    "janitor": lambda desk: janitor(desk.store, desk.gateways, desk.clock, by="worker"),
}


def full() -> OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
    return OperationalError("UPDATE", None, error)


def something_of_each(desk: Desk) -> None:
    """A refund and an attempt that are due."""
    ask(desk, desk.buy().id, 200)
    with desk.store.write() as conn:
        create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=2000)
    desk.place(desk.order("two", jti="2.2", subscription=2000))
    desk.clock.at += timedelta(minutes=5)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", PASSES)
def test_an_outage_ends_the_pass_and_its_worker_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str):
    something_of_each(desk)

    def write(_store: Store) -> None:
        raise full()

    monkeypatch.setattr(Store, "write", write)
    failing = Failing("SQLite", desk.clock)
    assert not failing.run(name, lambda: PASSES[name](desk))
    assert failing.is_away
    assert failing.pause > 0


def test_what_is_wrong_with_one_row_still_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    something_of_each(desk)
    lines = said_by(monkeypatch, repair)

    def broken(*_: object, **__: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(repair, "drive", broken)
    assert len(sweep(desk.store, desk.gateways, desk.clock, by="worker")) == 1
    assert [line["event"] for line in lines] == ["drive_failed"]


def test_an_outage_in_a_notice_s_look_is_told_by_the_worker_and_not_by_the_notice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    book = desk.seeded.book
    told = Notice("evt_1", "payment", "quillmark-test", False, desk.clock.now(), payment="pay_1")
    keep_notice(desk.store, desk.clock, NoticeAddress(book, "sandbox", "quillmark-test", False), told, b"{}")
    lines = said_by(monkeypatch, heard)

    def look(*_: object) -> str:
        raise full()

    monkeypatch.setattr(heard, "look_at_payment", look)
    failing = Failing("SQLite", desk.clock)
    assert not failing.run("notices", lambda: hear(desk.store, desk.gateways, desk.clock, by="worker"))
    assert lines == []
