"""The folder's journal: appended to before an answer leaves, so that a killed process has said everything it did."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "journal.jsonl"


class Journal:
    """One file, one JSON object a line. One act is one ``write``: what a reader finds was done as a whole."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / NAME
        _drop_torn_end(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, *lines: dict[str, Any]) -> None:
        data = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        os.close(self._file)


def read_journal(folder: Path) -> Iterator[dict[str, Any]]:
    """Every whole line, oldest first; a torn last one is ignored."""
    path = folder / NAME
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def _drop_torn_end(path: Path) -> None:
    """A line that a kill cut short was never answered; the next line must not be glued to it."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            file.truncate(whole)
