"""Faults on demand, and what the ledger says after them; also when the server itself is killed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.contract.stripe_caller import NO_ANSWER, Caller
from tests.stripe_server.client import StripeServer, read_folder


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
