"""The gateway under test, seen from outside: its ledger and request log for the judge, its faults for the driver.

One small interface, so that the sandbox (in the server's processes, ledger in a file) and a Stripe-shaped server (a process
behind sockets) are judged by the same code.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from app.gateways.sandbox import Fault, Sandbox, open_gateway
from tests.faults.board import SharedClock
from tests.faults.couriers import SandboxCourier, wait_for_couriers

ACCOUNT = "quillmark-test"
HAND = "hand:"
"""How keys begin under which the driver itself calls the gateway."""


@dataclass(frozen=True, slots=True)
class Object:
    """One payment in the gateway's ledger."""

    ref: str
    status: str
    order: str
    attempt: str
    amount: int
    currency: str
    customer: str
    payment_method: str
    account: str
    captured: int
    refunded: int


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund in the gateway's ledger. ``counts``: it did not fail."""

    ref: str
    payment: str
    amount: int
    mark: str
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Contested:
    """One dispute in the gateway's ledger: ``open``, ``won`` or ``lost``."""

    ref: str
    payment: str
    amount: int
    status: str


@dataclass(frozen=True, slots=True)
class Request:
    """One changing call as it arrived. ``params`` is equal for equal parameters."""

    verb: str
    key: str
    params: str
    order: str
    attempt: str
    amount: int | None


class Bank(Protocol):
    """One gateway for a whole run."""

    name: str

    def settings(self) -> dict[str, Any]: ...

    def freeze(self) -> None:
        """What is there now is the beginning of every iteration."""
        ...

    def reset(self) -> None: ...

    def sync(self) -> None:
        """The iteration's clock was moved."""
        ...

    def close(self) -> None: ...

    def customer(self, behaviours: list[str]) -> tuple[str, list[str | None]]:
        """A new customer with these cards: the gateway's names for both; empty and None where any name will do."""
        ...

    def in_server(self) -> None:
        """Runs in each process of the application after its fork."""
        ...

    def let_go(self) -> None:
        """Close what this process has open, before a fork."""
        ...

    def fail_next(self, verb: str, fault: str, times: int) -> None: ...

    def heal(self) -> None:
        """No scripted fault is left."""
        ...

    def expire_keys(self) -> None: ...

    def answer(self, ref: str, *, approve: bool) -> None:
        """The shopper at the bank's page."""
        ...

    def ledger(self) -> tuple[list[Object], list[Request]]:
        """Everything there is, and every changing call that arrived."""
        ...

    def aftermath(self) -> tuple[list[GivenBack], list[Contested]]:
        """Every refund and every dispute."""
        ...

    def late_calls(self) -> int:
        """Calls that will still act."""
        ...

    def refund_by_hand(self, ref: str, amount: int) -> None:
        """Somebody gives money back in the gateway's own console."""
        ...

    def open_dispute(self, ref: str) -> None: ...

    def close_disputes(self, *, won: bool) -> None:
        """The bank decides whatever is open."""
        ...

    def begin_notices(self, mode: str, url: str) -> None:
        """From now on what happens is told to that address: normal, early, twice, shuffled."""
        ...

    def notices_told(self, seconds: float) -> int:
        """Waits until everything was taken at the door, at most so long; how many were taken so far."""
        ...

    def end_notices(self) -> None: ...


