"""Leases: who works a row, and until when. One way for every table whose rows are work.

``lease_by`` names the driver that works the row now and ``lease_until`` when another may take it over; once given back,
``lease_by`` is empty and ``lease_until`` is the moment of that look. ``next_at`` is when the row is due. A lease saves
work and nothing else: what keeps money safe are idempotency keys and updates that name the state they rest on.

Each of these times comes from the clock of whoever wrote it, and clocks differ (I48: five minutes either way). No time
tells by itself whether its writer's clock is wrong or its reader's. So:

- What lies too far ahead for any clock like the reader's to have written is not waited for to its end, and not brushed
  aside either: it is *watched* (``Sightings``). Whoever sees it unchanged for as long as it was meant to last, by its own
  clock, makes the row due. A driver that lives renews its lease before that, so it is never disturbed, whoever's clock is
  wrong; the row of one that died waits one lease from when it was first seen.
- What looks over is over. If its driver lives all the same, because its clock is behind or the reader's is ahead, two work
  on one row for a moment, as after a driver was stopped and woke: the later loses its lease and stops at its next write.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Update, and_, bindparam, func, or_, select, tuple_, update

from app.models.base import Base
from app.models.locks import skip_held
from app.models.store import Store

CLOCKS_DIFFER = timedelta(minutes=10)
"""By how much two clocks may differ, each five minutes off its own way."""
_MARGIN = timedelta(seconds=10)
"""So far ahead is waited for: sound clocks differ by seconds."""
_MOST = 200

Key = str | tuple[Any, ...]


class Leases:
    """The leases of one table. ``works``: which of its rows are work; ``born``: the column of when a row was made.

    ``counts``: a try counts from the lease on, so that a row which kills its drivers comes to an end as well.
    """

    def __init__(
        self,
        table: type[Base],
        length: timedelta,
        *,
        works: ColumnElement[bool],
        born: Any,
        counts: bool = False,
    ) -> None:
        row: Any = table
        self.table, self.length, self.born, self._works = table, length, born, works
        self._by, self._until, self._next = row.lease_by, row.lease_until, row.next_at
        self._key: tuple[Any, ...] = tuple(table.__table__.primary_key)
        values: dict[str, Any] = {
            "lease_by": bindparam("me"),
            "lease_until": bindparam("until", type_=self._until.type),
            "next_at": bindparam("until", type_=self._until.type),
        }
        if counts:
            values["tries"] = row.tries + 1
        is_it = and_(*[column == bindparam(f"key_{column.name}") for column in self._key])
        now = bindparam("now", type_=self._until.type)
        unheld = skip_held(select(*self._key).where(is_it))
        self._take = update(table).where(self._one.in_(unheld), works, self.is_free(now)).values(values)
        self._ahead = self._ahead_of(now)
        mine_or_free = or_(self.is_free(now), self._by == bindparam("me"))
        self._keep = update(table).where(is_it, works, mine_or_free).values(values)

    @property
    def _one(self) -> Any:
        return self._key[0] if len(self._key) == 1 else tuple_(*self._key)

    def is_free(self, now: Any) -> ColumnElement[bool]:
        """Nobody works the row, or whoever did has gone beyond its time."""
        return or_(self._by.is_(None), self._until <= now)

    def is_due(self, now: Any) -> ColumnElement[bool]:
        """Its time has come and nobody works it."""
        return and_(self._next.is_not(None), self._next <= now, self._works, self.is_free(now))

    def is_it(self, key: Key) -> ColumnElement[bool]:
        return and_(*[column == value for column, value in zip(self._key, _parts(key), strict=True)])

    def values(self, by: str, now: datetime) -> dict[str, Any]:
        """A lease as a row holds it. ``next_at`` moves along: if the driver dies, the row is due when its lease ends."""
        return {"lease_by": by, "lease_until": now + self.length, "next_at": now + self.length}

    def take(self, conn: Connection, key: Key, by: str, now: datetime, *, is_mine: bool = False) -> bool:
        """Take the row, or take it on; False when another driver has it or nothing is left to do.

        One that another transaction is just writing is left to it, unless it ``is_mine`` already.
        """
        names = [f"key_{column.name}" for column in self._key]
        bound = dict(zip(names, _parts(key), strict=True))
        statement: Update = self._keep if is_mine else self._take
        bound |= {"me": by, "now": now, "until": now + self.length}
        return conn.execute(statement, bound).rowcount == 1

    def ahead(self, conn: Connection, now: datetime) -> list[Ahead]:
        """Rows whose times no clock like this one can have written yet."""
        bound = {"now": now, "soon": now + _MARGIN, "long": now + self.length + _MARGIN}
        rows = [tuple(row) for row in conn.execute(self._ahead, bound)]
        return [Ahead(self, row[4:], row[:3], self.length if row[0] is not None else row[2] - row[3]) for row in rows]

    def _ahead_of(self, now: Any) -> Any:
        soon, long = (bindparam(name, type_=self._until.type) for name in ("soon", "long"))
        written = func.coalesce(self._until, self.born)
        held = and_(self._by.is_not(None), self._until > long)
        rests = and_(self._by.is_(None), written > soon, self._next > now)
        return (
            select(self._by, self._until, self._next, written, *self._key)
            .where(self._next.is_not(None), self._works, or_(held, rests))
            .limit(_MOST)
        )

    def make_due(self, conn: Connection, key: Key, mark: tuple[Any, ...], now: datetime) -> bool:
        """Nobody's and due, if it is still as it was seen. ``lease_until`` stays: some count from the last look."""
        by, until, next_at = mark
        as_seen = (
            self._by.is_not_distinct_from(by),
            self._until.is_not_distinct_from(until),
            self._next.is_not_distinct_from(next_at),
        )
        statement = update(self.table).where(self.is_it(key), *as_seen).values(lease_by=None, next_at=now)
        return conn.execute(statement).rowcount == 1


class Ahead(NamedTuple):
    """A row that may be from a clock that is ahead. ``mark`` is what must stay as it is for ``meant``: holder and times."""

    kind: Leases
    key: tuple[Any, ...]
    mark: tuple[Any, ...]
    meant: timedelta


def _parts(key: Key) -> tuple[Any, ...]:
    return (key,) if isinstance(key, str) else key


class Sightings:
    """What one worker saw of rows whose times lie too far ahead: what they held, and since when, by its own clock."""

    def __init__(self, kinds: Sequence[Leases]) -> None:
        self._kinds = kinds
        self._seen: dict[tuple[Any, ...], tuple[tuple[Any, ...], datetime]] = {}

    def look(self, store: Store, now: datetime) -> int:
        """Look again, and make due what stayed as it was for as long as it was meant to last; how many. For every round."""
        still: dict[tuple[Any, ...], tuple[tuple[Any, ...], datetime]] = {}
        over: list[Ahead] = []
        with store.read() as conn:
            rows = [row for kind in self._kinds for row in kind.ahead(conn, now)]
        for row in rows:
            name = (row.kind.table.__tablename__, *row.key)
            mark, since = self._seen.get(name, (row.mark, now))
            if mark != row.mark or since > now:
                since = now
            if now - since >= row.meant:
                over.append(row)
            else:
                still[name] = (row.mark, since)
        self._seen = still
        if not over:
            return 0
        with store.write() as conn:
            return sum([row.kind.make_due(conn, row.key, row.mark, now) for row in over])
