"""What came of one plan, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults.plan import Plan
from tests.faults.view import FINAL, View, Violation

LONGEST_RECOVERY = 30 * 60.0


@dataclass
class Outcome:
    plan: Plan
    violations: list[Violation] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    """By crash point; ``blind``, ``zombie``, ``disk``, ``read_only`` and ``database`` count what had no name."""
    calls: int = 0
    recovery: list[float] = field(default_factory=list)
    """Simulated seconds from healing until each attempt that was not final was."""
    refunds_recovered: list[float] = field(default_factory=list)
    """The same of refunds."""
    checked: Counter[str] = field(default_factory=Counter)
    """By invariant: how often there was something to compare."""
    person: int = 0
    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    told: int = 0
    """Notices that the door took."""
    surplus_mails: int = 0
    """Mails sent again because the process died between the send and the mark."""

    def add_view(self, view: View) -> Iterator[Violation]:
        """Counts how everything ended; what did not end is a violation."""
        for attempt_id, row in view.attempts.items():
            self.checked["I12"] += 1
            if row["state"] == "QUARANTINED":
                self.person += 1
            elif row["state"] not in FINAL:
                yield Violation("I12", f"attempt {attempt_id} is {row['state']} after two days")
        if self.recovery and max(self.recovery) > LONGEST_RECOVERY:
            yield Violation("I12", f"an attempt was final after {max(self.recovery):.0f} s")
        self.calls = len(view.requests)
        self.ends.update(f"{row['state']}/{row['outcome']}" for row in view.orders.values())
        self.ends.update(f"refund/{row['kind']}/{row['state']}" for row in view.refunds)
        self.ends.update(f"dispute/{row['state']}" for row in view.disputes)
        self.ends.update(f"orphan/{row['state']}" for row in view.orphans)
        self.told = len(view.inbox)
