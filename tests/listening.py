"""Hears what an engine does while a test looks; the engine serves other tests afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def heard(engine: Engine, name: str) -> Iterator[list[Any]]:
    """The first thing that SQLAlchemy tells about each event of that name."""
    told: list[Any] = []

    def listen(*given: Any) -> None:
        told.append(given[2] if name == "before_cursor_execute" else given[0])

    event.listen(engine, name, listen)
    try:
        yield told
    finally:
        event.remove(engine, name, listen)
