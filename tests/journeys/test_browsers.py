"""However the browser is used: back, reload, two tabs, no cookies, no mouse. One charge, and the ledger says so."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.steps import agree, at_the_bank, buy, ends, press, sees
from tests.server import World


def test_back_and_reload_never_charge_twice(world: World, page: Page):
    who = world.person()
    link = world.link(who)
    buy(page, link)
    sees(page, "You now have 2 seats")
    for _ in range(2):
        page.reload()
        sees(page, "You now have 2 seats")
    page.go_back()
    if page.get_by_role("checkbox").count():
        agree(page)
        press(page)
    page.goto(link)
    ends(page, "You have not been charged again.", world, who, 500)


def test_two_tabs_are_one_charge(world: World, context_with: Callable[..., BrowserContext]):
    who = world.person()
    link = world.link(who)
    context = context_with()
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto(link)
        agree(tab)
    for tab in tabs:
        tab.get_by_role("button", name="Buy now").click(no_wait_after=True)
    for tab in tabs:
        tab.wait_for_load_state()
        expect(tab.locator("h1")).to_have_text(re.compile(r"You\s+now\s+have\s+2\s+seats|Bought\s+on|Another\s+change"))
    assert world.taken(who) == [500]


def test_with_cookies_blocked_and_nothing_stored(world: World, context_with: Callable[..., BrowserContext]):
    who = world.person("visa_3ds", last4="3220")
    context = context_with()
    context.route("**/*", lambda route: route.continue_(headers={**route.request.headers, "cookie": ""}))
    page = context.new_page()
    buy(page, world.link(who))
    at_the_bank(page, "Approve")
    sees(page, "You now have 2 seats")
    assert context.cookies() == []
    assert page.evaluate("() => localStorage.length + sessionStorage.length") == 0
    assert world.taken(who) == [500]


def test_by_keyboard_alone(world: World, scripted: Page):
    """From the top of the page with Tab, Space and Enter; every stop shows where one is."""
    page, who = scripted, world.person()
    page.goto(world.link(who))
    stops: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "() => { const e = document.activeElement;"
            " return [e.tagName, e.type || '', e.innerText || e.name || '',"
            "  [e, e.parentElement].some(x => { const s = getComputedStyle(x); return s.outlineStyle !== 'none' || s.boxShadow !== 'none' })] }"
        )
        if at[0] == "BODY":
            break
        stops.append(f"{at[0]} {at[2]}".strip())
        assert at[3], f"no focus to be seen on {stops[-1]}"
        if at[1] == "checkbox":
            page.keyboard.press("Space")
        if at[2] == "Buy now":
            page.keyboard.press("Enter")
            break
    sees(page, "You now have 2 seats")
    assert len(stops) <= 20, stops
    assert world.taken(who) == [500]
