"""The bell that wakes workers. The queue is rows in the database; a lost ring costs time, never work."""

from __future__ import annotations

import threading
from typing import Protocol


class Bell(Protocol):
    """``ring`` says that some row wants work; it never blocks and never fails the caller."""

    def ring(self) -> None: ...


class SilentBell:
    """Nobody listens: the sweep finds the work."""

    def ring(self) -> None:
        return None


class ThreadBell:
    """Wakes the worker thread of this process."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def wait(self, seconds: float) -> bool:
        """True when rung within that time; the ring is used up."""
        rung = self._rung.wait(seconds)
        self._rung.clear()
        return rung
