"""Refunds that wait for a person: each is listed with why, and has a way on that gives the money once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.charging.audit import run as audit
from app.charging.desk import Matter, matters
from app.charging.desk_acts import DeskRefused, resolve
from app.charging.drive import driver_name
from app.charging.observing import Watch
from app.gateways.port import AnswerKind, Refund, RefundStatus, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.customers import BalanceEntry
from app.models.orders import Refund as RefundTable
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask, at_gateway, drive, give_back, heal, order_state, refund_states
from tests.usecases.charging.test_compare import comparing

HONEST = SandboxGateway.list_refunds


def waiting(desk: Desk) -> list[Matter]:
    with desk.store.read() as conn:
        return matters(conn, desk.clock.now())


def decide(desk: Desk, matter: Matter, act: str) -> str:
    watch = Watch(desk.store, desk.gateways, desk.clock, driver_name("person"))
    return resolve(watch, matter.id, act, actor="maria", reason="asked the customer")


def balance(desk: Desk) -> int:
    with desk.store.read() as conn:
        return int(conn.execute(select(func.coalesce(func.sum(BalanceEntry.amount), 0))).scalar_one())


def refuse(monkeypatch: pytest.MonkeyPatch, kind: AnswerKind) -> None:
    answer: Reply[Refund] = Reply(kind, detail="the account is closed")
    monkeypatch.setattr(SandboxGateway, "refund", lambda *_a, **_k: answer)


def sent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bank returned every refund to the gateway."""

    def failed(self: Any, *of: Any, **how: Any) -> Reply[tuple[Refund, ...]]:
        listed = HONEST(self, *of, **how).value or ()
        rows = [(each.ref, each.payment, each.amount, each.currency, each.mark) for each in listed]
        return Reply(AnswerKind.DEFINITE, tuple(Refund(*row[:4], RefundStatus.FAILED, row[4]) for row in rows))

    monkeypatch.setattr(SandboxGateway, "list_refunds", failed)


def came_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Matter]:
    order = desk.buy()
    assert give_back(desk, order.id, 200).state == "SUCCEEDED"
    desk.clock.move(timedelta(days=10))
    with monkeypatch.context() as bank:
        sent_back(bank)
        comparing(desk)
    (matter,) = waiting(desk)
    return order.id, matter


def test_one_that_was_refused_is_asked_for_again_once(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    order = desk.buy()
    with monkeypatch.context() as gateway:
        refuse(gateway, AnswerKind.DECLINE)
        ask(desk, order.id, 200)
        drive(desk)
    (matter,) = waiting(desk)
    assert (matter.may, matter.why) == (("refund", "cancel"), "the account is closed")
    decide(desk, matter, "refund")
    with pytest.raises(DeskRefused) as gone:
        decide(desk, matter, "refund")
    assert gone.value.code == "matter_unknown"
    drive(desk)
    assert [amount for _, amount in at_gateway(desk)] == [200]
    assert waiting(desk) == []


def test_asking_again_and_the_decision_are_one_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    order = desk.buy()
    with monkeypatch.context() as gateway:
        refuse(gateway, AnswerKind.DECLINE)
        ask(desk, order.id, 200)
        drive(desk)
    (matter,) = waiting(desk)

    def die(*_a: Any, **_k: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("app.charging.desk_deciding.record", die)
        with pytest.raises(KeyboardInterrupt):
            decide(desk, matter, "refund")
    assert refund_states(desk) == ["FAILED"]


def test_one_that_does_not_agree_with_the_gateway_is_looked_at_again(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    order = desk.buy()
    with monkeypatch.context() as gateway:
        refuse(gateway, AnswerKind.BUG)
        ask(desk, order.id, 200)
        drive(desk)
    (matter,) = waiting(desk)
    assert (matter.kind, matter.may) == ("refund", ("release",))
    decide(desk, matter, "release")
    heal(desk)
    assert refund_states(desk) == ["SUCCEEDED"]
    assert waiting(desk) == []


def test_one_of_no_certain_end_for_a_day_is_listed_and_looked_at_again(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    order = desk.buy()
    with monkeypatch.context() as gateway:
        refuse(gateway, AnswerKind.UNKNOWN)
        ask(desk, order.id, 200)
        drive(desk)
        assert waiting(desk) == []
        desk.clock.move(timedelta(hours=25))
        drive(desk)
    (matter,) = waiting(desk)
    assert matter.why == "UNKNOWN for more than a day; the last answer was unknown"
    decide(desk, matter, "release")
    heal(desk)
    assert refund_states(desk) == ["SUCCEEDED"]
    assert waiting(desk) == []


def test_one_that_came_back_is_booked_on_the_balance_once(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    order, matter = came_back(desk, monkeypatch)
    assert (matter.id, matter.amount, matter.why) == (f"refund:{order}.r1", 200, "came back after it had succeeded")
    with monkeypatch.context() as bank:
        sent_back(bank)
        decide(desk, matter, "adopt")
        with pytest.raises(DeskRefused) as gone:
            decide(desk, matter, "adopt")
        comparing(desk)
    assert gone.value.code == "matter_unknown"
    assert (balance(desk), order_state(desk, order), waiting(desk)) == (200, "PART_REFUNDED", [])
    assert [each for each in audit(desk.store, desk.gateways, desk.clock) if not each.holds] == []


def test_one_that_came_back_is_taken_off_once_it_was_given_back_otherwise(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    _, matter = came_back(desk, monkeypatch)
    decide(desk, matter, "cancel")
    assert (waiting(desk), balance(desk)) == ([], 0)


def test_what_the_gateway_holds_for_given_back_is_not_booked_on_the_balance(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    _, matter = came_back(desk, monkeypatch)
    with pytest.raises(DeskRefused) as unfit:
        decide(desk, matter, "adopt")
    assert (unfit.value.code, balance(desk)) == ("act_unfit", 0)


def test_one_that_had_stood_still_and_succeeded_then_waits_for_nobody(desk: Desk):
    order = desk.buy()
    ask(desk, order.id, 200)
    with desk.store.write() as conn:
        conn.execute(update(RefundTable).values(state="SENT", gw_ref="elsewhere"))
    drive(desk)
    assert len(waiting(desk)) == 1
    with desk.store.write() as conn:
        conn.execute(update(RefundTable).values(state="SENT", gw_ref=None))
    decide(desk, waiting(desk)[0], "release")
    heal(desk)
    assert refund_states(desk) == ["SUCCEEDED"]
    assert waiting(desk) == []
