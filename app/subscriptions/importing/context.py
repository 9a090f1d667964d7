"""What every kind of row needs to know while a file is read, checked and stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, ClassVar

from sqlalchemy import Connection, select

from app.billing.measures import MEASURES, DayMeasure
from app.billing.rounding import ROUNDINGS, Rounding
from app.billing.schedule import zone_of
from app.subscriptions.facts import BookFacts
from app.subscriptions.importing.columns import Columns, CsvPlace, JsonPlace
from app.subscriptions.importing.fields import Place, Row
from app.subscriptions.importing.problems import Problems
from app.subscriptions.importing.values import Parse, amount, instant_in

LOOKUP = 500
"""How many keys one query asks for."""


@dataclass(slots=True)
class Record:
    """A row that was read without complaint, as it is spooled. ``start`` is its place in a JSON file, empty in a CSV.

    ``lines``: where the further lots of a subscription stand that has several rows in a CSV.
    """

    line: int
    start: str
    data: dict[str, Any]
    lines: Mapping[tuple[int, int], int] | None = None


@dataclass(slots=True)
class Context:
    """``seen`` holds the references of this file by kind; ``top_number`` the largest number that it gives itself; ``sold``
    what each product is sold with, by code: ``option``, ``scale`` or ``feature``."""

    book: BookFacts
    now: datetime
    problems: Problems
    seen: dict[str, dict[Any, Any]] = field(default_factory=dict[str, dict[Any, Any]])
    top_number: dict[str, int] = field(default_factory=dict[str, int])
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    sold: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    columns: Columns | None = None
    zone: tzinfo = field(init=False)
    instant: Parse = field(init=False)
    measure: DayMeasure = field(init=False)
    rounding: Rounding = field(init=False)
    _amounts: dict[tuple[str, bool], Parse] = field(default_factory=dict[tuple[str, bool], Parse])

    def __post_init__(self) -> None:
        self.zone = zone_of(self.book.timezone)
        self.instant = instant_in(self.zone)
        self.measure = MEASURES[self.book.policy.get("basis", "month")](self.zone)
        self.rounding = ROUNDINGS[self.book.policy.get("rounding", "half_up")]

    def amounts(self, currency: str, *, signed: bool = False) -> Parse:
        """The parser of amounts in a currency."""
        key = (currency, signed)
        if key not in self._amounts:
            self._amounts[key] = amount(currency, signed=signed)
        return self._amounts[key]

    def once(self, kind: str, key: Any, row: Row, name: str, *, value: Any = None) -> bool:
        """Remember a reference; False and a complaint if this file had it before."""
        seen = self.seen.setdefault(kind, {})
        if key in seen:
            line, field_name = row.place(name)
            self.problems.add(line, field_name, "stands in this file more than once")
            return False
        seen[key] = value
        return True

    def next_number(self, kind: str) -> int:
        """The next free number of ours; ``numbers`` was set when storing began."""
        number = self.numbers[kind]
        self.numbers[kind] = number + 1
        return number

    def complain(self, record: Record, path: str, reason: str) -> None:
        """A complaint about a row that was spooled."""
        place: Place = JsonPlace(record.line, record.start)
        if self.columns is not None:
            place = CsvPlace(self.columns, record.line, record.lines)
        self.problems.add(*place(path), reason)


class Kind(ABC):
    """One kind of row: how it is read, checked against the database, and stored."""

    name: ClassVar[str]
    columns: ClassVar[Mapping[str, tuple[str, ...]]]
    """Columns of a CSV and where they stand in the JSON object."""
    dynamic: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Beginnings of columns such as ``price:`` and the object that their rest is a path in."""
    prices: ClassVar[bool] = False
    """Whether rows of this kind raise the catalog's version."""

    def group(self, columns: Columns, cells: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
        """The rows of a CSV as objects; each row is one unless the kind says otherwise."""
        for line, row in cells:
            yield Row(self.name, line, columns.values(row), CsvPlace(columns, line), loose=True)

    @abstractmethod
    def read(self, row: Row, context: Context) -> dict[str, Any] | None:
        """Checks one row by itself; None if it was complained about."""

    def check(self, conn: Connection, context: Context, records: Sequence[Record]) -> None:  # noqa: B027 - may be nothing
        """Complains about whatever does not fit the database or the rest of the file."""

    @abstractmethod
    def store(self, conn: Connection, context: Context, records: Sequence[Record]) -> None:
        """Writes checked rows in the caller's transaction."""


def found_in(conn: Connection, book_id: int, key: Any, wanted: Sequence[Any], *columns: Any) -> Iterator[Any]:
    """Rows of a book whose ``key`` is among ``wanted``: the key first, then ``columns``. Asks in portions."""
    table = key.class_
    for start in range(0, len(wanted), LOOKUP):
        portion = wanted[start : start + LOOKUP]
        yield from conn.execute(select(key, *columns).where(table.book_id == book_id, key.in_(portion)))
