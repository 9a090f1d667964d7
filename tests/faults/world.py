"""One merchant on one database and one gateway, with an application that was built and used once before anything forks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from app.accounts.keys import add_key
from app.config import read_settings
from app.kit.ids import system_randomness
from app.links.claims import Offer, WrittenOffer
from app.migrations import upgrade
from app.models import store as store_module
from app.models.merchants import Book
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.offers.issue import Terms, issue
from app.wiring import Adapters, build_app
from app.wiring.web import ADAPTERS
from tests.factories import MADE_AT, create_card, create_customer, create_subscription, seed
from tests.faults.banks import Bank
from tests.faults.board import Board, SharedClock
from tests.faults.databases import Database
from tests.faults.processes import Server
from tests.faults.shopper import buy_form, local
from tests.standing import forget_rules

SECRET = "the-master-secret-of-these-tests-0123456789"
START = datetime(2026, 7, 1, 16, tzinfo=UTC)
SECOND_SEAT = WrittenOffer(1, "crm-seat", 2, unit_price=1000)
WEEK = 7 * 86400
LINK_TRIES = 40
BUSY_SECONDS = 1
"""Ten in earnest: who holds SQLite's lock does it for a tenth of the time, too."""


class World:
    """The warm parent of all processes. ``fresh`` begins an iteration."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        bank_of: Callable[[SharedClock, str], Bank],
        port: int,
        board: Board,
        database_url: str = "",
    ) -> None:
        self.folder, self.database, self.port = folder, database, port
        store_module.BUSY_SECONDS = BUSY_SECONDS
        self.board = board
        self.clock = SharedClock(self.board)
        self.board.set_clock(START)
        self.bank = bank_of(self.clock, f"http://127.0.0.1:{port}")
        self.log = folder / "server.log"
        given: dict[str, Any] = {
            "instance_path": str(folder), "port": port, "public_url": f"http://127.0.0.1:{port}", "secret": SECRET,
            "workers": 2, "threads": 4, "rate_limit": "off", "decline_limit": 50, "cart_try_limit": 500,
            "database_url": database_url or database.url, "drive_seconds": 8, "log_level": "warning", "clock": self.clock,
            **self.bank.settings(),
        }  # fmt: skip
        self._migrate()
        self._given = given
        self._seed()
        database.freeze()
        self.bank.freeze()
        self.bank.reset()
        self.app = build_app(given)
        self.adapters: Adapters = self.app.extensions[ADAPTERS]
        settings = read_settings({name: value for name, value in given.items() if name != "clock"})
        self.server = Server(self.app, settings, port, self.log)
        self._warm()

    def _migrate(self) -> None:
        store = Store(self.database.url)
        upgrade(store.engine)
        store.close()

    def _seed(self) -> None:
        from app.wiring import open_services

        given = dict(self._given)
        clock = given.pop("clock")
        adapters = open_services(read_settings(given), {"clock": clock})
        with adapters.store.write() as conn:
            self.seeded = seed(conn)
            for book in (self.seeded.book, self.seeded.other_book):
                add_key(conn, adapters.masters, system_randomness, book_id=book, actor="test", at=MADE_AT)
            conn.execute(update(Subscription).values(external_ref=None))
            conn.execute(update(Book).values(gateway=self.bank.name))
        adapters.close()

    def _warm(self) -> None:
        """One whole purchase in this process: templates compiled, statements built, modules loaded."""
        client = self.app.test_client(use_cookies=False)
        path = local(self.link(self.person("visa_ok")))
        cart = local(client.get(path).headers["Location"])
        page = client.get(cart)
        from tests.faults.shopper import Page

        form = buy_form(Page(page.status_code, "", page.text))
        assert form is not None, page.text[:2000]
        answer = client.post(cart.split("?")[0] + "/buy", data=form.values)
        assert answer.status_code == 303, answer.text[:2000]
        assert client.get(local(answer.headers["Location"])).status_code == 200
        from app.wiring.jobs import make_runner

        make_runner(self.adapters).work()
        self.let_go()

    def let_go(self) -> None:
        """Nothing that is open may cross a fork."""
        self.adapters.close()
        self.bank.let_go()

    def fresh(self) -> None:
        """Database, ledger and clock as at the beginning."""
        self.let_go()
        forget_rules()
        self.board.well()
        self.board.set_clock(START)
        self.database.reset()
        self.bank.reset()
        for mail in (self.folder / "outbox").glob("*"):
            mail.unlink()

    def person(self, behaviour: str) -> int:
        """A customer with that card first and a good one second; the subscription's number."""
        owner, tokens = self.bank.customer([behaviour, "mastercard_ok"])
        with self.adapters.store.write() as conn:
            book = self.seeded.book
            customer = create_customer(
                conn, book, email="robin@brightwell.example", name="Robin", gateway_customer=owner
            )
            card = create_card(
                conn, book, customer, behaviour=behaviour, last4="4242", token=tokens[0], gateway=self.bank.name
            )
            create_card(
                conn, book, customer, behaviour="mastercard_ok", brand="mastercard", last4="5454", exp_month=12,
                exp_year=2030, is_default=False, token=tokens[1], gateway=self.bank.name,
            )  # fmt: skip
            made = create_subscription(conn, book, customer, card_id=card)
            return int(conn.execute(select(Subscription.number).where(Subscription.id == made)).scalar_one())

    def policy(self, told: Mapping[str, str]) -> None:
        with self.adapters.store.write() as conn:
            values = {"policy": dict(told), "policy_version": Book.policy_version + 1}
            conn.execute(update(Book).where(Book.id == self.seeded.book).values(values))

    @property
    def door(self) -> str:
        """Where the gateway's notices are posted."""
        return f"http://127.0.0.1:{self.port}/notices/{self.bank.name}/quillmark/test"

    def link(self, subscription: int, offer: Offer = SECOND_SEAT) -> str:
        """A merchant's new link. What befalls the network and the database befalls the merchant too, who tries again."""
        for _ in range(LINK_TRIES):
            try:
                return self._link(subscription, offer)
            except DBAPIError:
                self.let_go()
                time.sleep(0.25)
        return self._link(subscription, offer)

    def _link(self, subscription: int, offer: Offer) -> str:
        terms = Terms(subscription=subscription, offer=offer, validity=WEEK)
        key = self.adapters.directory.key_ring().signing_key(self.seeded.book)
        return issue(
            self.adapters.store, self.clock, key, terms, base_url=f"http://127.0.0.1:{self.port}", actor="test",
            source="test",
        ).url  # fmt: skip


__all__ = ["SECRET", "START", "World", "replace"]
