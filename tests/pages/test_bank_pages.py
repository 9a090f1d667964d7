"""The sandbox's pages in a real browser: axe in both themes, the narrowest phone, and no script at all."""

from __future__ import annotations

import threading
from collections.abc import Generator
from itertools import count
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from playwright.sync_api import Browser, Page
from werkzeug.serving import WSGIRequestHandler, make_server

from app.bank import bank_blueprint
from app.gateways.port import CreatePayment, Marks, PaymentStatus
from app.gateways.sandbox import CARDS, Sandbox, open_gateway
from app.web.headers import register_headers
from tests.browser import next_page

ROOT = Path(__file__).parents[2]
_numbers = count(1)


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        return None


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sandbox]:
    """The door alone, served; the way back leads to another origin, as it may at a merchant's own domain."""
    app = Flask("bank", static_folder=str(ROOT / "static"))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    url = f"http://127.0.0.1:{server.server_port}"
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    sandbox = open_gateway({"production": False, "path": path, "public_url": url})
    environment = Environment(loader=FileSystemLoader(ROOT / "templates"), undefined=StrictUndefined, autoescape=True)
    environment.globals["asset"] = lambda name: f"/static/{name}"
    app.register_blueprint(bank_blueprint(sandbox.pages, environment))
    app.add_url_rule("/back", view_func=lambda: "<!doctype html><title>Shop</title>")
    register_headers(app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield sandbox
    server.shutdown()
    thread.join()
    server.server_close()
    sandbox.close()


def back(sandbox: Sandbox) -> str:
    """The shop under another name of this machine: another origin to the browser."""
    return sandbox.public_url.replace("127.0.0.1", "localhost") + "/back"


def card_page(sandbox: Sandbox, customer: str = "cus_1") -> str:
    setup = sandbox.at("acct", livemode=False).begin_card_setup(
        customer=customer, return_url=back(sandbox), description="$5.00 is due today", key=f"s{next(_numbers)}"
    )
    assert setup.value
    return setup.value.url


def check_page(sandbox: Sandbox, behaviour: str = "visa_3ds") -> tuple[str, str]:
    """The payment and the bank's page about it."""
    gateway = sandbox.at("acct", livemode=False)
    order = f"o{next(_numbers)}"
    request = CreatePayment(500, "USD", "cus_1", CARDS[behaviour].token, Marks(order, f"{order}.1"), "QUILLMARK")
    payment = gateway.create_payment(request, key=order).payment
    assert payment
    payment = gateway.confirm_payment(payment.ref, key=f"{order}c", return_url=back(sandbox)).payment
    assert payment
    assert payment.action_url
    return payment.ref, payment.action_url


def complaints(page: Page) -> list[str]:
    found = [violation["id"] for violation in Axe().run(page).response["violations"]]
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found + [f"{sideways} px sideways"] * bool(sideways)


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_state_is_accessible_and_fits(sandbox: Sandbox, browser: Browser, theme: str, width: int):
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=theme)
    page.goto(card_page(sandbox))
    assert complaints(page) == []
    with next_page(page):
        page.get_by_role("button", name="Use this card").click()
    assert page.get_by_role("alert").is_visible()
    assert complaints(page) == []
    for behaviour in ("visa_3ds", "visa_3ds_silent"):
        page.goto(check_page(sandbox, behaviour)[1])
        assert complaints(page) == []
    page.close()


@pytest.fixture
def plain_page(browser: Browser) -> Generator[Page]:
    """No scripts, no cookies."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_card_is_added_without_scripts(sandbox: Sandbox, plain_page: Page):
    plain_page.goto(card_page(sandbox, "cus_2"))
    plain_page.get_by_label("Card number").fill("5454 5454 5454 5454")
    plain_page.get_by_label("Expiry date").fill("08/34")
    plain_page.get_by_label("Security code").fill("123")
    with next_page(plain_page):
        plain_page.get_by_role("button", name="Use this card").click()
    assert plain_page.url == back(sandbox)
    (card,) = sandbox.at("acct", livemode=False).stored_cards("cus_2").value or ()
    assert (card.brand, card.last4) == ("mastercard", "5454")


@pytest.mark.parametrize(
    ("press", "status"),
    [
        ("Approve", PaymentStatus.SUCCEEDED),
        ("Refuse", PaymentStatus.REQUIRES_PAYMENT_METHOD),
        ("Leave without answering", PaymentStatus.REQUIRES_ACTION),
    ],
)
def test_the_bank_is_answered_without_scripts(sandbox: Sandbox, plain_page: Page, press: str, status: PaymentStatus):
    ref, url = check_page(sandbox)
    plain_page.goto(url)
    with next_page(plain_page):
        plain_page.get_by_text(press, exact=True).click()
    assert plain_page.url == back(sandbox)
    found = sandbox.at("acct", livemode=False).read_payment(ref).payment
    assert found
    assert found.status is status
