"""A whole shop over Flask's test client: merchant, subscription, link, cart, sandbox; and the judge's view of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from flask import Flask
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from app.accounts.keys import add_key
from app.charging.cards import finish_due_setups
from app.charging.drive import driver_name
from app.charging.repair import expire, sweep
from app.gateways.sandbox import Sandbox
from app.gateways.sandbox.ledger import Capture
from app.kit.bell import ThreadBell
from app.kit.clock import StoppedClock
from app.links.claims import Offer, WrittenOffer
from app.models.base import Base
from app.models.orders import Attempt
from app.models.store import Store
from app.models.work import CardSetup, Outbox
from app.offers.issue import Issued, Terms, issue
from app.wiring import Adapters, build_app
from app.wiring.web import ADAPTERS
from tests.doors.page_client import PageClient, elements, form_values, parsed, text_of
from tests.factories import MADE_AT, Seeded, create_card, seed

PUBLIC = "https://pay.quillmark.example"
SECRET = "the-master-secret-of-these-tests-0123456789"
SECOND_SEAT = WrittenOffer(1, "crm-seat", 2, unit_price=1000)
"""The reference case: 5.00 today, 50.00 from January 1, 2027."""
WEEK = 7 * 86400
COUNTERS = frozenset({"link_visits"})
"""The only table that looking may write."""


class SharedBell(ThreadBell):
    """Rings a worker that sleeps until a test wakes it; ``awake`` makes every ring do the work at once."""

    def __init__(self) -> None:
        super().__init__()
        self.awake = False
        self.rings = 0
        self.work: Callable[[], None] = lambda: None

    def ring(self) -> None:
        self.rings += 1
        if self.awake:
            self.work()


@dataclass
class CartPage:
    """A cart as a browser holds it: its path, its HTML, and what its Buy form would send."""

    path: str
    html: str
    status: int = 200
    form: dict[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return self.path.split("?")[0].rsplit("/", 1)[-1]


@dataclass
class Shop:
    """``client`` checks every page it gets. Nothing is patched: clock, bell and randomness enter through the wiring."""

    app: Flask
    store: Store
    clock: StoppedClock
    bell: SharedBell
    seeded: Seeded

    def __post_init__(self) -> None:
        self.client = PageClient(self.app)
        self.bell.work = lambda: self.work(rung=True)

    @property
    def adapters(self) -> Adapters:
        return cast(Adapters, self.app.extensions[ADAPTERS])

    @property
    def sandbox(self) -> Sandbox:
        return cast(Sandbox, self.adapters.gateway)

    # What a merchant does

    def issue(self, offer: Offer = SECOND_SEAT, *, book: int | None = None, check: bool = True, **terms: Any) -> Issued:
        given = Terms(**{"subscription": 1048, "offer": offer, "validity": WEEK, **terms})
        directory = self.adapters.directory
        key = directory.key_ring().signing_key(book or self.seeded.book)
        return issue(
            self.store, self.clock, key, given, base_url=PUBLIC, actor="test", source="test", check=check
        )  # fmt: skip

    def link(self, offer: Offer = SECOND_SEAT, **terms: Any) -> str:
        """The path of a new link: ``/u/<token>``."""
        return self.issue(offer, **terms).url.removeprefix(PUBLIC)

    def card(self, behaviour: str, *, default: bool = True, **facts: Any) -> int:
        """A stored card of Dana's that behaves so; unless told, it is the one that pays."""
        with self.store.write() as conn:
            card_id = create_card(
                conn, self.seeded.book, self.seeded.customer, behaviour=behaviour, is_default=False,
                **{"last4": "9999", **facts},
            )  # fmt: skip
            if default:
                conn.execute(
                    text("UPDATE subscriptions SET card_id = :card WHERE id = :id"),
                    {"card": card_id, "id": self.seeded.subscription},
                )
        return card_id

    def sql(self, statement: str, **values: Any) -> None:
        """What changed behind the page's back; the directory forgets what it knew."""
        with self.store.write() as conn:
            conn.execute(text(statement), values)
        self.adapters.directory.forget()

    def ask(self, statement: str, **values: Any) -> Any:
        with self.store.read() as conn:
            return conn.execute(text(statement), values).scalar()

    # What a shopper does

    def open(self, link: str | None = None, status: int = 200, lang: str = "") -> CartPage:
        """Click the link, follow it to its cart."""
        link = link or self.link()
        response = self.client.get(link + (f"?lang={lang}" if lang else ""), 303)
        return self.cart_at(response.headers["Location"], status)

    def cart_at(self, path: str, status: int = 200) -> CartPage:
        response = self.client.get(path, status)
        return self.page_of(response, path)

    def page_of(self, response: TestResponse, path: str) -> CartPage:
        page = CartPage(path, response.text, response.status_code)
        if 'action="' in page.html and "/buy" in page.html:
            page.form = form_values(page.html, "/buy")
        return page

    def press(self, page: CartPage, status: int = 303, **fields: str | None) -> TestResponse:
        """Buy Now as a browser sends it, the box ticked; ``name=None`` leaves a field out, another value replaces it."""
        sent = {**page.form, "agree": "1"} | fields
        form = {name: value for name, value in sent.items() if value is not None}
        return self.client.post(buy_path(page), form, status)

    def buy(self, link: str | None = None, status: int = 200, **fields: str | None) -> TestResponse:
        """Open, tick, press, and the page that follows."""
        return self.client.follow(self.press(self.open(link), **fields), status)

    def enter_card(self, page: CartPage, number: str = "4242 4242 4242 4242") -> str:
        """Through the sandbox's own page and back; the path that the shopper is led to in the end."""
        hosted = self.begin_card(page)
        values = hidden_values(self.app.test_client().get(hosted).text)
        answered = self.app.test_client().post(
            hosted, data={**values, "number": number, "expiry": "08 / 34", "cvc": "123"}
        )
        assert answered.status_code == 303, answered.text
        with self.worker():
            back = self.client.get(local(answered.headers["Location"]), 303)
        return back.headers["Location"]

    def begin_card(self, page: CartPage) -> str:
        """The path of the sandbox's card page for this cart."""
        path = page.path.split("?")[0] + "/card"
        shown = self.client.get(with_language(path, page))
        response = self.client.post(with_language(path, page), form_values(shown.text, "/card"))
        return local(response.headers["Location"])

    def change_email(self, page: CartPage, email: str, status: int = 303) -> TestResponse:
        path = page.path.split("?")[0]
        shown = self.client.get(with_language(f"{path}/card", page))
        form = {**form_values(shown.text, "/email"), "email": email}
        return self.client.post(with_language(f"{path}/email", page), form, status)

    def answer_bank(self, page_html: str, answer: str | None) -> str:
        """At the bank: ``approve``, ``refuse``, or None for leaving. The path of the order's page afterwards."""
        self.clock.move(timedelta(seconds=20))
        bank = bank_path(page_html)
        shown = self.app.test_client().get(bank)
        assert shown.status_code == 200, shown.text
        if answer is None:
            back = next(
                a.get("href", "") for a in elements(parsed(shown.text), "a") if "/bank-back/" in a.get("href", "")
            )
        else:
            form = {**hidden_values(shown.text), "answer": answer}
            back = self.app.test_client().post(bank, data=form).headers["Location"]
        with self.worker():
            return self.client.get(local(back), 303).headers["Location"]

    # What the worker does

    def work(self, *, rung: bool = False) -> None:
        by = driver_name("worker")
        gateways = self.adapters.gateways
        sweep(self.store, gateways, self.clock, by=by, limit=50, rung=rung)
        finish_due_setups(self.store, gateways, self.clock, by=by, limit=50, rung=rung)

    def heal(self, hours: float = 2) -> None:
        """Workers at work for that long; the clock is moved to whatever is due next, by a minute at least."""
        until = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < until:
            self.work()
            self.clock.at = max(min(self._due() or until, until), self.clock.now() + timedelta(seconds=61))
        expire(self.store, self.clock)

    def _due(self) -> datetime | None:
        with self.store.read() as conn:
            times = [conn.execute(select(func.min(each.next_at))).scalar() for each in (Attempt, CardSetup)]
        return min((each for each in times if each is not None), default=None)

    @contextmanager
    def worker(self) -> Iterator[None]:
        """While this lasts a worker listens to the bell."""
        self.bell.awake = True
        try:
            yield
        finally:
            self.bell.awake = False

    # What a judge sees

    def captures(self) -> list[Capture]:
        return self.sandbox.ledger.captures()

    def taken(self) -> list[int]:
        """Amounts really taken, from the gateway's own ledger."""
        return [capture.amount for capture in self.captures()]

    def calls(self) -> int:
        """Changing requests that reached the gateway."""
        return len(self.sandbox.ledger.requests())

    def calls_of(self, verb: str) -> int:
        return sum(request.verb == verb for request in self.sandbox.ledger.requests())

    def seats(self) -> int:
        return self.ask("SELECT sum(quantity) FROM lots WHERE book_id = :b", b=self.seeded.book)

    def orders(self) -> int:
        return self.ask("SELECT count(*) FROM orders")

    def mails(self, kind: str) -> list[dict[str, Any]]:
        with self.store.read() as conn:
            return list(conn.scalars(select(Outbox.body).where(Outbox.kind == kind, Outbox.channel == "mail")))

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every business table, row by row."""
        tables = [table for table in Base.metadata.sorted_tables if table.name not in COUNTERS]
        with self.store.read() as conn:
            return {
                table.name: sorted(map(tuple, conn.execute(text(f"SELECT * FROM {table.name}"))), key=repr)
                for table in tables
            }

    def count(self, table: Any) -> int:
        with self.store.read() as conn:
            return int(conn.execute(select(func.count()).select_from(table)).scalar_one())


def new_shop(store: Store, clock: StoppedClock, instance: Any, *, seeding: Any = None, **settings: Any) -> Shop:
    """The reference case with its signing keys, wired as the server wires it."""
    with store.write() as conn:
        seeded = (seeding or seed)(conn)
    bell = SharedBell()
    # Everything that a developer may have in the environment or a file is named here, so that none of it counts.
    given = {"public_url": PUBLIC, "secret": SECRET, "environment": "development", "rate_limit": "off", "workers": 1}
    app = build_app(
        {**given, "instance_path": instance, "store": store, "clock": clock, "bell": bell, **settings}
    )  # fmt: skip
    adapters = cast(Adapters, app.extensions[ADAPTERS])
    with store.write() as conn:
        for book in (seeded.book, seeded.other_book):
            add_key(conn, adapters.masters, adapters.randomness, book_id=book, actor="test", at=MADE_AT)
    return Shop(app, store, clock, bell, seeded)


def buy_path(page: CartPage) -> str:
    """Where the page's Buy form posts to, its language included."""
    for form in elements(parsed(page.html), "form"):
        action = form.get("action") or ""
        if action.split("?")[0].endswith("/buy"):
            return action
    return page.path.split("?")[0] + "/buy"


