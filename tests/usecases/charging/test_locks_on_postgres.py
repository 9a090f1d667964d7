"""Whoever takes several rows takes them in the one order of ``app.models.locks``; SQLite has one writer at a time by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text

from app.charging.refund_rows import lease_refund
from app.charging.refund_settling import settle
from app.charging.refunding import found_refunds
from app.models.locks import hold_order, hold_subscription_of
from app.models.orders import Attempt, Refund
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.refunds import ask, given, listed
from tests.usecases.charging.rivals import A_MOMENT
from tests.usecases.charging.test_desk_attempts import paid

pytestmark = pytest.mark.timeout(60)


def first_and_then(desk: Desk, first: Callable[[Any], None], then: Callable[[Any], Any], rival: Callable[[], Any]):
    """This transaction has the first while the rival waits for it; then it gets the second, because the rival has it not."""
    with ThreadPoolExecutor(1) as pool:
        with desk.store.write() as conn:
            first(conn)
            waits = pool.submit(rival)
            threading.Event().wait(A_MOMENT)
            assert not waits.done()
            conn.execute(text("SET LOCAL lock_timeout = '200ms'"))  # before PostgreSQL looks for rings
            then(conn)
        return waits.result(20)


@pytest.mark.parametrize("who", ["asks", "hears"])
def test_whoever_gives_back_waits_for_the_subscription_before_it_takes_the_order(desk: Desk, who: str):
    """As whoever places a change that gives money back: subscription, then its orders."""
    order = desk.buy()
    found = listed(desk, order.id, 200)
    first_and_then(
        desk,
        lambda conn: hold_subscription_of(conn, desk.seeded.book, order.id),
        lambda conn: hold_order(conn, desk.seeded.book, order.id),
        (lambda: ask(desk, order.id, 200))
        if who == "asks"
        else lambda: found_refunds(desk.store, desk.clock, order.last.id, [found]),
    )
    assert given(desk) == 200


def test_whoever_settles_a_refund_takes_the_order_before_the_refund(desk: Desk):
    """As whoever hears of it: order, then its refunds."""
    order = desk.buy()
    refund = ask(desk, order.id, 200)
    row = lease_refund(desk.store, refund, "worker", desk.clock.now())
    assert row is not None
    first_and_then(
        desk,
        lambda conn: hold_order(conn, desk.seeded.book, order.id),
        lambda conn: conn.execute(select(Refund.id).where(Refund.id == refund).with_for_update()),
        lambda: settle(desk.store, desk.clock, row, "worker", "re_1"),
    )
    assert given(desk) == 200


@pytest.mark.parametrize("act", ["adopt", "refund"])
def test_a_person_who_decides_waits_for_the_subscription_before_anything_of_the_order_is_taken(desk: Desk, act: str):
    matter = paid(desk)
    order = desk.facts_of_first().id

    def order_and_attempt(conn: Any) -> None:
        hold_order(conn, desk.seeded.book, order)
        conn.execute(select(Attempt.id).where(Attempt.id == matter.key[0]).with_for_update())

    first_and_then(
        desk,
        lambda conn: hold_subscription_of(conn, desk.seeded.book, order),
        order_and_attempt,
        lambda: decide(desk, matter, act),
    )
    assert waiting(desk) == []
