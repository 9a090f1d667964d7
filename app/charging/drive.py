"""The only code that advances attempts. Anyone may call it at any time, again and again."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from app.gateways.port import Gateways
from app.kit.clock import Clock
from app.kit.ids import Randomness, system_randomness
from app.models.store import Store


def driver_name(role: str, randomness: Randomness = system_randomness) -> str:
    """A name for one driver at one time: two calls never share a lease."""
    return f"{role}-{os.getpid()}-{threading.get_ident():x}-{randomness(6).hex()}"


def drive(
    store: Store,
    gateways: Gateways,
    clock: Clock,
    attempt_ids: Sequence[str],
    *,
    by: str,
    budget_seconds: float,
) -> None:
    """Advance each attempt as far as the gateway lets it go within ``budget_seconds``; read the rows for the result.

    ``by`` is this driver's name (``driver_name``). A row whose lease another driver holds is left alone at once.
    When the budget ends first, the row is due and a worker goes on. Never raises for what a gateway answers.
    """
    raise NotImplementedError
