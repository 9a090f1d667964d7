"""What a comparison with a gateway found."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Compared:
    """How one comparison, or several, went. ``unread``: accounts whose list was not read whole; ``closed``: that still
    may not charge."""

    accounts: int = 0
    listed: int = 0
    differed: int = 0
    refunds: int = 0
    disputes: int = 0
    undecided: int = 0
    unread: int = 0
    busy: int = 0
    opened: int = 0
    closed: int = 0

    def __add__(self, other: Compared) -> Compared:
        return Compared(*[getattr(self, each.name) + getattr(other, each.name) for each in fields(self)])
