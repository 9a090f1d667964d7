"""Named crash points. They do nothing unless a plan was installed, which only tests do.

Names C0 … C11 are those of the charging protocol: C0 before TX1, C1 after it, C2 before create, C3 before TX2, C4 before
the read, C5 before confirm, C6 before its answer is applied, C7 before TX3, C8 before the shopper is answered, C9 before
the lease of an outbox row, C10 before it is sent, C11 before it is marked. R1 … R6 are those of a refund: R1 once it is
promised, R2 before it is marked as sent, R3 before the call, R4 after it, R5 before it is settled, R6 once a driver is done.
"""

from __future__ import annotations

from collections.abc import Callable

Plan = Callable[[str], None]
_plan: Plan | None = None


def install_plan(plan: Plan | None) -> None:
    """From now on ``plan(name)`` runs at every crash point; it may kill the process, raise or wait. None takes it off."""
    global _plan
    _plan = plan


def fault_point(name: str) -> None:
    """A place where the process may die without harm; the fault harness proves it."""
    if _plan is not None:
        _plan(name)
