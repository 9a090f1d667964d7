"""What ``liftlink reconcile`` works with."""

from __future__ import annotations

from app.jobs.reconciling import Tools
from app.wiring.adapters import Adapters
from app.wiring.jobs import make_runner


def reconcile_tools(adapters: Adapters) -> Tools:
    """The jobs' tools over these adapters."""
    compose = make_runner(adapters).compose
    return Tools(adapters.store, adapters.gateways, adapters.clock, adapters.mailer, compose)
