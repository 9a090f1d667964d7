"""The Stripe-shaped server keeps Stripe's rules, so that what is proved against it is worth something."""

from __future__ import annotations

import http.client
import json
import queue
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from tests.contract.stripe_caller import Caller
from tests.stripe_server.cards import DECLINE_CODES, NUMBERS, TOKENS, card_of_number
from tests.stripe_server.client import StripeServer, read_folder

BACK = "https://shop.example/return?o=1"
NO_ANSWER = (http.client.HTTPException, OSError)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    with StripeServer(tmp_path_factory.mktemp("stripe"), threaded=True) as server:
        yield server


@pytest.fixture
def caller(server: StripeServer) -> Iterator[Caller]:
    yield Caller(server)
    server.open_door()
    server.no_faults()
    server.control("DELETE", "webhooks")


class TestIdempotency:
    def test_one_key_gives_the_saved_answer_byte_for_byte(self, caller: Caller):
        payment = caller.payment()
        first = caller.confirm(payment, "c1")
        raw = caller.raw
        second = caller.confirm(payment, "c1")
        assert (second.status, caller.raw) == (200, raw)
        assert "Idempotent-Replayed" not in first.headers
        assert second.headers["Idempotent-Replayed"] == "true"
        assert second.headers["Original-Request"] == first.headers["Request-Id"]
        assert caller.server.ledger().amounts(payment=payment["id"]) == [500]

    def test_a_decline_is_saved_too(self, caller: Caller):
        payment = caller.payment("pm_card_decline_do_not_honor")
        first, second = (caller.confirm(payment, "declined") for _ in range(2))
        assert first.status == second.status == 402
        assert first.body == second.body

    def test_other_parameters_under_a_key_are_refused(self, caller: Caller):
        caller.done("customers", {"name": "A"}, key="cus")
        told = caller.post("customers", {"name": "B"}, key="cus")
        assert (told.status, told.body["error"]["type"]) == (400, "idempotency_error")

    def test_another_path_under_a_key_is_refused(self, caller: Caller):
        payment = caller.payment()
        caller.done(f"payment_intents/{payment['id']}/confirm", {}, key="path")
        told = caller.post(f"payment_intents/{payment['id']}/cancel", {}, key="path")
        assert told.body["error"]["type"] == "idempotency_error"

    def test_a_key_in_use_is_409_and_not_saved(self, caller: Caller):
        payment = caller.payment()
        caller.server.fault("confirm_payment", "slow", payment_method=payment["payment_method"], seconds=0.6)
        with ThreadPoolExecutor(2) as pool:
            both = sorted(each.status for each in pool.map(lambda _: caller.confirm(payment, "same"), range(2)))
        assert both == [200, 409]
        assert caller.confirm(payment, "same").status == 200
        assert caller.server.ledger().amounts(payment=payment["id"]) == [500]

    def test_keys_are_forgotten_on_command_and_after_a_day(self, caller: Caller):
        first = caller.done("customers", {"name": "A"}, key="day")["id"]
        caller.server.expire_keys()
        second = caller.done("customers", {"name": "A"}, key="day")["id"]
        assert second != first
        caller.server.move_clock(23.9 * 3600)
        assert caller.done("customers", {"name": "A"}, key="day")["id"] == second
        caller.server.move_clock(0.2 * 3600)
        assert caller.done("customers", {"name": "A"}, key="day")["id"] != second

    @pytest.mark.parametrize("fault", ["rate_limited", "lock_timeout", "key_in_use", "error_unsaved", "bad_gateway"])
    def test_what_failed_before_acting_is_not_saved(self, caller: Caller, fault: str):
        payment = caller.payment()
        caller.server.fault("confirm_payment", fault, payment_method=payment["payment_method"])
        assert caller.confirm(payment, f"unsaved {fault}").status in (409, 429, 500, 502)
        assert caller.server.ledger().captured(payment=payment["id"]) == 0
        assert caller.confirm(payment, f"unsaved {fault}").body["status"] == "succeeded"

    def test_a_refused_parameter_is_not_saved(self, caller: Caller):
        assert caller.post("customers", {"surprise": "1"}, key="param").code == "parameter_unknown"
        assert caller.post("customers", {"name": "A"}, key="param").status == 200

    @pytest.mark.parametrize(("fault", "captured"), [("error_before", 0), ("error_after", 500)])
    def test_a_saved_500_comes_again_under_its_key(self, caller: Caller, fault: str, captured: int):
        payment = caller.payment()
        caller.server.fault("confirm_payment", fault, payment_method=payment["payment_method"])
        assert [caller.confirm(payment, fault).status for _ in range(3)] == [500, 500, 500]
        assert caller.server.ledger().captured(payment=payment["id"]) == captured
        assert caller.confirm(payment, f"{fault} again").status == (200 if captured == 0 else 400)

    def test_keys_of_accounts_and_modes_do_not_meet(self, caller: Caller):
        others = [caller, Caller(caller.server, "acct_other"), Caller(caller.server, livemode=True)]
        assert len({each.done("customers", {"name": "A"}, key="mine")["id"] for each in others}) == 3

    def test_a_key_used_by_many_at_once_acts_once(self, caller: Caller):
        asked = {"amount": 700, "currency": "usd", "metadata": {"order": "many"}}
        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(lambda _: caller.post("payment_intents", asked, key="many"), range(16)))
        assert {each.status for each in told} <= {200, 409}
        assert len({each.body["id"] for each in told if each.status == 200}) == 1


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
         (5001, "kwd", "parameter_invalid_integer"), (500, "zzz", "invalid_request_error")],
    )  # fmt: skip
    def test_amounts_keep_stripes_own_rules(self, caller: Caller, amount: int, currency: str, code: str):
        told = caller.post("payment_intents", {"amount": amount, "currency": currency})
        assert (told.status, told.code) == (400, code)

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


