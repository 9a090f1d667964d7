"""Nothing is alarmed about what really happens: each story is told through the real use cases, and the audit is clean after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from app.charging.abandon import abandon
from app.charging.audit import run
from app.charging.orphaned import look_after_orphans
from app.charging.repair import expire
from app.gateways.port import AnswerKind, Payment, Refund, RefundStatus, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.merchants import Book
from app.models.subscriptions import Subscription
from app.outbox import deliver_due
from tests.late_capture import take_all_the_same
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.refunds import ask, drive, give_back, heal
from tests.usecases.charging.test_compare import comparing
from tests.usecases.outbox.test_delivering import ListMailer, compose


def named(desk: Desk) -> list[str]:
    """What the audit says is broken, where a worker sends the mails."""
    deliver_due(desk.store, ListMailer(), desk.clock, compose=compose, by="worker", limit=500)
    findings = list(run(desk.store, desk.gateways, desk.clock))
    assert [one.unread for one in findings if one.unread] == []
    return [f"{one.invariant} {row.row}: {row.what}" for one in findings for row in one.broken]


def move_subscription(conn: Connection, by: int) -> None:
    conn.execute(update(Subscription).values(version=Subscription.version + by))


def paid_while_it_moved(desk: Desk) -> str:
    """The subscription is another one while the bank answers; later it is as it was."""
    placed = desk.place()
    with desk.store.write() as conn:
        move_subscription(conn, 1)
    desk.drive(placed.attempt_id)
    with desk.store.write() as conn:
        move_subscription(conn, -1)
    return placed.order_id


def payment_of(desk: Desk, order_id: str) -> str:
    return desk.attempt(f"{order_id}.1").gw_ref


@pytest.mark.parametrize("act", ["adopt", "refund"])
def test_money_that_waits_for_a_person_and_that_somebody_decided_about(desk: Desk, act: str):
    order = paid_while_it_moved(desk)
    assert named(desk) == []
    decide(desk, waiting(desk)[0], act)
    assert named(desk) == []
    comparing(desk)
    assert (named(desk), desk.facts(order).state) == ([], "PAID" if act == "adopt" else "CANCELLED")


def test_money_given_back_by_hand_while_it_waits_for_a_person(desk: Desk):
    order = paid_while_it_moved(desk)
    gateway = desk.gateways.of("sandbox", "quillmark-test", livemode=False)
    gateway.refund(payment_of(desk, order), amount=200, mark="", key="by-hand")
    comparing(desk)
    assert named(desk) == []
    decide(desk, waiting(desk)[0], "refund")
    assert (named(desk), desk.facts(order).state) == ([], "CANCELLED")


def test_a_sale_that_failed_and_was_paid_all_the_same(desk: Desk):
    """The gateway says that the payment is cancelled, and takes the money after that."""
    order = desk.buy("visa_3ds")
    abandon(desk.store, desk.clock, desk.seeded.book, order.id)
    desk.work()
    assert (desk.facts(order.id).last.state, named(desk)) == ("CANCELLED", [])
    take_all_the_same(desk.sandbox, payment_of(desk, order.id))
    comparing(desk)
    look_after_orphans(desk.store, desk.gateways, desk.clock, by="worker")
    assert (desk.facts(order.id).state, named(desk)) == ("PAID", [])


@pytest.mark.parametrize("kind", [AnswerKind.BUG, AnswerKind.UNKNOWN, AnswerKind.DECLINE])
def test_a_refund_that_stands_still_until_a_person_lets_it_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: AnswerKind
):
    order = desk.buy()
    with monkeypatch.context() as gateway:
        gateway.setattr(SandboxGateway, "refund", lambda *_of, **_how: Reply(kind, detail="the account is closed"))
        ask(desk, order.id, 200)
        drive(desk)
        assert named(desk) == []
        desk.clock.move(timedelta(hours=25))
        drive(desk)
        assert named(desk) == []
    decide(desk, waiting(desk)[0], "refund" if kind is AnswerKind.DECLINE else "release")
    heal(desk)
    assert (named(desk), waiting(desk)) == ([], [])
    assert desk.facts(order.id).state == "PART_REFUNDED"


def test_a_refund_that_the_gateway_refused_because_of_a_dispute_we_had_not_heard_of(desk: Desk):
    order = desk.buy()
    desk.sandbox.controls.open_dispute(payment_of(desk, order.id))
    desk.clock.move(timedelta(minutes=1))
    ask(desk, order.id, 200)
    drive(desk)
    comparing(desk)
    assert (named(desk), desk.facts(order.id).state) == ([], "DISPUTED")


def test_a_refund_that_was_asked_for_in_a_dispute_that_nobody_had_heard_of_and_sent_after_it(desk: Desk):
    order = desk.buy()
    dispute = desk.sandbox.controls.open_dispute(payment_of(desk, order.id))
    ask(desk, order.id, 200)
    comparing(desk)
    desk.sandbox.controls.close_dispute(dispute, won=True)
    comparing(desk)
    drive(desk)
    assert (named(desk), desk.facts(order.id).state) == ([], "PART_REFUNDED")


def test_a_refund_during_an_inquiry_that_became_a_dispute(desk: Desk):
    """The gateway lists it as opened when the bank first asked."""
    order = desk.buy()
    asked = desk.clock.now()
    desk.clock.move(timedelta(days=1))
    give_back(desk, order.id, 200)
    desk.clock.move(timedelta(days=1))
    desk.sandbox.controls.open_dispute(payment_of(desk, order.id))
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE disputes SET opened_at = ?", (int(asked.timestamp() * 1_000_000),))
    comparing(desk)
    assert (named(desk), desk.facts(order.id).state) == ([], "DISPUTED")


def test_a_refund_that_came_back_with_a_bank_that_sent_all_of_them_back(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """The payment then holds as much as before, and no sum of it says that a refund was ever made."""
    order = desk.buy()
    give_back(desk, order.id, 200)
    desk.clock.move(timedelta(days=10))
    with monkeypatch.context() as bank:
        sent_back(bank)
        comparing(desk)
        assert [matter.why for matter in waiting(desk)] == ["came back after it had succeeded"]
        assert named(desk) == []
        decide(desk, waiting(desk)[0], "adopt")
        assert named(desk) == []


def sent_back(bank: pytest.MonkeyPatch) -> None:
    """Every refund is listed as failed, and what was given back of a payment is nothing again."""
    refunds, payments = SandboxGateway.list_refunds, SandboxGateway.list_payments

    def failed(*of: Any, **how: Any) -> Reply[tuple[Refund, ...]]:
        listed = refunds(*of, **how).value or ()
        return Reply(AnswerKind.DEFINITE, tuple(replace(each, status=RefundStatus.FAILED) for each in listed))

    def whole(*of: Any, **how: Any) -> Reply[tuple[Payment, ...]]:
        listed = payments(*of, **how).value or ()
        return Reply(AnswerKind.DEFINITE, tuple(replace(each, refunded=0) for each in listed))

    bank.setattr(SandboxGateway, "list_refunds", failed)
    bank.setattr(SandboxGateway, "list_payments", whole)


def test_money_for_an_order_that_ended_and_that_policy_gave_back(desk: Desk):
    with desk.store.write() as conn:
        conn.execute(update(Book).values(policy={"orphan_capture": "refund"}, policy_version=Book.policy_version + 1))
    order = desk.buy("visa_3ds")
    abandon(desk.store, desk.clock, desk.seeded.book, order.id)
    desk.work()
    desk.clock.move(timedelta(hours=3))
    expire(desk.store, desk.clock)
    assert (desk.facts(order.id).state, named(desk)) == ("EXPIRED", [])
    take_all_the_same(desk.sandbox, payment_of(desk, order.id))
    for _ in range(3):
        comparing(desk)
        look_after_orphans(desk.store, desk.gateways, desk.clock, by="worker")
        desk.clock.move(timedelta(hours=25))
    comparing(desk)
    assert (desk.facts(order.id).state, waiting(desk), named(desk)) == ("EXPIRED", [], [])
