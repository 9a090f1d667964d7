"""Tabs, double clicks, links and races: one charge."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from app.billing.facts import Change
from app.charging.drive import driver_name
from app.charging.errors import ChargingError
from app.charging.reading import orders_of_link, wait_for_news
from app.gateways.sandbox import open_gateway
from app.kit.clock import SystemClock
from app.models.orders import Attempt, Consent, Order
from tests.usecases.charging.desk import SECOND_SEAT, Desk

OTHER_CHANGE = Change(quantity=3, unit_price=1000)


def test_the_same_checkout_twice_is_one_order_and_one_consent(desk: Desk):
    new = desk.order()
    first, second = desk.place(new), desk.place(new)
    assert (first.order_id, first.attempt_id) == (second.order_id, second.attempt_id)
    assert (first.created, second.created) == (True, False)
    assert desk.count(Consent) == 1


def test_a_press_after_the_payment_leads_to_the_paid_order(desk: Desk):
    new = desk.order()
    by = driver_name("request")
    placed = desk.place(new, driver=by)
    desk.drive(placed.attempt_id, by)
    again = desk.place(new)
    assert (again.order_id, again.attempt_id, again.created) == (placed.order_id, None, False)
    assert desk.captures() == [500]


def test_the_same_change_from_another_tab_is_the_same_order(desk: Desk):
    first = desk.place(desk.order("tab-1"))
    second = desk.place(desk.order("tab-2", jti="2.2"))
    assert second.order_id == first.order_id
    assert desk.count(Order) == 1


def test_another_change_waits_while_an_attempt_is_open(desk: Desk):
    first = desk.place(desk.order("tab-1"))
    with pytest.raises(ChargingError) as refused:
        desk.place(desk.order("tab-2", change=OTHER_CHANGE))
    assert (refused.value.code, refused.value.details["order"]) == ("change_in_progress", first.order_id)


def test_another_change_takes_over_from_an_order_whose_attempts_are_closed(desk: Desk):
    first = desk.buy("visa_declined", "tab-1")
    second = desk.buy("visa_ok", "tab-2", change=OTHER_CHANGE)
    assert (desk.facts(first.id).state, second.state) == ("CANCELLED", "PAID")
    assert desk.captures() == [1000]
    desk.check()


def test_a_closed_order_is_not_opened_again_by_an_old_tab(desk: Desk):
    desk.buy("visa_declined", "tab-1")
    old_tab = desk.order("tab-1")
    desk.buy("visa_declined", "tab-2", change=OTHER_CHANGE)
    with pytest.raises(ChargingError) as refused:
        desk.place(old_tab)
    assert refused.value.code == "order_closed"


def test_one_checkout_never_holds_two_prices(desk: Desk):
    desk.buy("visa_declined", "tab-1")
    with pytest.raises(ChargingError) as refused:
        desk.place(desk.order("tab-1", change=OTHER_CHANGE))
    assert refused.value.code == "quote_differs"


def test_a_link_is_used_once(desk: Desk):
    paid = desk.buy(checkout="tab-1")
    with pytest.raises(ChargingError) as refused:
        desk.place(desk.order("tab-2", change=OTHER_CHANGE))
    assert (refused.value.code, refused.value.details["order"]) == ("link_used", paid.id)
    with desk.store.read() as conn:
        assert [order.id for order in orders_of_link(conn, desk.seeded.book, "1.1")] == [paid.id]


def test_a_link_with_two_uses_is_used_twice_and_no_more(desk: Desk):
    desk.buy(checkout="tab-1", uses=2)
    desk.buy(checkout="tab-2", uses=2, change=OTHER_CHANGE)
    with pytest.raises(ChargingError, match="every use"):
        desk.place(desk.order("tab-3", uses=2, change=Change(quantity=4, unit_price=1000)))
    desk.check()


def test_a_use_is_held_after_a_decline_so_that_the_same_order_may_try_again(desk: Desk):
    desk.buy("visa_declined")
    assert desk.uses() == 1
    assert desk.buy("visa_ok").state == "PAID"
    desk.check()


@pytest.mark.parametrize(
    "checkouts", [["one"] * 50, [f"tab-{n}" for n in range(50)]], ids=["one checkout", "fifty tabs"]
)
def test_fifty_presses_at_once_charge_once(desk: Desk, checkouts: list[str], tmp_path):
    """Real time and real threads: each request places, drives and waits as the shop's page does."""
    clock = SystemClock()
    desk.clock.at = clock.now()  # prices are those of this instant
    desk.clock = clock
    settings = {
        "production": False,
        "path": tmp_path / "fast.sqlite3",
        "public_url": "https://pay.example",
        "clock": clock,
    }
    desk.sandbox = open_gateway(settings)
    desk.__post_init__()
    start, seen, failures = threading.Barrier(len(checkouts)), [], []
    orders = [desk.order(checkout) for checkout in checkouts]
    card = desk.card()

    def press(new):
        try:
            start.wait()
            by = driver_name("request")
            placed = desk.place(new, card, driver=by)
            desk.drive(placed.attempt_id, by)
            order = wait_for_news(desk.store, clock, desk.seeded.book, placed.order_id, seconds=20)
            seen.append((order.id, order.state))
        except ChargingError as error:  # a tab that comes after the payment: the link's use is spent
            seen.append((error.details.get("order"), "PAID" if error.code == "link_used" else error.code))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=press, args=(new,)) for new in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    assert len(set(seen)) == 1, set(seen)
    assert seen[0][1] == "PAID"
    assert len(desk.captures()) == 1
    assert desk.count(Attempt) == 1
    desk.check()
    desk.sandbox.close()


def test_five_declines_close_the_shop_for_an_hour_and_say_until_when(desk: Desk):
    for _ in range(5):
        desk.buy("visa_declined")
        desk.clock.move(timedelta(minutes=1))
    with pytest.raises(ChargingError) as refused:
        desk.place(desk.order(), desk.card("visa_ok"))
    assert refused.value.code == "too_many_tries"
    desk.clock.at = refused.value.details["opens_at"]
    assert desk.buy("visa_ok", "later", change=SECOND_SEAT).state == "PAID"
