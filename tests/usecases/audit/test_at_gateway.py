"""Accounts that answer and accounts that do not; what a gateway holds and no row of ours says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.charging.audit import Finding, run
from app.charging.disputing import take_disputes
from app.gateways.port import CreatePayment, Gateway, GatewayError, Gateways, Marks
from app.gateways.sandbox.adapter import SandboxGateway
from tests.usecases.audit.busy import Busy


class WithoutKeys:
    """No key for some accounts, as where only the test mode was set up."""

    def __init__(self, gateways: Gateways, *accounts: str) -> None:
        self._gateways, self._accounts = gateways, accounts

    def of(self, gateway: str, account: str, *, livemode: bool) -> Gateway:
        if account in self._accounts:
            raise GatewayError("key_missing", "there is no key")
        return self._gateways.of(gateway, account, livemode=livemode)


def audit_without(busy: Busy, *accounts: str) -> list[Finding]:
    return list(run(busy.desk.store, WithoutKeys(busy.desk.gateways, *accounts), busy.desk.clock))


def test_an_account_that_never_made_an_attempt_need_not_be_reached(busy: Busy):
    assert [one for one in audit_without(busy, "quillmark-live") if not one.holds] == []


def test_an_account_that_cannot_be_reached_is_named_and_accuses_nobody(busy: Busy):
    found = audit_without(busy, "quillmark-test")
    assert {one.unread for one in found} == {"", "sandbox quillmark-test: key_missing"}
    assert [one.broken for one in found if one.broken] == []


def test_what_can_be_reached_is_judged_beside_what_cannot(busy: Busy):
    busy.damage("UPDATE attempts SET account = 'elsewhere' WHERE id = :one", one=f"{busy.retried}.1")
    busy.damage("UPDATE orders SET total = 499 WHERE id = :one", one=busy.paid)
    (found,) = [one for one in audit_without(busy, "elsewhere") if one.invariant == "I1"]
    assert "elsewhere" in found.unread
    assert [one.row for one in found.broken] == [f"order {busy.paid}"]


def test_a_capture_older_than_any_attempt_that_is_left_is_named(busy: Busy):
    lost = [
        f"DELETE FROM {table} WHERE order_id = '{busy.paid}'"
        for table in ("consents", "fulfilments", "link_uses", "refunds", "attempts", "entitlements")
    ]
    busy.damage_all([*lost, f"DELETE FROM orders WHERE id = '{busy.paid}'"])
    assert any("is of no attempt of ours" in row for row in busy.broken("I3"))


def test_a_refund_that_failed_here_and_went_back_there_is_named(busy: Busy):
    busy.damage(
        "UPDATE refunds SET state = 'FAILED', kind = 'negative', cause_order = :cause WHERE id = :one",
        cause=busy.retried, one=f"{busy.paid}.r1",
    )  # fmt: skip
    assert any(f"went back though {busy.paid}.r1 failed" in row for row in busy.broken("I8"))
    assert any(row.startswith(f"refund {busy.paid}.r1: failed, and its sum") for row in busy.broken("ledger"))


def test_a_dispute_that_no_row_knows_is_named_until_it_is_taken_in(busy: Busy):
    desk = busy.desk
    with desk.sandbox.ledger.read() as c:
        ((payment,),) = c.execute("SELECT id FROM payments WHERE attempt = ?", (f"{busy.paid}.1",)).fetchall()
    ref = desk.sandbox.controls.open_dispute(payment)
    desk.clock.at += timedelta(minutes=20)  # type: ignore[attr-defined]
    assert any(row.startswith(f"dispute {ref} at the gateway") for row in busy.broken("I20"))
    gateway = desk.gateways.of("sandbox", "quillmark-test", livemode=False)
    take_disputes(desk.store, gateway, desk.clock, f"{busy.paid}.1", actor="test")
    assert busy.broken("I20") == []
    assert busy.broken("I15") == []
    desk.sandbox.controls.close_dispute(ref, won=False)
    assert any("is OPEN, at the gateway LOST" in row for row in busy.broken("I20"))
    take_disputes(desk.store, gateway, desk.clock, f"{busy.paid}.1", actor="test")
    assert busy.broken("I20") == []


def test_an_account_is_listed_and_not_asked_payment_by_payment(busy: Busy, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    for verb in ("list_payments", "list_refunds", "list_disputes", "read_payment"):
        real = getattr(SandboxGateway, verb)

        def counted(*of: Any, told: str = verb, ask: Any = real, **how: Any) -> Any:
            asked.append(told)
            return ask(*of, **how)

        monkeypatch.setattr(SandboxGateway, verb, counted)
    busy.audit()
    accounts = 2
    assert sorted(asked) == sorted(["list_payments", "list_refunds", "list_disputes"] * accounts)


def test_what_a_merchant_sells_elsewhere_at_the_same_account_is_no_finding(busy: Busy):
    """Without our marks: paid, and given back in part."""
    gateway = busy.desk.gateways.of("sandbox", "quillmark-test", livemode=False)
    customer, card = f"cus_sandbox_{busy.desk.seeded.book}_1001", busy.desk.card().token
    made = gateway.create_payment(CreatePayment(900, "USD", customer, card, Marks()), key="own").payment
    assert made is not None
    gateway.confirm_payment(made.ref, key="own:confirm", return_url="https://x.example")
    assert gateway.refund(made.ref, amount=300, mark="", key="own:refund").value is not None
    assert [one for one in busy.audit() if not one.holds] == []
