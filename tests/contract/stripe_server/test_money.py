"""What is taken and given back, and never more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.stripe_caller import BACK, Caller


class TestMoney:
    def test_creating_takes_nothing_and_confirming_takes_it_once(self, caller: Caller):
        payment = caller.payment()
        assert (payment["status"], payment["amount_received"]) == ("requires_confirmation", 0)
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda n: caller.confirm(payment, f"parallel{n}"), range(8)))
        assert sorted(each.status for each in told) == [200] + [400] * 7
        assert {each.code for each in told if each.status == 400} == {"payment_intent_unexpected_state"}
        assert caller.server.ledger().amounts(payment=payment["id"]) == [500]

    def test_confirm_and_cancel_at_once_end_in_one_of_them(self, caller: Caller):
        for n in range(10):
            payment = caller.payment()
            acts = [
                lambda p=payment: caller.confirm(p),
                lambda p=payment: caller.post(f"payment_intents/{p['id']}/cancel", {}, key=f"x{p['id']}"),
            ]
            with ThreadPoolExecutor(2) as pool:
                ends = [done.result().status for done in [pool.submit(act) for act in (acts if n % 2 else acts[::-1])]]
            assert sorted(ends) == [200, 400]
            status = caller.get(f"payment_intents/{payment['id']}").body["status"]
            assert caller.server.ledger().captured(payment=payment["id"]) == (500 if status == "succeeded" else 0)

    @pytest.mark.parametrize("at_once", [False, True])
    def test_refunds_never_pass_the_capture(self, caller: Caller, at_once: bool):
        payment = caller.paid()

        def ask(n):
            return caller.post("refunds", {"payment_intent": payment["id"], "amount": 300}, key=f"r{at_once}{n}")

        with ThreadPoolExecutor(4 if at_once else 1) as pool:
            told = list(pool.map(ask, range(4)))
        assert sorted(each.status for each in told) == [200, 400, 400, 400]
        assert caller.server.ledger().refunded(payment=payment["id"]) == 300
        caller.done("refunds", {"payment_intent": payment["id"]})
        again = caller.post("refunds", {"payment_intent": payment["id"]})
        assert again.code == "charge_already_refunded"

    def test_what_was_not_taken_is_not_given_back(self, caller: Caller):
        assert caller.post("refunds", {"payment_intent": caller.payment()["id"]}).status == 400

    def test_a_payment_in_dispute_is_not_refunded_until_it_is_won(self, caller: Caller):
        payment = caller.paid()
        dispute = caller.server.dispute(payment["id"])
        ask = {"payment_intent": payment["id"], "amount": 100}
        assert caller.post("refunds", ask).code == "charge_disputed"
        caller.server.decide(dispute, won=True)
        assert caller.post("refunds", ask).status == 200
        lost = caller.paid()
        caller.server.decide(caller.server.dispute(lost["id"]), won=False)
        assert caller.post("refunds", {"payment_intent": lost["id"]}).code == "charge_disputed"

    @pytest.mark.parametrize(
        ("amount", "currency", "code"),
        [(0, "usd", "parameter_invalid_integer"), (49, "usd", "amount_too_small"), (501, "isk", "parameter_invalid_integer"),
         (5001, "kwd", "parameter_invalid_integer"), (500, "zzz", "invalid_request_error"),
         (100_000_000, "usd", "amount_too_large"), (10_000_000_000, "jpy", "amount_too_large"), (10**12, "idr", "amount_too_large")],
    )  # fmt: skip
    def test_amounts_keep_stripes_own_rules(self, caller: Caller, amount: int, currency: str, code: str):
        told = caller.post("payment_intents", {"amount": amount, "currency": currency})
        assert (told.status, told.code) == (400, code)

    def test_rupiahs_have_four_digits_more(self, caller: Caller):
        assert caller.post("payment_intents", {"amount": 1_500_000_000, "currency": "idr"}).status == 200

    def test_a_card_of_another_customer_is_refused(self, caller: Caller):
        card = caller.card(caller.customer())
        asked = {"amount": 500, "currency": "usd", "customer": caller.customer(), "payment_method": card}
        assert caller.post("payment_intents", asked).status == 400

    def test_without_a_return_url_redirecting_ways_of_paying_are_refused(self, caller: Caller):
        customer = caller.customer()
        asked = {"amount": 500, "currency": "usd", "customer": customer, "payment_method": caller.card(customer)}
        payment = caller.done("payment_intents", asked)
        assert "return_url" in caller.confirm(payment).body["error"]["message"]
        assert caller.confirm(payment, return_url=BACK).status == 200
