"""Refunds that wait for a person: each is listed with why, and has a way on that gives the money once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import update

from app.charging.audit import run as audit
from app.charging.desk import Matter
from app.charging.desk_acts import DeskRefused
from app.gateways.port import AnswerKind, Refund, RefundStatus, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.orders import Refund as RefundTable
from app.outbox import deliver_due
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.refunds import (
    answered,
    ask,
    at_gateway,
    balance,
    drive,
    give_back,
    heal,
    order_state,
    refund_states,
    rows_of_no_order,
    sent_back,
)
from tests.usecases.charging.test_compare import comparing
from tests.usecases.outbox.test_delivering import ListMailer, compose


def put_before_a_person(desk: Desk, kind: AnswerKind, *, after: timedelta = timedelta()) -> Matter:
    """What waits when the gateway answers like this to a refund; it waits after that time, and not before."""
    order = desk.buy()
    with answered(kind):
        ask(desk, order.id, 200)
        drive(desk)
        if after:
            assert waiting(desk) == []
            desk.clock.move(after)
            drive(desk)
    (matter,) = waiting(desk)
    return matter


def came_back(desk: Desk) -> tuple[str, Matter]:
    order = desk.buy()
    assert give_back(desk, order.id, 200).state == "SUCCEEDED"
    desk.clock.move(timedelta(days=10))
    with sent_back():
        comparing(desk)
    (matter,) = waiting(desk)
    return order.id, matter


def made_there(desk: Desk, amount: int) -> Matter:
    """One of 3.00 that stands still, and under its mark the gateway gave this back."""
    order = desk.buy()
    with answered(AnswerKind.BUG):
        refund = ask(desk, order.id, 300)
        drive(desk)
    gateway = desk.sandbox.at("quillmark-test", livemode=False)
    gateway.refund(desk.attempt(f"{order.id}.1").gw_ref, amount=amount, mark=refund, key="forgotten")
    (matter,) = waiting(desk)
    return matter


def broken(desk: Desk) -> list[str]:
    found = audit(desk.store, desk.gateways, desk.clock)
    return [f"{row.row}: {row.what}" for each in found for row in each.broken]


def test_one_that_was_refused_is_asked_for_again_once(desk: Desk):
    matter = put_before_a_person(desk, AnswerKind.DECLINE)
    assert (matter.may, matter.why) == (("refund", "cancel"), "the account is closed")
    decide(desk, matter, "refund")
    with pytest.raises(DeskRefused) as gone:
        decide(desk, matter, "refund")
    assert gone.value.code == "matter_unknown"
    drive(desk)
    assert [amount for _, amount in at_gateway(desk)] == [200]
    assert waiting(desk) == []


def test_asking_again_and_the_decision_are_one_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    matter = put_before_a_person(desk, AnswerKind.DECLINE)

    def die(*_a: Any, **_k: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("app.charging.desk_deciding.record", die)
        with pytest.raises(KeyboardInterrupt):
            decide(desk, matter, "refund")
    assert refund_states(desk) == ["FAILED"]


def test_one_that_does_not_agree_with_the_gateway_is_looked_at_again(desk: Desk):
    matter = put_before_a_person(desk, AnswerKind.BUG)
    assert (matter.kind, matter.may) == ("refund", ("cancel", "release"))
    decide(desk, matter, "release")
    heal(desk)
    assert refund_states(desk) == ["SUCCEEDED"]
    assert waiting(desk) == []


def test_one_of_no_certain_end_for_a_day_is_listed_and_looked_at_again(desk: Desk):
    matter = put_before_a_person(desk, AnswerKind.UNKNOWN, after=timedelta(hours=25))
    assert matter.why == "UNKNOWN for more than a day; the last answer was unknown"
    decide(desk, matter, "release")
    heal(desk)
    assert refund_states(desk) == ["SUCCEEDED"]
    assert waiting(desk) == []


def test_one_that_came_back_is_booked_on_the_balance_once(desk: Desk):
    order, matter = came_back(desk)
    assert (matter.id, matter.amount, matter.why) == (f"refund:{order}.r1", 200, "came back after it had succeeded")
    with sent_back():
        decide(desk, matter, "adopt")
        with pytest.raises(DeskRefused) as gone:
            decide(desk, matter, "adopt")
        comparing(desk)
    assert gone.value.code == "matter_unknown"
    assert (balance(desk), order_state(desk, order), waiting(desk)) == (200, "PART_REFUNDED", [])
    deliver_due(desk.store, ListMailer(), desk.clock, compose=compose, by="worker")
    assert [each for each in audit(desk.store, desk.gateways, desk.clock) if not each.holds] == []


def test_one_that_came_back_is_taken_off_once_it_was_given_back_otherwise(desk: Desk):
    _, matter = came_back(desk)
    decide(desk, matter, "cancel")
    assert (waiting(desk), balance(desk)) == ([], 0)


def missing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Matter:
    """The gateway's list has lost a refund that had succeeded."""
    give_back(desk, desk.buy().id, 200)
    desk.clock.move(timedelta(days=10))
    with monkeypatch.context() as gateway:
        nothing: Reply[tuple[Refund, ...]] = Reply(AnswerKind.DEFINITE, ())
        gateway.setattr(SandboxGateway, "list_refunds", lambda *_a, **_k: nothing)
        comparing(desk)
    (matter,) = waiting(desk)
    assert matter.why == "the gateway does not have this refund"
    return matter


