"""The real server as processes: ``liftlink serve`` over sockets, its database and the sandbox's ledger in files of its own.

with serving(folder, empty_database) as world:
    world.url, world.link(), world.ledger, world.scalar("SELECT ...")

The test's own process opens the same files: it issues links and judges by the ledger, it never answers a request.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from sqlalchemy import text, update

from app.accounts.keys import add_key
from app.accounts.merchants import stored_logo
from app.cli.commands.demo_clock import DemoClock, demo_clock, note_demo_clock
from app.config import read_settings
from app.gateways.sandbox.ledger import Ledger
from app.kit.ids import system_randomness
from app.links.claims import Offer, WrittenOffer
from app.models.merchants import Merchant
from app.models.subscriptions import Subscription
from app.offers.issue import Terms, issue
from app.wiring import Adapters, open_services
from tests import postgres
from tests.factories import MADE_AT, Seeded, create_card, create_customer, create_subscription, seed

LIFTLINK = Path(sys.executable).with_name("liftlink")
SECRET = "the-master-secret-of-these-tests-0123456789"
START = datetime(2026, 7, 1, 16, tzinfo=UTC)
SECOND_SEAT = WrittenOffer(1, "crm-seat", 2, unit_price=1000)
WEEK = 7 * 86400
PATIENCE = 60.0
LOGO = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0e5a73"/>\
<path d="M8 24 20 7l4 3-12 15-5 1z" fill="#fff"/></svg>"""
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """The first true answer; an assertion when there is none in time."""
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, f"nothing within {seconds} s"
        time.sleep(0.05)


