from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from app.gateways.port import AnswerKind, CreatePayment, Marks
from tests.contract.gateway_contract import GatewayContract
from tests.contract.stripe_truth import complaints
from tests.contract.stripe_world import StripeWorld, open_server
from tests.contract.world import Story
from tests.stripe_server.client import StripeServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[StripeServer]:
    with open_server(tmp_path_factory.mktemp("stripe")) as server:
        yield server


class TestStripe(GatewayContract):
    @pytest.fixture
    def world(self, server: StripeServer) -> Generator[StripeWorld]:
        world = StripeWorld(server)
        yield world
        world.close()


def walk_every_verb(world: StripeWorld) -> None:
    """Each verb once, with everything that the adapter can say in it."""
    customer = world.customer()
    token, back = world.card(Story.APPROVED, customer), "https://shop.example/return?a=1&b=2"
    gateway, since = world.gateway, world.now() - timedelta(hours=1)
    request = CreatePayment(500, "USD", customer, token, Marks("o", "o.1", "use"), "QUILLMARK")
    paid = gateway.create_payment(request, key="o.1:create:0").payment
    left = gateway.create_payment(request, key="o.1:create:1").payment
    assert paid
    assert left
    assert gateway.confirm_payment(paid.ref, key="o.1:confirm:0", return_url=back).kind is AnswerKind.DEFINITE
    gateway.confirm_payment(left.ref, key="o.1:confirm:1", return_url=None)
    gateway.cancel_payment(left.ref, key="o.1:cancel:0")
    gateway.list_payments(customer=customer, order="o", since=since)
    assert gateway.refund(paid.ref, amount=100, mark="o.r1", key="o.r1").kind is AnswerKind.DEFINITE
    gateway.list_refunds(paid.ref)
    gateway.list_refunds(since=since)
    gateway.list_disputes(payment=paid.ref, since=since)
    setup = gateway.begin_card_setup(customer=customer, return_url=back, description="$5.00 is due", key="s.1").value
    assert setup
    assert gateway.finish_card_setup(setup.ref).kind is AnswerKind.DEFINITE
    assert gateway.stored_cards(customer).kind is AnswerKind.DEFINITE


def test_every_request_is_as_stripes_description_and_the_sdks_types_say(tmp_path: Path):
    with open_server(tmp_path) as server:
        world = StripeWorld(server)
        walk_every_verb(world)
        asked = server.requests()
        world.close()
    assert {line["verb"] for line in asked} == set(world.call_each_verb())
    assert complaints(asked) == []


def test_every_change_carries_a_key_of_ours_and_no_reading_does(tmp_path: Path):
    with open_server(tmp_path) as server:
        world = StripeWorld(server)
        walk_every_verb(world)
        asked = server.requests()
        world.close()
    keys = [line["key"] for line in asked if line["method"] == "POST"]
    assert all(key.startswith(("o.", "s.1", "contract:")) for key in keys), keys
    assert len(set(keys)) == len(keys)
    assert not [line["key"] for line in asked if line["method"] == "GET" and line["key"]]
