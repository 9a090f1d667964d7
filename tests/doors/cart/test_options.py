"""The shopper takes, leaves and counts options within what the offer leaves open, and buys exactly what is shown."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from app.billing.facts import Change
from app.checkout.opening import restored_session
from app.checkout.placing import stored_session
from app.links.claims import SavedOffer
from app.links.sessions import read_cart
from app.offers.saved import save_offer
from app.subscriptions.choices import ChoiceError, Choices, OptionChoice, QuantityRange, check_choices
from tests.doors.cart.shop import CartPage, Shop, shown
from tests.doors.page_client import elements, form_values, parsed
from tests.factories import Seeded, seed

OPTIONS: dict[str, Any] = {
    "support": {"name": "24-hour support", "per": "unit", "prices": {"USD": {"1year": 1200}}},
    "esign": {"name": "E-signature", "per": "subscription", "prices": {"USD": {"1year": 600}}},
    "users": {
        "name": "Users", "per": "subscription", "prices": {"USD": {"1year": 2400}}, "scale": {"min": 5, "max": 50, "step": 1},
    },
}  # fmt: skip
OPEN = Choices(
    QuantityRange(1, 5),
    (OptionChoice("support"), OptionChoice("esign", remove=False), OptionChoice("users", span=QuantityRange(5, 20))),
)


def with_options(conn: Connection) -> Seeded:
    import json

    from sqlalchemy import text

    seeded = seed(conn)
    facts = json.loads(conn.execute(text("SELECT facts FROM products WHERE code = 'crm-seat'")).scalar_one())
    facts["options"] = OPTIONS
    conn.execute(text("UPDATE products SET facts = :f WHERE code = 'crm-seat'"), {"f": json.dumps(facts)})
    return seeded


@pytest.fixture
def shop(shop_with: Any) -> Shop:
    return shop_with(seeding=with_options)


@pytest.fixture
def link(shop: Shop) -> str:
    number = save_offer(
        shop.store, shop.clock, shop.seeded.book, name="More", change=Change(1, "crm-seat", 2), ends_at=None,
        choices=OPEN,
    )  # fmt: skip
    return shop.link(SavedOffer(number))


def action_of(page: CartPage) -> str:
    actions = [form.get("action") or "" for form in elements(parsed(page.html), "form")]
    return next(action for action in actions if action.split("?")[0].endswith("/options"))


def ask(shop: Shop, page: CartPage, status: int = 303, **fields: Any) -> TestResponse:
    """ "Update price" as a browser sends it, with nothing ticked unless ``option`` says so."""
    form = {name: value for name, value in form_values(page.html, "/options").items() if name != "option"}
    return shop.client.post(action_of(page), {**form, **fields}, status)


def pick(shop: Shop, page: CartPage, **fields: Any) -> CartPage:
    return shop.cart_at(ask(shop, page, **fields).headers["Location"])


def ticked(page: CartPage | TestResponse) -> set[str]:
    html = page.html if isinstance(page, CartPage) else page.text
    boxes = [each for each in elements(parsed(html), "input") if each.get("name") == "option"]
    return {box.get("value", "") for box in boxes if "checked" in box.attrib}


def test_the_cart_shows_what_may_be_chosen_with_its_price_and_nothing_ticked(shop: Shop, link: str):
    page = shop.open(link)
    _, text = shown(page)
    assert "24-hour support" in text
    assert "$12.00 a year for each seat" in text
    assert "$24.00 a year each, from 5 to 20" in text
    assert ticked(page) == set()


def test_what_is_picked_is_priced_shown_and_charged(shop: Shop, link: str):
    page = pick(shop, shop.open(link), option="support", **{"count-users": "7"})
    _, text = shown(page)
    assert "7 users" in text
    assert ticked(page) == {"support"}
    # 20.00 the second seat, 12.00 support for two, 84.00 seven users; each for 6 of 12 months.
    assert "Pay $116.00 today" in text
    shop.press(page)
    assert shop.taken() == [11600]


def test_a_pick_may_be_taken_back(shop: Shop, link: str):
    page = pick(shop, pick(shop, shop.open(link), option="support"))
    assert "Pay $20.00 today" in shown(page)[1]
    assert ticked(page) == set()


def test_quantity_and_options_are_asked_for_together(shop: Shop, link: str):
    page = pick(shop, shop.open(link), quantity="3", option="esign")
    assert "Pay $43.00 today" in shown(page)[1]


def test_asking_for_a_price_changes_nothing(shop: Shop, link: str):
    page = shop.open(link)
    before = shop.dump()
    ask(shop, page, option="support")
    ask(shop, page, 422, **{"count-users": "4"})
    assert shop.dump() == before


@pytest.mark.parametrize("typed", ["4", "21", "six", "-5", "5.5", "9" * 30])
def test_a_number_off_the_scale_is_told_and_stays_in_the_field(shop: Shop, link: str, typed: str):
    response = ask(shop, shop.open(link), 422, option="support", **{"count-users": typed})
    title, text = shown(response)
    assert title.startswith("Error: ")
    assert text.count("Choose among the options and numbers that are offered") == 2
    fields = [each for each in elements(parsed(response.text), "input") if each.get("name") == "count-users"]
    assert fields[0].get("value") == typed
    assert ticked(response) == {"support"}, "what was ticked stays ticked"
    assert "Pay $20.00 today" in text, "the price is still the one of before"


def test_none_of_a_scale_is_without_it(shop: Shop, link: str):
    for nothing in ("", "0"):
        assert "Pay $20.00 today" in shown(pick(shop, shop.open(link), **{"count-users": nothing}))[1]


@pytest.mark.parametrize("forged", ["nosuch", "users", "users=7,support"])
def test_what_is_not_offered_leads_back_to_the_offer(shop: Shop, link: str, forged: str):
    response = ask(shop, shop.open(link), 422 if forged.startswith("users") else 409, option=forged)
    assert "You have not been charged" in shown(response)[1]
    assert shop.calls() == 0


def test_an_offer_that_was_narrowed_meanwhile_says_so(shop: Shop, link: str):
    page = pick(shop, shop.open(link), option="support")
    shop.sql("UPDATE offers SET choices = '{}', version = version + 1")
    _, text = shown(shop.cart_at(page.path, 409))
    assert "These options are no longer offered. You have not been charged." in text


def test_an_order_opens_its_cart_again_with_what_was_picked(shop: Shop, link: str):
    page = pick(shop, shop.open(link), option="support", **{"count-users": "7"})
    ring, now = shop.adapters.directory.own_ring(), int(shop.clock.now().timestamp())
    session = read_cart(page.token, ring, now, shop.adapters.directory.key_ring()).value
    restored = restored_session(stored_session(session), now)
    assert restored is not None
    assert (restored.options, restored.quantity) == (("support", "users=7"), session.quantity)


def test_a_form_of_another_page_asks_for_nothing(shop: Shop, link: str):
    page = shop.open(link)
    assert "If you have pressed “Buy now” before" in shown(ask(shop, page, 409, csrf="A" * 43))[1]


@pytest.mark.parametrize(
    "choices",
    [
        Choices(None, (OptionChoice("a"), OptionChoice("a"))),
        Choices(None, (OptionChoice("a", add=False, remove=False),)),
        Choices(None, (OptionChoice("a", span=QuantityRange(5, 5)),)),
        Choices(None, tuple(OptionChoice(f"{at:064}") for at in range(4))),
    ],
)
def test_such_a_choice_cannot_be_left_open(choices: Choices):
    with pytest.raises(ChoiceError):
        check_choices(choices, 2)


def test_an_extra_of_the_offer_itself_cannot_be_ticked_beforehand():
    with pytest.raises(ChoiceError):
        check_choices(Choices(None, (OptionChoice("support"),)), 2, ("support",))


def test_a_price_of_the_offer_is_not_mixed_with_options_to_choose(shop: Shop):
    """With other options it would be the price of every unit, not of the added ones alone."""
    with pytest.raises(ChoiceError):
        save_offer(
            shop.store, shop.clock, shop.seeded.book, name="No", change=Change(1, "crm-seat", 2, unit_price=1000),
            ends_at=None, choices=OPEN,
        )  # fmt: skip
