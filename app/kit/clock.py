"""Time is handed in, never taken: every instant is aware and in UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the present comes from. ``now`` is aware, in UTC; ``sleep`` waits that many seconds of this clock."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ShiftedClock(SystemClock):
    """The machine's time moved by a fixed span, so that a test or a demo can start on a chosen day and go on from it."""

    def __init__(self, start_at: datetime) -> None:
        self._shift = start_at - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._shift


class StoppedClock:
    """Stands still until moved; sleeping moves it."""

    def __init__(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError("a clock holds an aware instant")
        self.at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.move(timedelta(seconds=seconds))

    def move(self, by: timedelta) -> None:
        self.at += by
