"""The sandbox's two pages over HTTP, before the sandbox itself."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.bank import bank_blueprint
from app.bank.forms import luhn_holds
from app.gateways.port import CreatePayment, Marks, Payment, PaymentStatus, SetupStatus
from app.gateways.sandbox import CARDS
from tests.contract.sandbox_world import SandboxWorld

BACK = "https://shop.test/u/abc/card?state=xyz"
GOOD = {"number": "4242 4242 4242 4242", "expiry": "08 / 34", "cvc": "123"}
TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.fixture
def world(tmp_path: Path) -> Generator[SandboxWorld]:
    world = SandboxWorld(tmp_path / "ledger.sqlite")
    yield world
    world.sandbox.close()


@pytest.fixture
def client(world: SandboxWorld) -> FlaskClient:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True)
    environment.globals["asset"] = lambda name: f"/static/{name}"
    app = Flask("bank", static_folder=None)
    app.register_blueprint(bank_blueprint(world.sandbox.pages, environment))
    return app.test_client()


def card_page(world: SandboxWorld, description: str = "$5.00 is due today") -> tuple[str, str]:
    """The setup's reference and its path."""
    setup = world.gateway.begin_card_setup(customer="cus_1", return_url=BACK, description=description, key="s").value
    assert setup
    return setup.ref, setup.url.removeprefix("http://sandbox.test")


def asked(world: SandboxWorld, behaviour: str = "visa_3ds") -> tuple[Payment, str]:
    request = CreatePayment(500, "USD", "cus_1", CARDS[behaviour].token, Marks("o", "o.1"), "QUILLMARK <CRM>")
    payment = world.gateway.create_payment(request, key="k").payment
    assert payment
    payment = world.gateway.confirm_payment(payment.ref, key="c", return_url=BACK).payment
    assert payment
    assert payment.action_url
    return payment, payment.action_url.removeprefix("http://sandbox.test")


