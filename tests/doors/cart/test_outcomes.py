"""S-11, S-12, S-17, S-22 and S-24: what became of a press, each saying first what became of the money."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.gateways.sandbox import CARDS
from app.gateways.sandbox.cards import Fault
from app.links.claims import WrittenOffer
from tests.doors.cart.shop import CartPage, Shop, shown, told
from tests.doors.page_client import elements, form_values, parsed

DECLINED = "Payment declined, nothing was charged"
UNUSABLE = "This card can no longer be used, nothing was charged"
BANK = "Your bank wants to check it is you, nothing was charged"


def pressed(shop: Shop, behaviour: str) -> tuple[str, str]:
    """Title and text of what follows a press with that card; references and card numbers of no interest taken out."""
    page = shop.open()
    response = shop.press(page, card=str(shop.card(behaviour, default=False)))
    return shown(shop.client.get(response.headers["Location"], 200))


def plain(text: str) -> str:
    return re.sub(r"(PF|UP|LK)-[0-9A-Z-]+", "REF", text)


def test_paid_says_how_much_from_which_card_and_what_comes_next(shop: Shop):
    title, text = shown(shop.buy())
    assert title.startswith("You now have 2 seats")
    for words in (
        "We charged $5.00 to your Visa ending 4242.",
        "A receipt is on its way to d•••a@brightwell.example.",
        "Paid$5.00 USD on July 1, 2026 at 2:14 pm PDT",
        "Your card statement will show QUILLMARK.",
        "1 seat is now 2 seats, ready to use",
        "January 1, 2027$50.00 plus any tax, then every year until you cancel",
        "“I agree to pay $5.00 now, and $50.00 every year from January 1, 2027 plus any tax, charged to the chosen card until I cancel.”",
    ):
        assert words in text, words
    assert shop.taken() == [500]
    assert shop.seats() == 2
    assert [mail["to"] for mail in shop.mails("receipt")] == ["dana@brightwell.example"]


def test_a_press_calls_the_worker_only_when_it_left_something_undecided(shop: Shop):
    page, rings = shop.open(), shop.bell.rings
    shop.sandbox.controls.fail_next("confirm_payment", Fault.TIMEOUT_AFTER)
    shop.press(page)
    assert (shop.ask("SELECT state FROM attempts"), shop.bell.rings) == ("UNKNOWN", rings + 1)


def test_a_press_that_is_paid_leaves_its_receipt_to_the_workers_next_look(shop: Shop):
    page, rings = shop.open(), shop.bell.rings
    shop.press(page)
    assert (shop.taken(), shop.bell.rings) == ([500], rings)
    assert shop.ask("SELECT next_at FROM outbox WHERE kind = 'receipt'") == shop.ask("SELECT paid_at FROM orders")


def test_the_consent_kept_is_what_the_page_said_to_the_letter(shop: Shop):
    page = shop.open()
    shop.press(page)
    label = next(
        " ".join("".join(label.itertext()).split())
        for label in elements(parsed(page.html), "label")
        if label.get("for") == "agree"
    )
    assert shop.ask("SELECT text FROM consents").replace("\u00a0", " ") == label.replace("\u00a0", " ")
    assert shop.ask("SELECT button FROM consents") == "Buy now"


def test_the_same_press_again_is_the_same_order_and_no_second_charge(shop: Shop):
    page = shop.open()
    first = shop.press(page)
    for _ in range(3):
        assert told(shop.client.follow(shop.press(page)).text) == told(shop.client.follow(first).text)
    assert shop.taken() == [500]
    assert shop.ask("SELECT count(*) FROM consents") == 1


def test_another_tab_of_the_same_link_finds_it_used(shop: Shop):
    link = shop.link()
    one, other = shop.open(link), shop.open(link)
    shop.press(one)
    title, text = shown(shop.press(other, 200))
    assert title.startswith("Bought on July 1, 2026")
    assert "You have not been charged again." in text
    assert shop.taken() == [500]


def test_reloading_the_confirmation_costs_nothing(shop: Shop):
    done = shop.press(shop.open()).headers["Location"]
    before = shop.dump()
    for _ in range(3):
        shop.client.get(done)
    assert shop.dump() == before
    assert shop.taken() == [500]


def test_a_plan_change_is_confirmed_in_its_own_words(shop: Shop):
    title, text = shown(shop.buy(shop.link(WrittenOffer(1, "crm-pro", 1))))
    assert title.startswith("You are now on CRM Pro")
    assert "CRM Standard is now CRM Pro, ready to use" in text
    assert shop.taken() == [3000]


def test_nothing_charged_is_a_confirmation_without_payment_lines(shop: Shop):
    _, text = shown(shop.buy(shop.link(WrittenOffer(1, "crm-seat", 2, unit_price=0)), agree=None))
    assert "You now have 2 seats" in text
    assert "We charged" not in text
    assert "Your card statement" not in text
    assert shop.calls() == 0


@pytest.mark.parametrize(
    ("behaviour", "title"),
    [
        ("visa_declined", DECLINED),
        ("visa_do_not_honor", DECLINED),
        ("visa_insufficient_funds", DECLINED),
        ("visa_amount_limit", DECLINED),
        ("visa_processing_error", DECLINED),
        ("visa_issuer_down", DECLINED),
        ("visa_velocity", DECLINED),
        ("visa_expired", UNUSABLE),
        ("visa_incorrect_number", UNUSABLE),
        ("visa_incorrect_cvc", UNUSABLE),
        ("visa_closed_account", UNUSABLE),
        ("visa_new_account", UNUSABLE),
        ("visa_not_supported", UNUSABLE),
        ("visa_currency", UNUSABLE),
        ("visa_lost", DECLINED),
        ("visa_stolen", DECLINED),
        ("visa_pick_up", DECLINED),
        ("visa_fraudulent", DECLINED),
        ("visa_revoked", DECLINED),
        ("visa_do_not_retry", DECLINED),
        ("visa_advice_03", DECLINED),
        ("visa_auth_required", BANK),
    ],
)
def test_every_decline_says_first_that_nothing_was_charged(shop: Shop, behaviour: str, title: str):
    found, text = pressed(shop, behaviour)
    assert found == f"{title} – Quillmark CRM"
    assert "You have not been charged and your subscription has not changed." in text
    assert "The offer is still yours until July 8, 2026." in text
    assert shop.taken() == []
    assert shop.seats() == 1
    assert "succeeded" not in shop.sandbox.ledger.statuses().values()


def test_every_declining_card_of_the_sandbox_is_in_the_table_above():
    table = test_every_decline_says_first_that_nothing_was_charged.pytestmark[0].args[1]
    declining = {name for name, card in CARDS.items() if card.effect == "declined"}
    assert declining == {row[0] for row in table}


@pytest.mark.parametrize("behaviour", ["visa_stolen", "visa_lost", "visa_pick_up", "visa_fraudulent"])
def test_a_stolen_card_reads_exactly_like_any_refusal(shop: Shop, behaviour: str):
    stolen = pressed(shop, behaviour)[1]
    assert plain(stolen) == plain(generic_text(shop))


def generic_text(shop: Shop) -> str:
    """What a refusal without a reason reads, in the same place at the same time and with the same cards on file."""
    shop.sql(
        "UPDATE stored_cards SET token = 'pm_sandbox_visa_declined-x' WHERE id = (SELECT max(id) FROM stored_cards)"
    )
    link = shop.link()
    page = shop.open(link)
    newest = shop.ask("SELECT max(id) FROM stored_cards")
    return shown(shop.client.follow(shop.press(page, card=str(newest))))[1]


def test_insufficient_funds_says_what_would_help(shop: Shop):
    assert "Check the balance or use another card." in pressed(shop, "visa_insufficient_funds")[1]


def test_a_card_that_cannot_pass_is_off_and_another_is_chosen(shop: Shop):
    card = shop.card("visa_closed_account")
    response = shop.client.follow(shop.press(shop.open(), card=str(card)))
    form = form_values(response.text, "/buy")
    assert form["card"] == str(shop.seeded.visa)
    radio = next(f for f in elements(parsed(response.text), "input") if f.get("value") == str(card))
    assert "disabled" in radio.attrib


def test_a_card_the_schemes_forbid_to_repeat_is_blocked_for_good(shop: Shop):
    card = shop.card("visa_do_not_retry")
    page = shop.open()
    response = shop.client.follow(shop.press(page, card=str(card)))
    again = CartPage("/", response.text, form=form_values(response.text, "/buy"))
    calls = shop.calls_of("create_payment")
    shop.press(again, 422, card=str(card))
    assert shop.calls_of("create_payment") == calls
    shop.press(again, card=str(shop.seeded.visa))
    assert shop.taken() == [500]


def test_after_a_decline_the_other_card_buys_on_the_same_order(shop: Shop):
    response = shop.client.follow(shop.press(shop.open(), card=str(shop.card("visa_declined"))))
    again = CartPage("/", response.text, form=form_values(response.text, "/buy"))
    assert again.form["card"] == str(shop.seeded.visa), "another card is chosen"
    assert "agree" not in again.form, "consent is asked again, because the card changed"
    assert shown(shop.client.follow(shop.press(again)))[0].startswith("You now have 2 seats")
    assert shop.taken() == [500]
    assert shop.orders() == 1
    assert shop.ask("SELECT count(*) FROM consents") == 2


def test_pressing_the_old_page_again_after_a_decline_is_a_new_try_of_the_same_order(shop: Shop):
    page = shop.open()
    shop.press(page, card=str(shop.card("visa_declined")))
    shop.press(page, card=str(shop.seeded.visa))
    assert shop.taken() == [500]
    assert shop.orders() == 1


def test_after_five_declines_one_has_to_wait_and_is_told_until_when(shop: Shop):
    card = shop.card("visa_declined")
    link = shop.link()
    for _ in range(5):
        shop.press(shop.open(link), card=str(card))
    page = shop.open(link)
    for used in (card, shop.seeded.visa):
        response = shop.press(page, 429, card=str(used))
        title, text = shown(response)
        assert title.startswith("Too many payment tries")
        assert "You have not been charged" in text
        assert "3:14 pm PDT" in text
    assert len([s for s in shop.sandbox.ledger.statuses().values() if s == "succeeded"]) == 0
    shop.clock.move(timedelta(hours=1, seconds=1))
    shop.press(shop.open(link))
    assert shop.taken() == [500]


def test_used_offers_the_receipt_once_in_ten_minutes(shop: Shop):
    link = shop.link()
    shop.press(shop.open(link))
    moved = shop.client.get(link, 303).headers["Location"]
    used = shop.client.get(moved)
    title, text = shown(used)
    assert title.startswith("Bought on July 1, 2026")
    assert "d•••a@brightwell.example" in text
    form = next(f for f in elements(parsed(used.text), "form") if (f.get("action") or "").endswith("/receipt"))
    fields = {f.get("name", ""): f.get("value", "") for f in elements(form, "input")}
    for _ in range(3):
        sent = shop.client.follow(shop.client.post(form.get("action") or "", fields))
        assert "d•••a@brightwell.example" in told(sent.text)
    assert len(shop.mails("receipt")) == 2
    shop.client.post(form.get("action") or "", {"csrf": "x"}, 404)
    assert len(shop.mails("receipt")) == 2


def test_the_reference_on_every_final_page_gives_no_rights(shop: Shop):
    done = shop.press(shop.open()).headers["Location"]
    number = re.search(r"UP-[0-9A-Z]{4}-[0-9A-Z]{4}", shop.client.get(done).text)
    assert number
    for path in (f"/done/{number[0]}", f"/cart/{number[0]}", f"/u/{number[0]}"):
        shop.client.get(path, 404)


def test_hours_after_a_decline_the_same_link_still_buys_once(shop: Shop):
    link = shop.link()
    declined = shop.press(shop.open(link), card=str(shop.card("visa_declined", default=False))).headers["Location"]
    shop.clock.move(timedelta(hours=2))
    old = shop.client.get(declined)
    again = CartPage("/", old.text, form=form_values(old.text, "/buy"))
    assert shown(shop.client.follow(shop.press(again)))[0].startswith("You now have 2 seats")
    assert shop.taken() == [500]
    assert shop.ask("SELECT count(*) FROM orders") == 2
    assert shop.ask("SELECT state FROM orders ORDER BY created_at LIMIT 1") == "EXPIRED"
    assert shop.ask("SELECT state FROM orders ORDER BY created_at DESC LIMIT 1") == "PAID"
    assert shop.ask("SELECT count(*) FROM link_uses") == 1


def test_after_a_decline_reopening_the_link_goes_on_with_the_same_order(shop: Shop):
    link = shop.link()
    shop.press(shop.open(link), card=str(shop.card("visa_declined", default=False)))
    shop.clock.move(timedelta(minutes=10))
    shop.press(shop.open(link))
    assert shop.taken() == [500]
    assert shop.ask("SELECT count(*) FROM orders WHERE state = 'PAID'") == 1
    assert shop.ask("SELECT count(*) FROM orders WHERE state = 'OPEN'") == 0


def test_a_second_device_is_led_to_the_order_that_waits_at_the_bank(shop: Shop):
    link = shop.link()
    here, there = shop.open(link), shop.open(link)
    first = shop.press(here, card=str(shop.card("visa_3ds", default=False)))
    second = shop.press(there, card=str(shop.seeded.visa))
    assert "/done/" in second.headers["Location"]
    assert "Continue to your bank" in shop.client.follow(second).text
    assert shop.orders() == 1
    shop.client.get(shop.answer_bank(shop.client.follow(first).text, "approve"))
    assert shop.taken() == [500]


def test_paying_by_another_way_meanwhile_ends_the_offer_kindly(shop: Shop):
    page = shop.open()
    shop.sql("UPDATE lots SET quantity = 2")
    shop.sql("UPDATE subscriptions SET version = version + 1")
    title, text = shown(shop.press(page, 403))
    assert title.startswith("You already have this")
    assert "You have not been charged" in text
    assert shop.calls() == 0
