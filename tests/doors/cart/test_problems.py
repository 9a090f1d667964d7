"""S-2, S-3 and S-4: a press that buys nothing says so, says why, and asks for consent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.links.claims import SavedOffer, WrittenOffer
from tests.doors.cart.shop import CartPage, Shop, shown
from tests.doors.page_client import elements, form_values, parsed

NOT_CHARGED = "You have not been charged."
NOBODY_LOOKED = "If you have pressed “Buy now” before, your confirmation page or our mail says what happened."


def again(response) -> CartPage:
    return CartPage("/", response.text, response.status_code, form_values(response.text, "/buy"))


@pytest.mark.parametrize(
    ("left_out", "field", "words"),
    [
        ("agree", "agree", "Tick the box to agree to the payment"),
        ("card", "c1", "Choose a card to pay with"),
    ],
)
def test_what_is_missing_is_named_and_led_to(shop: Shop, left_out: str, field: str, words: str):
    response = shop.press(shop.open(), 422, **{left_out: None})
    title, text = shown(response)
    assert title == "Error: Add a second seat for $5.00 today – Quillmark CRM"
    assert f"There is a problem. {NOT_CHARGED} {words}" in text
    assert f"#{field}" in [a.get("href") for a in elements(parsed(response.text), "a")]
    assert shop.calls() == 0
    assert shop.orders() == 0


def test_both_are_named_together_and_what_was_chosen_stays(shop: Shop):
    page = shop.open()
    both = shown(shop.press(page, 422, agree=None, card=None))[1]
    assert "Tick the box" in both
    assert "Choose a card" in both
    kept = again(shop.press(page, 422, agree=None, card=str(shop.seeded.mastercard)))
    assert kept.form["card"] == str(shop.seeded.mastercard)
    shop.press(kept)
    assert shop.taken() == [500]


@pytest.mark.parametrize("ticked", ["", "0", "on", "true", "1 ", "１"])
def test_only_the_value_of_the_box_counts_as_ticked(shop: Shop, ticked: str):
    shop.press(shop.open(), 422, agree=ticked)
    assert shop.calls() == 0


def test_an_expired_card_is_refused_even_when_it_is_sent(shop: Shop):
    response = shop.press(shop.open(), 422, card=str(shop.seeded.amex))
    assert "Choose another card; the one you chose cannot be used" in shown(response)[1]
    assert shop.calls() == 0


@pytest.mark.parametrize(
    ("opened", "was", "is_now"),
    [
        (datetime(2026, 8, 1, 6, 40, tzinfo=UTC), "$4.19", "$4.17"),  # 23:40 on July 31 where the merchant is
        (datetime(2026, 7, 10, 6, 40, tzinfo=UTC), "$4.78", "$4.76"),
    ],
)
def test_on_the_next_day_the_price_is_another_and_both_are_shown(shop: Shop, opened: datetime, was: str, is_now: str):
    shop.clock.at = opened
    page = shop.open(shop.link(validity=90 * 86400))
    assert f"{was} today" in shown(page)[0]
    shop.clock.move(timedelta(minutes=21))
    response = shop.press(page, 409)
    title, text = shown(response)
    assert title == f"Error: Add a second seat for {is_now} today – Quillmark CRM"
    assert f"A new day began, so there is less time to pay for: it was {was}, it is now {is_now}." in text
    assert NOT_CHARGED in text
    assert "agree again" in text
    assert shop.calls() == 0
    shop.press(again(response))
    assert shop.taken() == [int(float(is_now[1:]) * 100 + 0.5)]


def test_a_quote_does_not_outlive_the_merchants_day(shop: Shop):
    shop.sql('UPDATE books SET policy = \'{"basis": "day"}\', policy_version = policy_version + 1')
    shop.clock.at = datetime(2026, 7, 2, 6, 50, tzinfo=UTC)  # 23:50
    page = shop.open()
    shop.clock.move(timedelta(minutes=11))
    response = shop.press(page, 409)
    assert NOT_CHARGED in shown(response)[1]
    shop.press(again(response))
    assert shop.taken() == [501]


def test_a_catalog_that_changed_under_the_page_is_told_with_both_prices(shop: Shop):
    page = shop.open(shop.link(WrittenOffer(1, "crm-pro", 1)))
    shop.sql("UPDATE products SET facts = json_set(facts, '$.prices.USD.1year', 12000) WHERE code = 'crm-pro'")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    response = shop.press(page, 409)
    title, text = shown(response)
    assert title.startswith("Error: Change to CRM Pro for $40.00 today")
    assert "it was $30.00, it is now $40.00" in text
    assert shop.calls() == 0
    fresh = again(response)
    assert "agree" not in fresh.form
    shop.press(fresh)
    assert shop.taken() == [4000]


def test_a_catalog_that_changed_elsewhere_only_asks_again(shop: Shop):
    page = shop.open()
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    response = shop.press(page, 409)
    assert NOT_CHARGED in shown(response)[1]
    shop.press(again(response))
    assert shop.taken() == [500]


def test_a_product_that_is_gone_refuses_by_its_reason(shop: Shop):
    page = shop.open(shop.link(WrittenOffer(1, "crm-pro", 1)))
    shop.sql("UPDATE products SET active = 0 WHERE code = 'crm-pro'")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    title, text = shown(shop.press(page, 403))
    assert title.startswith("This plan is no longer sold")
    assert "You have not been charged" in text


def test_a_product_that_was_deleted_is_a_page_and_no_error(shop: Shop):
    link = shop.link(WrittenOffer(1, "crm-pro", 1))
    page = shop.open(link)
    shop.sql("DELETE FROM products WHERE code = 'crm-pro'")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    response = shop.client.get(page.path, 403)
    assert "You have not been charged" in shown(response)[1]
    assert "You have not been charged" in shown(shop.press(page, 403))[1]


def test_a_price_that_was_deleted_is_a_page_and_no_error(shop: Shop):
    page = shop.open(shop.link(WrittenOffer(1, "crm-pro", 1)))
    shop.sql("UPDATE products SET facts = json_remove(facts, '$.prices.USD') WHERE code = 'crm-pro'")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    response = shop.client.get(page.path, 403)
    assert "You have not been charged" in shown(response)[1]


def test_a_policy_that_changed_under_the_page_is_told_with_both_prices(shop: Shop):
    page = shop.open()
    shop.sql('UPDATE books SET policy = \'{"basis": "day"}\', policy_version = policy_version + 1')
    response = shop.press(page, 409)
    assert "it was $5.00, it is now $5.04" in shown(response)[1]
    assert shop.calls() == 0


def test_a_subscription_that_changed_under_the_page_buys_nothing(shop: Shop):
    page = shop.open()
    shop.sql("UPDATE subscriptions SET version = version + 1")
    assert NOT_CHARGED in shown(shop.press(page, 409))[1]
    assert shop.calls() == 0


@pytest.mark.parametrize("csrf", ["", "x", "é", "\x00", "A" * 5000])
def test_a_foreign_form_token_buys_nothing(shop: Shop, csrf: str):
    response = shop.press(shop.open(), 409, csrf=csrf)
    assert f"This page was open for too long. {NOBODY_LOOKED}" in shown(response)[1]
    assert shop.calls() == 0


def test_form_and_page_must_belong_together(shop: Shop):
    one, other = shop.open(), shop.open()
    for fields in ({"csrf": other.form["csrf"]}, {"quote": other.form["quote"]}, dict(other.form)):
        shop.press(one, 409, **fields)
    assert shop.calls() == 0


def test_the_form_token_of_another_form_does_not_buy(shop: Shop):
    page = shop.open()
    card_form = form_values(shop.client.get(f"{page.path}/card").text, "/card")
    shop.press(page, 409, csrf=card_form["csrf"])
    shop.press(page, 409, csrf=card_form["csrf"], quote="")
    assert shop.calls() == 0


def test_a_session_that_is_over_shows_the_cart_as_it_is_now(shop: Shop):
    page = shop.open()
    shop.clock.move(timedelta(seconds=3601))
    response = shop.press(page, 409)
    assert f"This page was open for too long. {NOT_CHARGED}" in shown(response)[1]
    assert shop.calls() == 0
    shop.press(again(response))
    assert shop.taken() == [500]


def test_looking_at_a_session_that_is_over_opens_the_cart_anew(shop: Shop):
    page = shop.open()
    shop.clock.move(timedelta(seconds=3601))
    fresh = shop.cart_at(shop.client.get(page.path, 303).headers["Location"])
    shop.press(fresh)
    assert shop.taken() == [500]


def test_a_quote_of_an_hour_ago_buys_nothing_though_its_session_lives(shop: Shop):
    first = shop.open()
    shop.clock.move(timedelta(minutes=30))
    page = shop.cart_at(first.path)
    shop.clock.move(timedelta(minutes=29))
    assert shop.press(page), "29 minutes are fine"
    assert shop.taken() == [500]


def test_a_form_that_is_not_ours_at_all_is_an_old_page(shop: Shop):
    page = shop.open()
    response = shop.client.post(f"{page.path}/buy", {"amount": "1", "total": "1"}, 409)
    assert NOBODY_LOOKED in shown(response)[1]


def test_an_offer_that_was_switched_off_under_the_page_is_closed(shop: Shop):
    from app.offers.saved import save_offer
    from app.subscriptions.offered import written_change

    change = written_change(WrittenOffer(1, "crm-seat", 2, unit_price=1000))
    number = save_offer(shop.store, shop.clock, shop.seeded.book, name="July", change=change, ends_at=None)
    page = shop.open(shop.link(SavedOffer(number)))
    shop.sql("UPDATE offers SET active = 0, version = version + 1")
    title, text = shown(shop.press(page, 410))
    assert "You have not been charged" in text, title
    assert shop.calls() == 0
