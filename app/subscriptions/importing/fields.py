"""A row of any file, and the reader that takes its fields one by one and keeps what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from app.subscriptions.importing.problems import Bad, Problems
from app.subscriptions.importing.values import Parse, shown

Place = Callable[[str], tuple[int, str]]
"""From a path within a row to the line and the name that the merchant knows it by."""


@dataclass(slots=True)
class Row:
    """One object of a file. ``loose``: it comes from CSV, where an empty cell says nothing."""

    kind: str
    line: int
    values: dict[str, Any]
    place: Place
    loose: bool = field(default=False)


class Fields:
    """Reads one object. Every complaint goes to ``problems``; ``good`` is False once there was one."""

    __slots__ = ("_loose", "_path", "_place", "_problems", "_values", "good")

    def __init__(
        self, values: Mapping[str, Any], known: frozenset[str], row: Row, problems: Problems, path: str = ""
    ) -> None:
        self._values, self._path, self._place, self._problems = values, path, row.place, problems
        self._loose = row.loose
        self.good = True
        if not values.keys() <= known:
            for name in sorted(values.keys() - known):
                self.complain(name, "there is no such field")

    def complain(self, name: str, reason: str) -> None:
        self.good = False
        path = f"{self._path}.{name}" if self._path and name else self._path or name
        self._problems.add(*self._place(path), reason)

    def has(self, name: str) -> bool:
        """Whether the file says anything about it; JSON's null says something: to clear it."""
        return name in self._values and not (self._loose and self._values[name] == "")

    def value(self, name: str) -> Any:
        """The value as the file has it; None where it says nothing."""
        return self._values[name] if self.has(name) else None

    def needed(self, name: str, parse: Parse) -> Any:
        """The parsed value; a complaint and None if it is missing."""
        value = self.value(name)
        if value is None:
            self.complain(name, "is missing")
            return None
        return self._parsed(name, value, parse)

    def optional(self, name: str, parse: Parse, default: Any = None) -> Any:
        """The parsed value, or ``default`` where the file says nothing."""
        value = self._values.get(name)
        if value is None or (value == "" and self._loose):
            return default
        return self._parsed(name, value, parse, default)

    def given(self, table: Mapping[str, tuple[str, Parse, Any]]) -> dict[str, Any]:
        """Columns by field for what the file says: ``{field: (column, parse, what null stands for)}``."""
        found: dict[str, Any] = {}
        for name, (column, parse, empty) in table.items():
            if self.has(name):
                value = self._values[name]
                found[column] = empty if value is None else self._parsed(name, value, parse)
        return found

    def inner(self, name: str) -> dict[str, Any] | None:
        """A nested object, None where there is none."""
        value = self._values.get(name)
        if value is None or value == {}:
            return None
        if not isinstance(value, dict):
            self.complain(name, f"{shown(value)} is no object")
            return None
        return cast("dict[str, Any]", value)

    def several(self, name: str) -> list[dict[str, Any]]:
        """A nested list of objects."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.complain(name, f"{shown(value)} is no list")
            return []
        found: list[dict[str, Any]] = []
        for index, entry in enumerate(cast("list[Any]", value)):
            if isinstance(entry, dict):
                found.append(cast("dict[str, Any]", entry))
            else:
                self.complain(f"{name}[{index}]", f"{shown(entry)} is no object")
        return found

    def path(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _parsed(self, name: str, value: Any, parse: Parse, default: Any = None) -> Any:
        try:
            return parse(value)
        except Bad as bad:
            self.complain(name, str(bad))
            return default
