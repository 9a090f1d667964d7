"""A link or a cart that is over tells of what was bought with it: whoever paid is not told the contrary, nor led to pay twice."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from app.accounts.keys import retire_key, rotate_key
from app.charging.gate import open_or_close
from app.gateways.sandbox import Fault
from app.links.claims import WrittenOffer
from app.offers.revoke import revoke
from tests.doors.cart.shop import CartPage, Shop, local, shown
from tests.doors.cart.test_money_not_known import captured_too_late, claims_nothing, given_back
from tests.older_copy import copy_of, put_back, reopened

NOT_CHARGED = "You have not been charged and your subscription has not changed."
BEFORE = "your confirmation page or our mail says what happened"
LINK_CODE = re.compile(r"LK-\w{4}-\w{4}")
HOME = {"REMOTE_ADDR": "203.0.113.9"}
TWICE = WrittenOffer(None, "crm-seat", 1, unit_price=1000)
"""An offer that adds an item, so that a link of two uses sells it twice."""


def unanswered(shop: Shop, page: CartPage) -> None:
    """Pressed, charged, and the gateway's answer lost: the attempt is unknown."""
    shop.sandbox.controls.fail_next("confirm_payment", Fault.TIMEOUT_AFTER, times=1)
    shop.press(page)
    assert (shop.ask("SELECT state FROM attempts"), shop.taken()) == ("UNKNOWN", [500])


def title_of(response: Any) -> str:
    claims_nothing(response)
    return shown(response)[0]


def withdraw(shop: Shop, jti: str) -> None:
    revoke(shop.store, shop.clock, shop.seeded.book, "link", jti, reason="x", actor="test")


def retire_keys(shop: Shop) -> None:
    old = shop.ask("SELECT kid FROM signing_keys WHERE book_id = :b", b=shop.seeded.book)
    masters, randomness = shop.adapters.masters, shop.adapters.randomness
    rotate_key(shop.store, shop.clock, masters, randomness, shop.seeded.book, actor="test")
    retire_key(shop.store, shop.clock, shop.seeded.book, old)
    shop.adapters.directory.forget()


def test_the_same_form_after_the_carts_hour_leads_to_its_order(shop: Shop):
    page = shop.open(shop.link(TWICE, uses=2))
    first = shop.press(page).headers["Location"]
    shop.clock.move(timedelta(minutes=61))
    again = shop.client.follow(shop.press(page))
    assert title_of(again) == shown(shop.client.get(first))[0]
    assert shop.taken() == [500]


@pytest.mark.parametrize("lang", ["", "fr"])
def test_a_form_that_nobody_could_look_up_is_not_told_that_nothing_was_charged(shop: Shop, lang: str):
    page = shop.open(shop.link(TWICE, uses=2), lang=lang)
    shop.press(page)
    shop.clock.move(timedelta(minutes=61))
    text = shown(shop.press(page, 409, csrf="x"))[1]
    if lang:
        assert "Cette page est restée ouverte trop longtemps. Si vous avez" in text
        assert "débité" not in text.split("Veuillez")[0]
    else:
        assert "This page was open for too long. If you have pressed" in text
        assert "You have not been charged" not in text


def test_behind_a_closed_gate_an_old_page_does_not_say_that_nothing_was_charged(shop: Shop):
    link, page = shop.link(validity=5400), shop.open()
    shop.clock.move(timedelta(minutes=61))
    open_or_close(shop.store, shop.clock)
    open_or_close(shop.store, shop.clock, "restored")
    assert BEFORE in shown(shop.press(page, 409))[1]
    shop.clock.move(timedelta(minutes=30))
    claims_nothing(shop.client.get(link, 410))


def test_an_expired_link_tells_of_its_purchase(shop: Shop):
    link = shop.link(validity=3600)
    page = shop.open(link)
    shop.press(page)
    shop.clock.move(timedelta(hours=1))
    for path in (link, page.path):
        assert shown(shop.client.get(path, 200))[0].startswith("Bought on July 1, 2026")
    assert shown(shop.client.follow(shop.press(page)))[0].startswith("You now have 2 seats")