class SandboxBank:
    """The sandbox's own ledger, a file that the application's code writes only through the gateway's side."""

    name = "sandbox"

    def __init__(self, path: Path, clock: SharedClock, public_url: str) -> None:
        self.path, self._clock, self._public_url = path, clock, public_url
        self._frozen = path.with_suffix(".frozen")
        self._open: Sandbox | None = None
        self._courier: SandboxCourier | None = None

    def settings(self) -> dict[str, Any]:
        return {
            "gateway": "sandbox", "sandbox_path": str(self.path), "sandbox_timeout_seconds": 1.0,
            "sandbox_late_seconds": 5.0, "sandbox_processing_seconds": 5.0, "sandbox_slow_seconds": 1.5,
        }  # fmt: skip

    @property
    def sandbox(self) -> Sandbox:
        if self._open is None:
            given = {"production": False, "path": self.path, "public_url": self._public_url, "clock": self._clock}
            self._open = open_gateway(given)
        return self._open

    def freeze(self) -> None:
        with self.sandbox.ledger.read() as c:
            c.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.let_go()
        shutil.copyfile(self.path, self._frozen)

    def reset(self) -> None:
        self.let_go()
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self._frozen, self.path)

    def sync(self) -> None:
        """It reads the shared clock itself."""

    def close(self) -> None:
        self.end_notices()
        self.let_go()

    def customer(self, behaviours: list[str]) -> tuple[str, list[str | None]]:
        return "", [None] * len(behaviours)

    def in_server(self) -> None:
        wait_for_couriers(self._clock.board, self.path)()

    def let_go(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def fail_next(self, verb: str, fault: str, times: int) -> None:
        self.sandbox.controls.fail_next(verb, Fault(fault), times=times)

    def heal(self) -> None:
        with self.sandbox.ledger.write() as c:
            c.execute("DELETE FROM faults")

    def expire_keys(self) -> None:
        self.sandbox.controls.expire_keys()

    def answer(self, ref: str, *, approve: bool) -> None:
        with self.sandbox.ledger.read() as c:
            row = c.execute("SELECT challenge FROM payments WHERE id = ?", (ref,)).fetchone()
        if row is not None and row["challenge"]:
            self.sandbox.pages.answer_check(row["challenge"], approve=approve)

    def ledger(self) -> tuple[list[Object], list[Request]]:
        payments, requests = self._read(
            "SELECT p.*, (SELECT coalesce(sum(amount), 0) FROM captures WHERE payment = p.id) AS captured, "
            "(SELECT coalesce(sum(amount), 0) FROM refunds WHERE payment = p.id) AS refunded FROM payments p ORDER BY seq",
            "SELECT r.*, p.amount FROM requests r LEFT JOIN payments p ON p.id = r.subject ORDER BY r.seq",
        )
        objects = [
            Object(
                row["id"], row["status"], row["order_mark"], row["attempt"], row["amount"], row["currency"],
                row["customer"], row["payment_method"], row["account"], row["captured"], row["refunded"],
            )
            for row in payments
        ]  # fmt: skip
        arrived = [
            Request(
                row["verb"], row["key"], row["params_hash"], row["order_mark"], row["attempt"],
                json.loads(row["params"]).get("amount") if row["verb"] == "create_payment" else row["amount"],
            )
            for row in requests
            if not row["key"].startswith(HAND)
        ]  # fmt: skip
        return objects, arrived

    def aftermath(self) -> tuple[list[GivenBack], list[Contested]]:
        refunds, disputes = self._read("SELECT * FROM refunds ORDER BY seq", "SELECT * FROM disputes ORDER BY seq")
        back = [GivenBack(row["id"], row["payment"], row["amount"], row["mark"]) for row in refunds]
        return back, [Contested(row["id"], row["payment"], row["amount"], row["status"]) for row in disputes]

    def refund_by_hand(self, ref: str, amount: int) -> None:
        account = self.sandbox.at(ACCOUNT, livemode=False)
        account.refund(ref, amount=amount, mark="", key=f"{HAND}{secrets.token_hex(6)}")

    def open_dispute(self, ref: str) -> None:
        self.sandbox.controls.open_dispute(ref)

    def close_disputes(self, *, won: bool) -> None:
        for each in self.aftermath()[1]:
            if each.status == "open":
                self.sandbox.controls.close_dispute(each.ref, won=won)

    def begin_notices(self, mode: str, url: str) -> None:
        with self.sandbox.ledger.write() as c:
            assert c.execute("SELECT count(*) FROM events").fetchone()[0] == 0
        secret = self.sandbox.ledger.secret("notice").hex()
        self.let_go()
        self._courier = SandboxCourier(self._clock, self.path, secret, url, mode)

    def notices_told(self, seconds: float) -> int:
        return self._courier.told(seconds) if self._courier else 0

    def end_notices(self) -> None:
        if self._courier is not None:
            self._courier.close()
            self._courier = None

    def late_calls(self) -> int:
        ((row,),) = self._read("SELECT count(*) AS n FROM late")
        return int(row["n"])

    def _read(self, *statements: str) -> list[list[sqlite3.Row]]:
        """Past the gateway's own code, too."""
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)
        try:
            connection.row_factory = sqlite3.Row
            return [connection.execute(statement).fetchall() for statement in statements]
        finally:
            connection.close()
