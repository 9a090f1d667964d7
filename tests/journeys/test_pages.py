"""Every page on the shopper's way: axe in both themes, the narrowest phone, the budget on the wire, and what leaks."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from app.links.claims import WrittenOffer
from tests.journeys.steps import agree, at_the_bank, buy, enter_card, faults, follow, headline, pay, press, sees
from tests.server import World, wait_for

MOST_BYTES = 25_000
MOST_REQUESTS = 6


def test_no_page_on_the_way_has_a_fault_or_scrolls_sideways(world: World, context_with: Callable[..., BrowserContext]):
    # Less motion: axe would otherwise measure colours half-way between the two themes.
    page = context_with(viewport={"width": 320, "height": 800}, reduced_motion="reduce").new_page()
    found: list[str] = []

    def look() -> None:
        found.extend(faults(page))

    who = world.person("visa_declined", last4="0002")
    page.goto(world.link(who))
    look()  # the cart
    page.locator("form.pay").evaluate("form => { form.noValidate = true }")
    press(page)
    look()  # a problem
    follow(page, "Not you?")
    look()
    follow(page, "Back to the offer")
    follow(page, "No thanks, keep one seat")
    look()
    follow(page, "Show the offer again")
    follow(page, "Add or update a card")
    look()  # the way to a card
    page.get_by_label("Email for this purchase").fill("axe@elsewhere.example")
    press(page, "Use this email")
    look()  # another address
    follow(page, "Back to the offer")
    look()  # no card to pay with
    buy(page, world.link(who))
    look()  # declined
    page.goto(world.link(who, WrittenOffer(1, "crm-pro", 1)))
    look()  # a plan change
    follow(page, "Terms of sale")
    look()
    page.goto(f"{world.url}/u/x")
    look()
    page.goto(world.link(ip="203.0.113.9"))
    look()
    press(page, "Email me a new link")
    look()
    page.goto(f"{world.url}/order/upgrade?LICENSE=QM-1048")
    look()
    second = world.person("visa_3ds", last4="3220")
    link = world.link(second)
    buy(page, link)
    look()  # the bank asks
    at_the_bank(page, "Approve")
    look()  # done
    page.goto(link)
    look()  # used
    third = world.person("visa_timeout_acted", last4="1208")
    buy(page, world.link(third))
    look()  # we are checking
    assert found == []


def test_the_cart_stays_within_its_budget_on_the_wire(world: World, context_with: Callable[..., BrowserContext]):
    page = context_with().new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: dict[str, float] = {}
    urls: dict[str, str] = {}
    session.on("Network.requestWillBeSent", lambda e: urls.__setitem__(e["requestId"], e["request"]["url"]))
    session.on("Network.loadingFinished", lambda e: sizes.__setitem__(e["requestId"], e["encodedDataLength"]))
    page.goto(world.link())
    page.wait_for_load_state("networkidle")
    assert headline(page) == "Add a second seat"
    asked = [url for url in urls.values() if url.startswith("http")]
    assert any("/logo/" in url for url in asked), "the logo is part of the sum"
    assert all(url.startswith(world.url) for url in asked), "nobody else is asked"
    assert len(asked) <= MOST_REQUESTS, asked
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_no_script_error_no_console_message_and_no_refused_policy_on_the_way(world: World, scripted: Page):
    page = scripted
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    who = world.person("visa_3ds", last4="3220")
    page.goto(world.link(who))
    follow(page, "Add or update a card")
    enter_card(page, "4000 0000 0000 3220")
    pay(page)
    at_the_bank(page, "Approve")
    sees(page, "You now have 2 seats")
    assert said == []


def test_the_mailed_token_leaves_no_trace(world: World, scripted: Page):
    """I28, in the browser's own words: no Referer, no address after redeeming, no line of the server's log."""
    page = scripted
    requests: list[tuple[str, dict[str, str]]] = []
    page.on("request", lambda request: requests.append((request.url, request.all_headers())))
    who = world.person()
    link = world.link(who)
    token = link.rpartition("/")[2]
    page.goto(link)
    assert token not in page.url
    pay(page)
    sees(page, "You now have 2 seats")
    assert [url for url, headers in requests if headers.get("referer")] == []
    assert [url for url, _ in requests if token in url] == [link]
    assert token not in page.content()
    assert token.rpartition(".")[2] not in world.log


def test_a_press_shows_that_it_is_under_way_and_cannot_be_doubled(world: World, scripted: Page):
    page = scripted
    who = world.person("visa_slow", last4="1190")
    page.goto(world.link(who))
    agree(page)
    page.get_by_role("button", name="Buy now").dblclick(no_wait_after=True)
    sees(page, "You now have 2 seats")
    assert world.taken(who) == [500]


def test_the_pages_script_announces_the_answer(world: World, scripted: Page):
    page = scripted
    who = world.person("visa_processing", last4="1174")
    buy(page, world.link(who))
    assert headline(page) == "We are waiting for your bank"
    wait_for(lambda: world.taken(who))
    page.get_by_role("status").filter(has_text=re.compile(r"\S")).wait_for(timeout=30_000)
    assert headline(page) == "We are waiting for your bank", "it announces, it never moves the page"


def test_forced_colours_a_dark_room_and_less_motion_lose_nothing(
    world: World, context_with: Callable[..., BrowserContext]
):
    page = context_with(color_scheme="dark", forced_colors="active", reduced_motion="reduce").new_page()
    who = world.person()
    buy(page, world.link(who))
    sees(page, "You now have 2 seats")
    assert world.taken(who) == [500]