def test_an_expired_link_leads_to_an_order_that_is_not_known(shop: Shop):
    link = shop.link(validity=3600)
    page = shop.open(link)
    unanswered(shop, page)
    shop.clock.move(timedelta(hours=1))
    for answer in (shop.client.get(link, 303), shop.client.get(page.path, 303), shop.press(page)):
        told = shop.client.follow(answer, 202)
        assert title_of(told).startswith("We are waiting for your bank")
        assert "Do not pay again." in shown(told)[1]


def test_a_withdrawn_link_tells_of_its_purchase(shop: Shop):
    issued = shop.issue()
    page = shop.open(local(issued.url))
    shop.press(page)
    withdraw(shop, issued.link_id.text)
    for path in (local(issued.url), page.path):
        assert shown(shop.client.get(path, 200))[0].startswith("Bought on July 1, 2026")


def test_a_withdrawn_link_leads_to_an_order_that_is_not_known(shop: Shop):
    issued = shop.issue()
    page = shop.open(local(issued.url))
    unanswered(shop, page)
    withdraw(shop, issued.link_id.text)
    for path in (local(issued.url), page.path):
        assert title_of(shop.client.follow(shop.client.get(path, 303), 202)).startswith("We are waiting for your bank")


def test_an_expired_link_tells_of_a_payment_that_is_looked_into(shop: Shop):
    link = shop.link(validity=3600)
    captured_too_late(shop, shop.open(link))
    told = shop.client.follow(shop.client.get(link, 303))
    assert title_of(told).startswith("We are looking into a payment for this order")


def test_an_expired_link_whose_paid_order_was_lost_says_not_to_pay_again(shop: Shop):
    link = shop.link(TWICE, validity=7200, uses=2)
    open_or_close(shop.store, shop.clock, "")
    copy = copy_of(shop.store)
    shop.buy(link)
    put_back(shop.store, copy)
    shop.adapters.directory.forget()
    reopened(shop.store, shop.adapters.gateways, shop.clock)
    shop.clock.move(timedelta(hours=2))
    assert title_of(shop.client.get(link, 409)).startswith("We are looking into an earlier payment")


def test_an_expired_link_whose_payment_was_given_back_makes_no_claim(shop: Shop):
    link = shop.link()
    given_back(shop, link)
    shop.clock.move(timedelta(days=8))
    assert BEFORE in claims_nothing(shop.client.get(link, 410))


def test_from_another_address_nobody_learns_of_a_purchase(shop: Shop):
    bought, other = (shop.link(ip="203.0.113.9", validity=3600) for _ in range(2))
    page = shop.cart_at(shop.client.get(bought, 303, environ_base=HOME).headers["Location"])
    shop.press(page)
    for status in (403, 410):
        one, two = (claims_nothing(shop.client.get(link, status)) for link in (bought, other))
        assert BEFORE in one
        assert LINK_CODE.sub("", one) == LINK_CODE.sub("", two)
        shop.clock.move(timedelta(hours=1))
    shown_at_home = shop.client.get(bought, 200, environ_base=HOME)
    assert shown(shown_at_home)[0].startswith("Bought on July 1, 2026")


def test_a_retired_key_tells_nobody_of_a_purchase_but_the_form_that_made_it(shop: Shop):
    link = shop.link()
    page = shop.open(link)
    shop.press(page)
    retire_keys(shop)
    for path in (link, page.path):
        assert BEFORE in claims_nothing(shop.client.get(path, 410))
    assert shown(shop.client.follow(shop.press(page)))[0].startswith("You now have 2 seats")


def test_a_link_of_which_nothing_was_bought_still_says_so(shop: Shop):
    link = shop.link(validity=3600)
    page = shop.open(link)
    shop.press(page, card=str(shop.card("visa_declined", default=False)))
    shop.clock.move(timedelta(hours=1))
    for answer in (shop.client.get(link, 410), shop.press(page, 410)):
        assert NOT_CHARGED in shown(answer)[1]
