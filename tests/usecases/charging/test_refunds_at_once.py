"""Refunds of one payment from several sides at once: never more than was taken, and nobody waits for each other in a ring."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.charging.refund_rows import lease_refund
from app.charging.refund_settling import settle
from app.charging.refunding import RefundRefused, ask_refund, found_refunds
from app.gateways.port import Refund as GatewayRefund
from app.gateways.port import RefundStatus
from app.models.locks import hold_order, hold_subscription_of
from app.models.orders import Refund
from tests import postgres
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask

postgres_only = pytest.mark.skipif(not postgres.on_postgres(), reason="SQLite has one writer at a time by itself")
pytestmark = pytest.mark.timeout(60)
A_MOMENT = 0.3


def given(desk: Desk) -> int:
    with desk.store.read() as conn:
        return int(conn.execute(select(func.sum(Refund.amount)).where(Refund.state != "FAILED")).scalar_one())


def by_hand(desk: Desk, attempt: str, amount: int, ref: str = "re_by_hand") -> GatewayRefund:
    return GatewayRefund(
        ref=ref,
        payment=desk.attempt(attempt).gw_ref,
        amount=amount,
        currency="USD",
        status=RefundStatus.SUCCEEDED,
        mark="",
    )


def test_two_refunds_and_two_notices_of_one_by_hand_at_once_give_back_no_more_than_was_taken(desk: Desk):
    order = desk.buy()
    found, all_at_once = by_hand(desk, order.last.id, 200), threading.Barrier(4)

    def at_once(work: Any) -> Any:
        all_at_once.wait()
        try:
            return work()
        except RefundRefused as refused:
            return refused.code

    def ask_for_it() -> str:
        return ask_refund(desk.store, desk.clock, desk.seeded.book, order.id, 300, reason="test", actor="test")

    def hear() -> int:
        return found_refunds(desk.store, desk.clock, order.last.id, [found])

    with ThreadPoolExecutor(4) as pool:
        ends = [
            each.result(30) for each in [pool.submit(at_once, each) for each in (ask_for_it, ask_for_it, hear, hear)]
        ]
    assert sum(end == 1 for end in ends) == 1
    assert sum(end in ("refund_too_large", "nothing_left") for end in ends) == 1
    assert given(desk) == 500


@postgres_only
@pytest.mark.parametrize("who", ["asks", "hears"])
def test_whoever_gives_back_waits_for_the_subscription_before_it_takes_the_order(desk: Desk, who: str):
    """As whoever places a change that gives money back: subscription, then its orders."""
    order = desk.buy()
    found = by_hand(desk, order.last.id, 200)
    with ThreadPoolExecutor(1) as pool:
        with desk.store.write() as conn:
            hold_subscription_of(conn, desk.seeded.book, order.id)
            if who == "asks":
                rival: Any = pool.submit(ask, desk, order.id, 200)
            else:
                rival = pool.submit(found_refunds, desk.store, desk.clock, order.last.id, [found])
            threading.Event().wait(A_MOMENT)
            conn.execute(text("SET LOCAL lock_timeout = '5s'"))
            hold_order(conn, desk.seeded.book, order.id)
        rival.result(20)
    assert given(desk) == 200


@postgres_only
def test_whoever_settles_a_refund_takes_the_order_before_the_refund(desk: Desk):
    """As whoever hears of it: order, then its refunds."""
    order = desk.buy()
    refund = ask(desk, order.id, 200)
    row = lease_refund(desk.store, refund, "worker", desk.clock.now())
    assert row is not None
    with ThreadPoolExecutor(1) as pool:
        with desk.store.write() as conn:
            hold_order(conn, desk.seeded.book, order.id)
            rival = pool.submit(settle, desk.store, desk.clock, row, "worker", "re_1")
            threading.Event().wait(A_MOMENT)
            conn.execute(text("SET LOCAL lock_timeout = '5s'"))
            conn.execute(select(Refund.id).where(Refund.id == refund).with_for_update())
        rival.result(20)
    assert given(desk) == 200
