"""S-1 in its variants, S-5, S-26, S-29 and S-30: what a shopper reads before anything is pressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from app.links.claims import Discount, WrittenOffer
from tests.doors.cart.shop import SECOND_SEAT, CartPage, Shop, shown, told
from tests.doors.page_client import elements, form_values, parsed
from tests.factories import (
    Seeded,
    create_book,
    create_customer,
    create_merchant,
    create_product,
    create_subscription,
    create_tax_rate,
    raise_catalog,
    seed,
)

OPTIONS = {
    "support": {"name": "24-hour support", "per": "unit", "prices": {"USD": {"1year": 1200}}},
    "esign": {"name": "E-signature", "per": "subscription", "prices": {"USD": {"1year": 2400}}},
}


def with_options(conn: Connection) -> Seeded:
    seeded = seed(conn)
    conn.exec_driver_sql("DELETE FROM products WHERE code = 'crm-seat'")
    create_product(conn, seeded.book, options=OPTIONS)
    return seeded


def test_the_reference_case_is_five_dollars_today_and_fifty_a_year(shop: Shop):
    title, text = shown(shop.open())
    assert title == "Add a second seat for $5.00 today – Quillmark CRM"
    for words in (
        "Pay $5.00 today for the rest of this billing year.",
        "From January 1, 2027 both seats renew together at $50.00 a year.",
        "Subscription QM-1048, held by d•••a@brightwell.example. Not you?",
        "Second seat Jul 1 to Dec 31, 2026: 6 of 12 months at $10.00 a year$5.00",
        "Due today $5.00USD".replace(" $", "$"),
        "I agree to pay $5.00 now, and $50.00 every year from January 1, 2027 plus any tax",
        "Amex ending 0005 Expired 05/2026, cannot be used.",
        "Mastercard ending 5454 Expires 11/2026, before your next billing date.",
        "Nothing is charged until you press Buy now.",
        "No thanks, keep one seat",
    ):
        assert words in text, words


def test_the_boxes_are_empty_and_the_paying_card_is_chosen(shop: Shop):
    page = shop.open()
    assert page.form["card"] == str(shop.seeded.visa)
    assert "agree" not in page.form
    amex = next(f for f in elements(parsed(page.html), "input") if f.get("value") == str(shop.seeded.amex))
    assert "disabled" in amex.attrib


def test_a_plan_change_credits_what_is_left_of_the_old_plan(shop: Shop):
    title, text = shown(shop.open(shop.link(WrittenOffer(1, "crm-pro", 1))))
    assert title.startswith("Change to CRM Pro for $30.00 today")
    assert "Unused time on CRM Standard Jul 1 to Dec 31, 2026: 6 of 12 months, already paid−$20.00" in text
    assert "your subscription renews at $100.00 a year" in text


def test_each_added_option_has_a_row(shop_with: Callable[..., Shop]):
    shop = shop_with(seeding=with_options)
    title, text = shown(shop.open(shop.link(WrittenOffer(1, "crm-seat", 1, ("esign", "support")))))
    assert title.startswith("Add 24-hour support and e-signature for $18.00 today") or title.startswith(
        "Add e-signature and 24-hour support for $18.00 today"
    )
    assert "24-hour support Jul 1 to Dec 31, 2026: 6 of 12 months at $12.00 a year$6.00" in text
    assert "E-signature Jul 1 to Dec 31, 2026: 6 of 12 months at $24.00 a year$12.00" in text
    assert shop.client.follow(shop.press(shop.open(shop.link(WrittenOffer(1, "crm-seat", 1, ("esign", "support"))))))
    assert shop.taken() == [1800]


def test_a_date_that_moves_is_marked_with_both_dates(shop: Shop):
    offer = WrittenOffer(1, "crm-pro", 1, alignment="reset")
    _, text = shown(shop.open(shop.link(offer)))
    assert "Your next billing date moves from January 1, 2027 to July 1, 2027" in text


def test_nothing_due_asks_for_no_card_but_for_consent_when_the_renewal_rises(shop: Shop):
    discount = Discount("percent", 10000, "once")
    page = shop.open(shop.link(WrittenOffer(1, "crm-seat", 2, discount=discount)))
    title, text = shown(page)
    assert title.startswith("Add a second seat, nothing due today")
    assert "Nothing is due today." in text
    assert "card" not in page.form
    assert "$80.00 every year from January 1, 2027" in text
    shop.press(page, 422, agree=None)
    done = shop.client.follow(shop.press(page))
    assert "You now have 2 seats" in told(done.text)
    assert shop.calls() == 0
    assert shop.seats() == 2


def test_nothing_due_and_nothing_rising_is_a_confirmation_without_a_box(shop: Shop):
    page = shop.open(shop.link(WrittenOffer(1, "crm-seat", 2, unit_price=0)))
    _, text = shown(page)
    assert "Confirm change" in text
    assert "Buy now" not in text
    assert not [f for f in elements(parsed(page.html), "input") if f.get("type") in {"checkbox", "radio"}]
    done = shop.client.follow(shop.press(page, agree=None))
    assert "You now have 2 seats" in told(done.text)
    assert shop.calls() == 0


def inclusive(conn: Connection) -> Seeded:
    seeded = seed(conn, policy={"tax_inclusive": True}, country="GB")
    create_tax_rate(conn, seeded.book, country="GB", percent="20", label="VAT")
    return seeded


def test_a_tax_that_is_included_is_told_and_not_added(shop_with: Callable[..., Shop]):
    shop = shop_with(seeding=inclusive)
    page = shop.open()
    _, text = shown(page)
    assert "20% VAT" in text
    assert "$0.83" in text
    assert "Due today$5.00" in text
    shop.press(page)
    assert shop.taken() == [500]


def exclusive(conn: Connection) -> Seeded:
    seeded = seed(conn)
    create_tax_rate(conn, seeded.book, percent="10", label="Oregon")
    return seeded


def test_a_tax_that_is_not_included_is_added_and_charged(shop_with: Callable[..., Shop]):
    shop = shop_with(seeding=exclusive)
    page = shop.open()
    title, text = shown(page)
    assert "$5.50 today" in title
    assert "Sales tax Oregon: 10% on the sum of the lines above$0.50" in text
    shop.press(page)
    assert shop.taken() == [550]


def european(conn: Connection) -> Seeded:
    return seed(conn, country="DE")


def test_where_one_may_withdraw_the_second_box_is_asked_for(shop_with: Callable[..., Shop]):
    shop = shop_with(seeding=european)
    page = shop.open()
    refused = shop.press(page, 422)
    assert "There is a problem. You have not been charged." in told(refused.text)
    assert shop.taken() == []
    shop.press(page, start="1")
    assert shop.taken() == [500]
    assert len(shop.ask("SELECT boxes FROM consents")) > 100, "both texts are kept"


def test_without_a_usable_card_adding_one_is_the_main_act(shop: Shop):
    shop.sql("UPDATE stored_cards SET exp_year = 2025")
    page = shop.open()
    title, text = shown(page)
    assert title.startswith("Add a second seat for $5.00 today")
    assert "None of your saved cards can be used" in text
    assert "Visa ending 4242 Expired 08/2025, cannot be used." in text
    assert "Add a card" in text
    assert "Buy now" not in text


def test_a_customer_without_any_card_is_told_so(shop: Shop):
    shop.sql("UPDATE subscriptions SET card_id = NULL")
    shop.sql("DELETE FROM stored_cards")
    assert "There is no saved card for this subscription" in told(shop.open().html)


def test_the_test_book_says_that_no_money_moves(shop: Shop):
    assert "Test: no money moves" in shop.open().html


def test_the_live_book_does_not(shop: Shop):
    with shop.store.write() as conn:
        create_product(conn, shop.seeded.other_book)
        customer = create_customer(conn, shop.seeded.other_book)
        create_subscription(conn, shop.seeded.other_book, customer)
    link = shop.issue(book=shop.seeded.other_book).url.partition("example")[2]
    assert "Test: no money moves" not in shop.open(link).html


def test_a_bigger_number_of_seats_is_counted_out(shop: Shop):
    title, text = shown(shop.open(shop.link(WrittenOffer(1, "crm-seat", 5))))
    assert title.startswith("Add 4 seats for $80.00 today")
    assert "$200.00 a year" in text


def test_not_you_names_only_the_masked_address(shop: Shop):
    page = shop.open()
    _, text = shown(shop.client.get(f"{page.path}/not-you"))
    assert "It was sent to d•••a@brightwell.example." in text
    assert "If that is not you, close this page: nothing happens." in text
    assert "dana@" not in text


def test_no_thanks_changes_nothing_and_the_offer_stays(shop: Shop):
    page = shop.open()
    before = shop.dump()
    title, text = shown(shop.client.get(f"{page.path}/no-thanks"))
    assert title.startswith("You keep one seat")
    assert "Nothing changed and nothing was charged. The offer stays open until July 8, 2026." in text
    assert shop.dump() == before
    shop.press(page)
    assert shop.taken() == [500]


def own_words(conn: Connection) -> Seeded:
    seeded = seed(conn)
    conn.exec_driver_sql("DELETE FROM merchants WHERE id NOT IN (SELECT merchant_id FROM books)")
    conn.exec_driver_sql(
        "UPDATE merchants SET profile = json_set(profile, '$.terms', json_object('en', 'Seats are billed yearly.\n\nAsk us.'))"
    )
    raise_catalog(conn, seeded.book)
    return seeded


def test_terms_open_in_the_same_tab_with_a_way_back(shop_with: Callable[..., Shop]):
    shop = shop_with(seeding=own_words)
    page = shop.open()
    href = next(a.get("href", "") for a in elements(parsed(page.html), "a") if "/legal/" in a.get("href", ""))
    legal = shop.client.get(href)
    title, text = shown(legal)
    assert title.startswith("Terms of sale")
    assert "Seats are billed yearly." in text
    assert page.path in [a.get("href") for a in elements(parsed(legal.text), "a")]


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/u/x", "javascript:alert(1)", "/cart/a/buy"]
)
def test_terms_lead_back_to_a_page_of_ours_or_nowhere(shop_with: Callable[..., Shop], back: str):
    shop = shop_with(seeding=own_words)
    html = shop.client.get("/legal/quillmark/terms", query_string={"back": back}).text
    assert back not in [a.get("href") for a in elements(parsed(html), "a")]


def french_way(shop: Shop, **fields: str) -> tuple[CartPage, Any]:
    page = shop.open(lang="fr")
    return page, shop.press(page, **fields)


def test_the_language_chosen_once_is_kept_to_the_confirmation(shop: Shop):
    page, pressed = french_way(shop)
    assert shown(page)[0].startswith("Ajouter un deuxième siège pour 5,00 $US aujourd’hui")
    assert "Commander avec obligation de paiement" in told(page.html)
    done = shop.client.follow(pressed)
    assert parsed(done.text).get("lang") == "fr"
    assert "siège" in told(done.text)
    assert shop.taken() == [500]
    assert shop.ask("SELECT language FROM orders") == "fr"
    assert shop.ask("SELECT button FROM consents") == "Commander avec obligation de paiement"
    assert shop.ask("SELECT version FROM consents").startswith("fr-")


def test_the_language_is_kept_through_the_card_page_and_the_bank(shop: Shop):
    page = shop.open(lang="fr")
    back = shop.cart_at(shop.enter_card(page, "4000 0000 0000 3220"))
    assert parsed(back.html).get("lang") == "fr"
    check = shop.client.follow(shop.press(back))
    assert parsed(check.text).get("lang") == "fr"
    done = shop.client.get(shop.answer_bank(check.text, "approve"))
    assert parsed(done.text).get("lang") == "fr"
    assert shop.taken() == [500]


def test_the_language_is_kept_through_a_refusal_and_a_decline(shop: Shop):
    page = shop.open(lang="fr")
    missing = shop.press(page, 422, agree=None)
    assert parsed(missing.text).get("lang") == "fr"
    declined = shop.client.follow(shop.press(page, card=str(shop.card("visa_declined", default=False))))
    assert parsed(declined.text).get("lang") == "fr"
    assert "rien n’a été débité" in shown(declined)[0]
    again = CartPage("/", declined.text, form=form_values(declined.text, "/buy"))
    assert parsed(shop.client.follow(shop.press(again)).text).get("lang") == "fr"
    assert shop.taken() == [500]


def test_the_shoppers_own_locale_decides_when_nobody_chose(shop: Shop):
    shop.sql("UPDATE customers SET locale = 'fr-FR'")
    assert parsed(shop.open().html).get("lang") == "fr"


def test_choices_survive_a_change_of_language(shop: Shop):
    page = shop.open()
    french = shop.cart_at(f"{page.path}?card={shop.seeded.mastercard}&lang=fr")
    assert french.form["card"] == str(shop.seeded.mastercard)


def test_unknown_query_parameters_are_ignored_and_campaign_marks_kept(shop: Shop):
    link = shop.link()
    response = shop.client.get(f"{link}?utm_source=july&fbclid=xyz&amount=1", 303)
    assert "?" not in response.headers["Location"]
    assert "july" in shop.ask("SELECT utm FROM link_visits")
    assert "xyz" not in shop.ask("SELECT utm FROM link_visits")


def test_a_card_asked_for_in_the_address_is_chosen_but_never_an_unusable_one(shop: Shop):
    page = shop.open()
    assert shop.cart_at(f"{page.path}?card={shop.seeded.mastercard}").form["card"] == str(shop.seeded.mastercard)
    for wrong in (shop.seeded.amex, 999, "x' OR 1=1", ""):
        assert shop.cart_at(f"{page.path}?card={wrong}").form["card"] == str(shop.seeded.visa)


def test_two_merchants_wear_their_own_names(shop: Shop):
    with shop.store.write() as conn:
        book = create_book(conn, create_merchant(conn, code="rival", name="Rival", profile={"prefix": "RV"}))
    assert book != shop.seeded.book
    assert "Rival" not in shop.open(shop.link(SECOND_SEAT)).html


def test_where_the_merchant_allows_it_the_cart_names_what_other_days_cost(shop: Shop):
    """Every day by its figure, without advice; without the policy no word of it."""
    link = shop.link(validity=365 * 86400)
    assert "What it costs when:" not in shown(shop.open(link))[1]
    shop.sql(
        "UPDATE books SET policy = json_set(policy, '$.best_date_hint', json('true')), policy_version = policy_version + 1"
    )
    text = shown(shop.open(link))[1]
    assert "What it costs when: today $5.00 · on October 1, 2026 $2.50 · at the renewal $0.00" in text
