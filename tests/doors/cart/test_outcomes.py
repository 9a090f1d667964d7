"""S-10, S-11, S-12, S-17, S-22, S-24, S-33 and S-34: what became of a press, each saying first what became of the money."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from app.charging.reading import OrderFacts
from app.checkout import confirm
from app.gateways.sandbox import CARDS
from app.gateways.sandbox.cards import Fault
from app.kit.faults import install_plan
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


@pytest.mark.parametrize(
    ("behaviour", "charged"),
    [
        ("visa_timeout_acted", True),
        ("visa_timeout_not_acted", True),
        ("visa_late", True),
        ("visa_cut_body", True),
        ("visa_error_after", True),
        ("visa_processing", True),
        ("visa_processing_declined", False),
        ("visa_create_error", True),
        ("visa_create_timeout_acted", True),
        ("visa_create_timeout_not_acted", True),
        ("visa_error_before", True),
        ("visa_error_unsaved", True),
        ("visa_timeout_always", False),
    ],
)
def test_a_doubtful_answer_says_that_we_check_and_the_same_page_says_how_it_ended(
    shop: Shop, behaviour: str, charged: bool
):
    page = shop.open()
    response = shop.press(page, card=str(shop.card(behaviour, default=False)))
    path = response.headers["Location"]
    title, text = shown(shop.client.get(path, 202))
    assert title.startswith("We are waiting for your bank")
    assert "Do not pay again" in text
    assert re.search(r"UP-[0-9A-Z]{4}-[0-9A-Z]{4}", text)
    assert "Check again" in text
    shop.heal(3)
    title, text = shown(shop.client.get(path, 200))
    if charged:
        assert title.startswith("You now have 2 seats")
        assert shop.taken() == [500]
    else:
        assert "nothing was charged" in f"{title} {text}".lower() or "not been charged" in text
        assert shop.taken() == []


def test_a_doubtful_answer_pressed_again_and_again_is_one_charge(shop: Shop):
    link = shop.link()
    page = shop.open(link)
    card = str(shop.card("visa_timeout_acted", default=False))
    shop.press(page, card=card)
    for _ in range(3):
        shop.press(page, card=card)
        shop.press(page, card=str(shop.seeded.visa))
    reopened = shop.client.get(link, 303).headers["Location"]
    shop.client.get(reopened, 303)
    assert shop.taken() == [500]
    assert shop.orders() == 1
    shop.heal(2)
    assert shop.taken() == [500]
    assert shop.seats() == 2


def test_checking_again_waits_for_the_worker(shop: Shop):
    response = shop.press(shop.open(), card=str(shop.card("visa_timeout_acted", default=False)))
    waiting = shop.client.get(response.headers["Location"], 202)
    document = parsed(waiting.text)
    check = next(a for a in elements(document, "a", "button") if "Check again" in "".join(a.itertext()))
    form = next((f for f in elements(document, "form") if check in list(f.iter())), None)
    target = check.get("href") or (form.get("action") if form is not None else "")
    shop.clock.move(timedelta(seconds=30))
    with shop.worker():
        again = shop.client.get(target or "", 200)
    assert shown(again)[0].startswith("You now have 2 seats")


def test_the_pages_script_is_told_only_whether_there_is_news(shop: Shop):
    response = shop.press(shop.open(), card=str(shop.card("visa_timeout_acted", default=False)))
    path = response.headers["Location"].split("?")[0]
    asked = shop.app.test_client().get(f"{path}/state")
    assert asked.json == {"state": "pending"}
    shop.heal(1)
    assert shop.app.test_client().get(f"{path}/state").json == {"state": "known"}


def test_a_gateway_that_cannot_be_reached_charges_nothing_now_or_later(shop: Shop):
    response = shop.press(shop.open(), card=str(shop.card("visa_unreachable", default=False)))
    page = shop.client.get(response.headers["Location"], 503)
    text = told(page.text)
    assert "Our payment provider is not answering. Nothing was charged." in text
    assert "declined" not in text.lower()
    assert "bank check" not in text.lower()
    shop.heal(3)
    assert shop.taken() == []
    assert "have not been charged" in told(shop.client.get(response.headers["Location"]).text)


def test_after_an_unreachable_gateway_the_next_press_buys(shop: Shop):
    page = shop.open()
    response = shop.press(page, card=str(shop.card("visa_unreachable", default=False)))
    again = shop.page_of(shop.client.get(response.headers["Location"], 503), response.headers["Location"])
    bought = shop.client.get(shop.press(again, card=str(shop.seeded.visa)).headers["Location"])
    assert shown(bought)[0].startswith("You now have 2 seats")
    assert shop.taken() == [500]
    assert shop.orders() == 1


def test_while_no_call_gets_through_each_press_says_so_and_the_first_after_it_buys(shop: Shop):
    page = shop.open()
    with shop.sandbox.ledger.write() as ledger:
        for verb in ("create_payment", "list_payments"):
            ledger.execute("INSERT INTO faults (verb, fault, times) VALUES (?, ?, 99)", (verb, Fault.REFUSED))
    response = shop.press(page)
    silent = shop.client.get(response.headers["Location"], 503)
    assert "Nothing was charged" in told(silent.text)
    still = shop.page_of(silent, response.headers["Location"])
    shop.client.get(shop.press(still).headers["Location"], 503)
    with shop.sandbox.ledger.write() as ledger:
        ledger.execute("DELETE FROM faults")
    shop.clock.move(timedelta(minutes=2))
    bought = shop.client.get(shop.press(still).headers["Location"])
    assert shown(bought)[0].startswith("You now have 2 seats")
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


def boom(at: str):
    def plan(name: str) -> None:
        if name == at:
            raise RuntimeError(f"dead at {at}")

    return plan


@pytest.mark.parametrize("at", ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8"])
def test_an_error_in_the_payment_step_never_claims_to_know(shop: Shop, at: str):
    """S-34: and afterwards there is one charge or none, which the order's page tells."""
    page = shop.open()
    install_plan(boom(at))
    try:
        response = shop.press(page, 500)
    finally:
        install_plan(None)
    title, text = shown(response)
    assert "We do not know yet whether your bank was charged" in f"{title} {text}"
    assert "Do not pay again" in text
    assert re.search(r"(UP|RQ)-[0-9A-Z]{4}", text)
    shop.heal(2)
    assert shop.taken() in ([], [500])
    assert shop.seats() == 1 + len(shop.taken())


