"""The confirmation of a paid order says what of it went back since."""

from __future__ import annotations

from datetime import timedelta

from app.charging.drive import driver_name
from app.charging.refunding import ask_refund, drive_refunds
from tests.doors.cart.shop import Shop, shown


def bought(shop: Shop) -> str:
    return shop.press(shop.open()).headers["Location"]


def asked(shop: Shop, amount: int | None) -> None:
    order = shop.ask("SELECT id FROM orders")
    ask_refund(shop.store, shop.clock, shop.seeded.book, order, amount, reason="asked for", actor="maria")


def sent(shop: Shop) -> None:
    drive_refunds(shop.store, shop.adapters.gateways, shop.clock, by=driver_name("refund"))


def text_at(shop: Shop, done: str) -> str:
    return shown(shop.client.get(done, 200))[1]


def test_a_refund_in_part_and_then_of_the_rest_are_told_with_amount_and_date(shop: Shop):
    done = bought(shop)
    assert "iven back" not in text_at(shop, done)
    asked(shop, 200)
    sent(shop)
    text = text_at(shop, done)
    assert "We charged $5.00 to your Visa ending 4242. $2.00 of it was given back to you." in text
    assert "$2.00 on July 1, 2026" in text
    shop.clock.move(timedelta(days=1))
    asked(shop, None)
    sent(shop)
    text = text_at(shop, done)
    assert "$5.00 of it was given back to you." in text
    assert "$3.00 on July 2, 2026" in text


def test_a_refund_that_was_only_asked_for_is_told_as_on_its_way(shop: Shop):
    done = bought(shop)
    asked(shop, 200)
    text = text_at(shop, done)
    assert "$2.00 of it is on its way back to you." in text
    assert "$2.00, on its way back to you" in text
