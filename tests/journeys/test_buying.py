"""Whole stories over the real server in a real browser. The gateway's ledger is the judge.

Those with a ``page`` are told with scripts and without: every form that one of our scripts knows is in one of them.
"""

from __future__ import annotations

import re

from playwright.sync_api import Page

from app.links.claims import WrittenOffer
from tests.journeys.steps import buy, ends, follow, headline, pay, press, press_in_vain, sees
from tests.server import World


def test_the_reference_case_is_bought_and_the_receipt_is_mailed(world: World, page: Page):
    who = world.person(email_address=f"receipt{world.people}@brightwell.example")
    page.goto(world.link(who))
    assert headline(page) == "Add a second seat"
    sees(page, "Pay $5.00 today")
    pay(page)
    sees(page, "We charged $5.00 to your Visa ending")
    assert headline(page) == "You now have 2 seats"
    assert world.taken(who) == [500]
    assert world.seats(who) == 2
    mail = world.mail_to(f"receipt{world.people - 1}@brightwell.example")
    text = mail.get_body(("plain",))
    assert text is not None
    assert "5.00" in text.get_content()
    assert "until I cancel" in " ".join(text.get_content().split())


def test_a_plan_change_is_bought(world: World, scripted: Page):
    page, who = scripted, world.person()
    buy(page, world.link(who, WrittenOffer(1, "crm-pro", 1)))
    ends(page, "CRM Standard is now CRM Pro, ready to use", world, who, 3000)


def test_a_forgotten_box_is_asked_for_and_then_bought(world: World, page: Page):
    who = world.person()
    page.goto(world.link(who))
    press_in_vain(page)
    assert headline(page) == "Add a second seat", "the browser itself holds the form"
    page.locator("form.pay").evaluate("form => { form.noValidate = true }")
    press(page)
    sees(page, "Tick the box to agree to the payment")
    assert page.title().startswith("Error: ")
    assert world.taken(who) == []
    pay(page)
    ends(page, "You now have 2 seats", world, who, 500)


def test_a_fresh_link_comes_by_mail_and_opens(world: World, plain: Page):
    page, who = plain, world.person(email_address=f"fresh{world.people}@brightwell.example")
    address = f"fresh{world.people - 1}@brightwell.example"
    page.goto(world.link(who, ip="203.0.113.9"))
    assert headline(page) == "This link does not open from here"
    press(page, "Email me a new link")
    sees(page, re.compile("few minutes|on its way|sent", re.IGNORECASE))
    text = world.mail_to(address).get_body(("plain",))
    assert text is not None
    url = re.search(rf"{world.url}/u/\S+", text.get_content())
    assert url
    assert len(url[0]) <= 200
    buy(page, url[0])
    ends(page, "You now have 2 seats", world, who, 500)


def test_a_wrong_address_of_a_link_is_told_kindly(world: World, plain: Page):
    page = plain
    page.goto(world.link()[:-5])
    assert headline(page) == "This link is not complete"
    sees(page, "your confirmation page or our mail says what happened")  # nobody looked, so nothing else is claimed


def test_no_thanks_and_back_to_the_offer(world: World, plain: Page):
    page, who = plain, world.person()
    page.goto(world.link(who))
    follow(page, "No thanks, keep one seat")
    sees(page, "Nothing changed and nothing was charged.")
    follow(page, "Show the offer again")
    pay(page)
    ends(page, "You now have 2 seats", world, who, 500)


def test_in_french_to_the_end(world: World, page: Page):
    who = world.person()
    page.goto(world.link(who))
    follow(page, re.compile("Français"))
    pay(page, "Commander avec obligation de paiement")
    sees(page, "sièges")
    assert page.locator("html").get_attribute("lang") == "fr"
    assert world.taken(who) == [500]


def test_a_change_at_the_next_billing_is_scheduled_and_undone(world: World, page: Page):
    who = world.person()
    page.goto(world.link(who, WrittenOffer(1, "crm-seat", 2, unit_price=1000, effective="next_billing")))
    sees(page, "Nothing is due today.")
    pay(page)
    assert headline(page).startswith("Your change is scheduled for")
    follow(page, "Undo this change")
    assert headline(page) == "Undo this change?"
    press(page, "Undo this change")
    assert headline(page) == "The change was undone"
    page.reload()
    assert headline(page) == "The change was undone"
    assert (world.taken(who), world.seats(who)) == ([], 1)


def test_an_extended_seat_moves_the_billing_date(world: World, scripted: Page):
    page, who = scripted, world.person()
    page.goto(world.link(who, WrittenOffer(1, "crm-seat", 2, unit_price=1000, alignment="extend_existing")))
    sees(page, "Your next billing date moves from")
    sees(page, "so that all ends on one day")
    pay(page)
    sees(page, "We charged $30.00 to your Visa ending")
    assert (world.taken(who), world.seats(who)) == ([3000], 2)