@dataclass
class Answer:
    """One answer as it came over the socket; redirects are not followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


@dataclass
class World:
    """A folder with database and ledger, and the server processes on it."""

    folder: Path
    port: int
    adapters: Adapters
    seeded: Seeded
    settings: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    people: int = field(default=0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.folder.glob("server-*.log")))

    @property
    def ledger(self) -> Ledger:
        return self.adapters.gateway.ledger  # type: ignore[union-attr]

    # Processes

    def start(self, **more: str) -> None:
        """Starts the server and waits until it answers. ``more`` are settings of this one start."""
        assert self.process is None
        self.starts += 1
        own = {name: value for name, value in os.environ.items() if not name.startswith("LIFTLINK_")}
        given = {f"LIFTLINK_{name.upper()}": value for name, value in {**self.settings, **more}.items()}
        with (self.folder / f"server-{self.starts}.log").open("wb") as log:
            self.process = subprocess.Popen(
                [LIFTLINK, "serve"], env={**own, **given}, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._answers)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        try:
            with urlopen(f"{self.url}/healthz", timeout=10) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def died(self) -> None:
        """Waits for a server that was told to kill itself."""
        assert self.process is not None
        assert self.process.wait(PATIENCE) == -signal.SIGKILL, self.log
        self.process = None

    def kill(self) -> None:
        """SIGKILL to everything that this server started, as when the machine is switched off."""
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
            self.process = None

    def pass_time(self, seconds: float) -> None:
        """From the next start on the clock of this folder is that much later. Only while no server runs."""
        assert self.process is None
        path = self.adapters.settings.demo_clock
        noted = demo_clock(path)
        assert noted is not None
        note_demo_clock(path, DemoClock(noted.start + timedelta(seconds=seconds), noted.real))
        self.adapters.close()
        self.adapters = open_services(self.adapters.settings)

    # People

    def person(self, behaviour: str = "visa_ok", *, last4: str = "4242", email_address: str = "") -> int:
        """A customer of the test's own with one seat and the given card first; the subscription's number."""
        with self.adapters.store.write() as conn:
            self.people += 1
            address = email_address or f"person{self.people}@brightwell.example"
            customer = create_customer(conn, self.seeded.book, email=address, name="Robin")
            card = create_card(conn, self.seeded.book, customer, behaviour=behaviour, last4=last4)
            create_card(
                conn, self.seeded.book, customer, behaviour="mastercard_ok", brand="mastercard", last4="5454",
                exp_month=12, exp_year=2030, is_default=False,
            )  # fmt: skip
            subscription = create_subscription(conn, self.seeded.book, customer, card_id=card)
            return int(
                conn.execute(text("SELECT number FROM subscriptions WHERE id = :i"), {"i": subscription}).scalar_one()
            )

    def link(self, subscription: int | None = None, offer: Offer = SECOND_SEAT, **terms: Any) -> str:
        """The address of a new link, by default for a new person whose card is approved."""
        number = self.person() if subscription is None else subscription
        given = Terms(**{"subscription": number, "offer": offer, "validity": WEEK, **terms})
        key = self.adapters.directory.key_ring().signing_key(self.seeded.book)
        return issue(
            self.adapters.store, self.adapters.clock, key, given, base_url=self.url, actor="test", source="test"
        ).url

    # What a judge sees

    def scalar(self, statement: str, **values: Any) -> Any:
        with self.adapters.store.read() as conn:
            return conn.execute(text(statement), values).scalar()

    def orders(self, subscription: int) -> list[Any]:
        with self.adapters.store.read() as conn:
            return list(
                conn.execute(
                    text(
                        "SELECT o.id, o.state, o.total FROM orders o JOIN subscriptions s ON s.id = o.subscription_id "
                        "WHERE s.number = :n AND s.book_id = :b"
                    ),
                    {"n": subscription, "b": self.seeded.book},
                )
            )

    def taken(self, subscription: int) -> list[int]:
        """Amounts really taken for this subscription, whatever orders there are, from the gateway's own ledger."""
        customer = self.scalar(
            "SELECT c.gateway_customer FROM customers c JOIN subscriptions s ON s.customer_id = c.id "
            "WHERE s.number = :n AND s.book_id = :b", n=subscription, b=self.seeded.book,
        )  # fmt: skip
        with self.ledger.read() as c:
            of_customer = {row["id"] for row in c.execute("SELECT id FROM payments WHERE customer = ?", (customer,))}
        ids = {row.id for row in self.orders(subscription)}
        return [each.amount for each in self.ledger.captures() if each.order in ids or each.payment in of_customer]

    def seats(self, subscription: int) -> int:
        return int(
            self.scalar(
                "SELECT sum(l.quantity) FROM lots l JOIN subscription_items i ON i.id = l.item_id "
                "JOIN subscriptions s ON s.id = i.subscription_id WHERE s.number = :n AND s.book_id = :b",
                n=subscription,
                b=self.seeded.book,
            )
        )

    def mail_to(self, address: str, words: str = "") -> EmailMessage:
        """The newest mail to that address whose subject has those words, as soon as it lies in the folder."""

        def found() -> EmailMessage | None:
            for path in sorted((self.folder / "outbox").glob("*.eml"), key=lambda p: p.stat().st_mtime, reverse=True):
                message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                if address in str(message["To"]) and words.lower() in str(message["Subject"]).lower():
                    return message  # type: ignore[return-value]
            return None

        return wait_for(found)

    # Plain requests over real sockets

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, form: Mapping[str, str]) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode(form), kind)

    def ask(self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        path = path.removeprefix(self.url)
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()


@contextmanager
def serving(folder: Path, empty_database: Path, **settings: str) -> Iterator[World]:
    """A started world with the reference merchant. Everything is killed and closed at the end."""
    world = make_world(folder, empty_database, **settings)
    try:
        world.start()
        yield world
    finally:
        world.kill()
        world.adapters.close()


def make_world(folder: Path, empty_database: Path, **settings: str) -> World:
    """The folder, its rows and keys; no server yet."""
    if postgres.on_postgres() and "database_url" not in settings:
        settings["database_url"] = postgres.database("world_" + re.sub(r"[^a-z0-9]", "_", folder.name.lower())[-40:])
    if "database_url" not in settings:
        shutil.copyfile(empty_database, folder / "liftlink.sqlite3")
    port = free_port()
    given = {
        "instance_path": str(folder), "port": str(port), "public_url": f"http://127.0.0.1:{port}", "secret": SECRET,
        "workers": "2", "threads": "4", "rate_limit": "off", "sandbox_timeout_seconds": "0.3",
        "sandbox_late_seconds": "1", "sandbox_processing_seconds": "1", "sandbox_slow_seconds": "0.5",
        "decline_limit": "20", "cart_try_limit": "200", **settings,
    }  # fmt: skip
    settings_of_test = read_settings(given)
    note_demo_clock(settings_of_test.demo_clock, DemoClock(START, datetime.now(UTC)))
    adapters = open_services(settings_of_test)
    with adapters.store.write() as conn:
        seeded = seed(conn)
        for book in (seeded.book, seeded.other_book):
            add_key(conn, adapters.masters, system_randomness, book_id=book, actor="test", at=MADE_AT)
        _dress(conn)
        conn.execute(update(Subscription).values(external_ref=None))
    return World(folder, port, adapters, seeded, given)


def _dress(conn: Any) -> None:
    """A logo and words of its own, as a merchant has them."""
    row = conn.execute(text("SELECT profile FROM merchants")).scalar_one()
    profile = json.loads(row) if isinstance(row, str) else dict(row)
    profile["terms"] = {"en": "Seats are billed yearly.", "fr": "Les sièges sont facturés chaque année."}
    profile["logo"] = stored_logo("svg", LOGO)
    conn.execute(update(Merchant).values(profile=profile))
