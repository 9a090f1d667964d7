"""What the server knows: every object as Stripe shows it (names that begin with ``_`` stay inside), one lock, one journal."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.stripe_server.journal import Journal, read_journal

Row = dict[str, Any]
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(prefix: str, length: int = 24) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def apply_line(tables: dict[str, dict[str, Row]], line: Row) -> None:
    """One journal line's objects: a later picture of an object replaces an earlier one, None removes it."""
    for table, ref, row in line.get("objects", ()):
        if row is None:
            tables.setdefault(table, {}).pop(ref, None)
        else:
            tables.setdefault(table, {})[ref] = row


WAITS = ("intents", "refunds", "sessions")


def _waits(table: str, row: Row) -> bool:
    return row["status"] == "open" if table == "sessions" else row.get("_resolves_at") is not None


class State:
    """Use only with ``acting()``, which takes the lock and writes what changed as one line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        self.tables: dict[str, dict[str, Row]] = {}
        self.requests: list[Row] = []
        self.answers: dict[int, Row] = {}
        for line in read_journal(folder):
            self._learn(line)
        self.journal = Journal(folder)
        self.waiting: set[tuple[str, str]] = {
            (table, ref) for table in WAITS for ref, row in self.table(table).items() if _waits(table, row)
        }
        """What time will change by itself, so that nobody looks through everything at each request."""
        self._changed: dict[tuple[str, str], None] = {}
        self._lines: list[Row] = []
        self._depth = 0
        self.after: list[Callable[[], None]] = []
        """Called without the lock after an act that changed something: the doorbell of the couriers."""

    def _learn(self, line: Row) -> None:
        apply_line(self.tables, line)
        if line["kind"] == "request":
            self.requests.append(line["request"])
        elif line["kind"] == "answer":
            self.answers[line["n"]] = line["answer"]

    # Time

    @property
    def offset(self) -> float:
        return float(self.tables.get("settings", {}).get("clock", {}).get("offset", 0.0))

    def now(self) -> float:
        """The server's own time in seconds; control moves it."""
        return time.time() + self.offset

    # Objects

    def table(self, name: str) -> dict[str, Row]:
        return self.tables.setdefault(name, {})

    def get(self, table: str, ref: str) -> Row | None:
        return self.tables.get(table, {}).get(ref)

    def put(self, table: str, row: Row, ref: str = "") -> Row:
        """Keeps the row and remembers to write it."""
        ref = ref or row["id"]
        self.table(table)[ref] = row
        self._changed[(table, ref)] = None
        if table in WAITS:
            (self.waiting.add if _waits(table, row) else self.waiting.discard)((table, ref))
        return row

    def drop(self, table: str, ref: str) -> None:
        if self.table(table).pop(ref, None) is not None:
            self._changed[(table, ref)] = None

    @contextmanager
    def acting(self, line: Row | None = None) -> Iterator[None]:
        """The lock for one whole act; at its end ``line`` and every object that changed go to the journal in one write."""
        with self.lock:
            self._depth += 1
            changed: dict[tuple[str, str], None] = {}
            try:
                yield
            finally:
                self._depth -= 1
                if line is not None:
                    self._lines.append(line)
                if self._depth == 0:
                    changed, self._changed = self._changed, {}
                    lines, self._lines = self._lines, []
                    self._write(lines, changed)
        if changed:
            for ring in self.after:
                ring()

    def _write(self, lines: list[Row], changed: dict[tuple[str, str], None]) -> None:
        if not lines and not changed:
            return
        last = lines.pop() if lines else {"kind": "change"}
        objects = [(table, ref, self.get(table, ref)) for table, ref in changed]
        self.journal.append(*lines, {**last, "objects": objects})

    # The request log

    def arrived(self, request: Row) -> int:
        with self.lock:
            n = len(self.requests) + 1
            request = {"n": n, "at": self.now(), "real": time.time(), **request}
            self.requests.append(request)
            self.journal.append({"kind": "request", "request": request})
            return n

    def answered(self, n: int, **answer: Any) -> Row:
        """The line that says how request ``n`` ended."""
        answer["at"] = self.now()
        self.answers[n] = answer
        return {"kind": "answer", "n": n, "answer": answer}

    def request_log(self) -> list[Row]:
        with self.lock:
            return [{**request, "answer": self.answers.get(request["n"])} for request in self.requests]

    def close(self) -> None:
        self.journal.close()
