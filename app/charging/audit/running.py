"""Makes every check of the registry, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from app.charging.audit import (
    at_gateway,
    belonging,
    consents,
    ledger,
    links,
    orders,
    refunds,
    states,
    storage,
    told,
    waiting,
)
from app.charging.audit.findings import Broken, Check, Finding, Seen, WholeCheck
from app.charging.audit.scene import PAGE, NotRead, Scene
from app.gateways.port import Gateways
from app.kit.clock import Clock
from app.models.store import Store

CHECKS: tuple[Check | WholeCheck, ...] = (
    *storage.CHECKS,
    *states.CHECKS,
    *at_gateway.CHECKS,
    *orders.CHECKS,
    *refunds.CHECKS,
    *consents.CHECKS,
    *told.CHECKS,
    *links.CHECKS,
    *ledger.CHECKS,
    *waiting.CHECKS,
    *belonging.CHECKS,
)
NAMED_AT_MOST = 20
"""So many rows are named for one invariant; the count goes on."""


def run(store: Store, gateways: Gateways, clock: Clock, *, page_size: int = PAGE) -> Iterator[Finding]:
    """One finding per check. Reads only, a page of ``page_size`` orders at a time; may run beside a live installation.

    Whatever a check cannot read of a row is a broken row: it raises nothing.
    """
    scene = Scene(store, gateways, clock, page_size)
    with suppress(NotRead):
        _ = scene.held  # asked before any row is read
    tallies = {check: _Tally() for check in CHECKS}
    for page in scene.pages():
        for check, tally in tallies.items():
            if isinstance(check, Check):
                tally.take(lambda check=check, page=page: check.look(page))
    for check, tally in tallies.items():
        if isinstance(check, WholeCheck):
            tally.take(lambda check=check: check.look(scene))
        elif check.asks_gateway:
            tally.take(lambda: _needs(scene))
        yield Finding(check.invariant, check.title, tally.checked, tuple(tally.broken), tally.unread)


@dataclass
class _Tally:
    checked: int = 0
    broken: list[Broken] = field(default_factory=list[Broken])
    unread: str = ""

    def take(self, look: Callable[[], Seen]) -> None:
        if self.unread:
            return
        try:
            for seen in look():
                self.checked += 1
                if seen is not None and len(self.broken) < NAMED_AT_MOST:
                    self.broken.append(seen)
        except NotRead as error:
            self.unread = str(error)


def _needs(scene: Scene) -> Seen:
    """Nothing to look at; says so when the gateways were not read, also where there are no orders."""
    _ = scene.held
    yield from ()
