"""Purchases through the Stripe adapter, in a real browser: our pages, the bank's page, the card page. Stripe's ledger is the judge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.contract.stripe_truth import complaints
from tests.journeys.steps import NOTHING, buy, choose, click_on, ends, follow, headline, pay, press, sees, to_the_bank
from tests.stripe_shop import StripeShop, stripe_serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[StripeShop]:
    with stripe_serving(tmp_path_factory.mktemp("stripe"), empty_database) as shop:
        shop.listen()
        yield shop


def test_a_purchase(shop: StripeShop, page: Page):
    who = shop.person()
    buy(page, shop.world.link(who))
    sees(page, "We charged $5.00 to your Visa ending")
    assert headline(page) == "You now have 2 seats"
    assert shop.taken(who) == [500]
    assert shop.world.seats(who) == 2


def test_a_decline_and_then_another_card(shop: StripeShop, scripted: Page):
    page = scripted
    who = shop.person("declined", last4="0341", decline_code="insufficient_funds")
    buy(page, shop.world.link(who))
    ends(page, NOTHING, shop, who)
    choose(page, "5454")
    pay(page)
    ends(page, "We charged $5.00 to your Mastercard ending", shop, who, 500)


@pytest.mark.parametrize(
    ("answer", "says", "taken"),
    [("Complete", "You now have 2 seats", [500]), ("Fail", "The bank check was not passed", [])],
)
def test_the_banks_own_check(shop: StripeShop, page: Page, answer: str, says: str, taken: list[int]):
    who = shop.person("challenge", last4="3220")
    buy(page, shop.world.link(who))
    assert headline(page) == "Your bank wants to check it is you"
    assert shop.taken(who) == []
    to_the_bank(page)
    assert headline(page) == "3D Secure 2 test page"
    press(page, answer)
    sees(page, says)
    if not taken:
        sees(page, NOTHING)
    assert shop.taken(who) == taken


def test_an_abandoned_check_takes_nothing_and_another_card_buys_once(shop: StripeShop, scripted: Page):
    page = scripted
    who = shop.person("challenge", last4="3220")
    link = shop.world.link(who)
    buy(page, link)
    to_the_bank(page)
    page.goto(link)  # the shopper leaves the bank's page and opens the link again
    if page.get_by_role("button", name="Pay another way").count():
        press(page, "Pay another way")
    ends(page, NOTHING, shop, who)
    choose(page, "5454")
    pay(page)
    ends(page, "You now have 2 seats", shop, who, 500)
    statuses = [line["status"] for line in shop.stripe.ledger().payments if line["customer"] == shop.customer(who)]
    assert sorted(statuses) == ["canceled", "succeeded"]


def test_a_new_card_is_kept_on_stripes_page_and_pays(shop: StripeShop, page: Page):
    who = shop.person(second=False)
    page.goto(shop.world.link(who))
    follow(page, "Add or update a card")
    press(page, "Enter card details")
    assert headline(page) == "Save your card"
    for number, then in (("4000 0000 0000 9995", "Save your card"), ("5555 5555 5555 4444", "Add a second seat")):
        page.get_by_label("Card number").fill(number)
        page.get_by_label("Expiration").fill("08/34")
        page.get_by_label("CVC").fill("123")
        press(page, "Save card")
        assert headline(page) == then, "a card that the bank refuses stays on Stripe's page"
    expect(page.get_by_role("radio", name=re.compile("4444"), checked=True)).to_have_count(1)
    assert shop.taken(who) == []
    pay(page)
    ends(page, "We charged $5.00 to your Mastercard ending", shop, who, 500)


def ends_well(page: Page) -> None:
    """Asks again, as the page says, until the seats are there."""
    for _ in range(60):
        if headline(page) == "You now have 2 seats":
            return
        if page.get_by_text("Check again", exact=True).count():
            click_on(page, "Check again")
        page.wait_for_timeout(300)
    assert headline(page) == "You now have 2 seats"


def test_what_takes_a_while_at_the_bank_is_waited_for(shop: StripeShop, scripted: Page):
    who = shop.person("processing")
    buy(scripted, shop.world.link(who))
    assert headline(scripted) == "We are waiting for your bank"
    ends_well(scripted)
    assert shop.taken(who) == [500]


def test_an_answer_that_was_lost_is_found_and_nothing_is_taken_twice(shop: StripeShop, scripted: Page):
    who = shop.person()
    shop.stripe.fault("confirm_payment", "drop_after", payment_method=_cards(shop, who)[0])
    buy(scripted, shop.world.link(who))
    ends_well(scripted)
    assert shop.taken(who) == [500]


def test_what_was_bought_is_given_back_in_part_and_then_the_rest(shop: StripeShop, scripted: Page):
    who = shop.person()
    buy(scripted, shop.world.link(who))
    sees(scripted, "You now have 2 seats")
    ((order, *_),) = shop.world.orders(who)
    (payment,) = [line["id"] for line in shop.stripe.ledger().payments if line["customer"] == shop.customer(who)]
    part = shop.command("refund", order, "--amount", "2.00", "--mode", "test")
    assert part.returncode == 0, part.stdout + part.stderr
    assert shop.stripe.ledger().refunded(payment=payment) == 200
    scripted.reload()
    sees(scripted, "$2.00 of it was given back to you.")
    rest = shop.command("refund", order, "--mode", "test")
    assert rest.returncode == 0, rest.stdout + rest.stderr
    assert shop.stripe.ledger().refunded(payment=payment) == 500
    assert shop.world.orders(who)[0].state == "REFUNDED"
    scripted.reload()
    sees(scripted, "$5.00 of it was given back to you.")
    assert shop.command("refund", order, "--mode", "test").returncode != 0
    assert shop.stripe.ledger().refunded(payment=payment) == 500


def test_every_request_so_far_was_one_that_stripe_takes(shop: StripeShop, scripted: Page):
    who = shop.person()
    buy(scripted, shop.world.link(who))
    sees(scripted, "You now have 2 seats")
    asked = shop.stripe.requests()
    assert {line["verb"] for line in asked} >= {"create_payment", "confirm_payment"}
    assert complaints(asked) == []
    assert [line for line in asked if line["method"] == "POST" and not line["key"]] == []


def _cards(shop: StripeShop, who: int) -> list[str]:
    return [line["id"] for line in shop.stripe.ledger().cards if line["customer"] == shop.customer(who)]
