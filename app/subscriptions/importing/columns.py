"""The columns of a CSV: where each value goes in the JSON form of a row, and what a complaint calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.subscriptions.importing.problems import Problems

Path = tuple[str, ...]
_LOT = re.compile(r"items\[(\d+)\]\.lots\[(\d+)\]")
_ITEM = re.compile(r"items\[(\d+)\]")


def paths(columns: Mapping[str, str]) -> dict[str, Path]:
    """Columns with their paths written as text: ``{"period_start": "item.period.start"}``."""
    return {column: tuple(path.split(".")) for column, path in columns.items()}


class Columns:
    """The header of one file. ``fixed`` are the kind's columns, ``dynamic`` the beginnings of columns such as ``price:``."""

    def __init__(
        self, fixed: Mapping[str, Path], dynamic: Mapping[str, Path], header: list[str], problems: Problems
    ) -> None:
        self._names: dict[str, str] = {}
        self.paths: list[Path] = []
        for name in header:
            path = _path_of(name, fixed, dynamic)
            if path is None:
                problems.add(1, name[:60] or "(no name)", "there is no such column")
            elif ".".join(path) in self._names:
                problems.add(1, name[:60], "stands in the header twice")
            else:
                self._names[".".join(path)] = name
            self.paths.append(path or ())
        # A field that is missing is named after the column that would have held it.
        for column, path in fixed.items():
            self._names.setdefault(".".join(path), column)
        self._dynamic = {".".join(path): prefix for prefix, path in dynamic.items()}

    def name(self, path: str) -> str:
        """The column of a path; a path that no column has is told as it is."""
        path = _ITEM.sub("item", _LOT.sub("lot", path))
        found = self._names.get(path)
        if found is not None:
            return found
        for start, prefix in self._dynamic.items():
            if path.startswith(start):
                return prefix + path[len(start) :].replace(".", ":")
        return path

    def values(self, cells: list[str]) -> dict[str, Any]:
        """The row as a JSON object would say it; empty cells say nothing."""
        values: dict[str, Any] = {}
        for path, cell in zip(self.paths, cells, strict=True):
            if not cell:
                continue
            inner = values
            for step in path[:-1]:
                inner = inner.setdefault(step, {})
            inner[path[-1]] = cell
        return values


class CsvPlace:
    """Line and column of a path. ``lines`` tells the lines of the further lots of a subscription that has several rows."""

    __slots__ = ("_columns", "_line", "lines")

    def __init__(self, columns: Columns, line: int, lines: Mapping[tuple[int, int], int] | None = None) -> None:
        self._columns, self._line, self.lines = columns, line, lines

    def __call__(self, path: str) -> tuple[int, str]:
        line = self._line
        if self.lines:
            found = _LOT.match(path) or _ITEM.match(path)
            if found:
                lot = int(found[2]) if found.re is _LOT else 0
                line = self.lines.get((int(found[1]), lot), line)
        return line, self._columns.name(path)


class JsonPlace:
    """Line of the object and the path from the kind's list on."""

    __slots__ = ("_line", "start")

    def __init__(self, line: int, start: str) -> None:
        self._line, self.start = line, start

    def __call__(self, path: str) -> tuple[int, str]:
        return self._line, f"{self.start}.{path}" if path else self.start


def _path_of(name: str, fixed: Mapping[str, Path], dynamic: Mapping[str, Path]) -> Path | None:
    if name in fixed:
        return fixed[name]
    prefix, colon, rest = name.partition(":")
    if colon and prefix in dynamic and rest:
        return (*dynamic[prefix], *rest.split(":", 2))
    return None
