"""A list that is too long for one answer is read whole all the same, and each object of it once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.charging.slicing import NotListed, slices
from app.gateways.port import AnswerKind, Reply
from app.kit.clock import StoppedClock

BEGAN = datetime(2026, 7, 1, tzinfo=UTC)
NOW = BEGAN + timedelta(days=30)


class Shelf:
    """A gateway with objects at whole seconds after ``BEGAN``, which lists at most ``most`` of them at once."""

    def __init__(self, made: list[int], most: int) -> None:
        self.made, self.most, self.asked = sorted(made), most, 0

    def __call__(self, *, since: datetime, until: datetime | None) -> Reply[tuple[int, ...]]:
        self.asked += 1
        first = int((since - BEGAN).total_seconds())
        last = None if until is None else int((until - BEGAN).total_seconds())
        found = [at for at in self.made if at >= first and (last is None or at < last)]
        if len(found) > self.most:
            return Reply(AnswerKind.UNKNOWN, is_too_long=True)
        return Reply(AnswerKind.DEFINITE, tuple(found))


@example([30 * 86400 - 1, 30 * 86400], 1, True)
@given(st.lists(st.integers(0, 30 * 86400), max_size=80, unique=True), st.integers(1, 30), st.booleans())
def test_the_slices_meet_and_hold_every_object_once(made: list[int], most: int, is_open: bool):
    shelf = Shelf(made, most)
    parts = list(slices(shelf, BEGAN, None if is_open else NOW, StoppedClock(NOW)))
    assert [each for part in parts for each in part.listed] == [
        at for at in shelf.made if is_open or at < 30 * 86400
    ]  # fmt: skip
    assert parts[0].since == BEGAN
    assert all(one.until == other.since for one, other in pairwise(parts))
    assert parts[-1].until == (None if is_open else NOW)


def test_what_fits_is_asked_for_once():
    shelf = Shelf([1, 2, 3], 3)
    assert [part.listed for part in slices(shelf, BEGAN, None, StoppedClock(NOW))] == [(1, 2, 3)]
    assert shelf.asked == 1


def test_a_full_hour_does_not_make_the_quiet_month_after_it_long_to_read():
    shelf = Shelf(list(range(1000)), 10)
    assert sum(len(part.listed) for part in slices(shelf, BEGAN, None, StoppedClock(NOW))) == 1000
    assert shelf.asked < 400


def test_more_within_a_second_than_is_listed_is_told():
    with pytest.raises(NotListed):
        list(slices(Shelf([5, 5, 5], 2), BEGAN, None, StoppedClock(NOW)))


def test_what_a_gateway_does_not_answer_is_told():
    def silent(*, since: datetime, until: datetime | None) -> Reply[tuple[int, ...]]:
        return Reply(AnswerKind.NOT_SENT)

    with pytest.raises(NotListed) as told:
        list(slices(silent, BEGAN, None, StoppedClock(NOW)))
    assert told.value.answer is AnswerKind.NOT_SENT
