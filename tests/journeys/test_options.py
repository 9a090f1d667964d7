"""The shopper picks options in a real browser, sees the new figure, and pays exactly that."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import text

from app.billing.facts import Change
from app.links.claims import SavedOffer
from app.offers.saved import save_offer
from app.subscriptions.choices import Choices, OptionChoice, QuantityRange
from tests.factories import create_card, create_customer, create_product, create_subscription
from tests.journeys.steps import faults, headline, press, sees
from tests.server import World

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
    sees(page, "second seat $40.00")
    assert world.taken(who) == [4600]
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