def token_in(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found
    return found[1]


def post(client: FlaskClient, path: str, **form: str):
    token = token_in(client.get(path).text)
    return client.post(path, data={"token": token} | form)


def test_the_card_page_repeats_the_amount_and_says_whose_page_it_is(world: SandboxWorld, client: FlaskClient):
    html = client.get(card_page(world)[1]).text
    assert "$5.00 is due today" in html
    assert "This is the sandbox's own page" in html
    assert html.count("<h1") == 1


def test_every_test_number_is_on_the_card_page(world: SandboxWorld, client: FlaskClient):
    html = client.get(card_page(world)[1]).text.replace(" ", "")
    assert all(card.number in html for card in CARDS.values())


def test_a_good_card_is_kept_and_the_shopper_goes_back(world: SandboxWorld, client: FlaskClient):
    ref, path = card_page(world)
    answer = post(client, path, **GOOD)
    assert (answer.status_code, answer.location) == (303, BACK)
    finished = world.gateway.finish_card_setup(ref).value
    assert finished
    assert finished.card
    assert (finished.card.last4, finished.card.exp_month, finished.card.exp_year) == ("4242", 8, 2034)


def test_pressing_twice_keeps_one_card(world: SandboxWorld, client: FlaskClient):
    _, path = card_page(world)
    token = token_in(client.get(path).text)
    answers = [client.post(path, data=GOOD | {"token": token}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(world.gateway.stored_cards("cus_1").value or ()) == 1
    assert "This card was added" in client.get(path).text


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("number", "", "Enter the card number"),
        ("number", "4242 4242 4242 424x", "digits only"),
        ("number", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", "digits only"),
        ("number", "4242424242424241", "a digit is wrong or missing"),
        ("number", "42", "a digit is wrong or missing"),
        ("number", "4012888888881881", "Use one of the test numbers"),
        ("expiry", "", "Enter the expiry date"),
        ("expiry", "soon", "as month and year"),
        ("expiry", "13/34", "as month and year"),
        ("expiry", "06/26", "This date has passed"),
        ("cvc", "", "Enter the security code"),
        ("cvc", "12", "has 3 digits"),
        ("cvc", "1234", "has 3 digits"),
        ("cvc", "12a", "has 3 digits"),
    ],
)
def test_each_mistake_is_named_at_its_field(
    world: SandboxWorld, client: FlaskClient, field: str, value: str, text: str
):
    ref, path = card_page(world)
    answer = post(client, path, **(GOOD | {field: value}))
    assert answer.status_code == 422
    assert re.search(rf'<p class="err" id="{field}-err">[^<]*{text}', answer.text)
    assert f'<a href="#{field}">' in answer.text
    assert "<title>Error: " in answer.text
    finished = world.gateway.finish_card_setup(ref).value
    assert finished
    assert finished.status is SetupStatus.OPEN


@pytest.mark.parametrize("expiry", ["07/26", "7/26", "07/2026", "07-26", "07 26"])
def test_a_card_is_good_until_its_month_ends_however_it_is_written(
    world: SandboxWorld, client: FlaskClient, expiry: str
):
    assert post(client, card_page(world)[1], **(GOOD | {"expiry": expiry})).status_code == 303


def test_american_express_has_four_digits(world: SandboxWorld, client: FlaskClient):
    _, path = card_page(world)
    amex = GOOD | {"number": CARDS["amex_ok"].number}
    assert "has 4 digits" in post(client, path, **amex).text
    assert post(client, path, **(amex | {"cvc": "1234"})).status_code == 303


def test_a_number_that_is_no_test_number_is_never_repeated(world: SandboxWorld, client: FlaskClient):
    answer = post(client, card_page(world)[1], **(GOOD | {"number": "4012888888881881"}))
    assert "4012888888881881" not in answer.text
    assert "08 / 34" in answer.text


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_form_from_elsewhere_does_nothing(world: SandboxWorld, client: FlaskClient, token: str | None):
    forged = {} if token is None else {"token": token}
    assert client.post(card_page(world)[1], data=GOOD | forged).status_code == 403
    payment, path = asked(world)
    assert client.post(path, data={"answer": "approve"} | forged).status_code == 403
    assert world.captured("o") == 0
    assert not any(card.token.startswith("card_") for card in world.gateway.stored_cards("cus_1").value or ())
    assert payment.status is PaymentStatus.REQUIRES_ACTION


def test_an_unknown_page_is_missing(client: FlaskClient):
    for path in ("/sandbox/card/setup_x", "/sandbox/check/check_x"):
        assert client.get(path).status_code == client.post(path).status_code == 404


def test_a_card_page_closes_after_a_day(world: SandboxWorld, client: FlaskClient):
    _, path = card_page(world)
    token = token_in(client.get(path).text)
    world.clock.move(timedelta(hours=24))
    assert client.get(path).status_code == client.post(path, data=GOOD | {"token": token}).status_code == 410


def test_the_banks_page_shows_amount_merchant_and_card(world: SandboxWorld, client: FlaskClient):
    html = client.get(asked(world)[1]).text
    assert "5.00 USD" in html
    assert "QUILLMARK &lt;CRM&gt;" in html
    assert "Visa ending 3220" in html


@pytest.mark.parametrize(
    ("answer", "status", "taken"), [("approve", "succeeded", 500), ("refuse", "requires_payment_method", 0)]
)
def test_the_answer_decides_and_the_shopper_goes_back(
    world: SandboxWorld, client: FlaskClient, answer: str, status: str, taken: int
):
    payment, path = asked(world)
    response = post(client, path, answer=answer)
    assert (response.status_code, response.location) == (303, BACK)
    found = world.gateway.read_payment(payment.ref).payment
    assert found
    assert (found.status, world.captured("o")) == (status, taken)
    assert "This check is over" in client.get(path).text


def test_a_second_answer_changes_nothing(world: SandboxWorld, client: FlaskClient):
    _, path = asked(world)
    token = token_in(client.get(path).text)
    for answer in ("refuse", "approve"):
        assert client.post(path, data={"token": token, "answer": answer}).status_code == 303
    assert world.captured("o") == 0


def test_no_answer_is_no_answer(world: SandboxWorld, client: FlaskClient):
    payment, path = asked(world)
    assert post(client, path).status_code == 400
    found = world.gateway.read_payment(payment.ref).payment
    assert found
    assert found.status is PaymentStatus.REQUIRES_ACTION
    assert f'<a href="{BACK}">Leave without answering</a>' in client.get(path).text


def test_the_silent_bank_offers_only_the_way_back(world: SandboxWorld, client: FlaskClient):
    html = client.get(asked(world, "visa_3ds_silent")[1]).text
    assert "The bank does not answer" in html
    assert "<form" not in html
    assert BACK in html


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_changes_nothing(world: SandboxWorld, client: FlaskClient, method: str):
    paths = [card_page(world)[1], asked(world)[1]]
    before = dump(world)
    for path in paths:
        getattr(client, method)(path)
    assert dump(world) == before


def test_the_policy_lets_the_form_go_back_to_the_shop_and_nowhere_else(world: SandboxWorld, client: FlaskClient):
    answer = client.get(card_page(world)[1])
    assert "form-action 'self' https://shop.test;" in answer.headers["Content-Security-Policy"]
    assert "style=" not in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("number", "holds"),
    [("4242424242424242", True), ("4242424242424224", False), ("79927398713", True), ("79927398710", False)],
)
def test_the_check_digit_catches_one_wrong_digit_or_two_swapped(number: str, holds: bool):
    assert luhn_holds(number) is holds


def dump(world: SandboxWorld) -> list[str]:
    with world.sandbox.ledger.read() as c:
        return list(c.iterdump())
