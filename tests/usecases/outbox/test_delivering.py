"""News is recorded with what made it true and sent at least once, under one id, whatever dies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.kit.clock import StoppedClock
from app.kit.faults import install_plan
from app.kit.fence import assert_outside_transaction
from app.mail import Mail, MailError
from app.models.store import Store
from app.models.work import Outbox
from app.outbox import MailRow, deliver_due, record, record_once
from tests.factories import Seeded


class Killed(BaseException):
    """Stands for SIGKILL."""


class ListMailer:
    """Keeps what was sent; raises what it is told to raise first."""

    def __init__(self, *errors: Exception) -> None:
        self.sent: list[Mail] = []
        self.errors = list(errors)

    def send(self, mail: Mail) -> None:
        assert_outside_transaction("mail")
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(mail)


@pytest.fixture(autouse=True)
def _no_plan():
    yield
    install_plan(None)


def compose(row: MailRow) -> Mail:
    return Mail(row.id, str(row.body["to"]), "Quillmark", "help@x.example", row.kind, "text", "html", "en")


def write(store: Store, seeded: Seeded, clock: StoppedClock, name: str = "o1", **body: Any) -> str:
    with store.write() as conn:
        return record(conn, seeded.book, "receipt", name, 1, "mail", {"to": "dana@x.example", **body}, clock.now())


def deliver(store: Store, mailer: ListMailer, clock: StoppedClock, by: str = "worker") -> int:
    return deliver_due(store, mailer, clock, compose=compose, by=by)


def row(store: Store, identity: str) -> Any:
    with store.read() as conn:
        return conn.execute(select(Outbox).where(Outbox.id == identity)).one()


def test_a_recorded_mail_is_sent_once_and_marked(store: Store, seeded: Seeded, clock: StoppedClock):
    identity, mailer = write(store, seeded, clock), ListMailer()
    assert (deliver(store, mailer, clock), deliver(store, mailer, clock)) == (1, 0)
    assert [mail.id for mail in mailer.sent] == [identity]
    assert (row(store, identity).state, row(store, identity).done_at) == ("DELIVERED", clock.now())


def test_news_of_a_transaction_that_rolled_back_does_not_exist(store: Store, seeded: Seeded, clock: StoppedClock):
    def roll_back() -> None:
        with store.write() as conn:
            record(conn, seeded.book, "receipt", "o1", 1, "mail", {"to": "x"}, clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        roll_back()
    assert deliver(store, ListMailer(), clock) == 0


def test_the_same_news_cannot_be_recorded_twice(store: Store, seeded: Seeded, clock: StoppedClock):
    write(store, seeded, clock)
    with pytest.raises(IntegrityError):
        write(store, seeded, clock)
    with store.write() as conn:
        assert not record_once(conn, seeded.book, "receipt", "o1", 1, "mail", {}, clock.now())


@pytest.mark.parametrize(("point", "sent"), [("C9", 1), ("C10", 1), ("C11", 2)])
def test_a_death_while_sending_repeats_at_most_that_mail_under_its_id(
    store: Store, seeded: Seeded, clock: StoppedClock, point: str, sent: int
):
    identity, mailer = write(store, seeded, clock), ListMailer()

    def plan(name: str) -> None:
        if name == point:
            install_plan(None)
            raise Killed

    install_plan(plan)
    with pytest.raises(Killed):
        deliver(store, mailer, clock)
    clock.move(timedelta(seconds=61))
    deliver(store, mailer, clock, by="another worker")
    assert [mail.id for mail in mailer.sent] == [identity] * sent
    assert row(store, identity).state == "DELIVERED"


def test_a_failing_mailer_is_tried_again_later_and_others_are_not_held_up(
    store: Store, seeded: Seeded, clock: StoppedClock
):
    first, second = write(store, seeded, clock, "o1"), write(store, seeded, clock, "o2")
    mailer = ListMailer(MailError("mail_failed", "the server is away"))
    assert deliver(store, mailer, clock) == 1
    assert row(store, first).state == "READY"
    assert row(store, first).last_error == "the server is away"
    assert row(store, second).state == "DELIVERED"
    assert deliver(store, mailer, clock) == 0
    clock.move(timedelta(minutes=1))
    assert deliver(store, mailer, clock) == 1


def test_a_mail_that_never_goes_is_dead_after_days_and_stays_visible(store: Store, seeded: Seeded, clock: StoppedClock):
    identity, mailer = write(store, seeded, clock), ListMailer(*[MailError("mail_failed", "no")] * 20)
    for _ in range(20):
        clock.move(timedelta(days=1))
        deliver(store, mailer, clock)
    assert (row(store, identity).state, row(store, identity).tries) == ("DEAD", 8)


def test_a_mail_that_is_refused_for_good_is_dead_at_once(store: Store, seeded: Seeded, clock: StoppedClock):
    identity = write(store, seeded, clock)
    deliver(store, ListMailer(MailError("mail_refused", "no such mailbox")), clock)
    assert row(store, identity).state == "DEAD"


def test_a_link_is_not_kept_after_it_was_sent(store: Store, seeded: Seeded, clock: StoppedClock):
    identity = write(store, seeded, clock, url="https://pay.example/u/token")
    deliver(store, ListMailer(), clock)
    assert row(store, identity).body == {"to": "dana@x.example"}


def test_events_wait_for_whoever_asks_and_are_not_mailed(store: Store, seeded: Seeded, clock: StoppedClock):
    with store.write() as conn:
        record(conn, seeded.book, "order.paid", "o1", 2, "event", {}, clock.now())
    assert deliver(store, ListMailer(), clock) == 0
