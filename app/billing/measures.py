"""The measures of time (``policy.basis``): which share of a price a rest of time is worth, as two integers.

A share is the sum, over the intervals of a price which the rest touches, of covered part over the interval's own length.
A *point* is what a measure counts with: the local day for all but ``second``, which takes instants. Nothing caps a share.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from math import gcd
from typing import Any

from app.billing.facts import Interval
from app.billing.schedule import (
    days_in_month,
    days_of,
    grid_day,
    local_day,
    month_index,
    months_of,
    on_grid,
    step,
    zone_of,
)

Share = tuple[int, int]
MIXED = "mixed"
"""The unit of a share whose integers count no one thing: they are only a share of the price or of what was paid."""
Point = Any
"""A ``date``, or under ``second`` an aware ``datetime``. Only the measure that made a point looks inside."""


class DayMeasure:
    """``day``: actual calendar days in the merchant's time zone."""

    name = "day"
    unit: str | None = "day"
    credits = True

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone

    def point(self, instant: datetime) -> Point:
        return instant.astimezone(self.zone).date()

    def today(self, at: datetime, change_day: str) -> Point:
        """Where the rest begins: the day of the change, or the day after it if that one belongs to the old plan."""
        day = at.astimezone(self.zone).date()
        return day + timedelta(1) if change_day == "old" else day

    def day(self, point: Point) -> date:
        """The local day of a point."""
        return point

    def instant(self, point: Point) -> datetime:
        return datetime(point.year, point.month, point.day, tzinfo=self.zone).astimezone(UTC)

    def edge(self, origin: Point, anchor_day: int, interval: Interval, steps: int) -> Point:
        return step(origin, anchor_day, interval, steps)

    def length(self, start: Point, end: Point, anchor_day: int) -> Share:
        """How long a span is, as a fraction of this measure's unit."""
        return (end - start).days, 1

    def _unit_of_unused(self, whole: Share, rest: Share, interval: Interval) -> str | None:
        return self.unit if whole[1] == rest[1] == 1 else MIXED

    def length_under(self, interval: Interval) -> Callable[[Point, Point, int], Share]:
        """Intervals of days or weeks are measured by calendar days whatever the basis, but for ``second``."""
        return self.length if interval.unit in ("month", "year") else _calendar_days

    def share(self, interval: Interval, origin: Point, anchor_day: int, start: Point, end: Point) -> Share:
        """The share of one interval's price from ``start`` to ``end``, intervals laid from ``origin`` both ways."""
        days = days_of(interval)
        if days is not None:
            return (end - start).days, days
        return self._walk(interval, origin, anchor_day, start, end)

    def unit_of(self, share: Share, interval: Interval, start: Point, end: Point) -> str | None:
        """What the two integers of a price's share from ``start`` to ``end`` count; ``MIXED`` where they count nothing.

        A sum over intervals of one length has the length of the stretch on top; one over unlike intervals has not.
        """
        return self.unit if share[0] > 0 and (share[0], 1) == self.length_under(interval)(start, end, 1) else MIXED

    def unused(
        self, start: Point, end: Point, since: Point, anchor_day: int, interval: Interval
    ) -> tuple[int, int, str | None]:
        """Which share of a span lies at or after ``since``, and what its integers count.

        ``interval`` is that of the item which the span was paid for.
        """
        if since <= start:
            return 1, 1, None
        if since >= end:
            return 0, 1, None
        length = self.length_under(interval)
        rest, rest_unit = length(since, end, anchor_day)
        whole, whole_unit = length(start, end, anchor_day)
        unit = self._unit_of_unused((whole, whole_unit), (rest, rest_unit), interval)
        if rest_unit == whole_unit:
            return rest, whole, unit
        return rest * whole_unit, whole * rest_unit, unit

    def _walk(self, interval: Interval, origin: Point, anchor_day: int, start: Point, end: Point) -> Share:
        """Sum covered over own length, interval by interval."""
        if start >= end:
            return 0, 1
        steps = self._steps_to(interval, origin, start)
        low = self.edge(origin, anchor_day, interval, steps)
        while low > start:
            steps -= 1
            low = self.edge(origin, anchor_day, interval, steps)
        total = (0, 1)
        while low < end:
            steps += 1
            high = self.edge(origin, anchor_day, interval, steps)
            if high > start:
                covered, covered_unit = self.length(max(low, start), min(high, end), anchor_day)
                own, own_unit = self.length(low, high, anchor_day)
                part = (covered, own) if covered_unit == own_unit else (covered * own_unit, own * covered_unit)
                total = part if total == (0, 1) else _add(total, part)
            low = high
        return total

    def around(self, interval: Interval, origin: Point, anchor_day: int, point: Point) -> tuple[Point, Point]:
        """The edges of the interval that contains ``point``, intervals laid from ``origin``."""
        steps = self._steps_to(interval, origin, point)
        while self.edge(origin, anchor_day, interval, steps) > point:
            steps -= 1
        while self.edge(origin, anchor_day, interval, steps + 1) <= point:
            steps += 1
        return self.edge(origin, anchor_day, interval, steps), self.edge(origin, anchor_day, interval, steps + 1)

    def _steps_to(self, interval: Interval, origin: Point, start: Point) -> int:
        """A number of steps from ``origin`` to an edge near ``start``: at it, before it or one after it."""
        days = days_of(interval)
        if days is not None:
            return (start - origin).days // days
        return (month_index(start) - month_index(origin)) // months_of(interval)


def _calendar_days(start: Point, end: Point, anchor_day: int) -> Share:
    return (end - start).days, 1


