"""Makes every check of the registry, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

from app.charging.audit import (
    at_gateway,
    balances,
    belonging,
    consents,
    contested,
    ledger,
    links,
    orders,
    outcomes,
    reading_rows,
    refunds,
    states,
    storage,
    subscriptions,
    told,
    waiting,
)
from app.charging.audit.findings import Broken, Check, Finding, PlanCheck, Seen, WholeCheck
from app.charging.audit.scene import PAGE, Scene
from app.gateways.port import Gateways
from app.kit.clock import Clock
from app.models.store import Store

CHECKS: tuple[Check | PlanCheck | WholeCheck, ...] = (
    *storage.CHECKS,
    *states.CHECKS,
    *reading_rows.CHECKS,
    *at_gateway.CHECKS,
    *orders.CHECKS,
    *outcomes.CHECKS,
    *refunds.CHECKS,
    *contested.CHECKS,
    *consents.CHECKS,
    *told.CHECKS,
    *links.CHECKS,
    *ledger.CHECKS,
    *balances.CHECKS,
    *subscriptions.CHECKS,
    *waiting.CHECKS,
    *belonging.CHECKS,
)


class Paged(Protocol):
    """A page of something, which can be taken apart."""

    @property
    def name(self) -> str: ...
    def each(self) -> Iterator[Self]: ...


P = TypeVar("P", bound=Paged)
NAMED_AT_MOST = 20
"""So many rows are named for one invariant; the count goes on."""


def run(store: Store, gateways: Gateways, clock: Clock, *, page_size: int = PAGE) -> Iterator[Finding]:
    """One finding per check. Reads only, a page of ``page_size`` orders at a time; may run beside a live installation.

    Whatever a check cannot read of a row is a broken row: it raises nothing.
    """
    scene = Scene(store, gateways, clock, page_size)
    unread = scene.held.missing()  # asked before any row is read
    tallies = {check: _Tally() for check in CHECKS}
    for page in scene.pages():
        for check, tally in tallies.items():
            if isinstance(check, Check):
                tally.take(_looked(check.look, page))
    for page in scene.plans():
        for check, tally in tallies.items():
            if isinstance(check, PlanCheck):
                tally.take(_looked(check.look, page))
    for check, tally in tallies.items():
        if isinstance(check, WholeCheck):
            tally.take(_followed(check, scene))
        said = unread if check.asks_gateway else ""
        yield Finding(check.invariant, check.title, tally.checked, tuple(tally.broken), said)


def _looked(look: Callable[[P], Seen], page: P) -> list[Broken | None]:
    """Over the whole page; if something on it cannot be judged, then one by one, so that it is named and hides no other."""
    try:
        return list(look(page))
    except Exception as error:
        alone = list(page.each())
        if len(alone) == 1:
            return [Broken(page.name, f"cannot be judged ({type(error).__name__}): what its rows hold cannot be read")]
        return [seen for one in alone for seen in _looked(look, one)]


def _followed(check: WholeCheck, scene: Scene) -> Seen:
    try:
        yield from check.look(scene)
    except Exception as error:
        yield Broken(f"a row of {check.title!r}", f"cannot be judged ({type(error).__name__}), nor what comes after it")


@dataclass
class _Tally:
    checked: int = 0
    broken: list[Broken] = field(default_factory=list[Broken])

    def take(self, looked: Iterable[Broken | None]) -> None:
        for seen in looked:
            self.checked += 1
            if seen is not None and len(self.broken) < NAMED_AT_MOST:
                self.broken.append(seen)
