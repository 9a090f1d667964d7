"""Keeps checked rows in a temporary file between reading and storing, so that memory stays flat."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from app.subscriptions.importing.context import Record

BATCH = 1000


class Spool:
    """Records by kind, given back in portions of ``BATCH`` in the order they came. The file goes away with the spool."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._waiting: dict[str, list[Record]] = {}
        self._portions: dict[str, list[int]] = {}
        self.counts: dict[str, int] = {}

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, kind: str, record: Record) -> None:
        waiting = self._waiting.setdefault(kind, [])
        waiting.append(record)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if len(waiting) >= BATCH:
            self._write(kind)

    def portions(self, kind: str) -> Iterator[list[Record]]:
        """All records of a kind, as often as asked for."""
        self._write(kind)
        for offset in self._portions.get(kind, []):
            self._file.seek(offset)
            # Our own file, unlinked since it was opened: nobody else can have written to it.
            rows: list[tuple[Any, ...]] = pickle.load(self._file)  # noqa: S301
            yield [Record(*row) for row in rows]

    def _write(self, kind: str) -> None:
        waiting = self._waiting.get(kind)
        if not waiting:
            return
        offset = self._file.seek(0, 2)
        rows = [(record.line, record.start, record.data, record.lines) for record in waiting]
        pickle.dump(rows, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._portions.setdefault(kind, []).append(offset)
        waiting.clear()
