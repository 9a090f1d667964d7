"""A second transaction beside the one that a test is in."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection

from app.models.store import Store

A_MOMENT = 0.3


class Rival:
    """Another transaction in a thread of its own. ``waits``: it has not come through within a moment."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(8)
        self.futures: list[Future[Any]] = []

    def start(self, work: Callable[[], Any]) -> Future[Any]:
        self.futures.append(self._pool.submit(work))
        return self.futures[-1]

    def waits(self, work: Callable[[], Any]) -> None:
        future = self.start(work)
        with pytest.raises(TimeoutError):
            future.result(A_MOMENT)

    def end(self) -> list[Any]:
        return [future.exception(20) or future.result() for future in self.futures]

    def close(self) -> None:
        self._pool.shutdown()


def in_its_own(store: Store, work: Callable[[Connection], Any]) -> Callable[[], Any]:
    def run() -> Any:
        with store.write() as conn:
            return work(conn)

    return run
