"""The handle for tests: start, kill, restart and steer the server, and read its ledger, alive or dead."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.stripe_server.journal import read_journal
from tests.stripe_server.ledger import ledger_of
from tests.stripe_server.server import StripeShaped
from tests.stripe_server.state import apply_line

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0


@dataclass(frozen=True)
class Ledger:
    """A judge's view. Amounts are Stripe's minor units."""

    told: dict[str, Any]

    def __getattr__(self, name: str) -> list[dict[str, Any]]:
        try:
            return self.told[name]
        except KeyError:
            raise AttributeError(name) from None

    def captured(self, *, order: str | None = None, customer: str | None = None, payment: str | None = None) -> int:
        """What was taken for all that fits."""
        return sum(self.amounts(order=order, customer=customer, payment=payment))

    def amounts(
        self, *, order: str | None = None, customer: str | None = None, payment: str | None = None
    ) -> list[int]:
        return [
            line["amount"]
            for line in self.told["captures"]
            if order in (None, line["metadata"].get("order"))
            and customer in (None, line["customer"])
            and payment in (None, line["payment"])
        ]

    def refunded(self, *, payment: str | None = None) -> int:
        return sum(line["refunded"] for line in self.told["payments"] if payment in (None, line["id"]))


def read_folder(folder: Path) -> Ledger:
    """The ledger from the journal alone: also after SIGKILL, also while a server runs."""
    tables: dict[str, dict[str, Any]] = {}
    requests: list[dict[str, Any]] = []
    answers: dict[int, dict[str, Any]] = {}
    for line in read_journal(folder):
        apply_line(tables, line)
        if line["kind"] == "request":
            requests.append(line["request"])
        elif line["kind"] == "answer":
            answers[line["n"]] = line["answer"]
    now = time.time() + tables.get("settings", {}).get("clock", {}).get("offset", 0.0)
    return Ledger(ledger_of(tables, [{**each, "answer": answers.get(each["n"])} for each in requests], now))


class StripeServer:
    """A process of its own (``threaded=True``: threads of this one). As a context it is started and stopped."""

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        threaded: bool = False,
        strict: bool = True,
        processing_seconds: float = 60.0,
        search_lag: float = 60.0,
    ) -> None:
        self.folder = folder
        self.port = port
        self.control_port = 0
        self._threaded = threaded
        self._how = {"strict": strict, "processing_seconds": processing_seconds, "search_lag": search_lag}
        self._inside: StripeShaped | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @staticmethod
    def key(account: str = "acct_quillmark", *, livemode: bool = False) -> str:
        """A secret key of this account in this mode."""
        return f"sk_{'live' if livemode else 'test'}_{account.removeprefix('acct_')}_secret"

    # Life

    def start(self) -> None:
        """Returns when it answers. After ``kill`` it goes on from its folder, on the same port."""
        if self._threaded:
            self._inside = StripeShaped(self.folder, self.port, **self._how)  # type: ignore[arg-type]
            self._inside.start()
            self.port, self.control_port = self._inside.port, self._inside.control_port
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = self.folder / "ports.json"
        ports.unlink(missing_ok=True)
        how = [] if self._how["strict"] else ["--lenient"]
        how += [
            "--processing-seconds",
            str(self._how["processing_seconds"]),
            "--search-lag",
            str(self._how["search_lag"]),
        ]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.stripe_server", "--port", str(self.port), "--folder", str(self.folder), *how],
                cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while not ports.exists():
            assert self._process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < until, "the Stripe-shaped server does not start"
            time.sleep(0.02)
        told = json.loads(ports.read_text())
        self.port, self.control_port = told["port"], told["control_port"]

    def stop(self) -> None:
        if self._inside is not None:
            self._inside.stop()
            self._inside = None
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it does."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._process = None

    # Control

    def control(self, method: str, path: str, **given: Any) -> Any:
        """Any control call; an AssertionError tells what it complained about."""
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=60)
        try:
            connection.request(
                method, f"/_control/{path}", json.dumps(given) if given else None, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            told = json.loads(answer.read())
        finally:
            connection.close()
        assert answer.status == 200, told
        return told

    def ledger(self) -> Ledger:
        return Ledger(self.control("GET", "ledger"))

    def requests(self, verb: str | None = None) -> list[dict[str, Any]]:
        return [each for each in self.control("GET", "requests") if verb in (None, each["verb"])]

    def fault(self, verb: str, fault: str, **more: Any) -> None:
        """``times after order payment_method account seconds`` narrow it down; see README.md for the kinds."""
        self.control("POST", "faults", verb=verb, fault=fault, **more)

    def no_faults(self) -> None:
        self.control("DELETE", "faults")

    def expire_keys(self) -> None:
        self.control("POST", "keys/expire")

    def webhooks(self, url: str, secret: str, mode: str = "normal", **more: Any) -> None:
        self.control("POST", "webhooks", url=url, secret=secret, mode=mode, **more)

    def deliver(self) -> list[dict[str, Any]]:
        return self.control("POST", "webhooks/deliver")

    def move_clock(self, seconds: float) -> None:
        self.control("POST", "clock", move=seconds)

    def set_clock(self, offset: float) -> None:
        """So many seconds ahead of the machine's time."""
        self.control("POST", "clock", offset=offset)

    def now(self) -> float:
        return float(self.control("GET", "clock")["now"])

    def answer(self, payment: str, *, approve: bool) -> dict[str, Any]:
        return self.control("POST", f"answer/{payment}", approve=approve)

    def fill(
        self, session: str, number: str = "4242424242424242", exp_month: int = 8, exp_year: int = 2034
    ) -> dict[str, Any]:
        return self.control("POST", f"fill/{session}", number=number, exp_month=exp_month, exp_year=exp_year)

    def add_customer(self, account: str = "acct_quillmark", *, livemode: bool = False, **given: Any) -> str:
        return str(self.control("POST", "customers", account=account, livemode=livemode, **given)["id"])

    def add_card(self, customer: str, behaviour: str = "approved", **given: Any) -> str:
        """A stored card; for ``declined`` name the ``decline_code``."""
        return str(self.control("POST", "cards", customer=customer, behaviour=behaviour, **given)["id"])

    def detach(self, card: str, account: str = "acct_quillmark") -> None:
        """As the merchant or another program of theirs does it, through Stripe's own interface."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            bearer = {"Authorization": f"Bearer {self.key(account)}"}
            connection.request("POST", f"/v1/payment_methods/{card}/detach", headers=bearer)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, told

    def dispute(self, payment: str) -> str:
        return str(self.control("POST", "disputes", payment=payment)["id"])

    def decide(self, dispute: str, *, won: bool) -> None:
        self.control("POST", f"disputes/{dispute}", won=won)

    def refund_by_hand(self, payment: str, amount: int) -> str:
        return str(self.control("POST", "refunds", payment=payment, amount=amount)["id"])

    def revoke_key(self, key: str) -> None:
        self.control("POST", "api_keys", revoke=key)

    def shut_door(self, seconds: float = 0.0) -> None:
        """Connections are refused until ``open_door`` or for so many seconds."""
        self.control("POST", "door", open=False, seconds=seconds)

    def open_door(self) -> None:
        self.control("POST", "door", open=True)
