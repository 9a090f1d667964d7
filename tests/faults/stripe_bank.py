"""Stripe's protocol as the gateway under test: a server of its own, forked for each iteration, behind our proxy."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import app.gateways.stripe.settings as stripe_settings
from tests.faults.banks import ACCOUNT, HAND, Contested, GivenBack, Object, Request
from tests.faults.board import SharedClock
from tests.faults.processes import end, fork
from tests.stripe_server.client import StripeServer, read_folder
from tests.stripe_server.journal import read_journal
from tests.stripe_server.server import StripeShaped
from tests.stripe_server.state import apply_line

TIMEOUT = 0.8
"""Real seconds after which the adapter gives a call up; ten in earnest."""
PROCESSING = 5.0
SECRET = "whsec_faults0"
CARDS: dict[str, dict[str, str]] = {
    "visa_ok": {"behaviour": "approved"},
    "mastercard_ok": {"behaviour": "approved"},
    "visa_insufficient_funds": {"behaviour": "declined", "decline_code": "insufficient_funds"},
    "visa_3ds": {"behaviour": "challenge"},
    "visa_processing": {"behaviour": "processing"},
    "visa_processing_declined": {"behaviour": "processing_declined", "decline_code": "generic_decline"},
}
FAULTS = {"refused": "drop_before", "timeout_before": "drop_before", "timeout_after": "drop_after"}
"""By the names of the sandbox; the others are called alike."""
CHANGING = frozenset(
    {"create_payment", "confirm_payment", "cancel_payment", "refund", "create_customer", "begin_card_setup"}
)


class StripeBank:
    """The Stripe-shaped server. Its clock is set to that of the iteration whenever ``sync`` is called."""

    name = "stripe"

    def __init__(self, folder: Path, clock: SharedClock, port: int, api_port: int) -> None:
        self._folder, self._clock, self._port = folder, clock, port
        self._numbers = count(1)
        self._pid = 0
        self._handle: StripeServer | None = None
        self._told = False
        stripe_settings.SHORTEST = 0.1
        key = StripeServer.key()
        os.environ["LIFTLINK_STRIPE_TEST_SECRET_KEY"] = key
        os.environ["LIFTLINK_STRIPE_TEST_WEBHOOK_SECRETS"] = SECRET
        os.environ["LIFTLINK_STRIPE_API_BASE"] = f"http://127.0.0.1:{api_port}"
        os.environ["LIFTLINK_STRIPE_TIMEOUT_SECONDS"] = str(TIMEOUT)

    def settings(self) -> dict[str, Any]:
        return {"gateway": "stripe"}

    @property
    def handle(self) -> StripeServer:
        assert self._handle is not None
        return self._handle

    def freeze(self) -> None:
        self.close()

    def reset(self) -> None:
        """A new server on a new folder, on the same port."""
        self.close()
        folder = self._folder / f"stripe-{next(self._numbers)}"
        folder.mkdir(parents=True)

        def work() -> None:
            # The description of the API is for the adapter's own tests; here it would only cost time.
            server = StripeShaped(folder, self._port, strict=False, processing_seconds=PROCESSING)
            server.start()
            while True:
                time.sleep(3600)

        self._pid = fork(work, self._folder / "stripe.log")
        self._handle = StripeServer(folder, self._port)
        until = time.monotonic() + 15
        while not (folder / "ports.json").exists():
            if time.monotonic() > until:
                raise RuntimeError((self._folder / "stripe.log").read_text()[-3000:])
            time.sleep(0.004)
        self._handle.control_port = json.loads((folder / "ports.json").read_text())["control_port"]
        self.sync()

    def close(self) -> None:
        if self._pid:
            end(self._pid)
            self._pid = 0
        if self._handle is not None:
            shutil.rmtree(self._handle.folder, ignore_errors=True)
            self._handle = None

    def in_server(self) -> None:
        """Its server is a process of its own."""

    def let_go(self) -> None:
        """Every control call has a connection of its own."""

    def sync(self) -> None:
        self.handle.set_clock((self._clock.now() - datetime.now(UTC)) / timedelta(seconds=1))

    def customer(self, behaviours: list[str]) -> tuple[str, list[str | None]]:
        customer = self.handle.add_customer()
        return customer, [self.handle.add_card(customer, **CARDS[each]) for each in behaviours]

    def fail_next(self, verb: str, fault: str, times: int) -> None:
        self.handle.fault(verb, FAULTS.get(fault, fault), times=times)

    def heal(self) -> None:
        self.handle.no_faults()
        self.handle.open_door()

    def expire_keys(self) -> None:
        self.handle.expire_keys()

    def answer(self, ref: str, *, approve: bool) -> None:
        self.sync()
        self.handle.answer(ref, approve=approve)

    def ledger(self) -> tuple[list[Object], list[Request]]:
        told = read_folder(self.handle.folder).told
        objects = [
            Object(
                row["id"], row["status"], row["metadata"].get("order", ""), row["metadata"].get("attempt", ""),
                row["amount"], row["currency"].upper(), row["customer"], row["payment_method"], ACCOUNT,
                row["captured"], row["refunded"],
            )
            for row in told["payments"]
        ]  # fmt: skip
        by_ref = {each.ref: each for each in objects}
        ours = [row for row in told["requests"] if not (row.get("key") or "").startswith(HAND)]
        return objects, [_request(row, by_ref) for row in ours if row["verb"] in CHANGING]

    def aftermath(self) -> tuple[list[GivenBack], list[Contested]]:
        told = read_folder(self.handle.folder).told
        refunds = [
            GivenBack(
                row["id"], row["payment"], row["amount"], (row.get("metadata") or {}).get("refund", ""),
                row["status"] not in ("failed", "canceled"),
            )
            for row in told["refunds"]
        ]  # fmt: skip
        disputes = [
            Contested(
                row["id"], row["payment"], row["amount"], row["status"] if row["status"] in ("won", "lost") else "open"
            )
            for row in told["disputes"]
        ]
        return refunds, disputes

    def refund_by_hand(self, ref: str, amount: int) -> None:
        self.sync()
        self.handle.refund_by_hand(ref, amount)

    def open_dispute(self, ref: str) -> None:
        self.sync()
        self.handle.dispute(ref)

    def close_disputes(self, *, won: bool) -> None:
        self.sync()
        for each in self.aftermath()[1]:
            if each.status == "open":
                self.handle.decide(each.ref, won=won)

    def begin_notices(self, mode: str, url: str) -> None:
        self.handle.webhooks(url, SECRET, mode)
        self._told = True

    def notices_told(self, seconds: float) -> int:
        if not self._told:
            return 0
        until = time.monotonic() + seconds
        while True:
            self.handle.deliver()
            rows = self.handle.control("GET", "deliveries")
            if all(row["ends"] for row in rows) or time.monotonic() > until:
                return sum(row["ends"] == "taken" for row in rows)
            time.sleep(0.02)

    def end_notices(self) -> None:
        self._told = False

    def late_calls(self) -> int:
        tables: dict[str, dict[str, Any]] = {}
        for line in read_journal(self.handle.folder):
            apply_line(tables, line)
        return len(tables.get("late", {}))


def _request(row: dict[str, Any], objects: dict[str, Object]) -> Request:
    params = row.get("params") or {}
    marks = params.get("metadata") or {}
    named = [*row["path"].split("/"), str(params.get("payment_intent"))]
    about = next((objects[part] for part in named if part in objects), None)
    amount = params.get("amount")
    return Request(
        row["verb"], row.get("key") or "", json.dumps([row["path"], params], sort_keys=True),
        marks.get("order") or (about.order if about else ""), marks.get("attempt") or (about.attempt if about else ""),
        int(amount) if amount and row["verb"] == "create_payment" else (about.amount if about else None),
    )  # fmt: skip