def test_an_error_before_anything_is_written_says_that_nothing_was_charged(shop: Shop):
    page = shop.open()
    install_plan(boom("C0"))
    try:
        response = shop.press(page, 500)
    finally:
        install_plan(None)
    assert "Nothing was charged" in shown(response)[1]
    shop.heal(2)
    assert shop.taken() == []


def test_a_database_that_cannot_be_written_charges_nothing_and_says_so(shop: Shop):
    page = shop.open()
    shop.sql("ALTER TABLE consents RENAME TO gone")
    assert "Nothing was charged" in shown(shop.press(page, 500))[1]
    shop.sql("ALTER TABLE gone RENAME TO consents")
    assert shop.calls() == 0
    shop.press(page)
    assert shop.taken() == [500]


def test_an_error_before_the_payment_step_says_that_nothing_was_charged(shop: Shop):
    page = shop.open()
    shop.sql("ALTER TABLE tax_rates RENAME TO gone")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    try:
        title, text = shown(shop.client.get(page.path, 500))
    finally:
        shop.sql("ALTER TABLE gone RENAME TO tax_rates")
    assert "Nothing was charged" in text, title
    assert "Try again" in text


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


@contextmanager
def no_orders_to_be_read(shop: Shop) -> Iterator[None]:
    shop.sql("ALTER TABLE orders RENAME COLUMN total TO gone")
    try:
        yield
    finally:
        shop.sql("ALTER TABLE orders RENAME COLUMN gone TO total")


def test_who_paid_and_asks_again_while_nothing_can_be_read_is_not_told_that_nothing_was_charged(shop: Shop):
    page = shop.open()
    done = shop.press(page).headers["Location"]
    assert shop.taken() == [500]
    with no_orders_to_be_read(shop):
        answers = [shop.press(page, 500), shop.client.get(done, 500), shop.client.get(f"{done}/undo", 500)]
        answers.append(shop.client.post(f"{done}/receipt", {"csrf": "x"}, 500))
    for each in answers:
        title, text = shown(each)
        assert "We do not know yet whether your bank was charged" in f"{title} {text}"
        assert "othing was charged" not in text
        assert f'href="{done}"' in each.text, "Check again leads to the order's own page"
    shop.press(page)
    assert shop.taken() == [500]


def test_who_paid_and_presses_again_while_the_order_cannot_be_found_after_a_refusal_is_not_told_so_either(shop: Shop):
    """Two tabs: the first pays between the second's look for an order and its own, which is refused."""
    page = shop.open()
    running = confirm.running_order

    def paid_meanwhile(*given: Any) -> OrderFacts | None:
        found = running(*given)
        with patch.object(confirm, "running_order", running):
            shop.press(page)
        shop.sql("ALTER TABLE orders RENAME COLUMN total TO gone")
        return found

    try:
        with patch.object(confirm, "running_order", paid_meanwhile):
            _, text = shown(shop.press(page, 500))
    finally:
        shop.sql("ALTER TABLE orders RENAME COLUMN gone TO total")
    assert "othing was charged" not in text
    assert shop.taken() == [500]
