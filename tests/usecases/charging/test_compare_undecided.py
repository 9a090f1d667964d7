"""A payment that could not be read while both books were compared is never left behind: it is kept, or tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select, update

from app.billing.facts import Change
from app.charging import compare_disputes
from app.charging.gate import close_all, closed_accounts
from app.charging.orphaned import look_after_orphans
from app.gateways.port import Answer, AnswerKind, CreatePayment, Marks
from app.gateways.sandbox import Fault
from app.gateways.sandbox.adapter import SandboxGateway
from app.jobs.reconciling import Reconciled, Tools, reconcile
from app.mail import FileMailer, Mail
from app.models.orders import Attempt, Orphan
from app.models.work import GatewayWatch
from app.outbox import MailRow
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import waiting
from tests.usecases.charging.test_compare import ACCOUNT, SUCCEEDED, began, comparing, gateway_says, row_is


@contextmanager
def unreadable(ref: str = "", kind: AnswerKind = AnswerKind.UNKNOWN) -> Iterator[None]:
    """The gateway fails at reading this payment, or any."""
    honest = SandboxGateway.read_payment

    def silent(self: SandboxGateway, asked: str) -> Answer:
        return Answer(kind) if ref in ("", asked) else honest(self, asked)

    with patch.object(SandboxGateway, "read_payment", silent):
        yield


def unknown_payment(desk: Desk, *, paid: bool) -> str:
    """Under our marks, and no row here knows it."""
    gateway, card = desk.sandbox.at(ACCOUNT.account, livemode=False), desk.card()
    marks = Marks("lost", "lost.1", "")
    made = gateway.create_payment(CreatePayment(500, "USD", card.gateway_customer, card.token, marks), key="x1").payment
    assert made is not None
    if paid:
        gateway.confirm_payment(made.ref, key="x2", return_url="https://pay.quillmark.example")
    return made.ref


def orphans(desk: Desk) -> list[str]:
    with desk.store.read() as conn:
        return list(conn.execute(select(Orphan.state)).scalars())


def until(desk: Desk) -> datetime:
    with desk.store.read() as conn:
        query = select(GatewayWatch.compared_until).where(GatewayWatch.account == ACCOUNT.account)
        return conn.execute(query).scalar_one()


def next_in(desk: Desk) -> timedelta:
    with desk.store.read() as conn:
        query = select(GatewayWatch.next_at).where(GatewayWatch.account == ACCOUNT.account)
        return conn.execute(query).scalar_one() - desk.clock.now()


def compared_once(desk: Desk) -> None:
    desk.buy()
    comparing(desk)
    desk.clock.move(timedelta(hours=3))


def test_captured_money_that_could_not_be_read_is_kept_from_the_list(desk: Desk):
    compared_once(desk)
    ref = unknown_payment(desk, paid=True)
    desk.clock.move(timedelta(hours=2))
    with unreadable(ref):
        comparing(desk)
    assert orphans(desk) == ["FOUND"]
    look_after_orphans(desk.store, desk.gateways, desk.clock, by="test")
    assert orphans(desk) == ["PERSON"]


def test_captured_money_that_is_listed_and_not_there_when_it_is_read_is_kept_from_the_list(desk: Desk):
    compared_once(desk)
    ref = unknown_payment(desk, paid=True)
    desk.clock.move(timedelta(hours=2))
    with unreadable(ref, AnswerKind.BUG_OR_GONE):
        comparing(desk)
    assert orphans(desk) == ["FOUND"]


@pytest.mark.parametrize("state", ["DECLINED", "CANCELLED"])
def test_captured_money_of_a_closed_attempt_that_could_not_be_read_is_kept_and_adopted(desk: Desk, state: str):
    order = began(desk, "visa_ok")
    gateway_says(desk, SUCCEEDED)
    row_is(desk, state)
    with unreadable():
        comparing(desk)
    look_after_orphans(desk.store, desk.gateways, desk.clock, by="test")
    assert (orphans(desk), desk.facts(order).state) == (["ADOPTED"], "PAID")


def test_what_stayed_undecided_holds_the_watermark_and_is_tried_again_within_minutes(desk: Desk):
    compared_once(desk)
    stands, ref = until(desk), unknown_payment(desk, paid=False)
    desk.clock.move(timedelta(hours=2))
    with unreadable(ref):
        done = comparing(desk)
    assert (done.undecided, done.unread, orphans(desk)) == (1, 1, [])
    assert until(desk) == stands
    assert next_in(desk) <= timedelta(minutes=15)
    desk.clock.move(timedelta(minutes=15))
    assert comparing(desk).unread == 0
    assert (orphans(desk), until(desk)) == (["FOUND"], desk.clock.now())


def test_what_can_never_be_read_holds_for_a_day_and_is_kept_then(desk: Desk):
    compared_once(desk)
    ref = unknown_payment(desk, paid=False)
    with unreadable(ref):
        desk.clock.move(timedelta(hours=23))
        assert comparing(desk).unread == 1
        desk.clock.move(timedelta(hours=1))
        assert comparing(desk).unread == 0
        assert (orphans(desk), until(desk)) == (["FOUND"], desk.clock.now())
        for _ in range(15):
            desk.clock.move(timedelta(days=1))
            look_after_orphans(desk.store, desk.gateways, desk.clock, by="test")
    assert orphans(desk) == ["PERSON"]


def test_one_payment_that_raises_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    compared_once(desk)
    unknown_payment(desk, paid=True)
    with monkeypatch.context() as broken:
        broken.setattr("app.charging.compare_account.look_at_payment", lambda *_: {}["no such"])
        done = comparing(desk)
    assert (done.accounts, done.unread, orphans(desk)) == (1, 0, ["FOUND"])


def test_one_dispute_that_raises_stops_no_other_and_comes_before_a_person_after_a_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    comparing(desk)
    first, second = desk.buy(), desk.buy(checkout="checkout-2", change=Change(quantity=3), jti=None)
    for each in desk.payments():
        desk.sandbox.controls.open_dispute(each["id"])
    honest = compare_disputes.take_disputes

    def poisoned(*given: Any, **more: Any) -> str:
        return honest(*given, **more) if first.last.id not in given else {}["no such"]

    monkeypatch.setattr(compare_disputes, "take_disputes", poisoned)
    done = comparing(desk)
    assert (done.disputes, done.undecided, done.accounts) == (2, 1, 1)
    assert (desk.facts(first.id).state, desk.facts(second.id).state) == ("PAID", "DISPUTED")
    assert [each.kind for each in waiting(desk)] == ["dispute"]
    for _ in range(2):
        desk.clock.move(timedelta(days=1))
        assert comparing(desk).undecided == 0
    assert [each.why for each in waiting(desk) if each.kind == "alarm"] == [
        "its dispute at the gateway could not be taken in: KeyError"
    ]


def test_an_open_attempt_whose_payment_could_not_be_read_is_its_drivers_and_holds_nothing(desk: Desk):
    """Else an account that sells all the time would never be compared whole."""
    order = began(desk, "visa_ok")
    gateway_says(desk, SUCCEEDED)
    with unreadable():
        assert comparing(desk).unread == 0
    desk.clock.move(timedelta(minutes=20))
    desk.work()
    assert (orphans(desk), desk.facts(order).state) == ([], "PAID")


def test_a_paid_attempt_whose_payment_is_neither_listed_nor_read_holds_for_a_day(desk: Desk):
    began(desk, "visa_ok")
    gateway_says(desk, None)
    row_is(desk, "SUCCEEDED")
    with unreadable():
        assert comparing(desk).unread == 1
        assert waiting(desk) == []
        with desk.store.write() as conn:
            conn.execute(update(Attempt).values(created_at=desk.clock.now() - timedelta(days=1)))
        assert comparing(desk, since=desk.clock.now() - timedelta(days=2)).unread == 0
    assert [each.why for each in waiting(desk)] == [
        "the gateway does not list this payment, and gives no answer about it"
    ]


def test_a_paid_attempt_whose_payment_is_listed_with_other_money_raises_the_alarm_unread(desk: Desk):
    desk.buy()
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE payments SET customer = 'cus_sandbox_other'")
    with unreadable():
        assert comparing(desk).unread == 0
    assert ["customer is cus_sandbox_other" in each.why for each in waiting(desk)] == [True]


@pytest.mark.parametrize("paid", [True, False])
def test_no_gate_opens_over_a_payment_that_could_not_be_read(desk: Desk, paid: bool):
    compared_once(desk)
    ref = unknown_payment(desk, paid=paid)
    with desk.store.write() as conn:
        close_all(conn, desk.clock.now())
    with unreadable(ref):
        for _ in range(4):
            comparing(desk)
            desk.clock.move(timedelta(minutes=20))
    with desk.store.read() as conn:
        assert bool(orphans(desk)) or ACCOUNT in closed_accounts(conn)
    comparing(desk)
    desk.clock.move(timedelta(minutes=40))
    comparing(desk)
    with desk.store.read() as conn:
        assert (bool(orphans(desk)), ACCOUNT in closed_accounts(conn)) == (True, False)


@pytest.mark.parametrize("moment", ["first", "second"])
def test_a_gate_that_closes_again_during_a_reading_is_not_opened_by_it(desk: Desk, moment: str):
    with desk.store.write() as conn:
        close_all(conn, desk.clock.now())
    if moment == "second":
        comparing(desk)
        desk.clock.move(timedelta(minutes=40))
    honest = SandboxGateway.list_disputes  # the last list of a reading

    def and_again(self: SandboxGateway, **how: Any) -> Any:
        desk.clock.move(timedelta(seconds=5))
        with desk.store.write() as conn:
            close_all(conn, desk.clock.now())
        return honest(self, **how)

    with patch.object(SandboxGateway, "list_disputes", and_again):
        assert comparing(desk).opened == 0
    assert next_in(desk) <= timedelta(0)
    assert comparing(desk).opened == 0, "it counts as none of the two that open it"
    desk.clock.move(timedelta(minutes=40))
    assert comparing(desk).opened == 1


def test_a_reading_that_is_stopped_frees_its_account_for_the_next(desk: Desk):
    compared_once(desk)
    asked = list[int]()

    def stops() -> bool:
        asked.append(1)
        return len(asked) > 2

    done = comparing(desk, stops=stops)
    assert (done.busy, done.accounts) == (1, 0)
    assert next_in(desk) <= timedelta(0)
    assert comparing(desk).accounts == 1


def test_the_object_of_an_attempt_that_is_to_end_holds_no_gate(desk: Desk):
    """Its driver looks for it and cancels it, as soon as something may be asked."""
    desk.sandbox.controls.fail_next("create_payment", Fault.TIMEOUT_AFTER)
    order = desk.buy()
    with desk.store.write() as conn:
        conn.execute(update(Attempt).values(state="CANCELLING"))
        close_all(conn, desk.clock.now())
    for _ in range(2):
        desk.work()
        done = comparing(desk)
        desk.clock.move(timedelta(minutes=20))
    assert (done.unread, done.opened, orphans(desk)) == (0, 1, [])
    desk.work()
    assert (desk.attempt(order.last.id).state, [each["status"] for each in desk.payments()]) == (
        "CANCELLED",
        ["canceled"],
    )


def reconciled(desk: Desk, tmp_path: Path) -> Reconciled:
    def compose(_: MailRow) -> Mail:
        raise AssertionError

    mailer = FileMailer(tmp_path, desk.clock)
    return reconcile(Tools(desk.store, desk.gateways, desk.clock, mailer, compose), seconds=20, rounds=3)


def test_reconcile_is_not_done_while_something_stayed_undecided(desk: Desk, tmp_path: Path):
    comparing(desk)
    desk.clock.move(timedelta(hours=3))
    unknown_payment(desk, paid=False)
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_AFTER)
    first = reconciled(desk, tmp_path)
    assert (first.is_done, first.compared.undecided) == (False, 1)
    assert reconciled(desk, tmp_path).is_done
    assert orphans(desk) == ["FOUND"]
