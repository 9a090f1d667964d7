"""The sandbox as a scripted world: cards tell the stories, the ledger is the judge."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType

from app.gateways.port import CreatePayment, DeclineReason, Gateway, Marks, OpenGateway
from app.gateways.sandbox import CARDS, Effect, Fault, Sandbox, open_gateway
from app.gateways.sandbox.notices import HEADER, sign_notice
from app.kit.clock import StoppedClock
from tests.contract.world import processes_agree

START = datetime(2026, 7, 1, 12, tzinfo=UTC)

CARD_OF_STORY = MappingProxyType(
    {
        "approved": "visa_ok",
        "challenge": "visa_3ds",
        "off_session_refused": "visa_off_session_refused",
        "processing": "visa_processing",
        "processing_declined": "visa_processing_declined",
        "expired": "visa_expired",
        "slow": "visa_slow",
        "timeout_acted": "visa_timeout_acted",
        "timeout_not_acted": "visa_timeout_not_acted",
        "late": "visa_late",
        "cut_body": "visa_cut_body",
        "error_not_acted": "visa_error_before",
        "error_acted": "visa_error_after",
        "unreachable": "visa_unreachable",
        "busy": "visa_busy",
    }
)
FAULT_OF_STORY = {
    "timeout_acted": Fault.TIMEOUT_AFTER,
    "timeout_not_acted": Fault.TIMEOUT_BEFORE,
    "error_not_acted": Fault.ERROR_BEFORE,
}
_numbers = count(1)

_CONFIRMER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from app.gateways.sandbox import open_gateway
path, account, ref, who, threads = sys.argv[1:]
sandbox = open_gateway({"production": False, "path": path, "public_url": "http://sandbox.test"})
gateway = sandbox.at(account, livemode=False)
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(int(threads)) as pool:
    confirm = lambda n: gateway.confirm_payment(ref, key=f"{who}.{n}", return_url=None).kind.value
    print(*pool.map(confirm, range(int(threads))))
sandbox.close()
"""


def open_sandbox(path: Path, clock: StoppedClock) -> Sandbox:
    return open_gateway({"production": False, "path": path, "public_url": "http://sandbox.test", "clock": clock})


class SandboxWorld:
    def __init__(self, path: Path) -> None:
        self.clock = StoppedClock(START)
        self.sandbox = open_sandbox(path, self.clock)
        self.opened: OpenGateway = self.sandbox
        self.gateway: Gateway = self.sandbox.at("acct_1", livemode=False)

    def customer(self) -> str:
        made = self.gateway.create_customer(reference=f"QM-{next(_numbers)}", key=f"customer{next(_numbers)}")
        assert made.value
        return made.value

    def card(self, story: str, customer: str) -> str:
        return CARDS[CARD_OF_STORY[story]].token

    def declined_card(self, reason: DeclineReason, customer: str) -> str | None:
        if reason is DeclineReason.AUTHENTICATION_FAILED:
            return None  # only the bank's page ends so
        found = (c for c in CARDS.values() if c.effect is Effect.DECLINED and c.decline and c.decline.reason is reason)
        return next(found).token

    def gone_card(self, customer: str) -> str:
        return "pm_sandbox_gone"

    def fail_create(self, story: str) -> None:
        self.sandbox.controls.fail_next("create_payment", FAULT_OF_STORY[story])

    def pass_time(self, by: timedelta) -> None:
        self.clock.move(by)

    def now(self) -> datetime:
        return self.clock.now()

    def expire_keys(self) -> None:
        self.sandbox.controls.expire_keys()

    def answer_bank(self, action_url: str, *, approve: bool) -> None:
        self.sandbox.pages.answer_check(action_url.rpartition("/")[2], approve=approve)

    def fill_card_page(self, url: str) -> None:
        self.sandbox.pages.add_card(url.rpartition("/")[2], CARDS["visa_ok"].number, 8, 2034)

    def captured(self, order: str) -> int:
        return self.sandbox.ledger.captured_total(order)

    def open_dispute(self, payment: str) -> str:
        return self.sandbox.controls.open_dispute(payment)

    def close_dispute(self, ref: str, *, won: bool) -> None:
        self.sandbox.controls.close_dispute(ref, won=won)

    def signed_notice(self, secret: str, at: datetime) -> tuple[dict[str, str], bytes]:
        customer = self.customer()
        request = CreatePayment(500, "USD", customer, CARDS["visa_ok"].token, Marks(f"notice{customer}"))
        payment = self.gateway.create_payment(request, key=f"notice{customer}").payment
        assert payment
        body = json.dumps(
            {
                "id": "evt_1",
                "kind": "payment.succeeded",
                "account": payment.account,
                "livemode": payment.livemode,
                "at": int(at.timestamp() * 1_000_000),
                "payment": payment.ref,
            }
        ).encode()
        return {HEADER: sign_notice(body, secret, at)}, body

    def sign(self, body: bytes, secret: str, at: datetime) -> dict[str, str]:
        return {HEADER: sign_notice(body, secret, at)}

    def another_account(self) -> Gateway:
        return self.sandbox.at("acct_2", livemode=False)

    def confirm_in_processes(self, ref: str, processes: int, threads: int) -> None:
        arguments = [str(self.sandbox.ledger.path), self.gateway.account, ref]
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
        assert kinds.count("definite") == 1

    def call_each_verb(self) -> dict[str, Callable[[], object]]:
        g = self.gateway
        request = CreatePayment(500, "USD", "cus_1", CARDS["visa_ok"].token, Marks("o", "o.1"))
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
