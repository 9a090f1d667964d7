"""S-1k and S-37: the merchant wants to know who presses. Without scripts, in English and French, and nothing by looking."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.doors.cart.shop import CartPage, Shop, shown
from tests.doors.page_client import form_values

CODE, CARD, EITHER = ({"amount": "5.00", "how": how} for how in ("code", "card", "either"))


def ask_for(shop: Shop, rule: dict[str, object]) -> None:
    shop.sql("UPDATE books SET policy = :p, policy_version = policy_version + 1", p=json.dumps({"step_up": rule}))


def send(shop: Shop, page: CartPage) -> str:
    """The path of the page to which "Email me a code" leads."""
    values = form_values(page.html, "/code")
    path = page.path.split("?")[0]
    query = "?lang=fr" if values["lang"] == "fr" else ""
    return shop.client.post(f"{path}/code{query}", values, 303).headers["Location"]


def code(shop: Shop) -> str:
    return shop.adapters.directory.codes.code_of(shop.mails("step_up")[-1]["seed"])


def enter(shop: Shop, path: str, typed: str, status: int = 303):
    values = form_values(shop.client.get(path).text, "/code/check")
    return shop.client.post(path.split("?")[0] + "/check", {**values, "code": typed}, status)


def test_the_page_has_no_buy_button_until_the_code_was_entered_and_then_buys(shop: Shop):
    ask_for(shop, CODE)
    page = shop.open()
    words = shown(page)[1]
    assert not page.form, "nothing on the page can buy"
    assert "Buy now" not in page.html
    assert "First, show that it is you" in words
    assert "d•••a@brightwell.example" in words
    assert "dana@" not in page.html
    path = send(shop, page)
    entry = shop.client.get(path)
    assert "dana@" not in entry.text
    assert "You have not been charged" in shown(entry)[1]
    back = enter(shop, path, code(shop)).headers["Location"]
    cart = shop.cart_at(back)
    shop.client.follow(shop.press(cart), 200)
    assert shop.taken() == [500]


def test_a_page_from_before_the_rule_buys_nothing(shop: Shop):
    page = shop.open()
    ask_for(shop, CODE)
    answer = shop.press(page, 409)  # rules that moved are another price
    assert "First, show that it is you" in shown(answer)[1]
    assert (shop.taken(), shop.orders()) == ([], 0)


def test_a_press_on_a_page_from_before_the_link_grew_old_is_refused(shop: Shop):
    ask_for(shop, {"link_age_days": 1, "how": "code"})
    link = shop.link()
    shop.clock.move(timedelta(days=1) - timedelta(minutes=5))
    page = shop.open(link)
    shop.clock.move(timedelta(minutes=6))
    words = shown(shop.press(page, 403))[1]
    assert "One thing is missing before you can buy. You have not been charged." in words
    assert (shop.taken(), shop.orders()) == ([], 0)


def test_looking_sends_nothing_and_counts_nothing(shop: Shop):
    ask_for(shop, EITHER)
    page = shop.open()
    path = page.path.split("?")[0] + "/code"
    before = shop.dump()
    assert "Email me a code" in shop.client.get(path).text
    assert shop.dump() == before
    send(shop, page)
    before = shop.dump()
    shop.client.get(path)
    shop.client.get(page.path)
    assert shop.dump() == before


def test_a_wrong_code_says_how_often_it_can_still_be_tried(shop: Shop):
    ask_for(shop, CODE)
    path = send(shop, shop.open())
    wrong = f"{(int(code(shop)) + 1) % 10**6:06d}"
    title, words = shown(enter(shop, path, wrong, 422))
    assert title.startswith("Error: ")
    assert "It can be entered 4 more times." in words
    for _ in range(3):
        enter(shop, path, wrong, 422)
    title, words = shown(enter(shop, path, wrong, 422))
    assert title.startswith("This code is over")
    assert "Email me another code" in words


def test_when_no_more_are_sent_it_says_so(shop: Shop):
    ask_for(shop, CODE)
    page = shop.open()
    for _ in range(3):
        path = send(shop, page)
        shop.clock.move(timedelta(minutes=11))
    title, words = shown(shop.client.get(path, 429))
    assert title.startswith("No more codes for now")
    assert "One cart sends 3 codes" in words
    assert "You have not been charged" in words
    assert len(shop.mails("step_up")) == 3


def test_when_a_days_codes_are_used_up_it_says_until_when(shop: Shop):
    ask_for(shop, CODE)
    send(shop, shop.open())
    shop.sql("UPDATE step_ups SET sent = 10")
    shop.clock.move(timedelta(hours=3))
    page = shop.open()
    title, words = shown(shop.client.get(page.path.split("?")[0] + "/code", 429))
    assert title.startswith("No more codes for now")
    said = words.replace("\u00a0", " ")
    assert "Open the link from the mail again after 2:14 pm PDT on July 2, 2026 to get another one." in said
    shop.clock.move(timedelta(hours=21))
    assert send(shop, shop.open())
    assert len(shop.mails("step_up")) == 2


def test_a_form_from_elsewhere_sends_and_tries_nothing(shop: Shop):
    ask_for(shop, CODE)
    page = shop.open()
    path = page.path.split("?")[0] + "/code"
    shop.client.post(path, {"csrf": "x", "lang": "en"}, 409)
    assert shop.mails("step_up") == []
    send(shop, page)
    shop.client.post(f"{path}/check", {"csrf": "x", "lang": "en", "code": code(shop)}, 409)
    assert shop.ask("SELECT tries FROM step_ups") == 0


def test_where_nothing_is_asked_the_code_page_leads_back(shop: Shop):
    page = shop.open()
    path = page.path.split("?")[0]
    assert shop.client.get(f"{path}/code", 303).headers["Location"].split("?")[0] == path


def test_in_french_throughout(shop: Shop):
    ask_for(shop, CODE)
    page = shop.open(lang="fr")
    assert "D’abord, montrez que c’est bien vous" in shown(page)[1]
    path = send(shop, page)
    assert shop.mails("step_up")[0]["language"] == "fr"
    title, words = shown(shop.client.get(path))
    assert title.startswith("Saisissez le code reçu par e-mail")
    assert "Vous n’avez pas été débité" in words
    enter(shop, path, code(shop))


def test_a_card_entered_again_is_the_one_that_may_pay(shop: Shop):
    ask_for(shop, CARD)
    page = shop.open()
    assert not page.form
    assert "Email me a code" not in page.html
    back = shop.enter_card(page)
    cart = shop.cart_at(back)
    assert "Enter it again to use it." in shown(cart)[1]
    shop.client.follow(shop.press(cart), 200)
    assert shop.taken() == [500]


def test_either_way_is_offered_where_either_will_do(shop: Shop):
    ask_for(shop, EITHER)
    page = shop.open()
    words = shown(page)[1]
    assert "Email me a code" in words
    assert "Enter the card details again" in words


@pytest.mark.parametrize("how", [CODE, CARD, EITHER])
def test_the_answer_to_a_decline_still_knows_who_it_is(shop: Shop, how: dict[str, object]):
    ask_for(shop, how)
    page = shop.open()
    if how is CODE:
        cart = shop.cart_at(enter(shop, send(shop, page), code(shop)).headers["Location"])
    else:
        cart = shop.cart_at(shop.enter_card(page, "4000 0000 0000 0002"))
    if how is CODE:
        declined = str(shop.card("visa_declined"))
        cart = shop.cart_at(cart.path)
        answer = shop.client.follow(shop.press(cart, card=declined), 200)
    else:
        answer = shop.client.follow(shop.press(cart), 200)
    assert shop.taken() == []
    assert "declined" in answer.text


def test_the_code_is_in_no_log_and_no_row(
    shop: Shop, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
):
    ask_for(shop, CODE)
    path = send(shop, shop.open())
    known = code(shop)
    enter(shop, path, f"{(int(known) + 1) % 10**6:06d}", 422)
    enter(shop, path, known)
    out, err = capfd.readouterr()
    assert known not in out + err + caplog.text
    with shop.store.read() as conn:
        for table in ("step_ups", "outbox"):
            for row in conn.execute(text(f"SELECT * FROM {table}")).mappings():
                assert known not in {str(value) for value in row.values()}
                assert known not in str(row.get("body", "")).replace("seed", "").split()
