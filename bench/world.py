"""A small installation in a folder of its own: the reference case, one mailed link, the application in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from app import create_app
from app.accounts.keys import add_key
from app.kit.clock import StoppedClock
from app.links.claims import WrittenOffer
from app.migrations import upgrade
from app.models.store import Store
from app.offers.issue import Issued, Terms, issue
from app.wiring.adapters import Adapters
from app.wiring.web import ADAPTERS
from bench.asking import HOST, NOW, as_in_service, asker
from bench.databases import Database
from bench.scratch import in_memory, scratch
from tests.factories import seed

WEEK = 7 * 86400


@dataclass(frozen=True)
class World:
    """``link`` is the reference case's: a second seat for 5.00 today."""

    app: Flask
    adapters: Adapters
    book: int
    link: Issued

    def get(self, path: str) -> Callable[[], bytes]:
        """A job that asks the application for a path over WSGI, without a socket, and gives the page."""
        ask = asker(self.app)
        return lambda: ask(path)[1]


def make_world(folder: Path | None = None, database: Database | None = None, **given: object) -> World:
    """A stopped clock, the sandbox gateway, and a new file by the real migrations unless an empty database is given.

    ``given``: adapters in place of the usual ones.
    """
    folder = folder or scratch()
    store = Store(database.url if database else f"sqlite:///{folder}/liftlink.sqlite3")
    if database is None:
        upgrade(store.engine)
    with store.write() as connection:
        seeded = seed(connection)
    app = as_in_service(
        create_app(
            {
                "instance_path": folder, "store": store, "clock": StoppedClock(NOW), "public_url": f"https://{HOST}",
                "rate_limit": "off", "sandbox_path": scratch(in_memory()) / "sandbox.sqlite3", **given,
            }
        )
    )  # fmt: skip
    adapters: Adapters = app.extensions[ADAPTERS]
    with store.write() as connection:
        add_key(
            connection, adapters.masters, adapters.randomness, book_id=seeded.book, actor="bench", at=NOW
        )  # fmt: skip
    link = issue(
        store, adapters.clock, adapters.directory.key_ring().signing_key(seeded.book),
        Terms(1048, WrittenOffer(1, "crm-seat", 2, unit_price=1000), WEEK),
        base_url=f"https://{HOST}", actor="bench", source="bench",
    )  # fmt: skip
    return World(app, adapters, seeded.book, link)
