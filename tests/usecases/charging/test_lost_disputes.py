"""What the bank took in a dispute bought nothing: no later change credits it or gives it back once more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.billing.codec import load_rows
from app.billing.facts import Change
from app.charging.disputing import take_disputes
from app.models.orders import Dispute
from app.models.subscriptions import Subscription
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import (
    ask,
    at_gateway,
    balance,
    by_hand,
    drive,
    order_state,
    refund_states,
    rows_of_no_order,
    set_negative,
)
from tests.usecases.charging.test_compare import comparing
from tests.usecases.charging.test_known_before_settled import named, settled, silent, taken_and_unread

LESS, MORE = Change(quantity=1), Change(quantity=3, unit_price=800)


def contested(desk: Desk, order: str) -> str:
    dispute: str = desk.sandbox.controls.open_dispute(desk.attempt(f"{order}.1").gw_ref)
    return dispute


def decided(desk: Desk, dispute: str, *, won: bool = False) -> None:
    desk.sandbox.controls.close_dispute(dispute, won=won)
    heard(desk)


def lost(desk: Desk, order: str) -> None:
    decided(desk, contested(desk, order))


def heard(desk: Desk) -> None:
    desk.clock.move(timedelta(hours=2))
    comparing(desk)


def told_of(desk: Desk, order: str) -> None:
    """Of its disputes alone."""
    gateway = desk.sandbox.at("quillmark-test", livemode=False)
    take_disputes(desk.store, gateway, desk.clock, f"{order}.1", actor="test")


def taken_back(desk: Desk) -> int:
    return sum(row.amount for row in rows_of_no_order(desk))


def subscription_version(desk: Desk) -> int:
    with desk.store.read() as conn:
        return conn.scalars(select(Subscription.version).where(Subscription.id == desk.seeded.subscription)).one()


def wrong_sums(desk: Desk) -> list[str]:
    return [each for each in named(desk) if not each.startswith("I18 outbox")]


def test_what_was_lost_in_a_dispute_is_never_credited(desk: Desk):
    set_negative(desk, "credit")
    order = desk.buy()
    lost(desk, order.id)
    assert (order_state(desk, order.id), taken_back(desk), wrong_sums(desk)) == ("LOST", -500, [])
    less = desk.buy(checkout="c2", change=LESS, jti=None)
    assert (less.quote.credited, balance(desk), wrong_sums(desk)) == (0, 0, [])


def test_what_was_lost_in_a_dispute_is_never_given_back_from_another_payment(desk: Desk):
    set_negative(desk, "refund")
    order = desk.buy()
    desk.buy(checkout="c3", change=MORE, jti=None)
    lost(desk, order.id)
    less = desk.buy(checkout="c2", change=LESS, jti=None)
    drive(desk)
    assert [amount for _, amount in at_gateway(desk)] == [less.quote.refunded]
    assert less.quote.refunded <= 400
    assert (less.quote.credited, balance(desk), wrong_sums(desk)) == (0, 0, [])


def test_a_won_dispute_takes_nothing(desk: Desk):
    set_negative(desk, "credit")
    order = desk.buy()
    dispute = contested(desk, order.id)
    heard(desk)
    decided(desk, dispute, won=True)
    assert (order_state(desk, order.id), taken_back(desk), wrong_sums(desk)) == ("PAID", 0, [])


def test_however_often_it_is_heard_of_it_takes_once(desk: Desk):
    order = desk.buy()
    version = subscription_version(desk)
    lost(desk, order.id)
    for _ in range(2):
        told_of(desk, order.id)
    assert (taken_back(desk), subscription_version(desk)) == (-500, version + 1)
    assert wrong_sums(desk) == []


def test_it_takes_what_refunds_have_left(desk: Desk):
    order = desk.buy()
    ask(desk, order.id, 200)
    drive(desk)
    lost(desk, order.id)
    assert (order_state(desk, order.id), taken_back(desk), wrong_sums(desk)) == ("LOST", -500, [])


def test_what_a_refund_took_that_failed_of_it_stays_taken(desk: Desk):
    order = desk.buy()
    ask(desk, order.id, 200)
    lost(desk, order.id)
    assert taken_back(desk) == -500
    drive(desk)
    assert (refund_states(desk), taken_back(desk), wrong_sums(desk)) == (["FAILED"], -500, [])


def test_money_that_went_back_by_hand_and_is_heard_of_after_it_was_lost_is_not_taken_twice(desk: Desk):
    order = desk.buy()
    by_hand(desk, order.id, 200)
    desk.sandbox.controls.close_dispute(contested(desk, order.id), won=False)
    told_of(desk, order.id)
    assert taken_back(desk) == -500
    heard(desk)
    assert (refund_states(desk), taken_back(desk), wrong_sums(desk)) == (["SUCCEEDED"], -500, [])


def test_of_a_part_that_was_lost_the_rest_stays(desk: Desk):
    order = desk.buy()
    dispute = contested(desk, order.id)
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE disputes SET amount = 300")
    decided(desk, dispute)
    assert (order_state(desk, order.id), taken_back(desk), wrong_sums(desk)) == ("LOST", -300, [])


def test_a_payment_that_was_lost_before_it_was_settled_bought_nothing(desk: Desk):
    order = taken_and_unread(desk)
    by_hand(desk, order, 200)
    with silent():
        lost(desk, order)
    settled(desk, order)
    assert (order_state(desk, order), taken_back(desk), wrong_sums(desk)) == ("LOST", -500, [])


@pytest.mark.parametrize("also", ["DELETE FROM entitlements WHERE order_id IS NULL AND amount = -500", ""])
def test_a_lost_dispute_that_took_nothing_is_named(desk: Desk, also: str):
    order = desk.buy()
    lost(desk, order.id)
    with desk.store.read() as conn:
        (takes,) = conn.scalars(select(Dispute.takes)).all()
    assert sum(take.amount for take in load_rows(takes or [])) == -500
    with desk.store.write() as conn:
        for each in filter(None, ["UPDATE disputes SET takes = NULL", also]):
            conn.exec_driver_sql(each)
    assert f"ledger order {order.id}: is lost and gave up 0 of what was paid, by the rule -500" in named(desk)
