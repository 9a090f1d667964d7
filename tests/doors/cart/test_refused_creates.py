"""The gateway would not even make a payment: the page says that nothing was charged, and the shopper may go on."""

from __future__ import annotations

import pytest

from tests.doors.cart.shop import Shop, shown, told


def gone_card(shop: Shop) -> str:
    """A stored card that the gateway dropped; nobody told us."""
    card = shop.card("visa_declined", last4="7777")
    shop.sql("UPDATE stored_cards SET token = 'pm_sandbox_gone' WHERE id = :card", card=card)
    return str(card)


def test_a_card_that_is_gone_at_the_gateway_is_told_as_such_and_another_buys(shop: Shop):
    response = shop.press(shop.open(), card=gone_card(shop))
    page = shop.page_of(shop.client.get(response.headers["Location"]), response.headers["Location"])
    title, text = shown(shop.client.get(response.headers["Location"]))
    assert title.startswith("This card can no longer be used, nothing was charged")
    assert "You have not been charged" in text
    assert "Pay with another card" in text
    assert "Do not pay again" not in text
    assert "bank check" not in text.lower()
    bought = shop.client.get(shop.press(page, card=str(shop.seeded.visa)).headers["Location"])
    assert shown(bought)[0].startswith("You now have 2 seats")
    assert shop.taken() == [500]


def test_a_card_that_is_gone_is_not_offered_again(shop: Shop):
    link, card = shop.link(), gone_card(shop)
    shop.press(shop.open(link), card=card)
    again = shop.open(link)
    shop.press(again, 422, card=card)
    assert shop.orders() == 1


@pytest.mark.parametrize(
    ("language", "words"), [("en", "You have not been charged"), ("fr", "Vous n’avez pas été débité")]
)
def test_a_payment_that_the_gateway_does_not_take_is_told_as_not_charged(shop: Shop, language: str, words: str):
    page = shop.open(lang=language)
    shop.sql("UPDATE stored_cards SET gateway_customer = 'nobody' WHERE id = :card", card=shop.seeded.visa)
    response = shop.press(page, card=str(shop.seeded.visa))
    told_so = shop.client.get(response.headers["Location"], 200)
    text = told(told_so.text)
    assert words in text
    assert "Do not pay again" not in text
    assert "not answering" not in text
    again = shop.page_of(told_so, response.headers["Location"])
    assert again.form  # the way on: the same offer, with a card to choose
