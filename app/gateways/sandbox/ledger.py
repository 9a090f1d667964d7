"""The sandbox's own book of what really happened, in an SQLite file of its own; the judge of every test reads it.

Safe for many processes and threads: write-ahead log, one immediate transaction per call, a patient busy time-out.
``synchronous=NORMAL``: what a power cut may cost here is play money.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.gateways.port import GatewayError
from app.gateways.sandbox.schema import SCHEMA, VERSION
from app.kit.ids import Randomness

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PATIENCE_SECONDS = 20.0

Row = sqlite3.Row
Connection = sqlite3.Connection


def micros(at: datetime) -> int:
    """Microseconds since the epoch."""
    return (at - _EPOCH) // _MICROSECOND


def instant(at: int) -> datetime:
    return _EPOCH + at * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Capture:
    """Money really taken, in minor units."""

    id: str
    payment: str
    amount: int
    currency: str
    order: str
    attempt: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One changing call as it arrived, whatever came of it. Reading calls are not logged."""

    seq: int
    arrived_at: datetime
    account: str
    livemode: bool
    verb: str
    key: str
    params_hash: str
    params: str
    order: str
    attempt: str


class Ledger:
    """The file at ``path``, made on first use. Connections are pooled per process; ``close`` gives them back."""

    def __init__(self, path: Path, randomness: Randomness) -> None:
        self.path = path
        self._pool: deque[Connection] = deque()
        self._pid = os.getpid()
        self._of_parent: deque[Connection] = deque()  # kept, so that the child never closes what the parent uses
        path.parent.mkdir(parents=True, exist_ok=True)
        self._prepare(randomness)

    @contextmanager
    def read(self) -> Generator[Connection]:
        """One connection without a transaction."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    @contextmanager
    def write(self) -> Generator[Connection]:
        """One immediate transaction: committed at the end, rolled back on any error."""
        with self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def close(self) -> None:
        while self._pool:
            self._pool.pop().close()

    def secret(self, name: str) -> bytes:
        with self.read() as c:
            return c.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()["value"]

    def captures(self, order: str | None = None) -> list[Capture]:
        """Everything taken, oldest first; of one order or of all."""
        rows = self._of_order("SELECT * FROM captures", order)
        return [
            Capture(r["id"], r["payment"], r["amount"], r["currency"], r["order_mark"], r["attempt"], instant(r["at"]))
            for r in rows
        ]

    def captured_total(self, order: str | None = None) -> int:
        """Minor units taken for the order; refunds are not subtracted."""
        return sum(capture.amount for capture in self.captures(order))

    def requests(self, order: str | None = None) -> list[LoggedRequest]:
        """Every changing call that arrived, in order of arrival."""
        return [
            LoggedRequest(
                r["seq"], instant(r["arrived_at"]), r["account"], bool(r["livemode"]), r["verb"], r["key"],
                r["params_hash"], r["params"], r["order_mark"], r["attempt"],
            )
            for r in self._of_order("SELECT * FROM requests", order)
        ]  # fmt: skip

    def statuses(self, order: str | None = None) -> dict[str, str]:
        """The stored status of each payment by its reference."""
        return {row["id"]: row["status"] for row in self._of_order("SELECT * FROM payments", order)}

    def _of_order(self, select: str, order: str | None) -> list[Row]:
        with self.read() as c:
            if order is None:
                return c.execute(f"{select} ORDER BY seq").fetchall()
            return c.execute(f"{select} WHERE order_mark = ? ORDER BY seq", (order,)).fetchall()

    def _take(self) -> Connection:
        if self._pid != os.getpid():  # an SQLite connection must not cross a fork
            self._of_parent, self._pool, self._pid = self._pool, deque(), os.getpid()
        try:
            return self._pool.pop()
        except IndexError:
            return self._connect()

    def _give_back(self, connection: Connection) -> None:
        if connection.in_transaction:
            connection.rollback()
        self._pool.append(connection)

    def _connect(self) -> Connection:
        connection = sqlite3.connect(
            self.path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _prepare(self, randomness: Randomness) -> None:
        with self.read() as c:
            _switch_to_wal(c)
        with self.write() as c:
            found = c.execute("PRAGMA user_version").fetchone()[0]
            if found == VERSION:
                return
            if found:
                raise GatewayError(
                    "gateway_misconfigured", f"{self.path} is a ledger of version {found}, not {VERSION}"
                )
            for statement in _statements(SCHEMA):
                c.execute(statement)
            for name in ("form", "fingerprint", "notice"):
                c.execute("INSERT INTO secrets VALUES (?, ?)", (name, randomness(32)))
            c.execute(f"PRAGMA user_version = {VERSION}")


def _switch_to_wal(connection: Connection) -> None:
    """The switch asks for the whole file and does not wait for it, so two processes starting together must try again."""
    for _ in range(200):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            time.sleep(0.02)
    connection.execute("PRAGMA journal_mode = WAL")


def _statements(script: str) -> list[str]:
    """Single statements: ``executescript`` would commit the transaction that keeps two makers apart."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines():
        pending += line + "\n"
        if sqlite3.complete_statement(pending):
            if pending.strip():
                found.append(pending)
            pending = ""
    return found
