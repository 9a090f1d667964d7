"""Refunds of one payment from several sides at once: never more than was taken."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.charging.refunding import RefundRefused, ask_refund, found_refunds
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import given, listed

pytestmark = pytest.mark.timeout(60)


def test_two_refunds_and_two_notices_of_one_by_hand_at_once_give_back_no_more_than_was_taken(desk: Desk):
    order = desk.buy()
    found, all_at_once = listed(desk, order.id, 200), threading.Barrier(4)

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
