"""What the comparison finds of refunds that no notice told of, however old their payments are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.billing.facts import Change
from app.charging import compare_refunds
from app.charging.gate import open_or_close
from app.gateways.sandbox import Fault
from app.models.work import GatewayWatch, Outbox
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import waiting
from tests.usecases.charging.refunds import at_gateway, by_hand, give_back, order_state, refund_states, sent_back
from tests.usecases.charging.test_compare import ACCOUNT, comparing


def compared_daily(desk: Desk, days: int) -> None:
    for _ in range(days):
        desk.clock.move(timedelta(days=1))
        comparing(desk)


def stuck(desk: Desk) -> list[str]:
    with desk.store.read() as conn:
        rows = conn.execute(select(Outbox.body).where(Outbox.kind == "refund.stuck")).scalars()
        return [str(body["why"]) for body in rows]


def test_one_made_by_hand_on_a_payment_of_long_ago_is_found(desk: Desk):
    order = desk.buy()
    compared_daily(desk, 3)
    by_hand(desk, order.id, 200)
    desk.clock.move(timedelta(days=1))
    assert comparing(desk).refunds == 1
    assert order_state(desk, order.id) == "PART_REFUNDED"
    assert comparing(desk).refunds == 0


def test_each_of_several_is_found_once(desk: Desk):
    order = desk.buy()
    compared_daily(desk, 2)
    by_hand(desk, order.id, 100)
    compared_daily(desk, 1)
    by_hand(desk, order.id, 300)
    compared_daily(desk, 3)
    assert refund_states(desk) == ["SUCCEEDED", "SUCCEEDED"]
    assert order_state(desk, order.id) == "PART_REFUNDED"


def test_our_own_is_not_taken_for_one_made_by_hand(desk: Desk):
    order = desk.buy()
    compared_daily(desk, 2)
    assert give_back(desk, order.id, 200).state == "SUCCEEDED"
    assert comparing(desk).refunds == 0
    assert refund_states(desk) == ["SUCCEEDED"]


def test_one_that_the_bank_sends_back_weeks_later_is_put_before_a_person_once(desk: Desk):
    order = desk.buy()
    assert give_back(desk, order.id, 200).state == "SUCCEEDED"
    compared_daily(desk, 20)
    with sent_back():
        compared_daily(desk, 2)
    assert stuck(desk) == ["came back after it had succeeded"]


def test_one_of_ours_that_the_gateway_does_not_have_is_put_before_a_person_once(desk: Desk):
    order = desk.buy()
    assert give_back(desk, order.id, 200).state == "SUCCEEDED"
    assert at_gateway(desk)
    comparing(desk)
    assert stuck(desk) == []
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE payments SET account = 'gone'")
    compared_daily(desk, 3)
    assert stuck(desk) == ["the gateway does not have this refund"]


@pytest.mark.parametrize("fault", [Fault.TIMEOUT_BEFORE, Fault.CUT_BODY])
def test_the_watermark_stays_when_the_list_of_refunds_was_not_read_whole(desk: Desk, fault: Fault):
    comparing(desk)
    with desk.store.read() as conn:
        query = select(GatewayWatch.compared_until).where(GatewayWatch.account == ACCOUNT.account)
        stands = conn.execute(query).scalar()
        desk.clock.move(timedelta(days=1))
    desk.sandbox.controls.fail_next("list_refunds", fault)
    assert comparing(desk).unread == 1
    with desk.store.read() as conn:
        assert conn.execute(query).scalar() == stands


def test_one_refund_that_always_raises_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    poison, other = (
        desk.buy(jti=None),
        desk.buy(checkout="checkout-2", change=Change(quantity=3, unit_price=800), jti=None),
    )
    by_hand(desk, poison.id, 200)
    by_hand(desk, other.id, 100)
    honest = compare_refunds.found_refunds

    def poisoned(store: Any, clock: Any, attempt: str, refunds: Any) -> int:
        if attempt == poison.last.id:
            raise RuntimeError("a bug")
        return honest(store, clock, attempt, refunds)

    monkeypatch.setattr(compare_refunds, "found_refunds", poisoned)
    done = comparing(desk)
    assert (done.refunds, done.undecided, done.unread) == (1, 1, 1)
    assert (order_state(desk, poison.id), order_state(desk, other.id)) == ("PAID", "PART_REFUNDED")


def test_a_refund_that_cannot_be_taken_in_holds_the_gate_for_a_day_and_is_then_before_a_person(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    order = desk.buy()
    comparing(desk)
    by_hand(desk, order.id, 200)

    def poisoned(*_: Any) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(compare_refunds, "found_refunds", poisoned)
    open_or_close(desk.store, desk.clock, "")
    assert open_or_close(desk.store, desk.clock, "2") == "restore_epoch"
    for _ in range(22):
        desk.clock.move(timedelta(hours=1))
        assert comparing(desk).opened == 0
    assert waiting(desk) == []
    opened = 0
    for _ in range(5):
        desk.clock.move(timedelta(hours=1))
        opened += comparing(desk).opened
    (matter,) = waiting(desk)
    assert (opened, matter.kind, matter.order) == (1, "alarm", order.id)
    assert matter.why.startswith("what the gateway gave back could not be taken in: re_")
