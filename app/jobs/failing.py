"""What goes wrong in a worker's rounds, said so that a log stays readable: each thing once, and then counted.

A database that is away fails every pass of every round. That is one line when it goes and one when it is back; in between
the rounds come further and further apart. Anything else keeps its trace, the first time.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.kit.clock import Clock
from app.models.outages import is_outage, outage_code

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between two looks at a database that is away; each pause is twice the last."""
SAID_AGAIN: Final = timedelta(minutes=10)
"""So often an error that goes on is told anew, in one line with how many times it came."""
_log = structlog.get_logger(__name__)


@dataclass
class _Failure:
    what: str
    """The error and where it was raised."""
    since: datetime
    said: datetime
    times: int = 1


class Failing:
    """One worker's memory of what fails. ``database`` is its kind, for the log: never its address."""

    def __init__(self, database: str, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._away_since: datetime | None = None
        self._lost_in = ""
        self._failures: dict[str, _Failure] = {}
        self.pause = 0.0
        """Seconds to wait before the next round; 0 while the database is there."""

    @property
    def is_away(self) -> bool:
        return self._away_since is not None

    def run(self, name: str, work: Callable[[], object]) -> bool:
        """Do ``work``; whatever it raises is told here and goes no further. False when the database did not answer."""
        try:
            work()
        except Exception as error:
            if is_outage(error):
                self._lost(name, error)
                return False
            self._back(name)  # it answered, if only to something wrong
            self._failed(name, error)
        else:
            self._back(name)
            self._works(name)
        return True

    def _lost(self, name: str, error: Exception) -> None:
        self._lost_in = name
        if self._away_since is None:
            self._away_since = self._clock.now()
            _log.error("database_away", database=self._database, error=outage_code(error))
        self.pause = min(self.pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)

    def _back(self, name: str) -> None:
        """Where it was lost it answers again. That others did is no sign: one that is locked or full still lets read."""
        if name != self._lost_in:
            return
        if self._away_since is not None:
            seconds = (self._clock.now() - self._away_since).total_seconds()
            _log.warning("database_back", database=self._database, after_seconds=round(seconds, 1))
        self._away_since, self._lost_in, self.pause = None, "", 0.0

    def _failed(self, name: str, error: Exception) -> None:
        now, what = self._clock.now(), _what(error)
        known = self._failures.get(name)
        if known is None or known.what != what:
            self._failures[name] = _Failure(what, now, now)
            _log.error("worker_pass_failed", work=name, exc_info=error)
            return
        known.times += 1
        if now - known.said >= SAID_AGAIN:
            known.said = now
            _log.error(
                "worker_pass_still_fails", work=name, error=what, times=known.times, since=known.since.isoformat()
            )

    def _works(self, name: str) -> None:
        known = self._failures.pop(name, None)
        if known is not None:
            _log.warning("worker_pass_works_again", work=name, error=known.what, times=known.times)


def _what(error: Exception) -> str:
    """Its type and where it was raised: a message may differ each time, as by a number in it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
