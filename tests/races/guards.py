"""Guards taken off, for tests only: each is what somebody would have written who looks first and writes later."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import select, text, update

from app.charging import place as tx1
from app.charging.errors import ChargingError
from app.checkout import placing, step_up_codes
from app.models.links import LinkUse
from app.models.work import StepUp
from tests.races.arena import Arena

_before = threading.local()
_unlike = itertools.count(1000)


@contextmanager
def no_open_order_rule(arena: Arena) -> Iterator[None]:
    """The open order of a subscription is looked for before the transaction, and no index forbids a second."""
    arena.sql("DROP INDEX one_open_order")
    with _looked_for_before(tx1._OPEN_OF_SUBSCRIPTION, "subscription"):
        yield


@contextmanager
def no_open_attempt_rule(arena: Arena) -> Iterator[None]:
    """The open attempt of an order is looked for before the transaction, and no index forbids a second."""
    arena.sql("DROP INDEX one_open")
    with _looked_for_before(tx1._BY_ID, "order"):
        yield


@contextmanager
def _looked_for_before(query: Any, name: str) -> Iterator[None]:
    find, race = tx1._find, tx1._race

    def look_first(store: Any, clock: Any, placing: Any) -> Any:
        new = placing.new
        known = {"subscription": new.subscription_id, "order": tx1.order_id_of(new.book_id, new.checkout_id)}
        with store.read() as conn:
            _before.found = find(conn, query, book=new.book_id, **{name: known[name]})
        return race(store, clock, placing)

    def from_before(conn: Any, asked: Any, **scope: Any) -> Any:
        return _before.found if asked is query else find(conn, asked, **scope)

    with patch.object(tx1, "_race", look_first), patch.object(tx1, "_find", from_before):
        yield


@contextmanager
def no_counted_uses(_arena: Arena) -> Iterator[None]:
    """Uses are counted before the transaction, and their numbers never collide."""
    race = tx1._race

    def count_first(store: Any, clock: Any, placing: Any) -> Any:
        with store.read() as conn:
            _before.uses = len(conn.execute(select(LinkUse.n).where(LinkUse.jti == placing.new.link_jti)).all())
        return race(store, clock, placing)

    def by_count(_conn: Any, _book: int, _jti: str, max_uses: int) -> int:
        if _before.uses >= max_uses:
            raise ChargingError("link_used", "every use of this link is taken", order=None)
        return next(_unlike) * 100_000 + threading.get_native_id() % 100_000

    with patch.object(tx1, "_race", count_first), patch.object(tx1, "free_use", by_count):
        yield


seen = threading.local()
"""``seen.guard``: when this thread's transaction looked once more (or would have)."""


@contextmanager
def watched(*, on: bool) -> Iterator[None]:
    """Notes when the transaction looks at link, price and key once more; with ``on`` False it does not look."""
    guard = placing._guard

    def look(*args: Any) -> None:
        seen.guard = time.monotonic()
        if on:
            guard(*args)

    with patch.object(placing, "_guard", look):
        yield


@contextmanager
def no_last_look(_arena: Arena) -> Iterator[None]:
    """What the page and the form saw is believed: the transaction does not look at link, price and key again."""
    with watched(on=False):
        yield


@contextmanager
def no_counted_tries(_arena: Arena) -> Iterator[None]:
    """Tries are read, compared and written back, instead of counted by one conditional update."""

    def enter(store: Any, clock: Any, codes: Any, asking: Any, typed: str) -> Any:
        mine = (StepUp.book_id == asking.book_id, StepUp.cart_session == asking.session)
        with store.read() as conn:
            row = conn.execute(select(StepUp.tries, StepUp.code_hash).where(*mine)).one()
        if row.tries < step_up_codes.TRIES:
            codes.fits(row.code_hash, asking.context, typed)
            with store.write() as conn:
                conn.execute(update(StepUp).where(*mine).values(tries=row.tries + 1))
        return step_up_codes.code_facts(store, clock, asking)

    with patch.object(step_up_codes, "enter_code", enter):
        yield


def is_there(arena: Arena, index: str) -> bool:
    """Whether the database has that index."""
    catalogue = "sqlite_master WHERE name" if arena.store.is_sqlite else "pg_indexes WHERE indexname"
    with arena.store.read() as conn:
        return conn.execute(text(f"SELECT 1 FROM {catalogue} = :i"), {"i": index}).first() is not None
