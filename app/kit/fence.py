"""Keeps database transactions and outside calls apart (I44): no transaction is open while a socket is in use."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_open_transactions: ContextVar[int] = ContextVar("open_transactions", default=0)


@contextmanager
def transaction() -> Generator[None]:
    """Marks this thread as inside a writing transaction."""
    token = _open_transactions.set(_open_transactions.get() + 1)
    try:
        yield
    finally:
        _open_transactions.reset(token)


def assert_outside_transaction(call: str) -> None:
    """Every adapter asks this before it touches the world. A violation is a bug, hence an assertion that stays on."""
    if _open_transactions.get():
        raise AssertionError(f"{call} was called inside an open transaction")
