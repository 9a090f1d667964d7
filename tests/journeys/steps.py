"""What a shopper does, in a real browser, by what is written on the page.

Each step that leads to another page ends when that page is there.
"""

from __future__ import annotations

import re
from typing import Protocol

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import next_page

AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}  # fmt: skip
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
NOTHING = re.compile("not been charged|nothing was charged", re.IGNORECASE)


def headline(page: Page) -> str:
    return page.locator("h1").inner_text().replace("\u00a0", " ")


def sees(page: Page, words: str | re.Pattern[str]) -> None:
    """The page says so by now or in a moment."""
    expect(page.locator("main")).to_contain_text(words)


class Ledger(Protocol):
    """Who knows what was really taken: a world, or a shop at Stripe."""

    def taken(self, subscription: int) -> list[int]: ...


def ends(page: Page, says: str | re.Pattern[str], ledger: Ledger, who: int, *amounts: int) -> None:
    """The page says so, and the gateway's ledger has exactly these amounts for that subscription."""
    sees(page, says)
    assert ledger.taken(who) == list(amounts)


def agree(page: Page) -> None:
    page.get_by_role("checkbox").first.check()


def press(page: Page, label: str = "Buy now") -> None:
    """The form is sent, and its answer is there."""
    with next_page(page):
        press_in_vain(page, label)


def press_in_vain(page: Page, label: str = "Buy now") -> None:
    """Pressed while the browser itself holds the form: the page stays."""
    page.get_by_role("button", name=label, exact=True).click()


def follow(page: Page, words: str | re.Pattern[str]) -> None:
    """The link of these words, to the page that it leads to."""
    with next_page(page):
        page.get_by_role("link", name=words).first.click()


def click_on(page: Page, words: str) -> None:
    """The link or button of exactly these words, to the page that it leads to."""
    with next_page(page):
        page.get_by_text(words, exact=True).click()


def choose(page: Page, card: str) -> None:
    page.locator("label", has_text=re.compile(card)).click()  # it lies over the whole row
    expect(page.get_by_role("radio", name=re.compile(card), checked=True)).to_have_count(1)


def pay(page: Page, label: str = "Buy now") -> None:
    agree(page)
    press(page, label)


def buy(page: Page, url: str, card: str = "") -> None:
    """Open the link, choose, agree, press."""
    page.goto(url)
    if card:
        choose(page, card)
    pay(page)


def enter_card(page: Page, number: str = "4242 4242 4242 4242") -> None:
    """From our card page through the gateway's own and back."""
    press(page, "Enter card details")
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry date").fill("08/34")
    page.get_by_label("Security code").fill("123")
    press(page, "Use this card")


def to_the_bank(page: Page) -> None:
    follow(page, re.compile("^Continue to your bank$"))


def at_the_bank(page: Page, answer: str) -> None:
    """Over to the bank, and its question answered; ``Leave without answering`` goes back."""
    to_the_bank(page)
    click_on(page, answer)


def faults(page: Page) -> list[str]:
    """What axe finds, in the dark theme only what depends on colours; and whether the page scrolls sideways."""
    found: list[str] = []
    for theme, options in (("light", AXE), ("dark", COLOURS)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for violation in Axe().run(page, options=options).response["violations"]:
            targets = [str(node["target"]) for node in violation["nodes"][:2]]
            found.append(f"{page.title()}, {theme}: {violation['id']} at {targets}")
    page.emulate_media(color_scheme="null")
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append(f"{page.title()}: scrolls sideways")
    return found
