"""Makes every check of the registry, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from app.charging.audit import at_gateway, consents, ledger, links, orders, refunds, states, storage, told
from app.charging.audit.findings import Broken, Check, Finding
from app.charging.audit.scene import NotRead, Scene
from app.gateways.port import Gateways
from app.kit.clock import Clock
from app.models.store import Store

CHECKS: tuple[Check, ...] = (
    *storage.CHECKS,
    *states.CHECKS,
    *at_gateway.CHECKS,
    *orders.CHECKS,
    *refunds.CHECKS,
    *consents.CHECKS,
    *told.CHECKS,
    *links.CHECKS,
    *ledger.CHECKS,
)
NAMED_AT_MOST = 20
"""So many rows are named for one invariant; the count goes on."""


def run(store: Store, gateways: Gateways, clock: Clock) -> Iterator[Finding]:
    """One finding per invariant, as it is made. Reads only; may run beside a live installation.

    Whatever a check cannot read of a row is a broken row: it raises nothing.
    """
    scene = Scene(store, gateways, clock)
    for check in CHECKS:
        yield _made(check, scene)


def _made(check: Check, scene: Scene) -> Finding:
    checked, broken = 0, list[Broken]()
    try:
        for seen in check.look(scene):
            checked += 1
            if seen is not None:
                broken.append(seen)
    except NotRead as error:
        return Finding(check.invariant, check.title, checked, tuple(broken[:NAMED_AT_MOST]), str(error))
    return Finding(check.invariant, check.title, checked, tuple(broken[:NAMED_AT_MOST]))
