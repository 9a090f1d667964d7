"""Webhooks out: signed as Stripe signs them, early, twice or shuffled on command, tried again until they are taken."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from tests.stripe_server.call import show
from tests.stripe_server.state import Row, State

MODES = frozenset({"none", "normal", "early", "twice", "shuffled"})
BACK_OFF = (1.0, 5.0, 30.0, 300.0, 3600.0, 4 * 3600.0, 8 * 3600.0, 12 * 3600.0, 24 * 3600.0)
SHUFFLED_AT_LEAST, SHUFFLED_WITHIN = 4, 0.5
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def sign(secret: str, body: bytes, at: int) -> str:
    """``Stripe-Signature`` for these raw bytes."""
    mark = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mark}"


class Couriers:
    """A thread that delivers what is due by the server's clock. ``now()`` delivers at once and tells how each ended."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.wake = threading.Event()
        self.stopping = False
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="couriers", daemon=True)

    def start(self) -> None:
        self.state.after.append(self.wake.set)
        self._thread.start()

    def stop(self) -> None:
        self.stopping = True
        self.wake.set()
        self._thread.join(10)

    def listen(self, endpoint: Row) -> Row:
        if endpoint["mode"] not in MODES:
            raise ValueError(f"no mode {endpoint['mode']!r}; there are {', '.join(sorted(MODES))}")
        if urlsplit(endpoint["url"]).scheme not in ("http", "https"):
            raise ValueError("the address begins with http:// or https://")
        number = len(self.state.table("endpoints")) + 1
        return self.state.put("endpoints", {"id": f"we_{number}", "account": None, "livemode": None, **endpoint})

    def early(self) -> None:
        """Before the answer leaves: everything of endpoints that are told early."""
        endpoints = self.state.table("endpoints")
        if any(row["mode"] == "early" for row in endpoints.values()):
            self.now(lambda endpoint: endpoint["mode"] == "early")

    def now(self, wanted: object = None, *, due_only: bool = False) -> list[Row]:
        with self._one_at_a_time:
            with self.state.lock:
                waiting = [row for row in self.state.table("deliveries").values() if not row["ends"]]
                if callable(wanted):
                    waiting = [row for row in waiting if wanted(self._endpoint(row))]
                if due_only:
                    waiting = self._due(waiting)
            order = [row for row in waiting if self._endpoint(row).get("mode") != "shuffled"]
            shuffled = [row for row in waiting if self._endpoint(row).get("mode") == "shuffled"]
            random.shuffle(shuffled)
            return [self._deliver(row) for row in order + shuffled]

    def _endpoint(self, row: Row) -> Row:
        return self.state.get("endpoints", row["endpoint"]) or {}

    def _due(self, waiting: list[Row]) -> list[Row]:
        now = self.state.now()
        due = [row for row in waiting if row["due"] <= now]
        held = [row for row in due if self._endpoint(row).get("mode") == "shuffled" and row["tries"] == 0]
        if len(held) < SHUFFLED_AT_LEAST and all(row["due"] > now - SHUFFLED_WITHIN for row in held):
            due = [row for row in due if row not in held]
        return due

    def _deliver(self, row: Row) -> Row:
        endpoint, event = self._endpoint(row), self.state.get("events", row["event"])
        if not endpoint or event is None:
            status, ends = 0, "dropped"
        else:
            status = self._post(endpoint, event)
            ends = "taken" if 200 <= status < 300 else "given up" if row["tries"] >= len(BACK_OFF) else ""
        with self.state.acting():
            tries = row["tries"] + 1
            later = {
                **row,
                "tries": tries,
                "status": status,
                "ends": ends,
                "due": self.state.now() + BACK_OFF[min(tries, len(BACK_OFF)) - 1],
            }
            if not ends:
                return self.state.put("deliveries", later)
            self.state.drop("deliveries", row["id"])
            return self.state.put("delivered", later)

    def _post(self, endpoint: Row, event: Row) -> int:
        body = json.dumps(show(event), indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": sign(endpoint["secret"], body, int(self.state.now())),
        }  # fmt: skip
        try:
            with _DIRECT.open(urllib.request.Request(endpoint["url"], body, headers), timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, ValueError):
            return 0

    def _run(self) -> None:
        while not self.stopping:
            self.wake.wait(self._pause())
            self.wake.clear()
            if not self.stopping:
                self.now(due_only=True)

    def _pause(self) -> float:
        """Until the next delivery is due; for long when nothing waits."""
        with self.state.lock:
            waiting = [row for row in self.state.table("deliveries").values() if not row["ends"]]
            now = self.state.now()
            dues = [
                max(
                    row["due"] - now,
                    SHUFFLED_WITHIN if self._endpoint(row).get("mode") == "shuffled" and not row["tries"] else 0.0,
                )
                for row in waiting
            ]
        return min([30.0, *dues])
