"""How often pages ask their database: what a far database costs is counted in round trips, not in rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from app.models.store import Store
from tests.doors.cart.shop import Shop


@contextmanager
def counted(store: Store, folder: Path) -> Iterator[Callable[[], int]]:
    """How often this store's database was asked so far, by whichever engine, connection and thread.

    libpq itself writes down each message: a PostgreSQL server says once in a round trip that it is ready. SQLite has no
    round trips; there each statement counts.
    """
    store.close()  # every connection is opened anew, and heard
    messages, statements = folder / "messages", list[str]()

    def listen(connection: Any, _record: object) -> None:
        if store.is_sqlite:
            connection.set_trace_callback(statements.append)
        else:
            connection.pgconn.trace(os.open(messages, os.O_WRONLY | os.O_CREAT | os.O_APPEND))

    def count() -> int:
        if store.is_sqlite:
            return len(statements)
        return messages.read_text().count("ReadyForQuery") if messages.exists() else 0

    engines = (store._reader, store.engine)
    for engine in engines:
        event.listen(engine, "connect", listen)
    try:
        yield count
    finally:
        for engine in engines:
            event.remove(engine, "connect", listen)
        store.close()


def test_a_cart_asks_its_database_twice(shop: Shop, tmp_path: Path):
    path = shop.open().path
    client = shop.app.test_client(use_cookies=False)  # for the page alone: the shop's own checks its styles too
    with counted(shop.store, tmp_path) as count:
        assert client.get(path).status_code == 200
        before = count()
        assert client.get(path).status_code == 200
        assert 0 < count() - before <= 2


def test_what_is_counted_is_every_question(shop: Shop, tmp_path: Path):
    with counted(shop.store, tmp_path) as count:
        with shop.store.read() as connection:
            connection.exec_driver_sql("SELECT 1")
        before = count()
        with shop.store.read() as connection:
            for _ in range(3):
                connection.exec_driver_sql("SELECT 1")
        assert count() - before == 3
