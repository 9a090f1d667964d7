"""From the lock window before its renewal on a scheduled change stays, and every page says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.doors.cart.shop import CartPage, Shop, local, shown
from tests.doors.cart.test_scheduled import LATER, UNDO, press_undo, undo_path
from tests.doors.page_client import form_values

DUE = datetime(2027, 1, 1, 8, tzinfo=UTC)
"""Midnight of January 1 in Los Angeles."""
NEAR = DUE - timedelta(minutes=30)


@pytest.fixture
def done(shop: Shop) -> CartPage:
    return shop.cart_at(local(shop.press(shop.open(shop.link(LATER))).headers["Location"]))


def test_near_the_renewal_the_page_says_that_it_stays(shop: Shop, done: CartPage):
    shop.clock.at = NEAR
    _, text = shown(shop.cart_at(done.path))
    assert "Your change is scheduled for January 1, 2027" in text
    assert "The renewal is near, so the change can no longer be undone." in text
    assert UNDO not in text


@pytest.mark.parametrize("days", [0, 2])
def test_from_its_day_on_nothing_is_said_to_lie_ahead(shop: Shop, done: CartPage, days: int):
    shop.clock.at = DUE + timedelta(days=days)
    _, text = shown(shop.cart_at(done.path))
    assert "Your change has been due since January 1, 2027" in text
    assert "It is made with the renewal of your subscription, and can no longer be undone." in text
    assert "scheduled for" not in text
    assert "Until then" not in text
    assert UNDO not in text


def test_a_page_left_open_undoes_nothing_any_more(shop: Shop, done: CartPage):
    path = undo_path(done)
    form = form_values(shop.cart_at(path).html, "/undo")
    shop.clock.at = NEAR
    before = shop.dump()
    _, text = shown(shop.client.follow(shop.client.post(path, form, 303)))
    assert "can no longer be undone" in text
    assert shop.dump() == before
    assert shop.ask("SELECT state FROM scheduled_changes") == "PENDING"


def test_the_question_is_not_asked_any_more(shop: Shop, done: CartPage):
    path = undo_path(done)
    shop.clock.at = NEAR
    _, text = shown(shop.client.follow(shop.client.get(path, 303)))
    assert "can no longer be undone" in text


def test_a_moment_before_it_is_undone_as_ever(shop: Shop, done: CartPage):
    shop.clock.at = NEAR - timedelta(seconds=1)
    _, text = shown(shop.client.follow(press_undo(shop, shop.cart_at(done.path))))
    assert "The change was undone" in text


def test_what_was_undone_in_time_is_told_as_undone_after_its_day(shop: Shop, done: CartPage):
    press_undo(shop, done)
    shop.clock.at = DUE + timedelta(days=2)
    assert "The change was undone" in shown(shop.cart_at(done.path))[1]
