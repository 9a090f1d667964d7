"""A small installation in a folder of its own: the reference case, one mailed link, the application in this process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

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
from tests.factories import seed

NOW = datetime(2026, 7, 1, 21, 14, tzinfo=UTC)
HOST = "pay.quillmark.example"
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


def make_world(folder: Path | None = None) -> World:
    """A new database by the real migrations, a stopped clock, the sandbox gateway."""
    folder = folder or Path(tempfile.mkdtemp(prefix="liftlink-bench-"))
    store = Store(f"sqlite:///{folder}/liftlink.sqlite3")
    upgrade(store.engine)
    with store.write() as connection:
        seeded = seed(connection)
    app = create_app(
        {
            "instance_path": folder, "store": store, "clock": StoppedClock(NOW), "public_url": f"https://{HOST}",
            "rate_limit": "",
        }
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


def asker(app: Any) -> Callable[[str], tuple[str, bytes, dict[str, str]]]:
    """``ask(path)`` gives status, body and headers. Nothing but the application is timed: no socket, no client library."""

    def ask(path: str) -> tuple[str, bytes, dict[str, str]]:
        told: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
            told.update(status=status, headers=dict(headers))

        bare, _, query = path.partition("?")
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": bare, "QUERY_STRING": query, "SERVER_NAME": HOST, "SERVER_PORT": "443",
            "HTTP_HOST": HOST, "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "https",
            "wsgi.input": BytesIO(), "wsgi.errors": BytesIO(), "wsgi.multithread": True, "wsgi.multiprocess": True,
            "wsgi.run_once": False, "REMOTE_ADDR": "192.0.2.7", "HTTP_USER_AGENT": "Mozilla/5.0 bench",
            "HTTP_ACCEPT_LANGUAGE": "en-US,en",
        }  # fmt: skip
        answer = app(environ, start)
        body = b"".join(answer)
        return told["status"], body, told["headers"]

    return ask
