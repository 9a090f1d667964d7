"""What the shopper's script does and, more important, what it leaves alone."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import dataclass, field

import pytest
from flask import Flask, jsonify, request
from playwright.sync_api import Browser, Page, expect

from tests.pages.browser import serving
from tests.pages.gallery_app import gallery_app


@dataclass
class Sink:
    """Takes presses and answers when told to."""

    posts: list[dict[str, str]] = field(default_factory=list)
    answered: threading.Event = field(default_factory=threading.Event)
    state: str = "pending"


@pytest.fixture(scope="module")
def sink() -> Sink:
    return Sink()


@pytest.fixture(scope="module")
def address(sink: Sink) -> Generator[str]:
    app: Flask = gallery_app()

    @app.post("/cart/T0KEN/buy")
    def buy() -> str:
        sink.posts.append(request.form.to_dict())
        sink.answered.wait(5)
        return "<!doctype html><html lang=en><title>bought</title><p>bought"

    @app.get("/done/T0KEN/state")
    def state() -> object:
        return jsonify(state=sink.state)

    with serving(app) as url:
        yield url


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Generator[Page]:
    context = browser.new_context(java_script_enabled=request.param)
    yield context.new_page()
    context.close()


@pytest.fixture
def scripted(browser: Browser) -> Generator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_the_untouched_cart_buys_nothing_whatever_is_pressed(address: str, page: Page, sink: Sink):
    sink.posts.clear()
    page.goto(f"{address}/en/S-1a")
    page.get_by_role("button", name="Buy now").click()
    expect(page.get_by_role("heading", name="Add a second seat")).to_be_visible()
    assert sink.posts == []


def test_a_ticked_box_and_one_press_send_the_form_once(address: str, page: Page, sink: Sink):
    sink.posts.clear()
    sink.answered.set()
    page.goto(f"{address}/en/S-1a")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Buy now").click()
    expect(page.get_by_text("bought")).to_be_visible()
    assert [(post["card"], post["agree"], post["quote"]) for post in sink.posts] == [("pm_1", "1", "q_7d1c")]


def test_a_second_press_is_stopped_and_the_button_keeps_its_focus(address: str, scripted: Page, sink: Sink):
    sink.posts.clear()
    sink.answered.clear()
    scripted.goto(f"{address}/en/S-1a")
    scripted.get_by_role("checkbox").check()
    # In one go, because the browser waits with every question while the press is under way.
    seen = scripted.evaluate(
        """() => {
          const button = document.querySelector("button");
          button.focus();
          for (let press = 0; press < 3; press += 1) { button.click(); }
          const same = document.activeElement === button;
          return [button.textContent, button.getAttribute("aria-disabled"), same, document.getElementById("status").textContent];
        }"""
    )
    assert seen == ["Processing", "true", True, "Processing"]
    sink.answered.set()
    expect(scripted.get_by_text("bought")).to_be_visible()
    assert len(sink.posts) == 1


def test_the_list_of_errors_gets_the_focus(address: str, scripted: Page):
    scripted.goto(f"{address}/en/S-2")
    expect(scripted.get_by_role("alert")).to_be_focused()


def test_changing_the_language_keeps_the_chosen_card(address: str, scripted: Page):
    scripted.goto(f"{address}/en/S-1a")
    scripted.locator("label[for=c2]").click()
    link = scripted.get_by_role("link", name="Français")
    link.evaluate("node => node.addEventListener('click', event => event.preventDefault())")
    link.click()
    assert "card=pm_2" in (link.get_attribute("href") or "")


def test_the_waiting_page_says_when_there_is_an_answer_and_stays_where_it_is(address: str, scripted: Page, sink: Sink):
    sink.state = "paid"
    scripted.goto(f"{address}/en/S-10")
    status = scripted.get_by_role("status")
    expect(status).to_have_text("There is an answer. Press “Check again” to see it.", timeout=8000)
    assert scripted.url.endswith("/en/S-10")


def test_the_cart_can_be_bought_with_the_keyboard_alone(address: str, page: Page, sink: Sink):
    sink.posts.clear()
    sink.answered.set()
    page.goto(f"{address}/en/S-1a")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to payment")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="Visa")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("checkbox")).to_be_focused()
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Buy now")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("bought")).to_be_visible()
    assert len(sink.posts) == 1