def _add(one: Share, other: Share) -> Share:
    (a, b), (c, d) = one, other
    if b == d:
        return a + c, b
    if c == d:
        return a + b, b
    if a == b:
        return d + c, d
    top, bottom = a * d + c * b, b * d
    divisor = gcd(top, bottom)
    return top // divisor, bottom // divisor


class MonthMeasure(DayMeasure):
    """``month``: whole billing months on the anchor grid, then days over the length of the month they fall in."""

    name = "month"

    def unit_of(self, share: Share, interval: Interval, start: Point, end: Point) -> str | None:
        if interval.unit in ("day", "week"):
            return super().unit_of(share, interval, start, end)
        return "month" if share[1] == months_of(interval) else None

    def _unit_of_unused(self, whole: Share, rest: Share, interval: Interval) -> str | None:
        if interval.unit in ("day", "week"):
            return "day"
        if whole[1] == rest[1] == 1:
            return "month"
        # Parts of one billing month are its days.
        if whole[1] == rest[1] and whole[0] <= whole[1] <= 31:
            return "day"
        # Months and days can be read out of the share only where the whole is known: the item's own interval.
        return None if whole == (months_of(interval), 1) and rest[1] <= 31 else MIXED

    def share(self, interval: Interval, origin: Point, anchor_day: int, start: Point, end: Point) -> Share:
        if interval.unit in ("day", "week"):
            return super().share(interval, origin, anchor_day, start, end)
        # Every interval of n months is n long on its own grid, so the sum over intervals is one difference.
        top, bottom = self.length(start, end, grid_day(origin, anchor_day))
        return top, bottom * months_of(interval)

    def length(self, start: Point, end: Point, anchor_day: int) -> Share:
        from_month, from_days, from_length = _position(start, anchor_day)
        to_month, to_days, to_length = _position(end, anchor_day)
        months = to_month - from_month
        if not from_days:
            return (months, 1) if not to_days else (months * to_length + to_days, to_length)
        if not to_days:
            return months * from_length - from_days, from_length
        if from_length == to_length:
            return months * from_length + to_days - from_days, from_length
        return months * from_length * to_length + to_days * from_length - from_days * to_length, from_length * to_length


def _position(day: date, anchor_day: int) -> tuple[int, int, int]:
    """Whole billing months, days into the month, and that month's length, on the grid of ``anchor_day``."""
    year, month, number = day.year, day.month, day.day
    index = year * 12 + month - 1
    begins = min(anchor_day, days_in_month(year, month))
    if number == begins:
        return index, 0, 1
    if number > begins:
        this = date(year, month, begins)
        return index, number - begins, (on_grid(index + 1, anchor_day) - this).days
    before = on_grid(index - 1, anchor_day)
    return index - 1, (day - before).days, (date(year, month, begins) - before).days


class ThirtyMeasure(DayMeasure):
    """``thirty``: 30/360, 30 × months + days apart, a 31st counting as the 30th."""

    name = "thirty"

    def length(self, start: Point, end: Point, anchor_day: int) -> Share:
        months = month_index(end) - month_index(start)
        return 30 * months + min(end.day, 30) - min(start.day, 30), 1


class SecondMeasure(DayMeasure):
    """``second``: takes the instant itself; edges keep the local clock time of the instant they are laid from."""

    name = "second"
    unit = "second"

    def point(self, instant: datetime) -> Point:
        return instant.astimezone(UTC)

    def today(self, at: datetime, change_day: str) -> Point:
        return at.astimezone(UTC)

    def day(self, point: Point) -> date:
        return local_day(point, self.zone)

    def instant(self, point: Point) -> datetime:
        return point

    def edge(self, origin: Point, anchor_day: int, interval: Interval, steps: int) -> Point:
        local = origin.astimezone(self.zone)
        day = step(local.date(), anchor_day, interval, steps)
        return local.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)

    def length(self, start: Point, end: Point, anchor_day: int) -> Share:
        span = end - start
        if not span.microseconds:
            return span.days * 86_400 + span.seconds, 1
        return span // timedelta(microseconds=1), 1_000_000

    def length_under(self, interval: Interval) -> Callable[[Point, Point, int], Share]:
        return self.length

    def share(self, interval: Interval, origin: Point, anchor_day: int, start: Point, end: Point) -> Share:
        # No closed form: a day of a clock change is 23 or 25 hours long.
        return self._walk(interval, origin, anchor_day, start, end)

    def _steps_to(self, interval: Interval, origin: Point, start: Point) -> int:
        return super()._steps_to(interval, self.day(origin), self.day(start))


class NoMeasure(DayMeasure):
    """``none``: the new amount in full, no credit. An interval that is touched counts as one that is covered whole."""

    name = "none"
    unit = None
    credits = False

    def share(self, interval: Interval, origin: Point, anchor_day: int, start: Point, end: Point) -> Share:
        if start >= end:
            return 1, 1
        point, touched = self.around(interval, origin, anchor_day, start)[1], 1
        first = self._steps_to(interval, origin, point)
        while self.edge(origin, anchor_day, interval, first) < point:
            first += 1
        while point < end:
            point = self.edge(origin, anchor_day, interval, first + touched)
            touched += 1
        return touched, 1

    def unused(
        self, start: Point, end: Point, since: Point, anchor_day: int, interval: Interval
    ) -> tuple[int, int, str | None]:
        return 0, 1, None


MEASURES: dict[str, type[DayMeasure]] = {
    measure.name: measure for measure in (MonthMeasure, DayMeasure, ThirtyMeasure, SecondMeasure, NoMeasure)
}


@cache
def measure_of(basis: str, timezone: str) -> DayMeasure:
    """The measure of that basis in that time zone. Measures hold no state, so each is made once."""
    return MEASURES[basis](zone_of(timezone))
