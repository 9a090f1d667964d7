"""For tests: a server that dies without warning at a named crash point. Settings refuse it in production."""

from __future__ import annotations

import itertools
import os
import signal

from app.kit.faults import Plan


def dying_at(plan: str) -> Plan:
    """``C5`` or ``C5:2``: SIGKILL to the whole process group at that passing, as when the machine is switched off."""
    name, _, passing = plan.partition(":")
    passings = itertools.count(1)
    wanted = int(passing or 1)

    def die(point: str) -> None:
        if point == name and next(passings) == wanted:
            os.killpg(os.getpgrp(), signal.SIGKILL)

    return die
