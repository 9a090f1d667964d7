"""A key gives its saved answer again, and what is saved under it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.stripe_caller import Caller


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
