"""What a worker's log says while something fails: enough to act on, and no more than that."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app.jobs import failing as module
from app.jobs.failing import LONGEST_PAUSE, SAID_AGAIN, Failing
from app.kit.clock import StoppedClock
from tests.logged import Lines, said_by


@pytest.fixture
def failing(clock: StoppedClock) -> Failing:
    return Failing("PostgreSQL", clock)


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    return said_by(monkeypatch, module)


def away() -> None:
    error = sqlite3.OperationalError("connection to postgresql://liftlink:hunter2@db.example failed")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_CANTOPEN, "SQLITE_CANTOPEN"
    raise OperationalError("SELECT 1", {}, error)


def wrong(message: str = "a bug") -> Callable[[], None]:
    def work() -> None:
        raise ValueError(message)

    return work


def test_a_database_that_is_away_is_said_once_in_one_line_without_a_trace(failing: Failing, lines: Lines):
    for _ in range(90):
        for name in ("attempts", "refunds", "mail"):
            failing.run(name, away)
    (line,) = lines
    assert (line["event"], line["database"], line["error"]) == (
        "database_away", "PostgreSQL", "OperationalError SQLITE_CANTOPEN",
    )  # fmt: skip
    assert "exc_info" not in line
    assert "hunter2" not in str(lines)


def test_the_pauses_grow_to_a_bound_and_end_when_it_is_back(failing: Failing):
    pauses: list[float] = []
    for _ in range(8):
        failing.run("attempts", away)
        pauses.append(failing.pause)
    failing.run("attempts", lambda: None)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, LONGEST_PAUSE]
    assert (failing.pause, failing.is_away) == (0, False)


def test_that_it_is_back_is_said_once_with_how_long_it_was_away(failing: Failing, lines: Lines, clock: StoppedClock):
    failing.run("attempts", away)
    clock.move(timedelta(seconds=75))
    failing.run("attempts", lambda: None)
    failing.run("refunds", lambda: None)
    assert [line["event"] for line in lines] == ["database_away", "database_back"]
    assert lines[1]["after_seconds"] == 75


def test_any_other_error_keeps_its_trace_and_the_same_again_is_counted(
    failing: Failing, lines: Lines, clock: StoppedClock
):
    for number in range(50):
        failing.run("attempts", wrong(f"row {number}"))
    clock.move(SAID_AGAIN)
    failing.run("attempts", wrong())
    failing.run("attempts", lambda: None)
    first, again, over = lines
    assert (first["event"], str(first["exc_info"])) == ("worker_pass_failed", "row 0")
    assert (again["event"], again["times"], "exc_info" in again) == ("worker_pass_still_fails", 51, False)
    assert (over["event"], over["times"]) == ("worker_pass_works_again", 51)


def test_another_error_of_the_same_pass_and_the_same_of_another_are_said(failing: Failing, lines: Lines):
    def other() -> None:
        raise KeyError("something else")

    failing.run("attempts", wrong())
    failing.run("attempts", other)
    failing.run("refunds", wrong())
    assert [(line["work"], type(line["exc_info"])) for line in lines] == [
        ("attempts", ValueError), ("attempts", KeyError), ("refunds", ValueError),
    ]  # fmt: skip


def test_a_database_that_only_lets_read_is_not_said_to_be_back(failing: Failing, lines: Lines):
    for _ in range(5):
        assert failing.run("leases", lambda: None)
        assert not failing.run("attempts", away)
    assert [line["event"] for line in lines] == ["database_away"]
    assert failing.pause == 16
