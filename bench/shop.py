"""A shop on either database behind ``liftlink serve`` with two processes, and shoppers who press Buy Now over sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from sqlalchemy import select

from app.accounts.keys import add_key
from app.links.claims import WrittenOffer
from app.models.subscriptions import Subscription
from app.offers.issue import Terms, issue
from app.wiring.adapters import Adapters, open_services
from bench.asking import NOW
from bench.databases import Database
from bench.scratch import in_memory, scratch
from bench.shop_server import FILE, settings_of
from tests.factories import create_card, create_customer, create_subscription, seed

T = TypeVar("T")
R = TypeVar("R")
WORKERS, SHOPPERS = 2, 6
WEEK = 7 * 86400
SECRET = "the-master-secret-of-this-bench-0123456789"
TICKS = os.sysconf("SC_CLK_TCK")
_INPUT = re.compile(r"<input\b[^>]*>")
_FACT = re.compile(r'\b(type|name|value)="([^"]*)"')


class Cart(NamedTuple):
    """A page that stands open: where its form goes and what a press sends."""

    path: str
    form: str


class Answer(NamedTuple):
    """``status`` 0: the connection ended without one."""

    status: int
    location: str
    body: str


class Shop:
    """One merchant's shop. ``start`` serves it; the adapters beside it are for making people and links, and for counting."""

    def __init__(self, database: Database, *, instant: bool = False) -> None:
        """``instant``: the gateway answers at once and keeps no ledger; else it is the sandbox."""
        self.database = database
        self.folder = scratch()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        said = {
            "instance_path": str(self.folder), "database_url": database.url, "port": self.port, "public_url": self.url,
            "sandbox_path": str(scratch(in_memory()) / "sandbox.sqlite3"), "secret": SECRET, "workers": WORKERS,
            "threads": 4, "rate_limit": "off", "log_level": "error", "instant": instant,
            "seconds_ahead": (NOW - datetime.now(UTC)).total_seconds(),
        }  # fmt: skip
        (self.folder / FILE).write_text(json.dumps(said))
        settings, given = settings_of(self.folder)
        self.clock = given["clock"]
        self.adapters: Adapters = open_services(settings, given)
        with self.adapters.store.write() as connection:
            self.book = seed(connection).book
            add_key(
                connection, self.adapters.masters, self.adapters.randomness, book_id=self.book, actor="bench", at=NOW
            )  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve, and wait until every process has answered."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.shop_server", str(self.folder)], stdout=log, stderr=log
            )
        end = time.monotonic() + 60
        while len(self.workers()) < WORKERS or self.ask("GET", "/healthz").status != 200:
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text()[-3000:])
            time.sleep(0.1)
        time.sleep(1)  # both load the application; a press while one does would find half a server

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None
        self.adapters.close()

    def workers(self) -> list[int]:
        """The server's processes by number."""
        if self._process is None:
            return []
        pid = self._process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill_workers(self) -> None:
        """All at once, as when the kernel ends them; the server starts others."""
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    def cpu(self) -> float:
        """Seconds that the processes now there have computed."""
        spent = [Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split() for pid in self.workers()]
        return sum([int(each[11]) + int(each[12]) for each in spent]) / TICKS

    def links(self, many: int) -> list[str]:
        """So many people with a card on file, and the path of each one's link: a second seat for 5.00 today."""
        adapters = self.adapters
        with adapters.store.write() as connection:
            made = [self._person(connection) for _ in range(many)]
        key = adapters.directory.key_ring().signing_key(self.book)
        issued = [
            issue(
                adapters.store, self.clock, key, Terms(number, WrittenOffer(1, "crm-seat", 2, unit_price=1000), WEEK),
                base_url=self.url, actor="bench", source="bench",
            )
            for number in made
        ]  # fmt: skip
        return [each.url.removeprefix(self.url) for each in issued]

    def _person(self, connection: Any) -> int:
        customer = create_customer(connection, self.book)
        card = create_card(connection, self.book, customer)
        held = create_subscription(connection, self.book, customer, card_id=card)
        return int(connection.execute(select(Subscription.number).where(Subscription.id == held)).scalar_one())

    def open_carts(self, links: Iterable[str]) -> list[Cart]:
        """From link to page, each by a shopper with a browser of their own."""
        return by_many(self._open_cart, links)

    def _open_cart(self, link: str) -> Cart:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as browser:
            there = self._local(asked(browser, self.port, "GET", link).location)
            page = asked(browser, self.port, "GET", there)
        form = page.body.partition("/buy")[2].partition("</form>")[0]
        if not form:
            raise RuntimeError(f"no cart: {page.status} {page.body[:2000]}")
        return Cart(f"{there.partition('?')[0]}/buy", urlencode(_values(form) | {"agree": "1"}))

    def press(self, cart: Cart) -> Answer:
        return self.ask("POST", cart.path, cart.form)

    def ask(self, method: str, path: str, form: str = "") -> Answer:
        """Over a connection of its own, as another shopper's would be."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=30) as browser:
                return asked(browser, self.port, method, path, form)
        except OSError:
            return Answer(0, "", "")

    def _local(self, url: str) -> str:
        return url.removeprefix(self.url)


def _values(form: str) -> dict[str, str]:
    """What an untouched form sends; of the cards the one that is chosen."""
    values: dict[str, str] = {}
    for tag in _INPUT.findall(form):
        facts = {name: unescape(value) for name, value in _FACT.findall(tag)}
        if facts.get("type") not in ("radio", "checkbox") or re.search(r"\bchecked\b", tag):
            values[facts.get("name", "")] = facts.get("value", "")
    return values


def asked(browser: socket.socket, port: int, method: str, path: str, form: str = "") -> Answer:
    """One request over an open connection, with the headers that a browser sends."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Mozilla/5.0 bench\r\nAccept-Language: en\r\n"
    if method == "POST":
        head += (
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
            f"Origin: http://127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\n"
        )
    browser.sendall(f"{head}\r\n{form}".encode())
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(browser)
    top, _, body = received.partition(b"\r\n\r\n")
    said = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in top.decode().split("\r\n"))
    }
    while len(body) < int(said.get("content-length", 0)):
        body += _more(browser)
    return Answer(int(top.split()[1]), said.get("location", ""), body.decode())


def _more(browser: socket.socket) -> bytes:
    received = browser.recv(65536)
    if not received:
        raise ConnectionResetError
    return received


def by_many(work: Callable[[T], R], things: Iterable[T]) -> list[R]:
    """Several shoppers at a time."""
    with ThreadPoolExecutor(SHOPPERS) as shoppers:
        return list(shoppers.map(work, things))
