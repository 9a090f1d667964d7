"""The sandbox's notices over sockets: a process that reads its log of events, signs each, and posts it to the door.

normal     in order, as they happen              early      before the gateway's answer leaves
twice      two posts of the same at once         shuffled   kept back until there are several, then in any order
Whatever is not answered with 200 is posted again, signed anew.
"""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.gateways.sandbox.host import Host
from app.gateways.sandbox.notices import HEADER, sign_notice
from tests.faults.board import Board, SharedClock
from tests.faults.processes import end, fork

SEVERAL, KEPT_BACK = 3, 0.12
PATIENCE = 1.0
LOOK_EVERY = 0.004
AGAIN_AT_MOST = 0.8
EARLY_WAIT = 0.25
NAMES = ("id", "kind", "account", "livemode", "at", "payment")


class SandboxCourier:
    """One process for one iteration. Everything that it does stands on the board."""

    def __init__(self, clock: SharedClock, path: Path, secret: str, url: str, mode: str) -> None:
        self._board, self._path = clock.board, path
        self._board.tried = self._board.taken = 0
        self._board.tells_early = mode == "early"
        run = _Round(clock, path, secret, url, mode)
        self._pid = fork(run.for_ever, path.with_suffix(".couriers.log"))

    def told(self, seconds: float) -> int:
        until = time.monotonic() + seconds
        while self._board.taken < _count(self._path) and time.monotonic() < until:
            time.sleep(LOOK_EVERY)
        return self._board.taken

    def close(self) -> None:
        end(self._pid)
        self._board.tells_early = False


class _Round:
    def __init__(self, clock: SharedClock, path: Path, secret: str, url: str, mode: str) -> None:
        self._clock, self._path, self._secret, self._mode = clock, path, secret, mode
        parts = urlsplit(url)
        self._host, self._where = parts.netloc, parts.path
        self._waiting: dict[int, tuple[bytes, float, int]] = {}
        self._tried: set[int] = set()
        self._kept_since = 0.0

    def for_ever(self) -> None:
        last = 0
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=20)) as ledger:
            ledger.row_factory = sqlite3.Row
            while True:
                for row in ledger.execute("SELECT * FROM events WHERE seq > ? ORDER BY seq", (last,)).fetchall():
                    told: dict[str, Any] = {name: row[name] for name in NAMES}
                    body = json.dumps({**told, "livemode": bool(row["livemode"]), "customer": None}).encode()
                    self._waiting[row["seq"]] = (body, 0.0, 0)
                    last = row["seq"]
                self._post_due()
                time.sleep(LOOK_EVERY)

    def _post_due(self) -> None:
        now = time.monotonic()
        due = [seq for seq, (_, at, _) in self._waiting.items() if at <= now]
        if self._mode == "shuffled" and due:
            self._kept_since = self._kept_since or now
            if len(due) < SEVERAL and now < self._kept_since + KEPT_BACK:
                return
            self._kept_since = 0.0
            random.shuffle(due)
        for seq in due:
            body, _, tries = self._waiting[seq]
            taken = self._twice(body) if self._mode == "twice" else self._post(body)
            if seq not in self._tried:
                self._tried.add(seq)
                self._clock.board.tried += 1
            if taken:
                del self._waiting[seq]
                self._clock.board.taken += 1
            else:
                again = min(AGAIN_AT_MOST, 0.05 * 2**tries)
                self._waiting[seq] = (body, time.monotonic() + again, tries + 1)

    def _twice(self, body: bytes) -> bool:
        answers: list[bool] = []
        both = [threading.Thread(target=lambda: answers.append(self._post(body))) for _ in range(2)]
        for each in both:
            each.start()
        for each in both:
            each.join()
        return all(answers)

    def _post(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        headers = {HEADER: sign_notice(body, self._secret, self._clock.now()), "Content-Type": "application/json"}
        try:
            connection.request("POST", self._where, body, headers)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _count(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as ledger:
        return int(ledger.execute("SELECT count(*) FROM events").fetchone()[0])


def wait_for_couriers(board: Board, path: Path) -> Callable[[], None]:
    """For the sandbox inside the server's processes: in the mode ``early`` no answer leaves before its notice did."""
    honest = Host.change

    def change(self: Host, call: Any) -> Any:
        try:
            return honest(self, call)
        finally:
            until = time.monotonic() + EARLY_WAIT
            with suppress(sqlite3.Error):
                while board.tells_early and board.tried < _count(path) and time.monotonic() < until:
                    time.sleep(LOOK_EVERY)

    def install() -> None:
        Host.change = change  # type: ignore[method-assign]

    return install
