"""Long work of a worker in a thread of its own, so that a comparison of hours keeps no receipt waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.jobs.failing import Failing

WAIT_SECONDS = 1.0


@dataclass
class Pass:
    """Something done every so often, by the machine's own time: a demo's shifted clock does not change the pace."""

    name: str
    every: float
    work: Callable[[], object]
    due_at: float = 0.0

    def turn(self, run: Callable[[str, Callable[[], object]], bool]) -> None:
        """Do it if it is due; again soon where the database was away."""
        now = time.monotonic()
        if now >= self.due_at and run(self.name, self.work):
            self.due_at = now + self.every


class Apart:
    """Passes that are done one after the other in one daemon thread. ``stopping`` ends it; the work asks it as well."""

    def __init__(self, name: str, passes: Sequence[Pass], failing: Failing, stopping: threading.Event) -> None:
        self._name, self._passes, self._failing, self._stopping = name, passes, failing, stopping
        self._thread: threading.Thread | None = None

    @property
    def runs(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """A second call does nothing, nor does one while the work of before is still ending."""
        if not self.runs:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the work in hand, or stop waiting; its lease ends by itself."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.wait(self._failing.pause or WAIT_SECONDS):
            for each in self._passes:
                each.turn(self._failing.run)
