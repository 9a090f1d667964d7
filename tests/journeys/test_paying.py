"""Cards, banks and their moods: declined, checked, entered anew, slow. The gateway's ledger is the judge."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.steps import (
    NOTHING,
    at_the_bank,
    buy,
    choose,
    click_on,
    ends,
    enter_card,
    follow,
    headline,
    pay,
    press,
    sees,
)
from tests.server import World, wait_for


def test_a_declined_card_and_then_another(world: World, page: Page):
    who = world.person("visa_declined", last4="0002")
    buy(page, world.link(who))
    assert headline(page) == "Your bank declined the payment"
    sees(page, NOTHING)
    assert world.taken(who) == []
    expect(page.get_by_role("radio", name=re.compile("5454"))).to_be_checked()
    pay(page)
    ends(page, "We charged $5.00 to your Mastercard ending", world, who, 500)


def test_the_banks_own_check(world: World, page: Page):
    who = world.person("visa_3ds", last4="3220")
    buy(page, world.link(who))
    assert headline(page) == "Your bank wants to check it is you"
    assert world.taken(who) == []
    at_the_bank(page, "Approve")
    ends(page, "You now have 2 seats", world, who, 500)


@pytest.mark.parametrize(
    ("answer", "says"),
    [("Refuse", "The bank check was not passed"), ("Leave without answering", "The bank check is not finished")],
)
def test_a_check_that_is_not_passed_takes_nothing(world: World, plain: Page, answer: str, says: str):
    who = world.person("visa_3ds", last4="3220")
    buy(plain, world.link(who))
    at_the_bank(plain, answer)
    sees(plain, says)
    ends(plain, NOTHING, world, who)


def test_after_leaving_the_bank_another_card_buys_once(world: World, page: Page):
    who = world.person("visa_3ds", last4="3220")
    buy(page, world.link(who))
    at_the_bank(page, "Leave without answering")
    press(page, "Pay another way")
    sees(page, "The bank check was not finished")
    sees(page, NOTHING)
    choose(page, "5454")
    pay(page)
    ends(page, "You now have 2 seats", world, who, 500)


def test_a_new_card_is_entered_at_the_gateway_and_pays(world: World, page: Page):
    who = world.person()
    page.goto(world.link(who))
    follow(page, "Add or update a card")
    sees(page, NOTHING)
    enter_card(page, "5454 5454 5454 5454")
    assert headline(page) == "Add a second seat"
    expect(page.get_by_role("radio", name=re.compile("5454"), checked=True)).to_have_count(1)
    assert world.taken(who) == []
    pay(page)
    ends(page, "We charged $5.00 to your Mastercard ending", world, who, 500)


def test_another_address_withdraws_the_cards_and_buys_with_a_new_one(world: World, page: Page):
    who = world.person()
    page.goto(world.link(who))
    follow(page, "Add or update a card")
    page.get_by_label("Email for this purchase").fill(f"other{who}@elsewhere.example")
    press(page, "Use this email")
    sees(page, "You changed the email, so enter the payment details again")
    enter_card(page)
    expect(page.get_by_role("radio")).to_have_count(1)
    pay(page)
    ends(page, "You now have 2 seats", world, who, 500)
    assert world.mail_to(f"other{who}@elsewhere.example")


def test_a_silent_gateway_is_waited_for_on_the_same_page(world: World, page: Page):
    who = world.person("visa_processing", last4="1174")
    buy(page, world.link(who))
    assert headline(page) == "We are waiting for your bank"
    sees(page, "Do not pay again")
    wait_for(lambda: world.taken(who))
    for _ in range(8):
        if headline(page) == "You now have 2 seats":
            break
        click_on(page, "Check again")
    assert headline(page) == "You now have 2 seats"
    assert world.taken(who) == [500]
