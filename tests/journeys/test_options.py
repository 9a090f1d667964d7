"""The shopper picks how many and which options in a real browser, sees the new figure, and pays exactly that."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from app.billing.facts import Change
from app.links.claims import SavedOffer
from app.offers.saved import save_offer
from app.subscriptions.choices import Choices, OptionChoice, QuantityRange
from app.subscriptions.offered import written_change
from tests.factories import create_card, create_customer, create_product, create_subscription
from tests.journeys.steps import ends, faults, headline, pay, press, press_in_vain, sees
from tests.server import SECOND_SEAT, World

OPTIONS = {
    "support": {"name": "24-hour support", "per": "unit", "prices": {"USD": {"1year": 1200}}},
    "users": {
        "name": "Users", "per": "subscription", "prices": {"USD": {"1year": 400}}, "scale": {"min": 5, "max": 50, "step": 1},
    },
}  # fmt: skip


def team(world: World) -> int:
    """Somebody with one seat of a product that is sold with options; the subscription's number."""
    book = world.seeded.book
    with world.adapters.store.write() as conn:
        code = f"team{world.people}"
        world.people += 1
        create_product(conn, book, code=code, name="CRM Team", options=OPTIONS)
        conn.execute(text("UPDATE books SET catalog_version = catalog_version + 1 WHERE id = :book"), {"book": book})
        customer = create_customer(conn, book, email=f"{code}@brightwell.example", name="Robin")
        card = create_card(conn, book, customer)
        subscription = create_subscription(conn, book, customer, product=code, card_id=card)
        number = conn.execute(text("SELECT number FROM subscriptions WHERE id = :i"), {"i": subscription}).scalar_one()
    return int(number)


def link_to_choices(world: World, who: int) -> str:
    """A second seat, with what may be added to it."""
    choices = Choices(None, (OptionChoice("support"), OptionChoice("users", span=QuantityRange(5, 20))))
    number = save_offer(
        world.adapters.store, world.adapters.clock, world.seeded.book, name="Team", change=Change(1, quantity=2),
        ends_at=None, choices=choices,
    )  # fmt: skip
    return world.link(who, SavedOffer(number))


def test_options_are_picked_priced_anew_and_bought(world: World, page: Page):
    who = team(world)
    page.goto(link_to_choices(world, who))
    sees(page, "Pay $20.00 today")
    first = page.locator("input[name=quote]").first.get_attribute("value")

    page.get_by_label("24-hour support").check()
    page.get_by_label("Users").fill("7")
    press(page, "Update price")
    # 20.00 for the second seat, 12.00 for support of two, 14.00 for seven users: each for 6 of 12 months.
    sees(page, "Pay $46.00 today")
    sees(page, "7 users")
    expect(page.get_by_label("24-hour support")).to_be_checked()
    expect(page.get_by_label("Users")).to_have_value("7")
    assert page.locator("input[name=quote]").first.get_attribute("value") != first
    assert world.taken(who) == []

    page.get_by_role("checkbox", name=re.compile("^I agree to pay")).check()
    press(page)
    sees(page, "We charged $46.00 to your Visa ending")
    assert headline(page) == "Your subscription has changed"
    ends(page, "second seat $40.00", world, who, 4600)
    kept = world.scalar(
        "SELECT options FROM subscription_items i JOIN subscriptions s ON s.id = i.subscription_id WHERE s.number = :n", n=who,
    )  # fmt: skip
    assert "support" in kept
    assert "users=7" in kept


def test_the_form_of_choices_has_no_fault_on_the_narrowest_phone(
    world: World, context_with: Callable[..., BrowserContext]
):
    page = context_with(viewport={"width": 320, "height": 800}, reduced_motion="reduce").new_page()
    page.goto(link_to_choices(world, team(world)))
    page.get_by_label("24-hour support").check()
    press(page, "Update price")
    sees(page, "Pay $32.00 today")
    assert faults(page) == []


def seats_by_choice(world: World, who: int) -> str:
    """A link to a saved offer of 2 to 10 seats, the added ones at 10.00 a year."""
    number = save_offer(
        world.adapters.store, world.adapters.clock, world.seeded.book, name="Seats", change=written_change(SECOND_SEAT),
        ends_at=None, choices=Choices(QuantityRange(2, 10)),
    )  # fmt: skip
    return world.link(who, SavedOffer(number))


def test_the_shopper_chooses_how_many_and_pays_exactly_that(world: World, page: Page):
    who = world.person()
    page.goto(seats_by_choice(world, who))
    sees(page, "Pay $5.00 today")
    page.get_by_label("How many seats in all").fill("3")
    press(page, "Update price")
    assert headline(page) == "Add 2 seats"
    sees(page, "Pay $10.00 today")
    expect(page.get_by_label("How many seats in all")).to_have_value("3")
    assert world.taken(who) == []
    pay(page)
    sees(page, "We charged $10.00 to your Visa ending")
    assert headline(page) == "You now have 3 seats"
    assert (world.taken(who), world.seats(who)) == ([1000], 3)


def test_a_number_that_is_not_offered_is_told_where_it_stands(world: World, page: Page):
    who = world.person()
    page.goto(seats_by_choice(world, who))
    field = page.get_by_label("How many seats in all")
    field.fill("11")
    press_in_vain(page, "Update price")
    assert not page.title().startswith("Error"), "the browser itself holds the form"
    page.locator("form.amount").evaluate("form => { form.noValidate = true }")
    press(page, "Update price")
    sees(page, "Enter a whole number from 2 to 10")
    expect(field).to_have_value("11")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("4")
    press(page, "Update price")
    sees(page, "Pay $15.00 today")
    assert world.taken(who) == []
