"""Stripe as a scripted world: the adapter in front of the Stripe-shaped server, whose ledger is the judge."""

from __future__ import annotations

import hmac
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from stripe import WebhookSignature

from app.gateways.port import Answer, CreatePayment, DeclineReason, Gateway, Marks, OpenGateway
from app.gateways.stripe import open_gateway
from app.gateways.stripe.notices import HEADER
from app.gateways.stripe.table import DECLINES
from tests.contract.world import Story, processes_agree
from tests.stripe_server.cards import DECLINE_CODES
from tests.stripe_server.client import StripeServer

ACCOUNT, OTHER = "quillmark-test", "acct_other"
SECRET = "whsec_contract0"
TIMEOUT = 1.0
_numbers = count(1)

BEHAVIOURS = {
    Story.CHALLENGE: "challenge",
    Story.OFF_SESSION_REFUSED: "off_session_refused",
    Story.PROCESSING: "processing",
    Story.PROCESSING_DECLINED: "processing_declined",
}
FAULTS = {
    Story.SLOW: "slow",
    Story.TIMEOUT_ACTED: "timeout_after",
    Story.TIMEOUT_NOT_ACTED: "timeout_before",
    Story.LATE: "late",
    Story.CUT_BODY: "cut_body",
    Story.ERROR_NOT_ACTED: "error_before",
    Story.ERROR_ACTED: "error_after",
    Story.BUSY: "key_in_use",
}

_CONFIRMER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from app.gateways.stripe import open_gateway
base, key, account, ref, who, threads = sys.argv[1:]
opened = open_gateway({"production": False, "test_secret_key": key, "api_base": base})
gateway = opened.at(account, livemode=False)
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(int(threads)) as pool:
    confirm = lambda n: gateway.confirm_payment(ref, key=f"{who}.{n}", return_url=None).kind.value
    print(*pool.map(confirm, range(int(threads))))
