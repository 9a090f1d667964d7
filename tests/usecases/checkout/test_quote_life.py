"""A figure may be confirmed as long as it stands, and no longer than what it rests on: the link and the saved offer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.charging.errors import ChargingError
from app.checkout.errors import CheckoutRefused
from app.links.claims import SavedOffer
from app.links.sessions import CartSession
from app.models.orders import Order
from app.offers.saved import save_offer
from app.subscriptions.offered import written_change
from tests.usecases.checkout.till import SECOND_SEAT, Till

TEN_MINUTES = timedelta(minutes=10)
SECOND = timedelta(seconds=1)


def session_of(till: Till, ends: str) -> CartSession:
    """A cart whose link, or whose saved offer, is over in ten minutes."""
    if ends == "link":
        return till.open(validity=int(TEN_MINUTES.total_seconds()))
    ends_at = till.clock.now() + TEN_MINUTES
    number = save_offer(
        till.store, till.clock, till.seeded.book, name="July", change=written_change(SECOND_SEAT), ends_at=ends_at
    )
    return till.open(SavedOffer(number))


def test_a_quote_stands_an_hour(till: Till):
    assert till.look(till.open()).valid_until == till.clock.now() + timedelta(hours=1)


@pytest.mark.parametrize("ends", ["offer", "link"])
def test_a_quote_lives_no_longer_than_what_it_rests_on(till: Till, ends: str):
    cart = till.look(session_of(till, ends))
    assert cart.valid_until == till.clock.now() + TEN_MINUTES
    assert cart.ticket.valid_until == int(cart.valid_until.timestamp())


@pytest.mark.parametrize("ends", ["offer", "link"])
def test_a_press_just_before_the_end_buys(till: Till, ends: str):
    cart = till.look(session_of(till, ends))
    till.clock.move(TEN_MINUTES - SECOND)
    assert till.desk.facts(till.press(cart)).state == "PAID"


@pytest.mark.parametrize("ends", ["offer", "link"])
def test_a_press_at_the_end_is_refused(till: Till, ends: str):
    cart = till.look(session_of(till, ends))
    till.clock.move(TEN_MINUTES)
    with pytest.raises(CheckoutRefused) as refused:
        till.press(cart)
    assert refused.value.code == "page_too_old"
    assert (till.desk.count(Order), till.desk.requests()) == (0, [])


@pytest.mark.parametrize("ends", ["offer", "link"])
def test_an_end_that_comes_during_the_press_is_refused_too(till: Till, ends: str):
    cart = till.look(session_of(till, ends))
    with pytest.raises(ChargingError) as refused:
        till.press(cart, lambda: till.clock.move(TEN_MINUTES))
    assert refused.value.code == "quote_expired"
    assert (till.desk.count(Order), till.desk.requests()) == (0, [])
