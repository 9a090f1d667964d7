"""The adapter against a simulator that others wrote, as far as that one goes; what it lacks is named here, by test.

Between the two stands a small forwarder that leaves out what localstripe refuses to know (``LEFT_OUT``), so that the
adapter itself sends what it always sends.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from app.gateways.port import Answer, AnswerKind, CreatePayment, Gateway, Marks, Payment, PaymentStatus
from app.gateways.stripe import open_gateway
from tests.server import free_port, wait_for

LEFT_OUT = ("allowed_payment_method_types", "description", "off_session", "return_url", "reason", "limit")
"""Parameters of Stripe's that localstripe 1.15.10 calls unexpected."""
ROOT = Path(__file__).parents[2]
_numbers = count(1)


class Forwarder(BaseHTTPRequestHandler):
    """Passes everything on, without ``LEFT_OUT``."""

    protocol_version = "HTTP/1.1"
    to: int

    def log_message(self, format: str, *args: object) -> None: ...

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {
            name: self.headers[name]
            for name in ("Authorization", "Content-Type", "Idempotency-Key")
            if name in self.headers
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.to, timeout=10)
        connection.request(self.command, f"{path}?{_lean(query)}", _lean(body) or None, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_DELETE = do_GET


def _lean(text: str) -> str:
    return urlencode([(name, value) for name, value in parse_qsl(text) if name.partition("[")[0] not in LEFT_OUT])


@dataclass
class Local:
    """``lean`` goes through the forwarder, ``plain`` does not."""

    lean: Gateway
    plain: Gateway
    port: int

    def post(self, path: str, **form: str) -> tuple[int, str]:
        """A call of the test's own, past the adapter."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": "Bearer sk_test_localstripe", "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"/v1/{path}", urlencode(form), headers)
        answer = connection.getresponse()
        told = (answer.status, answer.read().decode())
        connection.close()
        return told

    def card(self, customer: str, number: str = "4242424242424242") -> str:
        made = self.post(
            "payment_methods",
            **{
                "type": "card",
                "card[number]": number,
                "card[exp_month]": "8",
                "card[exp_year]": "2034",
                "card[cvc]": "123",
            },
        )
        ref = made[1].split('"id": "pm_')[1].split('"')[0]
        status, told = self.post(f"payment_methods/pm_{ref}/attach", customer=customer)
        assert status == 200, told
        return f"pm_{ref}"

    def created(self, number: str = "4242424242424242") -> Payment:
        customer = self.lean.create_customer(reference="QM-1", key=f"c{next(_numbers)}").value
        assert customer
        order = f"order{next(_numbers)}"
        asked = CreatePayment(500, "USD", customer, self.card(customer, number), Marks(order, f"{order}.1", "use"))
        answer = self.lean.create_payment(asked, key=f"{order}.1:create:0")
        assert answer.payment, answer
        return answer.payment

    def confirm(self, payment: Payment) -> Answer:
        return self.lean.confirm_payment(payment.ref, key=f"k{next(_numbers)}", return_url=None)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    port, log = free_port(), tmp_path_factory.mktemp("localstripe") / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.localstripe_main", str(port)], cwd=ROOT, stdout=file, stderr=file
        )
    try:
        wait_for(lambda: process.poll() is None and _open(port))
        forwarding = ThreadingHTTPServer(("127.0.0.1", 0), type("To", (Forwarder,), {"to": port}))
        threading.Thread(target=forwarding.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        bases = (f"http://127.0.0.1:{forwarding.server_address[1]}", f"http://127.0.0.1:{port}")
        opened = [
            open_gateway({"production": False, "test_secret_key": "sk_test_localstripe", "api_base": base})
            for base in bases
        ]
        yield Local(
            opened[0].at("quillmark-test", livemode=False), opened[1].at("quillmark-test", livemode=False), port
        )
        for each in opened:
            each.close()
        forwarding.shutdown()
        forwarding.server_close()
    finally:
        process.terminate()
        process.wait(10)


def _open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        time.sleep(0.05)
        return False
    return True


def test_creating_moves_nothing_and_confirming_takes_it(local: Local):
    payment = local.created()
    assert (payment.status, payment.captured) == (PaymentStatus.REQUIRES_CONFIRMATION, 0)
    answer = local.confirm(payment)
    assert answer.kind is AnswerKind.DEFINITE, answer
    assert answer.payment
    assert (answer.payment.status, answer.payment.amount, answer.payment.currency) == (
        PaymentStatus.SUCCEEDED,
        500,
        "USD",
    )
    read = local.lean.read_payment(payment.ref)
    assert read.payment
    assert read.payment.status is PaymentStatus.SUCCEEDED


def test_a_cancelled_payment_is_not_confirmed(local: Local):
    payment = local.created()
    cancelled = local.lean.cancel_payment(payment.ref, key="x")
    assert cancelled.payment
    assert cancelled.payment.status is PaymentStatus.CANCELED
    assert local.confirm(payment).kind is not AnswerKind.DEFINITE


def test_a_card_that_is_declined_at_the_charge_takes_nothing(local: Local):
    answer = local.confirm(local.created("4000000000000341"))
    assert answer.kind is AnswerKind.DECLINE, answer


def test_a_refund_in_part(local: Local):
    payment = local.created()
    local.confirm(payment)
    refund = local.lean.refund(payment.ref, amount=200, mark="r1", key="r1")
    assert refund.kind is AnswerKind.DEFINITE, refund
    assert refund.value
    assert (refund.value.amount, refund.value.payment) == (200, payment.ref)


def test_what_nobody_knows_is_gone(local: Local):
    assert local.lean.read_payment("pi_nobody_knows").kind is AnswerKind.BUG_OR_GONE


class TestGaps:
    """What cannot be shown there: when one of these fails, localstripe has learned it and more can be run against it."""

    def test_it_does_not_know_newer_parameters(self, local: Local):
        payment = local.created()
        asked = CreatePayment(500, "USD", payment.customer, payment.payment_method, Marks("o", "o.1"))
        assert local.plain.create_payment(asked, key="plain").kind is AnswerKind.BUG_OR_GONE
        assert local.plain.confirm_payment(payment.ref, key="plain", return_url=None).kind is AnswerKind.BUG_OR_GONE

    def test_it_ignores_idempotency_keys(self, local: Local):
        first, second = (local.lean.create_customer(reference="QM-1", key="same").value for _ in range(2))
        assert first != second

    def test_it_refunds_more_than_was_taken(self, local: Local):
        payment = local.created()
        local.confirm(payment)
        kinds = [local.lean.refund(payment.ref, amount=500, mark=f"r{n}", key=f"r{n}").kind for n in range(2)]
        assert kinds == [AnswerKind.DEFINITE] * 2

    def test_it_has_no_lists_by_customer_disputes_or_checkout(self, local: Local):
        """Some of these it answers with a 404 of plain text, which the adapter rightly does not take for Stripe's word."""
        payment = local.created()
        lists = [
            local.lean.list_payments(customer=payment.customer).kind,
            local.lean.list_disputes(payment=payment.ref).kind,
            local.lean.stored_cards(payment.customer).kind,
            local.lean.begin_card_setup(
                customer=payment.customer, return_url="https://shop.example", description="", key="s"
            ).kind,
        ]
        assert set(lists) <= {AnswerKind.BUG_OR_GONE, AnswerKind.UNKNOWN}
