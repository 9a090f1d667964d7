"""S-10, S-33 and S-34: gateway, database or code fail, and a page says what is known of the money, and no more."""

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
from app.gateways.sandbox.cards import Fault
from app.kit.faults import install_plan
from tests.doors.cart.shop import Shop, shown, told
from tests.doors.page_client import elements, parsed


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


def test_an_error_of_a_cart_claims_nothing_of_what_was_bought_before(shop: Shop):
    page = shop.open()
    shop.sql("ALTER TABLE tax_rates RENAME TO gone")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    try:
        title, text = shown(shop.client.get(page.path, 500))
    finally:
        shop.sql("ALTER TABLE gone RENAME TO tax_rates")
    assert "othing was charged" not in text, title
    assert "your confirmation page or our mail says what happened" in text
    assert "Try again" in text


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
