"""Accounts, modes, keys, lists."""

from __future__ import annotations

import http.client
import json

import pytest

from tests.contract.stripe_caller import Caller
from tests.stripe_server.client import StripeServer


class TestAccounts:
    def test_nothing_crosses_accounts_or_modes(self, caller: Caller):
        payment = caller.paid()
        for stranger in (Caller(caller.server, "acct_other"), Caller(caller.server, livemode=True)):
            told = stranger.get(f"payment_intents/{payment['id']}")
            assert (told.status, told.code) == (404, "resource_missing")
            assert stranger.post("refunds", {"payment_intent": payment["id"]}).status == 400
            assert payment["id"] not in str(stranger.get("payment_intents", limit=100).body)

    def test_a_header_acts_for_another_account(self, caller: Caller):
        platform = Caller(caller.server, headers={"Stripe-Account": "acct_connected"})
        payment = platform.paid()
        assert Caller(caller.server, "acct_connected").get(f"payment_intents/{payment['id']}").status == 200
        assert caller.get(f"payment_intents/{payment['id']}").status == 404

    @pytest.mark.parametrize(
        "given", [None, "Bearer nonsense", "Bearer sk_prod_x", "Basic c2tfdGVzdF94Og==", "Bearer "]
    )
    def test_bad_keys_are_401(self, server: StripeServer, given: str | None):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/v1/account", headers={"Authorization": given} if given else {})
        answer = connection.getresponse()
        assert answer.status == 401
        assert json.loads(answer.read())["error"]["type"] == "invalid_request_error"
        connection.close()

    def test_a_revoked_key_is_401(self, server: StripeServer):
        passing = Caller(server, "acct_passing")
        assert passing.get("account").status == 200
        server.revoke_key(server.key("acct_passing"))
        assert passing.get("account").status == 401

    def test_lists_have_cursors(self, server: StripeServer):
        lister = Caller(server, "acct_lister")
        made = [lister.done("payment_intents", {"amount": 500 + n, "currency": "usd"})["id"] for n in range(5)][::-1]
        page = lister.get("payment_intents", limit=2).body
        assert ([each["id"] for each in page["data"]], page["has_more"]) == (made[:2], True)
        rest = lister.get("payment_intents", limit=3, starting_after=made[1]).body
        assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (made[2:], False)
        before = lister.get("payment_intents", limit=1, ending_before=made[2]).body
        assert [each["id"] for each in before["data"]] == [made[1]]

    def test_search_sees_a_payment_only_after_a_while(self, caller: Caller):
        payment = caller.payment(order="searched")

        def find():
            return [
                each["id"]
                for each in caller.get("payment_intents/search", query="metadata['order']:'searched'").body["data"]
            ]

        assert find() == []
        caller.server.move_clock(61)
        assert find() == [payment["id"]]
