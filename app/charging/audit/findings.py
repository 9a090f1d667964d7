"""What an audit says of one invariant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.charging.audit.plans import PlanPage
    from app.charging.audit.scene import Page, Scene


@dataclass(frozen=True, slots=True)
class Broken:
    """One row that breaks an invariant: its name (``order 8x…``) and what differs, without secrets."""

    row: str
    what: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: how many things were looked at, and those that break it. ``unread`` says why it could not be checked."""

    invariant: str
    title: str
    checked: int
    broken: tuple[Broken, ...] = ()
    unread: str = ""

    @property
    def holds(self) -> bool:
        return not self.broken and not self.unread


Seen = Iterator[Broken | None]
"""One thing looked at each: None where it is as it must be."""


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the registry: looks at each page of orders. ``asks_gateway``: it needs the gateways' answer."""

    invariant: str
    title: str
    look: Callable[[Page], Seen]
    asks_gateway: bool = False


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """One that looks at each page of subscriptions."""

    invariant: str
    title: str
    look: Callable[[PlanPage], Seen]
    asks_gateway: bool = False


@dataclass(frozen=True, slots=True)
class WholeCheck:
    """One that looks at something else than orders, once; it reads in pages by itself."""

    invariant: str
    title: str
    look: Callable[[Scene], Seen]
    asks_gateway: bool = False


def judged(row: str, wrong: str | bool, what: str = "") -> Broken | None:
    """None if nothing is wrong; ``wrong`` may be the words themselves."""
    return Broken(row, what or str(wrong)) if wrong else None
