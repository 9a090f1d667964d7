"""The gateway under test, seen from outside: its ledger and request log for the judge, its faults for the driver.

One small interface, so that the sandbox (in the server's processes, ledger in a file) and a Stripe-shaped server (a process
behind sockets) are judged by the same code.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from app.gateways.sandbox import Fault, Sandbox, open_gateway
from tests.faults.board import SharedClock

ACCOUNT = "quillmark-test"


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

    def late_calls(self) -> int:
        """Calls that will still act."""
        ...


class SandboxBank:
    """The sandbox's own ledger, a file that the application's code writes only through the gateway's side."""

    name = "sandbox"

    def __init__(self, path: Path, clock: SharedClock, public_url: str) -> None:
        self.path, self._clock, self._public_url = path, clock, public_url
        self._frozen = path.with_suffix(".frozen")
        self._open: Sandbox | None = None

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
        self.let_go()

    def customer(self, behaviours: list[str]) -> tuple[str, list[str | None]]:
        return "", [None] * len(behaviours)

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
        ]  # fmt: skip
        return objects, arrived

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
