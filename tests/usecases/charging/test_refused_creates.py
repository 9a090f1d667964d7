"""The gateway would not even make a payment: nobody was charged, nobody is locked out, and the merchant hears of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from app.charging.desk import matters
from app.charging.drive import driver_name
from app.charging.errors import ChargingError
from app.charging.reading import OrderFacts
from app.charging.transitions import first_break
from app.gateways.port import DeclineReason
from app.gateways.sandbox import Fault
from app.models.customers import StoredCard
from app.models.orders import Attempt, Transition
from app.models.work import Outbox
from tests.usecases.charging.desk import Desk


def detached(desk: Desk) -> OrderFacts:
    """The card is ours and not the gateway's any more; nobody told us."""
    card = desk.card()
    with desk.store.write() as conn:
        conn.execute(update(StoredCard).where(StoredCard.id == card.id).values(token="pm_sandbox_gone"))
    return press(desk, "checkout-1", replace(card, token="pm_sandbox_gone"))


def press(desk: Desk, checkout: str, card) -> OrderFacts:
    by = driver_name("request")
    placed = desk.place(desk.order(checkout), card, driver=by)
    desk.drive(placed.attempt_id, by)
    return desk.facts(placed.order_id)


def refused(desk: Desk, checkout: str = "checkout-1") -> OrderFacts:
    """The gateway takes no such amount: another card helps as little as the same one."""
    card = desk.card()
    by = driver_name("request")
    placed = desk.place(desk.order(checkout), card, driver=by)
    with desk.store.write() as conn:
        conn.execute(update(Attempt).where(Attempt.id == placed.attempt_id).values(currency="XXX"))
    desk.drive(placed.attempt_id, by)
    return desk.facts(placed.order_id)


def test_a_card_that_is_gone_at_the_gateway_ends_the_attempt_without_money_and_is_blocked(desk: Desk):
    order = detached(desk)
    assert (order.state, order.outcome, order.last.state) == ("OPEN", "failed", "CANCELLED")
    assert order.last.decline is DeclineReason.CARD_GONE
    assert (desk.captures(), desk.payments(), len(desk.requests("create_payment"))) == ([], [], 1)
    with desk.store.read() as conn:
        assert conn.execute(select(StoredCard.blocked).where(StoredCard.id == order.last.card.id)).scalar_one()
        steps = conn.execute(
            select(Transition.to_state).where(Transition.object == order.last.id).order_by(Transition.seq)
        )
        assert list(steps.scalars()) == ["CREATED", "CANCELLING", "CANCELLED"]
        assert first_break(conn, desk.seeded.book, "attempt", order.last.id) is None


def test_after_a_card_that_is_gone_another_card_buys_at_once(desk: Desk):
    first = detached(desk)
    order = desk.buy("mastercard_ok")
    assert (order.id, order.state, order.last.n) == (first.id, "PAID", 2)
    assert desk.captures() == [500]
    desk.check()


def test_the_merchant_hears_of_a_refused_create_and_a_person_only_where_something_is_left_to_decide(desk: Desk):
    detached(desk)
    assert "attempt.refused" in desk.outbox("event")
    with desk.store.read() as conn:
        assert matters(conn, desk.clock.now()) == []


def test_a_payment_that_the_gateway_does_not_take_waits_for_a_person_and_locks_nobody_out(desk: Desk):
    order = refused(desk)
    assert (order.last.state, order.last.decline) == ("CANCELLED", DeclineReason.NOT_TAKEN)
    with desk.store.read() as conn:
        (matter,) = matters(conn, desk.clock.now())
        body = conn.execute(select(Outbox.body).where(Outbox.kind == "attempt.refused")).scalar_one()
        assert not conn.execute(select(StoredCard.blocked).where(StoredCard.id == order.last.card.id)).scalar_one()
    assert (matter.kind, matter.may) == ("alarm", ("cancel",))
    assert "create refused" in matter.why
    assert (body["attempt"], body["reason"]) == (order.last.id, "not_taken")
    assert desk.buy("mastercard_ok").state == "PAID"
    desk.check()


def test_a_refusal_after_a_try_of_unknown_end_is_no_charge_either_and_leaves_no_object_behind(desk: Desk):
    """The first create may have acted; it moved no money, and its object is looked for before the second is asked."""
    desk.sandbox.controls.fail_next("create_payment", Fault.TIMEOUT_BEFORE)
    order = desk.buy()
    assert order.last.state == "UNKNOWN"
    with desk.store.write() as conn:
        conn.execute(update(Attempt).values(payment_method="pm_sandbox_gone"))
    desk.heal(hours=0.2)
    order = desk.facts(order.id)
    assert (order.last.state, order.last.decline) == ("CANCELLED", DeclineReason.CARD_GONE)
    assert (desk.captures(), desk.payments()) == ([], [])
    assert "not_charged" in desk.outbox()  # the page had said that we do not know


def test_a_gateway_that_refuses_is_not_asked_without_end(desk: Desk):
    """Each press is a call; the limit on declines counts it."""
    for _ in range(5):
        refused(desk)
    with pytest.raises(ChargingError) as found:
        refused(desk)
    assert found.value.code == "too_many_tries"
