"""What a run showed, as figures: added up, printed, recorded."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.faults.iteration import Outcome
from tests.faults.judge import INVARIANTS
from tests.faults.plan import ALL_POINTS

NEEDED_RUNS, NEEDED_KILLS = 3000, 200
"""Over all recorded runs, per database and per crash point."""


@dataclass
class Figures:
    """One run on one database."""

    seed: int
    commit: str
    database: str
    gateway: str
    iterations: int = 0
    calls: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)
    skewed: list[float] = field(default_factory=list)
    """Of iterations whose server had a wrong clock: its leases end as much later."""
    ends: Counter[str] = field(default_factory=Counter)
    attempts_for_a_person: int = 0
    surplus_mails: int = 0
    seconds: float = 0.0
    mutants: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, out: Outcome, *, name: str) -> None:
        self.iterations += 1
        self.calls += out.calls
        self.kills.update(out.kills)
        self.faults.update(fault for _, fault, _ in out.plan.faults)
        for what in ("expire_keys", "skew", "lock", "full", "net", "zombie", "blind", "worker_crash"):
            self.faults[what] += bool(getattr(out.plan, what))
        self.faults["restart"] += out.plan.restart >= 0
        self.faults["tabs"] += out.plan.tabs > 1
        (self.skewed if out.plan.skew else self.recovery).extend(out.recovery)
        self.ends.update(out.ends)
        self.attempts_for_a_person += out.person
        self.surplus_mails += out.surplus_mails
        self.seconds += out.seconds
        for each in out.violations:
            self.violations[each.invariant] += 1
            self.failures.append(f"{each} · seed {self.seed} · commit {self.commit} · {name} · plan {out.plan}")

    @property
    def least_kills(self) -> int:
        return min(self.kills[point] for point in ALL_POINTS)

    def recovered(self, *, skewed: bool = False) -> dict[str, float]:
        """Simulated seconds from healing to final."""
        times = sorted(self.skewed if skewed else self.recovery)
        if not times:
            return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
        cuts = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else [times[0]] * 99
        return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": times[-1]}

    def record(self) -> dict[str, Any]:
        """What is kept of the run."""
        return {
            "seed": self.seed, "commit": self.commit, "database": self.database, "gateway": self.gateway,
            "iterations": self.iterations, "calls": self.calls,
            "kills": {key: self.kills[key] for key in (*ALL_POINTS, "blind", "zombie", "disk", "database") if self.kills[key]},
            "faults": {key: count for key, count in sorted(self.faults.items()) if count},
            "violations": dict(sorted(self.violations.items())),
            "recovery": {key: round(value, 1) for key, value in self.recovered().items()},
            "recovery_skewed": {key: round(value, 1) for key, value in self.recovered(skewed=True).items()},
            "recovered": len(self.recovery) + len(self.skewed), "person": self.attempts_for_a_person, "surplus_mails": self.surplus_mails,
            "mutants": self.mutants, "notes": self.notes,
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For people."""
        told, wrong = self.recovered(), self.recovered(skewed=True)
        bound = 3 / self.iterations if self.iterations else 1.0
        crashed = sum(self.kills[key] for key in (*ALL_POINTS, "blind"))
        said = [
            f"{self.database} · {self.gateway} · seed {self.seed} · commit {self.commit}: {self.iterations} iterations, "
            f"{self.calls} changing calls, {self.seconds / max(1, self.iterations):.2f} s each",
            "kills: " + " ".join(f"{key}={self.kills[key]}" for key in (*ALL_POINTS, "blind", "zombie", "disk", "database")),
            "faults: " + " ".join(f"{key}={count}" for key, count in sorted(self.faults.items()) if count),
            "ends of orders: " + " ".join(f"{key}={count}" for key, count in sorted(self.ends.items())),
            "violations: " + " ".join(f"{name}={self.violations[name]}" for name in INVARIANTS),
            f"none seen means at most {bound:.2%} of iterations (95 %)" if not self.violations else "BROKEN",
            "recovery in simulated seconds: " + " ".join(f"{key}={value:.0f}" for key, value in told.items())
            + f" ({len(self.recovery)} attempts, {self.attempts_for_a_person} for a person)",
            "the same where the server's clock was five minutes wrong: "
            + " ".join(f"{key}={value:.0f}" for key, value in wrong.items()) + f" ({len(self.skewed)} attempts)",
            f"surplus mails: {self.surplus_mails} in {crashed} crashes",
        ]  # fmt: skip
        if self.mutants:
            caught = sum(not how.startswith("MISSED") for how in self.mutants.values())
            said.append(f"mutants caught: {caught} of {len(self.mutants)}")
            said += [f"  {name}: {how}" for name, how in self.mutants.items()]
        return said + self.notes + self.failures