def found_again(desk: Desk) -> None:
    """It is listed again, as one that the bank sent back."""
    desk.clock.move(timedelta(days=1))
    with sent_back():
        comparing(desk)


def test_what_was_taken_off_waits_again_once_it_arises_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    first = missing(desk, monkeypatch)
    decide(desk, first, "cancel")
    assert waiting(desk) == []
    found_again(desk)
    (again,) = waiting(desk)
    assert (again.id, again.why) == (first.id, "came back after it had succeeded")
    decide(desk, again, "cancel")
    comparing(desk)
    assert waiting(desk) == []


def test_what_was_booked_on_the_balance_waits_for_nobody_whatever_becomes_of_it_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    matter = missing(desk, monkeypatch)
    with sent_back():
        decide(desk, matter, "adopt")
    found_again(desk)
    assert (waiting(desk), balance(desk)) == ([], 200)


def test_what_the_gateway_holds_for_given_back_is_not_booked_on_the_balance(desk: Desk):
    _, matter = came_back(desk)
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


def test_one_that_stands_still_ends_as_failed_once_the_gateway_says_that_nothing_went_back(desk: Desk):
    matter = put_before_a_person(desk, AnswerKind.BUG)
    with pytest.raises(DeskRefused) as early:
        decide(desk, matter, "cancel")
    assert early.value.code == "act_unfit"
    desk.clock.move(timedelta(hours=1))
    decide(desk, matter, "cancel")
    (failed,) = waiting(desk)
    assert (refund_states(desk), failed.may) == (["FAILED"], ("refund", "cancel"))
    assert sum(row.amount for row in rows_of_no_order(desk)) == 0
    desk.clock.move(timedelta(minutes=1))
    decide(desk, failed, "refund")
    drive(desk)
    assert ([amount for _, amount in at_gateway(desk)], waiting(desk)) == ([200], [])
    assert broken(desk) == []


def test_one_that_the_gateway_gave_back_in_another_amount_ends_as_failed_and_that_is_taken_in(desk: Desk):
    matter = made_there(desk, 200)
    desk.clock.move(timedelta(hours=1))
    decide(desk, matter, "cancel")
    assert sorted(refund_states(desk)) == ["FAILED", "SUCCEEDED"]
    assert -sum(row.amount for row in rows_of_no_order(desk)) == 200
    comparing(desk)
    assert [amount for _, amount in at_gateway(desk)] == [200]
    assert broken(desk) == []


def test_one_that_the_gateway_gave_back_as_it_was_asked_for_is_not_called_failed(desk: Desk):
    matter = made_there(desk, 300)
    desk.clock.move(timedelta(hours=1))
    with pytest.raises(DeskRefused) as unfit:
        decide(desk, matter, "cancel")
    assert (unfit.value.code, refund_states(desk)) == ("act_unfit", ["UNKNOWN"])
    decide(desk, matter, "release")
    drive(desk)
    assert (refund_states(desk), waiting(desk)) == (["SUCCEEDED"], [])


@contextmanager
def having(status: RefundStatus) -> Iterator[None]:
    """Meanwhile the gateway makes each refund, and answers that this became of it."""
    honest = SandboxGateway.refund

    def made(self: Any, *of: Any, **how: Any) -> Reply[Refund]:
        reply = honest(self, *of, **how)
        assert reply.value is not None
        return replace(reply, value=replace(reply.value, status=status))

    with patch.object(SandboxGateway, "refund", made):
        yield


def test_one_that_the_gateway_took_does_not_end_as_failed_while_its_list_lacks_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    order = desk.buy()
    with having(RefundStatus.PENDING):
        ask(desk, order.id, 200)
        drive(desk)
    with monkeypatch.context() as gateway:
        nothing: Reply[tuple[Refund, ...]] = Reply(AnswerKind.DEFINITE, ())
        gateway.setattr(SandboxGateway, "list_refunds", lambda *_a, **_k: nothing)
        desk.clock.move(timedelta(hours=2))
        drive(desk)
        desk.clock.move(timedelta(hours=2))
        (matter,) = waiting(desk)
        with pytest.raises(DeskRefused) as unfit:
            decide(desk, matter, "cancel")
    assert (unfit.value.code, refund_states(desk)) == ("act_unfit", ["UNKNOWN"])
    with sent_back():
        decide(desk, matter, "cancel")
    assert refund_states(desk) == ["FAILED"]


def failed_at_the_bank(desk: Desk) -> Matter:
    ask(desk, desk.buy().id, 200)
    with having(RefundStatus.FAILED):
        drive(desk)
    (matter,) = waiting(desk)
    assert matter.may == ("refund", "cancel")
    desk.clock.move(timedelta(hours=2))
    return matter


def test_one_that_failed_is_not_given_twice_when_the_gateway_gave_it_back_after_all(desk: Desk):
    matter = failed_at_the_bank(desk)
    with pytest.raises(DeskRefused) as unfit:
        decide(desk, matter, "refund")
    assert unfit.value.code == "act_unfit"
    comparing(desk)
    (after_all,) = waiting(desk)
    assert (after_all.id, after_all.why, after_all.may) == (
        matter.id, "the gateway gave it back after all", ("cancel",)
    )  # fmt: skip
    assert len(at_gateway(desk)) == 1
    decide(desk, after_all, "cancel")
    comparing(desk)
    assert waiting(desk) == []