opened.close()
"""


def settings(server: StripeServer) -> dict[str, object]:
    return {
        "production": False,
        "test_secret_key": server.key(),
        "test_webhook_secrets": SECRET,
        "api_base": server.url,
        "timeout_seconds": str(TIMEOUT),
    }


class StripeWorld:
    """One server may serve many worlds: each test has customers and orders of its own."""

    def __init__(self, server: StripeServer) -> None:
        self.server = server
        server.expire_keys()  # the contract's tests use some keys again
        self.stripe = open_gateway(settings(server))
        self.opened: OpenGateway = self.stripe
        self.gateway: Gateway = self.stripe.at(ACCOUNT, livemode=False)

    def close(self) -> None:
        self.server.no_faults()
        self.stripe.close()

    def customer(self) -> str:
        made = self.gateway.create_customer(reference=f"QM-{next(_numbers)}", key=self._key())
        assert made.value, made
        return made.value

    def card(self, story: Story, customer: str) -> str:
        story = Story(story)
        if story is Story.EXPIRED:
            return self.server.add_card(customer, "declined", decline_code="expired_card")
        token = self.server.add_card(customer, BEHAVIOURS.get(story, "approved"))
        if story in FAULTS:
            self.server.fault("confirm_payment", FAULTS[story], payment_method=token)
        if story is Story.UNREACHABLE:
            self._refuse_one_create()
        return token

    def declined_card(self, reason: DeclineReason, customer: str) -> str | None:
        if reason is DeclineReason.AUTHENTICATION_FAILED:
            return None  # only the bank's page ends so
        code = next(code for code, meant in DECLINES.items() if meant is reason and code in DECLINE_CODES)
        return self.server.add_card(customer, "declined", decline_code=code)

    def gone_card(self, customer: str) -> str:
        token = self.card(Story.APPROVED, customer)
        self.server.detach(token)
        return token

    def fail_create(self, story: Story) -> None:
        self.server.fault("create_payment", FAULTS[Story(story)])

    def pass_time(self, by: timedelta) -> None:
        self.server.move_clock(by.total_seconds())

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.server.now(), UTC)

    def expire_keys(self) -> None:
        self.server.expire_keys()

    def answer_bank(self, action_url: str, *, approve: bool) -> None:
        """A form on the bank's page; after the payment was cancelled there is no such page any more."""
        parts = urlsplit(action_url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", parts.path, f"answer={'complete' if approve else 'fail'}", form)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status < 500, answer.status

    def fill_card_page(self, url: str) -> None:
        session = next(line["id"] for line in self.server.ledger().sessions if line["id"] in url)
        self.server.fill(session)

    def captured(self, order: str) -> int:
        return self.server.ledger().captured(order=order)

    def open_dispute(self, payment: str) -> str:
        return self.server.dispute(payment)

    def close_dispute(self, ref: str, *, won: bool) -> None:
        self.server.decide(ref, won=won)

    def signed_notice(self, secret: str, at: datetime) -> tuple[dict[str, str], bytes]:
        customer = self.customer()
        request = CreatePayment(500, "USD", customer, self.card(Story.APPROVED, customer), Marks(f"notice{customer}"))
        payment = self.gateway.create_payment(request, key=self._key()).payment
        assert payment
        event = {
            "id": f"evt_{next(_numbers)}",
            "object": "event",
            "type": "payment_intent.created",
            "created": int(at.timestamp()),
            "livemode": payment.livemode,
            "data": {"object": {"id": payment.ref, "object": "payment_intent", "customer": customer}},
        }
        body = json.dumps(event)
        return {HEADER: WebhookSignature.generate_signature_header(body, secret, int(at.timestamp()))}, body.encode()

    def sign(self, body: bytes, secret: str, at: datetime) -> dict[str, str]:
        stamp = str(int(at.timestamp()))  # by hand: the SDK signs text alone
        mac = hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256").hex()
        return {HEADER: f"t={stamp},v1={mac}"}

    def another_account(self) -> Gateway:
        """A connected one, reached with the same key and a header."""
        return self.stripe.at(OTHER, livemode=False)

    def confirm_in_processes(self, ref: str, processes: int, threads: int) -> None:
        arguments = [self.server.url, self.server.key(), ACCOUNT, ref]
        started = [
            subprocess.Popen(
                [sys.executable, "-c", _CONFIRMER, *arguments, f"p{n}", str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(processes)
        ]
        kinds = processes_agree(started)
        assert len(kinds) == processes * threads
        assert set(kinds) <= {"definite", "read", "busy"}
        assert kinds.count("definite") == 1

    def call_each_verb(self) -> dict[str, Callable[[], object]]:
        g = self.gateway
        request = CreatePayment(500, "USD", "cus_1", "pm_card_visa", Marks("o", "o.1"))
        return {
            "create_customer": lambda: g.create_customer(reference="r", key="k"),
            "create_payment": lambda: g.create_payment(request, key="k"),
            "confirm_payment": lambda: g.confirm_payment("p", key="k", return_url=None),
            "read_payment": lambda: g.read_payment("p"),
            "list_payments": lambda: g.list_payments(order="o"),
            "cancel_payment": lambda: g.cancel_payment("p", key="k"),
            "refund": lambda: g.refund("p", amount=1, mark="m", key="k"),
            "list_refunds": lambda: g.list_refunds("p"),
            "list_disputes": lambda: g.list_disputes(),
            "begin_card_setup": lambda: g.begin_card_setup(customer="c", return_url="u", description="", key="k"),
            "finish_card_setup": lambda: g.finish_card_setup("s"),
            "stored_cards": lambda: g.stored_cards("c"),
        }

    def _key(self) -> str:
        return f"contract:{time.monotonic_ns()}:{next(_numbers)}"

    def _refuse_one_create(self) -> None:
        """At a port where nobody listens, as a gateway that is down refuses connections."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        down = open_gateway({**settings(self.server), "api_base": nobody}).at(ACCOUNT, livemode=False)

        def refused(request: CreatePayment, *, key: str) -> Answer:
            del self.gateway.create_payment
            return down.create_payment(request, key=key)

        self.gateway.create_payment = refused


def open_server(folder: Path) -> StripeServer:
    return StripeServer(folder, threaded=True)
