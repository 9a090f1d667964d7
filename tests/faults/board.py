"""What all processes of an iteration share: the clock, which crash plan is armed, and what has fired. Survives SIGKILL."""

from __future__ import annotations

import mmap
import os
import time
from datetime import UTC, datetime, timedelta

SLOTS = 256
POINTS = (*(f"C{n}" for n in range(12)), *(f"R{n}" for n in range(1, 7)), "M1")
"""The protocol's crash points, those of refunds, and one that a mutant brings along."""
_BASE, _ARMED, _FIRED, _STOPPED, _PASSED = SLOTS, SLOTS + 1, SLOTS + 2, SLOTS + 3, SLOTS + 8
LINKS = ("gateway", "database")
MODES = ("", "latency", "reset", "cut", "slow_close", "timeout")
_NET = _PASSED + len(POINTS)
_NOTICES = _NET + 3 * len(LINKS)
HURT = 3
"""So many connections in a row are hurt; then the network is well again."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REAL_SHARE = 0.002
"""How much of a sleep is really slept; the rest passes by moving the clock of all."""
MOST_REAL = 0.02


class Board:
    """64-bit numbers in shared memory. Each process adds to the clock in a slot of its own, so no addition is lost."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8 * (_NOTICES + 4))
        self._cells = memoryview(self._memory).cast("q")

    # The clock

    def shift(self) -> int:
        """Microseconds by which the shared clock is ahead of the machine's."""
        return sum(self._cells[: SLOTS + 1])

    def move(self, seconds: float) -> None:
        self._cells[os.getpid() % SLOTS] += int(seconds * 1_000_000)

    def set_clock(self, at: datetime) -> None:
        for slot in range(SLOTS):
            self._cells[slot] = 0
        self._cells[_BASE] = (at - datetime.now(UTC)) // timedelta(microseconds=1)

    # Crash points

    def arm(self) -> None:
        self._cells[_ARMED], self._cells[_FIRED], self._cells[_STOPPED] = 1, 0, 0
        for place in range(len(POINTS)):
            self._cells[_PASSED + place] = 0

    def disarm(self) -> None:
        self._cells[_ARMED] = 0

    def passed(self, point: str) -> None:
        self._cells[_PASSED + POINTS.index(point)] += 1

    def passings(self, point: str) -> int:
        return self._cells[_PASSED + POINTS.index(point)]

    @property
    def is_armed(self) -> bool:
        return bool(self._cells[_ARMED])

    def fire(self) -> bool:
        """True for the first who asks while it is armed."""
        if not self._cells[_ARMED]:
            return False
        self._cells[_ARMED], self._cells[_FIRED] = 0, 1
        return True

    @property
    def has_fired(self) -> bool:
        return bool(self._cells[_FIRED])

    @property
    def stopped(self) -> int:
        """The process that stopped itself, or 0."""
        return self._cells[_STOPPED]

    @stopped.setter
    def stopped(self, pid: int) -> None:
        self._cells[_STOPPED] = pid

    # The network

    def hurt(self, link: str, mode: str, first: int) -> None:
        """From that connection on, ``HURT`` of them fare so."""
        at = _NET + 3 * LINKS.index(link)
        self._cells[at], self._cells[at + 1], self._cells[at + 2] = MODES.index(mode), first, 0

    def well(self) -> None:
        for link in LINKS:
            self.hurt(link, "", 0)

    def connection(self, link: str) -> str:
        """A proxy took another connection: how it fares."""
        at = _NET + 3 * LINKS.index(link)
        self._cells[at + 2] += 1
        mode, first, number = self._cells[at], self._cells[at + 1], self._cells[at + 2]
        return MODES[mode] if first <= number < first + HURT else ""

    # The gateway's notices

    @property
    def tried(self) -> int:
        """How many notices were posted at least once."""
        return self._cells[_NOTICES]

    @tried.setter
    def tried(self, count: int) -> None:
        self._cells[_NOTICES] = count

    @property
    def taken(self) -> int:
        """How many were answered with 200."""
        return self._cells[_NOTICES + 1]

    @taken.setter
    def taken(self, count: int) -> None:
        self._cells[_NOTICES + 1] = count

    @property
    def tells_early(self) -> bool:
        """The gateway's answers wait until its notices were posted."""
        return bool(self._cells[_NOTICES + 2])

    @tells_early.setter
    def tells_early(self, early: bool) -> None:
        self._cells[_NOTICES + 2] = early

    @property
    def calls_under_lock(self) -> int:
        """Of whoever holds the database's lock: calls at the gateway just before it lets go; -1 while it holds it."""
        return self._cells[_NOTICES + 3]

    @calls_under_lock.setter
    def calls_under_lock(self, count: int) -> None:
        self._cells[_NOTICES + 3] = count

    def connections(self, link: str) -> int:
        return self._cells[_NET + 3 * LINKS.index(link) + 2]


class SharedClock:
    """The clock of every process of an iteration; ``skew`` makes one process's clock wrong. Sleeping moves it for all."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.skew = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(microseconds=self.board.shift()) + self.skew

    def sleep(self, seconds: float) -> None:
        real = min(seconds * REAL_SHARE, MOST_REAL)
        time.sleep(real)
        self.board.move(seconds - real)
