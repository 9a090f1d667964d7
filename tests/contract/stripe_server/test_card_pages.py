"""Checkout in setup mode: a page of the gateway's that keeps a card."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.contract.stripe_caller import BACK, Caller


class TestCardPages:
    def session(self, caller: Caller) -> dict[str, Any]:
        asked = {
            "mode": "setup",
            "customer": caller.customer(),
            "success_url": BACK + "&s={CHECKOUT_SESSION_ID}",
            "cancel_url": BACK,
            "currency": "usd",
        }
        return caller.done("checkout/sessions", asked)

    def post(self, url: str, **form: str) -> tuple[int, str, str]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("POST", parts.path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        told = (answer.status, answer.headers.get("Location") or "", answer.read().decode())
        connection.close()
        return told

    def test_a_filled_page_keeps_the_card_and_leads_back(self, caller: Caller):
        session = self.session(caller)
        status, where, _ = self.post(session["url"], number="4242 4242 4242 4242", expiry="08/34", cvc="123")
        assert (status, where) == (303, f"{BACK}&s={session['id']}")
        cards = caller.get("payment_methods", customer=session["customer"], type="card").body["data"]
        assert [each["card"]["last4"] for each in cards] == ["4242"]
        assert self.post(session["url"], number="4242424242424242", expiry="08/34")[0] == 404

    def test_a_declined_card_is_told_on_the_page(self, caller: Caller):
        session = self.session(caller)
        status, _, page = self.post(session["url"], number="4000000000009995", expiry="08/34", cvc="123")
        assert (status, "insufficient funds" in page) == (200, True)
        assert caller.get(f"checkout/sessions/{session['id']}").body["status"] == "open"

    def test_an_old_page_is_over(self, caller: Caller):
        session = self.session(caller)
        caller.server.move_clock(86_500)
        assert caller.get(f"checkout/sessions/{session['id']}").body["status"] == "expired"
        assert self.post(session["url"], number="4242424242424242", expiry="08/34")[0] == 404
