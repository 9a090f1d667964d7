"""S-6 and S-7: a card entered on the gateway's own page, and the e-mail rule."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from app.gateways.sandbox import Fault
from tests.doors.cart.shop import CartPage, Shop, bank_path, local, shown, told
from tests.doors.page_client import elements, form_values, parsed

OTHER = "robin@elsewhere.example"


def cards_of(html: str) -> list[str]:
    """What the radio buttons are labelled with."""
    document = parsed(html)
    ids = {field.get("id") for field in elements(document, "input") if field.get("type") == "radio"}
    return [
        " ".join("".join(label.itertext()).split()) for label in elements(document, "label") if label.get("for") in ids
    ]


def test_the_card_page_repeats_what_is_due_and_charges_nothing(shop: Shop):
    page = shop.open()
    title, text = shown(shop.client.get(f"{page.path}/card"))
    assert title.startswith("Add or update a card")
    assert "You have not been charged." in text
    assert "$5.00 is charged only when you agree to the payment." in text


def test_the_gateways_page_says_what_it_is_for(shop: Shop):
    hosted = shop.begin_card(shop.open())
    text = told(shop.app.test_client().get(hosted).text)
    assert "Quillmark CRM: $5.00" in text


def test_one_comes_back_with_the_new_card_chosen_and_nothing_charged(shop: Shop):
    page = shop.open()
    path = shop.enter_card(page, "5454 5454 5454 5454")
    back = shop.cart_at(path)
    assert parse_qs(urlsplit(path).query)["card"] == [back.form["card"]]
    assert int(back.form["card"]) > shop.seeded.amex
    assert "agree" not in back.form
    assert shop.taken() == []
    shop.press(back)
    assert shop.taken() == [500]
    assert shop.ask("SELECT card_id FROM attempts") == int(back.form["card"])


def test_a_card_entered_under_the_own_address_is_kept_and_then_pays(shop: Shop):
    shop.press(shop.cart_at(shop.enter_card(shop.open())))
    assert shop.ask("SELECT cart_session FROM stored_cards ORDER BY id DESC LIMIT 1") is None
    newest = shop.ask("SELECT max(id) FROM stored_cards")
    assert shop.ask("SELECT card_id FROM subscriptions") == newest


def test_a_card_page_that_is_left_leads_back_to_the_cart_as_it_was(shop: Shop):
    page = shop.open()
    hosted = shop.begin_card(page)
    left = shop.sandbox.pages.card_page(hosted.rpartition("/")[2])
    assert left is not None
    back = shop.client.get(local(left.return_url), 303)
    assert shop.cart_at(back.headers["Location"]).form["card"] == str(shop.seeded.visa)


def test_coming_back_before_the_worker_saw_the_card_shows_the_cart_and_the_card_later(shop: Shop):
    page = shop.open()
    hosted = shop.begin_card(page)
    html = shop.app.test_client().get(hosted).text
    token = next(f.get("value", "") for f in elements(parsed(html), "input") if f.get("name") == "token")
    form = {"token": token, "number": "4242424242424242", "expiry": "08/34", "cvc": "123"}
    answered = shop.app.test_client().post(hosted, data=form)
    back = shop.client.get(local(answered.headers["Location"]), 303)  # nobody listens to the bell
    cart = shop.cart_at(back.headers["Location"])
    assert cart.form["card"] == str(shop.seeded.visa)
    shop.heal(1)
    assert len(cards_of(shop.open().html)) == 4


def test_a_gateway_that_does_not_answer_is_said_and_nothing_happened(shop: Shop):
    page = shop.open()
    form = form_values(shop.client.get(f"{page.path}/card").text, "/card")
    shop.sandbox.controls.fail_next("begin_card_setup", Fault.REFUSED)
    response = shop.client.post(f"{page.path}/card", form, 503)
    assert "Our payment provider is not answering. Nothing was charged." in shown(response)[1]
    assert shop.taken() == []


def test_another_address_withdraws_the_stored_cards(shop: Shop):
    page = shop.open()
    response = shop.change_email(page, OTHER)
    card_page = shop.client.follow(response)
    assert "You changed the email, so enter the payment details again" in shown(card_page)[1]
    cart = shop.cart_at(response.headers["Location"].removesuffix("/card"))
    assert cards_of(cart.html) == []
    assert "4242" not in told(cart.html)
    assert "You changed the email, so enter the payment details again" in told(cart.html)


def test_under_another_address_a_stored_card_is_refused_even_when_it_is_sent(shop: Shop):
    response = shop.change_email(shop.open(), OTHER)
    cart = shop.cart_at(response.headers["Location"].removesuffix("/card"))
    form = hidden_buy_form(shop, cart)
    shop.client.post(cart.path + "/buy", {**form, "card": str(shop.seeded.visa), "agree": "1"}, 422)
    assert shop.calls_of("create_payment") == 0


def hidden_buy_form(shop: Shop, cart: CartPage) -> dict[str, str]:
    """Quote and form token of that cart, whether or not its page has a Buy button."""
    if cart.form:
        return cart.form
    from app.checkout.cart import look
    from app.links.sessions import form_token, read_cart, sign_quote

    directory = shop.adapters.directory
    now = int(shop.clock.now().timestamp())
    opened = read_cart(cart.token, directory.own_ring(), now, directory.key_ring())
    seen = look(shop.store, shop.clock, shop.adapters.randomness, opened.book, opened.value)
    key = directory.own_ring().signing_key(opened.book)
    quote = sign_quote(seen.ticket, key)
    return {"quote": quote, "csrf": form_token(cart.token, quote, key)}


def test_a_card_entered_under_another_address_buys_there_and_is_never_offered_later(shop: Shop):
    response = shop.change_email(shop.open(), OTHER)
    path = response.headers["Location"].removesuffix("/card")
    bought = shop.cart_at(shop.enter_card(shop.cart_at(path), "5454 5454 5454 5454"))
    assert len(cards_of(bought.html)) == 1
    done = shop.client.follow(shop.press(bought))
    assert "A receipt is on its way to r•••n@elsewhere.example." in told(done.text)
    assert shop.taken() == [500]
    assert shop.mails("receipt")[0]["to"] == OTHER
    customers = {row.customer for row in payments(shop)}
    own = shop.ask("SELECT gateway_customer FROM customers")
    assert own not in customers, "another payer, another customer at the gateway"


def payments(shop: Shop):
    with shop.sandbox.ledger.read() as c:
        return [type("Row", (), dict(row)) for row in c.execute("SELECT * FROM payments")]


def test_a_card_of_another_cart_is_neither_shown_nor_charged(shop: Shop):
    response = shop.change_email(shop.open(), OTHER)
    path = response.headers["Location"].removesuffix("/card")
    theirs = shop.cart_at(shop.enter_card(shop.cart_at(path)))
    foreign = theirs.form["card"]
    mine = shop.open()
    assert len(cards_of(mine.html)) == 3
    shop.press(mine, 422, card=foreign)
    assert shop.calls_of("create_payment") == 0


def test_the_same_address_in_other_letters_withdraws_nothing(shop: Shop):
    response = shop.change_email(shop.open(), "Dana@Brightwell.example")
    cart = shop.cart_at(response.headers["Location"].removesuffix("/card"))
    assert len(cards_of(cart.html)) == 3


def test_going_back_to_the_own_address_gives_the_cards_back(shop: Shop):
    page = shop.open()
    there = shop.change_email(page, OTHER).headers["Location"].removesuffix("/card")
    back = shop.change_email(shop.cart_at(there), "dana@brightwell.example").headers["Location"].removesuffix("/card")
    assert len(cards_of(shop.cart_at(back).html)) == 3


@pytest.mark.parametrize(
    "typed", ["", "robin", "robin@", "@x.example", "a b@x.example", "a@x.example\nBcc: b@y.example", "x" * 400]
)
def test_what_is_no_address_is_said_beside_the_field(shop: Shop, typed: str):
    response = shop.change_email(shop.open(), typed, 422)
    title, text = shown(response)
    assert title.startswith("Error: ")
    assert "Enter an email address such as name@example.com" in text
    assert shop.ask("SELECT count(*) FROM cart_contacts") == 0


def test_a_foreign_form_changes_no_address_and_opens_no_card_page(shop: Shop):
    page = shop.open()
    for path, fields in (("email", {"email": OTHER}), ("card", {})):
        shop.client.post(f"{page.path}/{path}", {"csrf": "x", **fields}, 409)
        shop.client.post(f"{page.path}/{path}", {"csrf": page.form["csrf"], "quote": page.form["quote"], **fields}, 409)
    assert shop.ask("SELECT count(*) FROM cart_contacts") == 0
    assert shop.calls() == 0


def test_the_gateways_page_is_left_with_a_return_that_is_signed(shop: Shop):
    page = shop.open()
    hosted = shop.begin_card(page)
    back = shop.sandbox.pages.card_page(hosted.rpartition("/")[2])
    assert back is not None
    signed = local(back.return_url)
    state = signed.rpartition("/")[2]
    assert signed == f"/card-back/{state}"
    # Each letter is signed over: the first belongs to what is said, the middle of the last part to its signature.
    for place in (0, len(state) // 2, len(state) - 10):
        other = "A" if state[place] != "A" else "B"
        shop.client.get(f"/card-back/{state[:place]}{other}{state[place + 1 :]}", 404)
    for made_up in ("", "x", page.token, "a.b.c"):
        shop.client.get(f"/card-back/{made_up}", 404)
    shop.client.get(signed, 303)


def test_a_bank_return_is_no_card_return(shop: Shop):
    check = shop.client.follow(shop.press(shop.open(), card=str(shop.card("visa_3ds", default=False))))
    bank = shop.app.test_client().get(bank_path(check.text)).text
    href = next(a.get("href", "") for a in elements(parsed(bank), "a") if "/bank-back/" in a.get("href", ""))
    shop.client.get(f"/card-back/{href.rpartition('/')[2]}", 404)


def test_a_return_of_yesterday_leads_nowhere(shop: Shop):
    page = shop.open()
    hosted = shop.begin_card(page)
    back = shop.sandbox.pages.card_page(hosted.rpartition("/")[2])
    assert back is not None
    shop.clock.move(timedelta(days=1, seconds=1))
    shop.client.get(local(back.return_url), 404)
