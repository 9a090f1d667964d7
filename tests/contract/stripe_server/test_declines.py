"""Stripe's published decline codes, and the bank's own check."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from tests.contract.stripe_caller import BACK, Caller
from tests.stripe_server.cards import DECLINE_CODES, NUMBERS, TOKENS, card_of_number


class TestDeclines:
    @pytest.mark.parametrize("code", DECLINE_CODES)
    def test_each_published_code_comes_as_a_402_with_the_payment_inside(self, caller: Caller, code: str):
        payment = caller.payment(f"pm_card_decline_{code}")
        told = caller.confirm(payment)
        error = told.body["error"]
        assert (told.status, error["type"], error["decline_code"]) == (402, "card_error", code)
        assert error["payment_intent"]["status"] == "requires_payment_method"
        network, advice = DECLINE_CODES[code]
        assert (error.get("network_decline_code", ""), error.get("advice_code", "")) == (network, advice)
        assert caller.server.ledger().captured(payment=payment["id"]) == 0

    def test_the_official_sdk_reads_it_as_a_card_error(self, caller: Caller):
        payment = caller.payment("pm_card_decline_stolen_card")
        client = stripe.StripeClient(
            caller.server.key(),
            base_addresses={"api": caller.server.url},
            max_network_retries=0,
            http_client=stripe.RequestsClient(),
        )
        with pytest.raises(stripe.CardError) as refused:
            client.v1.payment_intents.confirm(payment["id"])
        assert refused.value.code == "card_declined"
        assert refused.value.error is not None
        assert refused.value.error.decline_code == "stolen_card"

    def test_after_a_decline_another_card_pays(self, caller: Caller):
        payment = caller.payment("pm_card_decline_insufficient_funds")
        caller.confirm(payment)
        assert caller.confirm(payment).code == "payment_intent_unexpected_state"
        told = caller.confirm(payment, payment_method=caller.card(payment["customer"], "pm_card_mastercard"))
        assert told.body["status"] == "succeeded"

    def test_some_cards_are_refused_when_they_are_to_be_kept(self, caller: Caller):
        told = caller.post(
            "payment_methods/pm_card_visa_chargeDeclinedInsufficientFunds/attach", {"customer": caller.customer()}
        )
        assert (told.status, told.body["error"]["decline_code"]) == (402, "insufficient_funds")

    def test_an_expired_card_is_declined(self, caller: Caller):
        customer = caller.customer()
        card = caller.server.add_card(customer, exp_year=2020)
        payment = caller.done(
            "payment_intents", {"amount": 500, "currency": "usd", "customer": customer, "payment_method": card}
        )
        assert caller.confirm(payment, return_url=BACK).code == "expired_card"

    def test_every_token_and_number_is_a_card(self):
        assert len(TOKENS) == len(set(TOKENS))
        assert all(card_of_number(number) for number in NUMBERS)


class TestTheBanksCheck:
    def asked(self, caller: Caller, token: str = "pm_card_threeDSecure2Required") -> tuple[dict[str, Any], str]:
        told = caller.confirm(caller.payment(token), return_url=BACK)
        assert (told.status, told.body["status"]) == (200, "requires_action")
        assert told.body["next_action"]["redirect_to_url"]["return_url"] == BACK
        return told.body, told.body["next_action"]["redirect_to_url"]["url"]

    def walk(self, url: str, form: dict[str, str]) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        connection.request("POST", parts.path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    @pytest.mark.parametrize(
        ("answer", "status", "taken"), [("complete", "succeeded", [500]), ("fail", "requires_payment_method", [])]
    )
    def test_the_page_decides_and_leads_back(self, caller: Caller, answer: str, status: str, taken: list[int]):
        payment, url = self.asked(caller)
        back = self.walk(url, {"answer": answer})
        assert back.status == 303
        where = back.headers["Location"]
        assert where.startswith(BACK + f"&payment_intent={payment['id']}&payment_intent_client_secret=")
        read = caller.get(f"payment_intents/{payment['id']}").body
        assert read["status"] == status
        assert caller.server.ledger().amounts(payment=payment["id"]) == taken
        if not taken:
            assert read["last_payment_error"]["code"] == "payment_intent_authentication_failure"

    def test_off_session_it_is_a_decline(self, caller: Caller):
        told = caller.confirm(caller.payment("pm_card_threeDSecure2Required"), off_session=True)
        assert (told.status, told.code) == (402, "authentication_required")
        assert told.body["error"]["payment_intent"]["status"] == "requires_payment_method"

    def test_a_cancelled_check_takes_nothing(self, caller: Caller):
        payment, url = self.asked(caller)
        caller.done(f"payment_intents/{payment['id']}/cancel")
        self.walk(url, {"answer": "complete"})
        assert caller.server.ledger().amounts(payment=payment["id"]) == []

    def test_approved_and_then_declined(self, caller: Caller):
        payment, url = self.asked(caller, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
        self.walk(url, {"answer": "complete"})
        error = caller.get(f"payment_intents/{payment['id']}").body["last_payment_error"]
        assert error["decline_code"] == "insufficient_funds"

    def test_processing_ends_with_time(self, caller: Caller):
        good, bad = (
            caller.confirm(caller.payment(f"pm_card_{token}")).body for token in ("processing", "processing_declined")
        )
        assert good["status"] == bad["status"] == "processing"
        assert caller.post(f"payment_intents/{good['id']}/cancel").status == 400
        caller.server.move_clock(61)
        assert caller.get(f"payment_intents/{good['id']}").body["status"] == "succeeded"
        assert caller.get(f"payment_intents/{bad['id']}").body["status"] == "requires_payment_method"
