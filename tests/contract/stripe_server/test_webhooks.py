"""Signed webhooks: early, twice, shuffled, tried again."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import stripe

from tests.contract.stripe_caller import Caller


class Ear(BaseHTTPRequestHandler):
    heard: queue.Queue[tuple[str, bytes]]
    answers: list[int]

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.put((self.headers["Stripe-Signature"], body))
        self.send_response(self.answers.pop(0) if self.answers else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def ear() -> Iterator[tuple[str, type[Ear]]]:
    class Own(Ear):
        heard = queue.Queue()
        answers: list[int] = []  # noqa: RUF012

    listening = HTTPServer(("127.0.0.1", 0), Own)
    threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_address[1]}/notices", Own
    listening.shutdown()
    listening.server_close()


class TestWebhooks:
    secret = "whsec_of_these_tests"

    def kinds(self, own: type[Ear], count: int) -> list[str]:
        return [json.loads(own.heard.get(timeout=5)[1])["type"] for _ in range(count)]

    def test_the_official_sdk_verifies_them(self, caller: Caller, ear: tuple[str, type[Ear]]):
        url, own = ear
        caller.server.set_clock(0)
        caller.server.webhooks(url, self.secret)
        payment = caller.done("payment_intents", {"amount": 500, "currency": "usd"})
        header, body = own.heard.get(timeout=5)
        event = stripe.Webhook.construct_event(body, header, self.secret)
        assert (event.type, event.data.object["id"]) == ("payment_intent.created", payment["id"])
        assert event.livemode is False

    def test_early_ones_come_before_the_answer(self, caller: Caller, ear: tuple[str, type[Ear]]):
        url, own = ear
        caller.server.webhooks(url, self.secret, "early")
        caller.done("payment_intents", {"amount": 500, "currency": "usd"})
        assert not own.heard.empty()

    def test_twice_is_twice(self, caller: Caller, ear: tuple[str, type[Ear]]):
        url, own = ear
        caller.server.webhooks(url, self.secret, "twice")
        caller.done("payment_intents", {"amount": 500, "currency": "usd"})
        bodies = [own.heard.get(timeout=5)[1] for _ in range(2)]
        assert bodies[0] == bodies[1]

    def test_shuffled_ones_come_in_another_order_and_all(self, caller: Caller, ear: tuple[str, type[Ear]]):
        url, own = ear
        caller.server.webhooks(url, self.secret, "shuffled")
        made = [caller.done("payment_intents", {"amount": 500 + n, "currency": "usd"})["id"] for n in range(12)]
        caller.server.deliver()
        came = [json.loads(own.heard.get(timeout=5)[1])["data"]["object"]["id"] for _ in made]
        assert sorted(came) == sorted(made)
        assert came != made, "one chance in many millions to come in order"

    def test_a_refused_one_is_tried_again(self, caller: Caller, ear: tuple[str, type[Ear]]):
        url, own = ear
        own.answers[:] = [500, 503]
        caller.server.webhooks(url, self.secret)
        caller.done("payment_intents", {"amount": 500, "currency": "usd"})
        own.heard.get(timeout=5)
        for _ in range(2):
            caller.server.deliver()
            own.heard.get(timeout=5)
        assert not [each for each in caller.server.control("GET", "deliveries") if not each["ends"]]

    def test_an_endpoint_hears_its_account_and_mode_only(self, caller: Caller, ear: tuple[str, type[Ear]]):
        url, own = ear
        caller.server.webhooks(url, self.secret, account="acct_heard", livemode=True)
        for each in (caller, Caller(caller.server, "acct_heard"), Caller(caller.server, "acct_heard", livemode=True)):
            each.done("payment_intents", {"amount": 500, "currency": "usd"})
        caller.server.deliver()
        event = json.loads(own.heard.get(timeout=5)[1])
        assert event["livemode"] is True
        assert own.heard.empty()

    def test_none_is_silence_but_the_events_are_listed(self, caller: Caller, ear: tuple[str, type[Ear]]):
        url, own = ear
        caller.server.webhooks(url, self.secret, "none")
        payment = caller.paid()
        caller.server.deliver()
        assert own.heard.empty()
        kinds = [
            each["type"]
            for each in caller.get("events", limit=20).body["data"]
            if each["data"]["object"]["id"] == payment["id"]
        ]
        assert kinds == ["payment_intent.succeeded", "payment_intent.created"]
