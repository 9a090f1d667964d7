"""What the gateway told of a payment before it was settled here: its order follows with the settlement, and is told of it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select, update

from app.billing.facts import Change
from app.charging.audit import run as audit
from app.gateways.port import Answer, AnswerKind, PaymentStatus, RefundStatus, Reply
from app.gateways.port import Refund as GatewayRefund
from app.gateways.sandbox import Fault
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.orders import Attempt
from app.models.work import Outbox
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.refunds import (
    balance,
    by_hand,
    drive,
    order_state,
    refund_states,
    rows_of_no_order,
    set_negative,
)
from tests.usecases.charging.test_compare import began, comparing, gateway_says
from tests.usecases.charging.test_restored import shut


def named(desk: Desk) -> list[str]:
    found = audit(desk.store, desk.gateways, desk.clock)
    return [f"{one.invariant} {row.row}: {row.what}" for one in found for row in one.broken]


def taken_and_unread(desk: Desk) -> str:
    """An order whose money the gateway has; here its attempt has no end yet."""
    order = began(desk, "visa_ok")
    gateway_says(desk, PaymentStatus.SUCCEEDED)
    return order


@contextmanager
def silent() -> Iterator[None]:
    """Meanwhile the gateway shows no payment; its lists it shows."""
    with patch.object(SandboxGateway, "read_payment", lambda *_: Answer(AnswerKind.UNKNOWN)):
        yield


@contextmanager
def under_way() -> Iterator[None]:
    """Meanwhile the bank is still at work on each refund."""
    honest = SandboxGateway.list_refunds

    def pending(self: Any, *of: Any, **how: Any) -> Reply[tuple[GatewayRefund, ...]]:
        known = honest(self, *of, **how).value or ()
        return Reply(AnswerKind.DEFINITE, tuple([replace(each, status=RefundStatus.PENDING) for each in known]))

    with patch.object(SandboxGateway, "list_refunds", pending):
        yield


def told(desk: Desk) -> list[str]:
    """Events of the order, in the order in which they were told."""
    with desk.store.read() as conn:
        rows = conn.execute(
            select(Outbox.kind, Outbox.body).where(Outbox.channel == "event").order_by(Outbox.created_at)
        )
        return sorted([f"{row.kind} {row.body.get('state', '')}".strip() for row in rows])


def settled(desk: Desk, order: str) -> None:
    desk.clock.move(timedelta(minutes=10))
    desk.work()
    assert desk.attempt(f"{order}.1").state == "SUCCEEDED"


@pytest.mark.parametrize(("amount", "state"), [(500, "REFUNDED"), (200, "PART_REFUNDED")])
def test_an_order_whose_money_went_back_before_it_was_settled_is_settled_as_that(desk: Desk, amount: int, state: str):
    order = taken_and_unread(desk)
    by_hand(desk, order, amount)
    with silent():
        comparing(desk)
    assert (order_state(desk, order), refund_states(desk), told(desk)) == ("OPEN", ["SUCCEEDED"], [])
    settled(desk, order)
    assert order_state(desk, order) == state
    assert -sum(row.amount for row in rows_of_no_order(desk)) == amount
    assert (desk.outbox(), told(desk)) == (["receipt"], ["order.paid", f"order.refunded {state}"])
    comparing(desk)
    assert (len(told(desk)), named(desk)) == (2, [])


def test_two_refunds_found_before_the_settlement_are_each_taken_back_once(desk: Desk):
    order = taken_and_unread(desk)
    for amount in (200, 300):
        by_hand(desk, order, amount)
    with silent():
        comparing(desk)
    settled(desk, order)
    assert order_state(desk, order) == "REFUNDED"
    assert -sum(row.amount for row in rows_of_no_order(desk)) == 500
    assert (told(desk).count("order.refunded REFUNDED"), named(desk)) == (2, [])


def test_what_went_back_before_the_settlement_is_not_credited_again_after_a_restore(desk: Desk):
    set_negative(desk, "credit")
    order = taken_and_unread(desk)
    gateway, mark = desk.sandbox.at("quillmark-test", livemode=False), f"{order}.r1"
    gateway.refund(desk.attempt(f"{order}.1").gw_ref, amount=500, mark=mark, key=f"{mark}:0")
    shut(desk)
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_AFTER)
    comparing(desk)
    settled(desk, order)
    desk.clock.move(timedelta(minutes=20))
    comparing(desk)
    assert (order_state(desk, order), refund_states(desk), named(desk)) == ("REFUNDED", ["SUCCEEDED"], [])
    assert desk.buy(checkout="less", jti=None, change=Change(quantity=1)).state == "PAID"
    assert balance(desk) == 0


@pytest.mark.parametrize("late", [True, False])
def test_a_refund_still_under_way_when_its_payment_is_settled_ends_like_any_other(desk: Desk, late: bool):
    order = taken_and_unread(desk)
    by_hand(desk, order, 500)
    with silent(), under_way():
        comparing(desk)
    assert refund_states(desk) == ["SENT"]
    if not late:
        desk.clock.move(timedelta(minutes=10))
        drive(desk)
        assert (refund_states(desk), told(desk)) == (["SUCCEEDED"], [])
    settled(desk, order)
    drive(desk)
    assert (order_state(desk, order), refund_states(desk)) == ("REFUNDED", ["SUCCEEDED"])
    assert -sum(row.amount for row in rows_of_no_order(desk)) == 500
    assert (told(desk), named(desk)) == (["order.paid", "order.refunded REFUNDED"], [])


def test_money_of_another_attempt_that_went_back_takes_nothing_from_the_order(desk: Desk):
    """The gateway takes the money of an attempt that had ended; it goes back, and another attempt has paid by then."""
    order = began(desk, "visa_ok")
    gateway_says(desk, PaymentStatus.CANCELED)
    desk.work()
    assert desk.attempt(f"{order}.1").state in ("DECLINED", "CANCELLED")
    gateway = desk.sandbox.at("quillmark-test", livemode=False)
    with desk.sandbox.ledger.write() as c:
        c.execute("DROP TRIGGER final_payments")
    gateway_says(desk, PaymentStatus.SUCCEEDED)
    assert desk.buy("visa_ok").last.id == f"{order}.2"
    gateway.refund(desk.attempt(f"{order}.1").gw_ref, amount=500, mark="", key="by hand")
    comparing(desk)
    assert (order_state(desk, order), refund_states(desk), rows_of_no_order(desk)) == ("PAID", ["SUCCEEDED"], [])
    assert told(desk).count("order.refunded PAID") == 1


@pytest.mark.parametrize(("won", "state"), [(None, "DISPUTED"), (False, "LOST"), (True, "PAID")])
def test_an_order_contested_before_it_was_settled_is_settled_as_that(desk: Desk, won: bool | None, state: str):
    order = taken_and_unread(desk)
    dispute = desk.sandbox.controls.open_dispute(desk.attempt(f"{order}.1").gw_ref)
    if won is not None:
        desk.sandbox.controls.close_dispute(dispute, won=won)
    with silent():
        comparing(desk)
    assert (order_state(desk, order), told(desk)) == ("OPEN", [])
    settled(desk, order)
    end = {None: [], False: ["order.dispute_lost"], True: ["order.dispute_won"]}[won]
    assert order_state(desk, order) == state
    assert told(desk) == [*end, "order.disputed", "order.paid"]
    comparing(desk)
    assert (len(told(desk)), named(desk)) == (2 + len(end), [])


def test_an_order_contested_and_given_back_in_part_before_it_was_settled_is_both(desk: Desk):
    order = taken_and_unread(desk)
    by_hand(desk, order, 200)
    dispute = desk.sandbox.controls.open_dispute(desk.attempt(f"{order}.1").gw_ref)
    with silent():
        comparing(desk)
    settled(desk, order)
    assert order_state(desk, order) == "DISPUTED"
    desk.sandbox.controls.close_dispute(dispute, won=True)
    comparing(desk)
    assert (order_state(desk, order), named(desk)) == ("PART_REFUNDED", [])


def test_what_was_known_of_an_adopted_payment_is_taken_along(desk: Desk):
    order = taken_and_unread(desk)
    dispute = desk.sandbox.controls.open_dispute(desk.attempt(f"{order}.1").gw_ref)
    desk.sandbox.controls.close_dispute(dispute, won=False)
    with silent():
        comparing(desk)
    with desk.store.write() as conn:
        conn.execute(update(Attempt).values(state="QUARANTINED", lease_by=None))
    (matter,) = waiting(desk)
    decide(desk, matter, "adopt")
    assert order_state(desk, order) == "LOST"
    assert told(desk)[:3] == ["order.dispute_lost", "order.disputed", "order.paid"]


def test_one_that_fails_while_its_payment_is_settled_gives_the_ledger_back_what_that_took(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    order = taken_and_unread(desk)
    by_hand(desk, order, 500)
    with silent(), under_way():
        comparing(desk)
    honest = SandboxGateway.list_refunds

    def failed(self: Any, *of: Any, **how: Any) -> Reply[tuple[GatewayRefund, ...]]:
        if desk.attempt(f"{order}.1").state != "SUCCEEDED":
            desk.drive(f"{order}.1")
        known = honest(self, *of, **how).value or ()
        return Reply(AnswerKind.DEFINITE, tuple([replace(each, status=RefundStatus.FAILED) for each in known]))

    desk.clock.move(timedelta(minutes=10))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(SandboxGateway, "list_refunds", failed)
        drive(desk)
        assert (order_state(desk, order), refund_states(desk)) == ("PAID", ["FAILED"])
        assert sum(row.amount for row in rows_of_no_order(desk)) == 0
        assert rows_of_no_order(desk) != []
        assert named(desk) == []