def with_language(path: str, page: CartPage) -> str:
    query = urlsplit(page.path).query
    return f"{path}?{query}" if query.startswith("lang=") else path


def bank_path(html: str) -> str:
    for link in elements(parsed(html), "a"):
        where = link.get("href") or ""
        if "/sandbox/check/" in where:
            return local(where)
    raise AssertionError("this page leads to no bank")


def hidden_values(html: str) -> dict[str, str]:
    """The hidden fields of a page with one form that posts to itself, as the sandbox's pages do."""
    fields = (field for field in elements(parsed(html), "input") if field.get("type") == "hidden")
    return {field.get("name", ""): field.get("value", "") for field in fields}


def local(url: str) -> str:
    """Path and query of an address of ours."""
    assert url.startswith((PUBLIC, "/")), url
    return url.removeprefix(PUBLIC)


def told(html: str) -> str:
    """The main part of a page as it is read."""
    document: Element = parsed(html)
    return text_of(next(elements(document, "main"))).replace("\u00a0", " ").replace("\u202f", " ")


def title_of(html: str) -> str:
    return text_of(next(elements(parsed(html), "title"))).replace("\u00a0", " ")


def shown(response: TestResponse | CartPage) -> tuple[str, str]:
    """Title and text of a page."""
    html = response.html if isinstance(response, CartPage) else response.text
    return title_of(html), told(html)
