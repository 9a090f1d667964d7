"""What is to be done once a transaction has committed, and never if it did not: lines of the log."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("after_commit", default=None)


def after_commit(act: Callable[[], None]) -> None:
    """Do it when the transaction that is open in this thread has committed; at once where none of the store's is."""
    waiting = _waiting.get()
    if waiting is None:
        act()
    else:
        waiting.append(act)


@contextmanager
def doing_afterwards() -> Generator[None]:
    """Around one transaction, outside of its commit. ``act`` may not open another one."""
    waiting: list[Callable[[], None]] = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    for act in waiting:
        act()
