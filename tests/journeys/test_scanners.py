"""A mail scanner with a real browser: it runs the scripts and presses everything it finds. Nothing may be spent by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import BrowserContext, Error, Page
from sqlalchemy import text

from app.models.base import Base
from tests.browser import next_page
from tests.server import World

CLICKABLE = "a[href], button, input[type=submit], input[type=radio], summary, label:not([for=agree]):not([for=start])"
SETUPS = frozenset({"card_setups", "cart_contacts", "customers"})
COUNTERS = frozenset({"link_visits", "gateway_watch", "installation_facts"})
"""Visits, and what the worker notes of its own rounds."""


def rows(world: World, without: frozenset[str] = COUNTERS) -> dict[str, list[Any]]:
    """Every business table, row by row."""
    names = [table.name for table in Base.metadata.sorted_tables if table.name not in without]
    with world.adapters.store.read() as conn:
        return {name: sorted(map(tuple, conn.execute(text(f"SELECT * FROM {name}"))), key=repr) for name in names}


def money_calls(world: World) -> int:
    return sum(each.verb not in {"begin_card_setup", "create_customer"} for each in world.ledger.requests())


def settled(world: World) -> None:
    """Earlier stories' mails and checks have come to rest."""
    import time

    before = rows(world)
    for _ in range(20):
        time.sleep(0.5)
        now = rows(world)
        if now == before:
            return
        before = now


def press_everything(page: Page, url: str) -> int:
    """Each control of the untouched cart, one at a time, every one on a fresh load."""
    page.goto(url)
    count = page.locator(CLICKABLE).count()
    for at in range(count):
        page.goto(url)
        try:
            page.locator(CLICKABLE).nth(at).click(timeout=1500, no_wait_after=True, force=True)
            page.wait_for_load_state(timeout=3000)
        except Error:
            continue  # a link to another host, or covered by the next control
    return count


def test_a_browser_that_presses_every_control_of_the_untouched_cart_spends_nothing(
    world: World, context_with: Callable[..., BrowserContext]
):
    link = world.link()
    settled(world)
    context = context_with()
    context.route("**/*", lambda route: route.continue_() if route.request.url.startswith(world.url) else route.abort())
    page = context.new_page()
    before, calls, taken = rows(world), money_calls(world), len(world.ledger.captures())
    assert press_everything(page, link) > 10
    assert rows(world) == before
    assert money_calls(world) == calls
    assert len(world.ledger.captures()) == taken


def test_a_browser_that_also_submits_every_form_by_script_spends_nothing(
    world: World, context_with: Callable[..., BrowserContext]
):
    link = world.link()
    settled(world)
    page = context_with().new_page()
    before, calls = rows(world), money_calls(world)
    page.goto(link)
    for at in range(page.locator("form").count()):
        page.goto(link)
        with next_page(page):
            page.locator("form").nth(at).evaluate("form => HTMLFormElement.prototype.submit.call(form)")
    assert rows(world) == before
    assert money_calls(world) == calls


def test_head_get_and_prefetch_only_count(world: World):
    link = world.link()
    settled(world)
    before, calls = rows(world), len(world.ledger.requests())
    for method, headers in (("HEAD", {}), ("GET", {}), ("GET", {"Sec-Purpose": "prefetch"}), ("OPTIONS", {})):
        answer = world.ask(method, link, headers=headers)
        assert answer.status < 500
        if answer.location:
            world.ask(method, answer.location, headers=headers)
    assert rows(world) == before
    assert len(world.ledger.requests()) == calls