class TestTrouble:
    @pytest.mark.parametrize(
        ("fault", "captured"),
        [("drop_before", 0), ("drop_after", 500), ("cut_body", 500), ("cut_headers", 500), ("unparsable", 500)],
    )
    def test_a_broken_answer_says_nothing_about_the_act(self, caller: Caller, fault: str, captured: int):
        payment = caller.payment()
        caller.server.fault("confirm_payment", fault, payment_method=payment["payment_method"])
        with pytest.raises((*NO_ANSWER, ValueError)):
            caller.confirm(payment, f"broken {fault}")
        assert caller.server.ledger().captured(payment=payment["id"]) == captured
        assert caller.confirm(payment, f"broken {fault}").body["status"] == "succeeded"
        assert caller.server.ledger().captured(payment=payment["id"]) == 500

    @pytest.mark.parametrize(("fault", "captured"), [("timeout_before", 0), ("timeout_after", 500)])
    def test_silence_lasts_until_the_caller_gives_up(self, caller: Caller, fault: str, captured: int):
        payment = caller.payment()
        caller.server.fault("confirm_payment", fault, payment_method=payment["payment_method"])
        impatient = Caller(caller.server, timeout=0.2)
        with pytest.raises(TimeoutError):
            impatient.confirm(payment)
        assert caller.server.ledger().captured(payment=payment["id"]) == captured

    def test_a_late_call_acts_after_the_caller_gave_up(self, caller: Caller):
        payment = caller.payment()
        caller.server.fault("confirm_payment", "late", payment_method=payment["payment_method"], seconds=30)
        with pytest.raises(NO_ANSWER):
            caller.confirm(payment, "late")
        assert caller.server.ledger().captured(payment=payment["id"]) == 0
        caller.server.move_clock(31)
        assert caller.server.ledger().captured(payment=payment["id"]) == 500
        assert caller.confirm(payment, "late").body["status"] == "succeeded"
        assert caller.server.ledger().amounts(payment=payment["id"]) == [500]

    def test_a_late_call_finds_a_cancelled_payment(self, caller: Caller):
        payment = caller.payment()
        caller.server.fault("confirm_payment", "late", payment_method=payment["payment_method"], seconds=30)
        with pytest.raises(NO_ANSWER):
            caller.confirm(payment)
        caller.done(f"payment_intents/{payment['id']}/cancel")
        caller.server.move_clock(31)
        assert caller.server.ledger().captured(payment=payment["id"]) == 0

    def test_faults_count_calls_and_know_whose_they_are(self, caller: Caller):
        caller.server.fault("create_payment", "rate_limited", order="tagged", after=1, times=2)

        def ask(order):
            return caller.post(
                "payment_intents", {"amount": 500, "currency": "usd", "metadata": {"order": order}}
            ).status

        assert [ask("other"), ask("tagged"), ask("tagged"), ask("other"), ask("tagged"), ask("tagged")] == [
            200,
            200,
            429,
            200,
            429,
            200,
        ]

    def test_a_shut_door_refuses_connections_until_it_is_opened(self, caller: Caller):
        caller.server.shut_door()
        with pytest.raises(ConnectionRefusedError):
            caller.get("account")
        caller.server.open_door()
        assert caller.get("account").status == 200

    def test_the_request_log_names_arrival_key_and_end(self, caller: Caller):
        payment = caller.payment()
        caller.server.fault("confirm_payment", "drop_after", payment_method=payment["payment_method"])
        with pytest.raises(NO_ANSWER):
            caller.confirm(payment, "logged")
        line = caller.server.requests("confirm_payment")[-1]
        assert (line["key"], line["account"], line["livemode"]) == ("logged", "acct_quillmark", False)
        assert (line["answer"]["status"], line["answer"]["acted"], line["answer"]["ends"]) == (200, True, "drop")
        assert line["at"] <= line["answer"]["at"]


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


class TestAsAProcess:
    def test_after_a_kill_the_folder_tells_and_a_restart_goes_on(self, tmp_path: Path):
        with StripeServer(tmp_path / "stripe") as server:
            caller = Caller(server)
            payment = caller.payment(order="killed")
            server.fault("confirm_payment", "slow", seconds=30)
            hasty = Caller(server, timeout=0.3)
            with pytest.raises(TimeoutError):
                hasty.confirm(payment, "interrupted")
            port = server.port
            server.kill()
            with (tmp_path / "stripe" / "journal.jsonl").open("ab") as journal:
                journal.write(b'{"kind": "torn')
            dead = read_folder(tmp_path / "stripe")
            assert dead.captured(order="killed") == 0
            assert dead.requests[-1]["key"] == "interrupted"
            assert dead.requests[-1]["answer"] is None
            server.start()
            assert server.port == port
            assert caller.confirm(payment, "interrupted").body["status"] == "succeeded"
            assert caller.confirm(payment, "interrupted").headers["Idempotent-Replayed"] == "true"
            server.kill()
            assert read_folder(tmp_path / "stripe").amounts(order="killed") == [500]

    def test_refused_connections_reach_nobody(self, tmp_path: Path):
        with StripeServer(tmp_path / "stripe") as server:
            server.shut_door(seconds=0.3)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port))
            assert server.ledger().requests == []
