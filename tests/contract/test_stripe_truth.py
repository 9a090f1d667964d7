"""The Stripe-shaped server is held to Stripe's published description and to its SDK's types, on every path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.stripe_caller import Caller, Told
from tests.contract.stripe_truth import TYPES, complaints
from tests.stripe_server.client import StripeServer
from tests.stripe_server.routes import ROUTES, find_route
from tests.stripe_server.spec import complaints_about_answer, document

BACK = "https://shop.example/return"


class Held(Caller):
    """A caller that holds each answer to the description and remembers which paths it walked."""

    def __init__(self, server: StripeServer, **how: Any) -> None:
        super().__init__(server, **how)
        self.walked: set[tuple[str, str]] = set()
        self.complaints: list[str] = []

    def ask(self, method: str, path: str, params: dict[str, Any] | None = None, *, key: str | None = None) -> Told:
        told = super().ask(method, path, params, key=key)
        found = find_route(method, path)
        assert found is not None
        against = complaints_about_answer(found[0], told.status, told.body)
        self.complaints += [f"{found[0].verb} {told.status}: {each}" for each in against]
        self.walked.add((found[0].method, found[0].template))
        return told


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    with StripeServer(tmp_path_factory.mktemp("stripe"), threaded=True) as server:
        yield server


def walk_cards(held: Held) -> None:
    customer = held.customer()
    held.done(f"customers/{customer}", {"description": "Brightwell", "metadata": {"reference": ""}})
    held.get(f"customers/{customer}")
    held.get("customers", limit=2)
    card = held.card(customer)
    made = held.done("payment_methods", {"type": "card", "card": {"token": "tok_mastercard"}})["id"]
    held.done(
        "payment_methods",
        {"type": "card", "card": {"number": "4242424242424242", "exp_month": 8, "exp_year": 2034, "cvc": "123"}},
    )
    held.get(f"payment_methods/{made}")
    held.done(f"payment_methods/{card}", {"card": {"exp_month": 9}, "metadata": {"a": "b"}})
    held.get("payment_methods", customer=customer, type="card")
    held.get(f"customers/{customer}/payment_methods", type="card")
    held.done(f"payment_methods/{card}/detach")
    assert held.post(f"payment_methods/{card}/attach", {"customer": customer}).status == 400
    assert held.post("payment_methods/pm_card_chargeDeclined/attach", {"customer": customer}).status == 402


def walk_payments(held: Held) -> str:
    paid = held.paid()
    held.get(f"payment_intents/{paid['id']}", expand=["latest_charge", "customer", "payment_method"])
    held.get("payment_intents", customer=paid["customer"], created={"gte": 1}, expand=["data.latest_charge"], limit=5)
    held.get("payment_intents/search", query="metadata['order']:'x' AND created>1")
    held.get(f"charges/{paid['latest_charge']}")
    held.get("charges", payment_intent=paid["id"])
    other = held.payment()
    held.done(f"payment_intents/{other['id']}", {"amount": 700, "description": "Two seats"})
    held.done(f"payment_intents/{other['id']}/cancel", {"cancellation_reason": "abandoned"})
    assert held.confirm(other).status == 400
    authorized = held.confirm(held.payment(capture_method="manual"), error_on_requires_action=False).body
    held.done(f"payment_intents/{authorized['id']}/capture", {"amount_to_capture": 300})
    return str(paid["id"])


def walk_trouble(held: Held) -> None:
    assert held.confirm(held.payment("pm_card_decline_insufficient_funds")).status == 402
    asked = held.confirm(held.payment("pm_card_threeDSecure2Required"), return_url=BACK)
    held.server.answer(asked.body["id"], approve=False)
    held.get(f"payment_intents/{asked.body['id']}")
    assert held.confirm(held.payment("pm_card_threeDSecure2Required"), off_session=True).status == 402
    assert held.confirm(held.payment("pm_card_threeDSecure2Required")).body["next_action"]["type"] == "use_stripe_sdk"
    assert held.confirm(held.payment("pm_card_processing")).body["status"] == "processing"
    assert held.get("payment_intents/pi_nobody").status == 404
    assert held.post("payment_intents", {"amount": "x", "currency": "usd"}).status == 400


def walk_refunds(held: Held, payment: str) -> None:
    made = held.done(
        "refunds",
        {"payment_intent": payment, "amount": 100, "reason": "requested_by_customer", "metadata": {"mark": "r1"}},
    )
    held.get(f"refunds/{made['id']}")
    held.done(f"refunds/{made['id']}", {"metadata": {"mark": "r2"}})
    held.get("refunds", payment_intent=payment)
    assert held.post("refunds", {"payment_intent": payment, "amount": 401}).status == 400
    failing = held.paid("pm_card_refundFail")
    held.done("refunds", {"payment_intent": failing["id"]})
    held.server.move_clock(120)
    assert held.get("refunds", payment_intent=failing["id"]).body["data"][0]["status"] == "failed"
    dispute = held.server.dispute(payment)
    held.get(f"disputes/{dispute}", expand=["charge"])
    held.get("disputes", payment_intent=payment, created={"gte": 1})
    assert held.post("refunds", {"payment_intent": payment, "amount": 1}).code == "charge_disputed"
    held.done(f"disputes/{dispute}/close")


def walk_setups(held: Held) -> None:
    customer = held.customer()
    setup = held.done(
        "setup_intents", {"customer": customer, "usage": "off_session", "description": "A card for later"}
    )
    held.done(
        f"setup_intents/{setup['id']}/confirm", {"payment_method": "pm_card_threeDSecure2Required", "return_url": BACK}
    )
    held.server.answer(setup["id"], approve=True)
    assert held.get(f"setup_intents/{setup['id']}").body["status"] == "succeeded"
    held.get("setup_intents", customer=customer)
    refused = held.done("setup_intents", {"customer": customer})
    assert (
        held.post(f"setup_intents/{refused['id']}/confirm", {"payment_method": "pm_card_chargeDeclined"}).status == 402
    )
    held.done(f"setup_intents/{refused['id']}/cancel")
    asked = {
        "mode": "setup", "customer": customer, "success_url": BACK + "?s={CHECKOUT_SESSION_ID}", "cancel_url": BACK, "allowed_payment_method_types": ["card"],
        "custom_text": {"submit": {"message": "$5.00 are due"}}, "metadata": {"order": "o"}, "setup_intent_data": {"description": "Liftlink"},
    }  # fmt: skip
    session = held.done("checkout/sessions", asked)
    held.server.fill(session["id"])
    told = held.get(f"checkout/sessions/{session['id']}", expand=["setup_intent", "setup_intent.payment_method"])
    assert told.body["setup_intent"]["payment_method"]["customer"] == customer
    held.done(f"checkout/sessions/{held.done('checkout/sessions', asked)['id']}/expire")
    held.get("checkout/sessions", customer=customer)


def test_every_path_answers_as_the_description_says_and_is_asked_as_the_sdk_would(server: StripeServer):
    held = Held(server, account="acct_walker")
    walk_cards(held)
    payment = walk_payments(held)
    walk_trouble(held)
    walk_refunds(held, payment)
    walk_setups(held)
    event = held.get("events", limit=100).body["data"][0]
    held.get(f"events/{event['id']}")
    held.get("account")
    assert held.complaints == []
    assert {(route.method, route.template) for route in ROUTES} - held.walked == set()
    asked = [
        line for line in server.requests() if line["account"] == held.account and line["params"].get("amount") != "x"
    ]
    for line in asked:
        if "number" in line["params"].get("card", {}):
            line["params"]["card"].update(number="4242424242424242", cvc="123")
    assert complaints(asked) == []


def test_every_path_has_the_sdks_own_parameter_type():
    assert set(TYPES) == {(route.method, route.template) for route in ROUTES}


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"amount": "500"}, "Missing required param: currency."),
        ({"amount": "500", "currency": "usd", "surprise": "1"}, "Received unknown parameter: surprise"),
        ({"amount": "5.00", "currency": "usd"}, "Invalid integer: 5.00"),
        ({"amount": "500", "currency": "usd", "payment_method_types": ["card"]}, "no longer supported"),
        ({"amount": "500", "currency": "usd", "off_session": "perhaps"}, "off_session"),
    ],
)
def test_a_request_that_stripe_would_refuse_is_named(params: dict[str, Any], says: str):
    line = {"method": "POST", "path": "/v1/payment_intents", "params": params}
    assert says in " ".join(complaints([line]))


def test_the_committed_description_names_its_source_and_licence():
    info = document()["info"]
    assert info["license"]["name"] == "MIT"
    assert "stripe/openapi" in info["x-source"]
    assert Path(__file__).parents[1].joinpath("stripe_server", "openapi.json").stat().st_size < 400_000
    assert "description" not in json.dumps(document()["paths"]["/v1/refunds"]["post"]["parameters"])
