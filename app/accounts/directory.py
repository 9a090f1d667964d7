"""Who a page belongs to and which keys count: read often, changed seldom, so kept in memory for at most 5 seconds.

A retired key or a new brand colour therefore reaches every server process within 5 seconds (I40).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import select

from app.accounts.errors import AccountError
from app.accounts.keys import secret_of
from app.accounts.profile import MerchantFacts, facts_of
from app.kit.codes import Codes
from app.kit.ids import derive
from app.kit.keys import MasterKeys
from app.links.signing import KeyRing, SigningKey
from app.models.merchants import Book, Merchant, how_to_complete
from app.models.merchants import SigningKey as KeyRow
from app.models.store import Store

FRESH_SECONDS = 5.0
LEAST_SECONDS = 0.05
"""Between two searches for unknown kids: invented kids must not become one query each."""


class _Rings(NamedTuple):
    loaded_at: float
    rows: tuple[object, ...]
    links: KeyRing
    own: KeyRing
    by_kid: dict[str, SigningKey]
    own_by_kid: dict[str, SigningKey]


class Directory:
    """Safe to share between threads. ``seconds`` is a clock that only moves forward, for the age of what is kept."""

    def __init__(self, store: Store, masters: MasterKeys, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._masters = masters
        self.codes = Codes(masters)
        self._seconds = seconds
        self._loading = threading.Lock()
        self._rings: _Rings | None = None
        self._searched_at = float("-inf")
        self._merchants: dict[int, tuple[float, MerchantFacts]] = {}
        self._books_by_code: dict[str, int] = {}

    def key_ring(self) -> KeyRing:
        """The keys of all books that sign links. A kid that is not among them has them read anew at once."""
        return self._current().links

    def own_ring(self) -> KeyRing:
        """The keys of all books for tokens of our own purposes (cart, done, quote, return, form, visit).

        They are derived from the master secret and never leave the installation: whoever holds a book's signing key, as a
        merchant's own back end may, still cannot make a cart or a quote. Tokens of an older master verify while
        ``LIFTLINK_SECRET`` lists it.
        """
        return self._current().own

    def merchant(self, book_id: int) -> MerchantFacts:
        """The merchant whose book this is. ``book_unknown`` if there is none."""
        kept = self._merchants.get(book_id)
        if kept is not None and self._seconds() - kept[0] < FRESH_SECONDS:
            return kept[1]
        facts = self._load_merchant(book_id)
        self._merchants[book_id] = (self._seconds(), facts)
        return facts

    def seller(self, book_id: int) -> MerchantFacts:
        """As ``merchant``, of one that may sell; ``merchant_incomplete`` names what its pages could not say."""
        found = self.merchant(book_id)
        if found.missing:
            raise AccountError(
                "merchant_incomplete",
                f"{found.code} cannot sell without {', '.join(found.missing)}: {how_to_complete(found.code, found.missing)}",
                merchant=found.code, missing=found.missing,
            )  # fmt: skip
        return found

    def merchant_named(self, code: str) -> MerchantFacts | None:
        """The merchant of that code, whichever book; None if there is none."""
        book_id = self._books_by_code.get(code)
        if book_id is None:
            with self._store.read() as connection:
                book_id = connection.scalar(
                    select(Book.id)
                    .join(Merchant, Merchant.id == Book.merchant_id)
                    .where(Merchant.code == code)
                    .limit(1)
                )
            if book_id is None:
                return None
            self._books_by_code[code] = book_id  # neither a code nor a book's merchant ever changes
        return self.merchant(book_id)

    def book_at(self, host: str, mode: str) -> int | None:
        """The book that an address without a token is about: the merchant's whose domain the host is, else the only one's."""
        with self._store.read() as connection:
            rows = connection.execute(
                select(Book.id, Merchant.profile)
                .join(Merchant, Merchant.id == Book.merchant_id)
                .where(Book.mode == mode)
            ).all()
        named = [
            row.id for row in rows if row.profile.get("domain") and row.profile["domain"] == host.partition(":")[0]
        ]
        if named:
            return named[0] if len(named) == 1 else None
        return rows[0].id if len(rows) == 1 else None

    def forget(self) -> None:
        """Drop what is kept, so that the next question reads the database."""
        self._rings = None
        self._merchants.clear()

    def _current(self, longest: float = FRESH_SECONDS) -> _Rings:
        rings = self._rings
        if rings is not None and self._seconds() - rings.loaded_at < longest:
            return rings
        with self._loading:
            if self._rings is rings or self._rings is None:  # else another thread has just read them
                self._rings = self._load_rings(rings)
            return self._rings

    def _find_link_key(self, kid: str) -> SigningKey | None:
        return self._searched().by_kid.get(kid)

    def _find_own_key(self, kid: str) -> SigningKey | None:
        return self._searched().own_by_kid.get(kid)

    def _searched(self) -> _Rings:
        now = self._seconds()
        if now - self._searched_at < LEAST_SECONDS:
            return self._current()
        self._searched_at = now
        return self._current(0.0)

    def _load_rings(self, old: _Rings | None) -> _Rings:
        started = self._seconds()
        with self._store.read() as connection:
            keys = connection.execute(
                select(KeyRow.kid, KeyRow.book_id, Book.mode, KeyRow.salt, KeyRow.master_mark, KeyRow.state)
                .join(Book, Book.id == KeyRow.book_id)
                .order_by(KeyRow.created_at, KeyRow.standing_batch)  # the newest last: it signs
            ).all()
            books = connection.execute(select(Book.id, Book.mode)).all()
        rows = (*keys, *books)
        if old is not None and old.rows == rows:
            return old._replace(loaded_at=started)  # the prepared keys stay as they are
        signing = [
            SigningKey(
                row.kid, row.book_id, row.mode,
                secret_of(self._masters, kid=row.kid, salt=row.salt, mark=row.master_mark), row.state,
            )
            for row in keys
        ]  # fmt: skip
        own = [
            SigningKey(
                _own_kid(book.id, mark), book.id, book.mode, self._masters.derive("own tokens", str(book.id), mark),
                "active" if mark == self._masters.newest_mark else "verify",
            )
            for book in books
            for mark in self._masters.marks
        ]  # fmt: skip
        return _Rings(
            started, rows, KeyRing(signing, self._find_link_key), KeyRing(own, self._find_own_key),
            {key.kid: key for key in signing}, {key.kid: key for key in own},
        )  # fmt: skip

    def _load_merchant(self, book_id: int) -> MerchantFacts:
        with self._store.read() as connection:
            row = connection.execute(
                select(Book.mode, Merchant.id, Merchant.code, Merchant.name, Merchant.timezone, Merchant.profile)
                .join(Merchant, Merchant.id == Book.merchant_id)
                .where(Book.id == book_id)
            ).first()
        if row is None:
            raise AccountError("book_unknown", f"there is no book {book_id}", book=book_id)
        return facts_of(
            book_id=book_id, merchant_id=row.id, code=row.code, mode=row.mode, name=row.name, timezone=row.timezone,
            profile=row.profile,
        )  # fmt: skip


def _own_kid(book_id: int, mark: str) -> str:
    return derive("own tokens", book_id, mark, length=6)
