"""S-23: the money is there, the change could not be made. The page says so, and nobody pays again."""

from __future__ import annotations

from tests.doors.cart.shop import CartPage, Shop, shown


def test_paid_while_the_subscription_moved_is_told_as_paid_and_being_switched_on(shop: Shop):
    page = shop.open()
    check = shop.client.follow(shop.press(page, card=str(shop.card("visa_3ds", default=False)))).text
    shop.sql("UPDATE subscriptions SET version = version + 1 WHERE id = :id", id=shop.seeded.subscription)
    path = shop.answer_bank(check, "approve")
    response = shop.client.get(path, 200)
    title, text = shown(response)
    assert title.startswith("Paid. We are switching it on")
    for words in (
        "We charged $5.00 to your Visa ending 9999. You need not pay again.",
        "Your receipt goes to d•••a@brightwell.example as soon as the change is made.",
        "1 seat to 2 seats, CRM Standard, being switched on",
        "Check again",
    ):
        assert words in text, words
    assert "on its way" not in text
    assert "We do not know" not in text
    assert shop.taken() == [500]
    assert shop.seats() == 1
    assert shop.mails("receipt") == []

    again = shop.press(page)
    assert shop.taken() == [500]
    assert shown(CartPage("/", shop.client.follow(again).text))[0].startswith("Paid. We are switching it on")
