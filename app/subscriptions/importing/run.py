"""Imports one file: read and check everything, then store all of it in one transaction, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, select, update

from app.kit.clock import Clock
from app.models.locks import hold_book
from app.models.merchants import Book
from app.models.store import Store
from app.subscriptions.facts import book_facts
from app.subscriptions.importing.context import Context, Record
from app.subscriptions.importing.csv_rows import csv_rows
from app.subscriptions.importing.fields import Row
from app.subscriptions.importing.json_rows import json_rows
from app.subscriptions.importing.kinds import KINDS
from app.subscriptions.importing.problems import ImportRefused, Problems, Stop
from app.subscriptions.importing.products import load_sold
from app.subscriptions.importing.spool import BATCH, Spool

Progress = Callable[[int, int], None]
"""``progress(done, total)``: parts of the whole work, of which reading is one half and storing the other."""
_STEPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows of each kind were stored."""

    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def _quietly(_done: int, _total: int) -> None:
    pass


def import_file(
    store: Store,
    clock: Clock,
    book_id: int,
    path: Path,
    *,
    kind: str | None = None,
    refresh: bool = False,
    progress: Progress = _quietly,
) -> Imported:
    """Import a ``.csv`` of one kind, or a ``.json`` with a list of one kind or a list for each of several.

    ``kind`` is one of ``KINDS``; left out it is the file's name without its ending, if that is one. Raises
    ``ImportRefused`` with every bad row, and then nothing is stored. ``refresh`` (change subscriptions that exist) is
    refused by name until it is possible.
    """
    if refresh:
        raise ImportRefused("update_not_supported", "subscriptions that exist cannot be changed by an import yet")
    kind = _kind_of(path, kind)
    with store.read() as conn:
        book = book_facts(conn, book_id)
    if book is None:
        raise ImportRefused("import_unreadable", f"there is no book {book_id}")
    context = Context(book, clock.now(), Problems())
    with Spool() as spool:
        with suppress(Stop):
            _read(path, kind, context, spool, progress)
            with store.read() as conn:
                load_sold(conn, context)
                _each(spool, lambda name, records: KINDS[name].check(conn, context, records))
        context.problems.refuse()
        with store.write() as conn:
            _store(conn, context, spool, progress)
    return Imported({name: spool.counts[name] for name in KINDS if name in spool.counts})


def _kind_of(path: Path, kind: str | None) -> str | None:
    if kind is None and path.stem in KINDS:
        kind = path.stem
    if kind is not None and kind not in KINDS:
        raise ImportRefused("import_kind_unknown", f"{kind!r} is no kind of rows (there are {', '.join(KINDS)})")
    if path.suffix.lower() not in (".csv", ".json"):
        raise ImportRefused("import_unreadable", f"{path.name} is neither a .csv nor a .json file")
    if kind is None and path.suffix.lower() == ".csv":
        raise ImportRefused("import_kind_unknown", f"say what {path.name} holds: one of {', '.join(KINDS)}")
    return kind


def _read(path: Path, kind: str | None, context: Context, spool: Spool, progress: Progress) -> None:
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ImportRefused("import_unreadable", f"{path.name}: {error.strerror}") from None
    with raw:
        size = max(1, path.stat().st_size)
        for count, row in enumerate(_rows(raw, path, kind, context), 1):
            data = KINDS[row.kind].read(row, context)
            if data is not None:
                spool.add(row.kind, _record(row, data))
            if not count % BATCH:
                progress(min(_STEPS, _STEPS * raw.tell() // size), 2 * _STEPS)


def _rows(raw: BinaryIO, path: Path, kind: str | None, context: Context) -> Iterator[Row]:
    if path.suffix.lower() == ".csv" and kind is not None:
        return csv_rows(raw, KINDS[kind], context)
    return json_rows(raw, kind, frozenset(KINDS), context.problems)


def _record(row: Row, data: dict[str, Any]) -> Record:
    return Record(row.line, getattr(row.place, "start", ""), data, getattr(row.place, "lines", None))


def _each(spool: Spool, act: Callable[[str, list[Record]], None]) -> None:
    for name in KINDS:
        for records in spool.portions(name):
            act(name, records)


def _store(conn: Connection, context: Context, spool: Spool, progress: Progress) -> None:
    """Once more checked, now that nobody else can write, and stored kind by kind."""
    book = context.book.id
    hold_book(conn, book)
    row = conn.execute(select(Book.next_customer, Book.next_subscription).where(Book.id == book)).one()
    context.numbers = {
        "customers": max(row[0], context.top_number.get("customers", 0) + 1),
        "subscriptions": max(row[1], context.top_number.get("subscriptions", 0) + 1),
    }
    total = max(1, sum(spool.counts.values()))
    stored = 0

    def act(name: str, records: list[Record]) -> None:
        nonlocal stored
        with suppress(Stop):
            KINDS[name].check(conn, context, records)
        context.problems.refuse()
        KINDS[name].store(conn, context, records)
        stored += len(records)
        progress(_STEPS + _STEPS * stored // total, 2 * _STEPS)

    _each(spool, act)
    values: dict[str, Any] = {
        "next_customer": context.numbers["customers"],
        "next_subscription": context.numbers["subscriptions"],
    }
    if any(KINDS[name].prices for name in spool.counts):
        values["catalog_version"] = Book.catalog_version + 1
    conn.execute(update(Book).where(Book.id == book).values(values))
