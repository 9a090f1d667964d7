"""What is wrong with a file, row by row.

LiftlinkError
└── ImportRefused    import_refused: ``problems`` lists them; nothing was stored
                     import_unreadable, import_kind_unknown, update_not_supported: the file was not read at all
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.kit.errors import LiftlinkError

MOST_PROBLEMS = 1000
"""After that many the rest of a file is not read: whoever sent it has enough to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """``line`` counts from 1; ``field`` is the column, in JSON the path (``subscriptions[3].items[0].interval``)."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.reason}" if self.field else f"line {self.line}: {self.reason}"


class ImportRefused(LiftlinkError):
    """Nothing of the file was stored. ``complete`` is False when there may be more problems than are listed."""

    def __init__(self, code: str, message: str, problems: Sequence[Problem] = (), complete: bool = True) -> None:
        super().__init__(code, message, problems=[str(problem) for problem in problems], complete=complete)
        self.problems = tuple(problems)
        self.complete = complete


class Bad(Exception):
    """A value that cannot be taken; the text is the reason, which never repeats a card number."""


class Stop(Exception):
    """The file cannot be read any further; the reason is already among the problems."""


class Problems:
    """Collects what is wrong. ``Stop`` when it is too much."""

    def __init__(self) -> None:
        self._found: list[Problem] = []
        self.complete = True

    def add(self, line: int, field: str, reason: str) -> None:
        if len(self._found) >= MOST_PROBLEMS:
            self.complete = False
            raise Stop
        self._found.append(Problem(line, field, reason))

    def stop(self, line: int, field: str, reason: str) -> Stop:
        """For ``raise``: this problem ends the reading."""
        self.add(line, field, reason)
        self.complete = False
        return Stop()

    def refuse(self) -> None:
        """Raises ``ImportRefused`` if there is any problem, the first line first."""
        if not self._found:
            return
        found = sorted(self._found, key=lambda problem: problem.line)
        many = f"{len(found):,} problems" if len(found) > 1 else "1 problem"
        more = "" if self.complete else "; the rest of the file was not read"
        raise ImportRefused("import_refused", f"{many}, nothing was imported{more}", found, self.complete)
