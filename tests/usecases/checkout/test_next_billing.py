"""A change for the next billing date is registered, waits, can be undone, and nothing else is sold meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.billing.facts import Change
from app.charging.errors import ChargingError
from app.checkout.errors import CheckoutRefused
from app.links.claims import WrittenOffer
from app.models.orders import Attempt, Fulfilment
from app.models.subscriptions import Entitlement, ScheduledChange, SubscriptionChange
from app.subscriptions.facts import Held, load
from app.subscriptions.scheduling import pending_change, schedule_state
from app.subscriptions.undoing import undo_change
from tests.usecases.charging.desk import SECOND_SEAT, Desk
from tests.usecases.checkout.till import Till

LATER = Change(quantity=3, effective="next_billing")


def held(till: Till) -> Held:
    with till.store.read() as conn:
        found = load(conn, till.seeded.book, 1048)
    assert found is not None
    return found


def schedule(till: Till, change: Change = LATER, checkout: str = "checkout-1", **order: Any) -> str:
    desk = till.desk
    placed = desk.place(desk.order(checkout, change=change, changes=(change,), **order))
    assert placed.attempt_id is None
    return placed.order_id


def undo(till: Till, **which: Any) -> bool:
    return undo_change(till.store, till.clock, till.seeded.book, till.seeded.subscription, actor="dana", **which)


def history(till: Till) -> list[tuple[str, int]]:
    with till.store.read() as conn:
        rows = conn.execute(select(SubscriptionChange.cause, SubscriptionChange.version)).all()
    return [(row.cause, row.version) for row in rows]


def test_it_is_registered_without_an_attempt_and_nothing_is_changed_today(till: Till):
    before = held(till)
    order = schedule(till)
    facts, after = till.desk.facts(order), held(till)
    assert (facts.state, facts.outcome, facts.total) == ("PAID", "registered", 0)
    assert till.desk.count(Attempt) == 0
    assert (after.facts.items, after.mandate, after.card_id) == (before.facts.items, before.mandate, before.card_id)
    assert till.desk.count(Entitlement) == 1
    assert (after.version, history(till)) == (2, [("schedule", 2)])
    assert till.desk.count(Fulfilment, order_id=order) == 1
    till.desk.check()


def test_what_waits_says_what_and_when(till: Till):
    order = schedule(till)
    waiting = held(till).scheduled
    assert waiting is not None
    assert (waiting.order_id, waiting.due_on, waiting.changes) == (order, date(2027, 1, 1), (LATER,))
    assert (waiting.renewal_date, waiting.renewal_amount, waiting.currency) == (date(2027, 1, 1), 12000, "USD")
    assert [item.quantity for item in waiting.after] == [3]
    with till.store.read() as conn:
        assert pending_change(conn, till.seeded.book, till.seeded.subscription) == waiting


def test_another_book_sees_and_undoes_nothing(till: Till):
    schedule(till)
    with till.store.read() as conn:
        assert pending_change(conn, till.seeded.other_book, till.seeded.subscription) is None
    assert not undo_change(till.store, till.clock, till.seeded.other_book, till.seeded.subscription, actor="eve")


def test_while_one_waits_nothing_else_is_sold(till: Till):
    schedule(till)
    assert held(till).facts.change_in_progress
    with pytest.raises(CheckoutRefused) as refused:
        till.look(till.open())
    assert refused.value.details["cart"].quote.eligibility.code == "change_in_progress"
    for change in (SECOND_SEAT, LATER):
        new = till.desk.order("checkout-2", change=change, jti=None)
        with pytest.raises(ChargingError, match="refuses"):
            till.desk.place(new)
    assert till.desk.count(ScheduledChange) == 1


def test_two_that_were_quoted_before_either_was_placed_make_one(till: Till):
    first, second = (till.desk.order(name, change=LATER, changes=(LATER,), jti=None) for name in ("a", "b"))
    till.desk.place(first)
    with pytest.raises(ChargingError) as refused:
        till.desk.place(second)
    assert refused.value.code == "subscription_moved"
    assert (till.desk.count(ScheduledChange), held(till).version) == (1, 2)


def test_undone_twice_at_once_is_undone_once(till: Till):
    schedule(till)
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: undo(till), range(4))) == [False, False, False, True]
    assert held(till).version == 3


def test_a_scheduled_press_twice_is_one_order(till: Till):
    assert schedule(till) == schedule_again(till.desk)
    assert till.desk.count(ScheduledChange) == 1


def schedule_again(desk: Desk) -> str:
    return desk.place(desk.order(change=LATER, changes=(LATER,))).order_id


def test_undone_the_subscription_stands_as_before_and_may_be_changed(till: Till):
    before = held(till)
    schedule(till)
    assert undo(till)
    after = held(till)
    assert (after.scheduled, after.version, after.facts) == (None, 3, before.facts)
    assert history(till) == [("schedule", 2), ("undo", 3)]
    assert "change.undone" in till.desk.outbox("event")
    schedule(till, Change(quantity=5, effective="next_billing"), "checkout-2", jti=None)
    waiting = held(till).scheduled
    assert waiting is not None
    assert waiting.after[0].quantity == 5


def test_it_is_undone_once(till: Till):
    schedule(till)
    assert [undo(till), undo(till)] == [True, False]
    assert held(till).version == 3


def test_a_page_of_another_order_undoes_nothing(till: Till):
    order = schedule(till)
    assert not undo(till, order_id="another")
    assert held(till).scheduled is not None
    assert undo(till, order_id=order)


def test_a_price_quoted_before_the_undo_is_stale(till: Till):
    stale = till.desk.order("checkout-2", jti=None)
    schedule(till)
    undo(till)
    with pytest.raises(ChargingError) as refused:
        till.desk.place(stale)
    assert refused.value.code == "subscription_moved"


def test_undo_against_a_press_leaves_either_but_never_both(till: Till):
    """The press was computed while nothing waited; between it and its transaction one is scheduled and undone."""
    cart = till.look(till.open(WrittenOffer(1, "crm-seat", 3, effective="next_billing")))

    def meanwhile() -> None:
        schedule(till, checkout="other", jti=None)
        undo(till)

    with pytest.raises(CheckoutRefused) as refused:
        till.press(cart, meanwhile)
    assert refused.value.code == "price_changed"
    assert held(till).scheduled is None


def test_a_link_for_the_next_billing_date_schedules(till: Till):
    cart = till.look(till.open(WrittenOffer(1, "crm-seat", 3, effective="next_billing")))
    order = till.press(cart)
    waiting = held(till).scheduled
    assert waiting is not None
    assert (waiting.order_id, waiting.changes) == (order, (cart.offered.change,))
    assert till.desk.facts(order).outcome == "registered"


def test_an_undone_change_spends_its_link_and_says_that_it_was_undone(till: Till):
    """PAID has no way back (the order took nothing and stays as agreed to); what it scheduled tells that it was undone."""
    session = till.open(WrittenOffer(1, "crm-seat", 3, effective="next_billing"))
    order = till.press(till.look(session))
    assert undo(till, order_id=order)
    facts = till.desk.facts(order)
    assert (facts.state, facts.total) == ("PAID", 0)
    with till.store.read() as conn:
        assert schedule_state(conn, till.seeded.book, order) == "UNDONE"
    with pytest.raises(CheckoutRefused) as refused:
        till.look(session)
    assert (refused.value.code, refused.value.details["order"]) == ("link_used", order)
