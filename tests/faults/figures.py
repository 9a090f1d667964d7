"""What a run showed, as figures: added up, printed, recorded."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.faults.outcome import Outcome
from tests.faults.plan import ALL_POINTS
from tests.faults.view import APART, INVARIANTS

NEEDED_RUNS, NEEDED_KILLS = 3000, 200
"""Over all recorded runs, per database and per crash point."""
NAMELESS = ("blind", "zombie", "disk", "read_only", "database")
LONGEST_P99 = 300.0
"""Simulated seconds: the protocol's promise (I12)."""
ENOUGH = 100
"""From so many random iterations, or recovered attempts, on a run must show what only many can."""


@dataclass
class Figures:
    """One run on one database."""

    seed: int
    commit: str
    database: str
    gateway: str
    command: str = ""
    """What this run was asked with."""
    iterations: int = 0
    calls: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)
    refunds_recovered: list[float] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    told: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    """Iterations by what asked for them: random, pairs, directed, restores."""
    ends: Counter[str] = field(default_factory=Counter)
    attempts_for_a_person: int = 0
    surplus_mails: int = 0
    seconds: float = 0.0
    mutants: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, out: Outcome, *, name: str) -> None:
        """``name`` begins with the part of the run that it belongs to."""
        self.iterations += 1
        self.parts[name.split()[0]] += 1
        self.calls += out.calls
        self.kills.update(out.kills)
        self.faults.update(fault for _, fault, _ in out.plan.faults)
        for what in ("expire_keys", "skew", "lock", "full", "read_only", "net", "zombie", "blind", "worker_crash"):
            self.faults[what] += bool(getattr(out.plan, what))
        self.faults["restart"] += out.plan.restart >= 0
        self.faults["tabs"] += out.plan.tabs > 1
        self.faults[f"notices_{out.plan.notices}"] += 1
        self.recovery += out.recovery
        self.refunds_recovered += out.refunds_recovered
        self.checked.update(out.checked)
        self.told += out.told
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

    def problems(self, kills: int = 0) -> list[str]:
        """Why the run failed; empty when it did not."""
        said = [f"{name} broke {count} times" for name, count in sorted(self.violations.items())]
        short = [f"{point} {self.kills[point]}" for point in ALL_POINTS if self.kills[point] < kills]
        if short:
            said.append(f"fewer than {kills} kills at {', '.join(short)}")
        said += [f"not caught: {name}" for name, how in self.mutants.items() if how.startswith("MISSED")]
        if self.parts["random"] >= ENOUGH:
            storage = any(self.kills[key] for key in ("disk", "read_only", "database")) or self.faults["lock"]
            wanted = [name for name in INVARIANTS if (name != "I47" or storage) and (name != "I20" or self.told)]
            said += [f"nothing was there to check {name} with" for name in wanted if not self.checked[name]]
        if len(self.recovery) >= ENOUGH and self.recovered()["p99"] >= LONGEST_P99:
            said.append(f"recovery p99 is {self.recovered()['p99']:.0f} s")
        return said

    def recovered(self, *, refunds: bool = False) -> dict[str, float]:
        """Simulated seconds from healing to final."""
        times = sorted(self.refunds_recovered if refunds else self.recovery)
        if not times:
            return {"p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}
        cuts = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else [times[0]] * 99
        return {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": times[-1]}

    def record(self) -> dict[str, Any]:
        """What is kept of the run."""
        return {
            "seed": self.seed, "commit": self.commit, "database": self.database, "gateway": self.gateway,
            "command": self.command, "iterations": self.iterations, "calls": self.calls, "parts": dict(sorted(self.parts.items())),
            "kills": {key: self.kills[key] for key in (*ALL_POINTS, *NAMELESS) if self.kills[key]},
            "faults": {key: count for key, count in sorted(self.faults.items()) if count},
            "violations": dict(sorted(self.violations.items())),
            "checked": {name: self.checked[name] for name in (*INVARIANTS, *APART)},
            "ends": dict(sorted(self.ends.items())), "told": self.told,
            "recovery": {key: round(value, 1) for key, value in self.recovered().items()},
            "recovery_of_refunds": {key: round(value, 1) for key, value in self.recovered(refunds=True).items()},
            "recovered": len(self.recovery), "person": self.attempts_for_a_person, "surplus_mails": self.surplus_mails,
            "mutants": self.mutants, "notes": self.notes,
        }  # fmt: skip

    def lines(self) -> list[str]:
        """For people."""
        told, back = self.recovered(), self.recovered(refunds=True)
        bound = 3 / self.iterations if self.iterations else 1.0
        crashed = sum(self.kills[key] for key in (*ALL_POINTS, "blind"))
        said = [
            f"{self.database} · {self.gateway} · seed {self.seed} · commit {self.commit}: {self.iterations} iterations, "
            f"{self.calls} changing calls, {self.seconds / max(1, self.iterations):.2f} s each",
            "iterations: " + _pairs(self.parts),
            "kills: " + " ".join(f"{key}={self.kills[key]}" for key in (*ALL_POINTS, *NAMELESS)),
            "faults: " + _pairs(self.faults) + f"; notices taken: {self.told}",
            "ends: " + _pairs(self.ends),
            "violations: " + " ".join(f"{name}={self.violations[name]}" for name in (*INVARIANTS, *APART)),
            "compared: " + " ".join(f"{name}={self.checked[name]}" for name in (*INVARIANTS, *APART)),
            f"none seen means at most {bound:.2%} of iterations (95 %)" if not self.violations else "BROKEN",
            "recovery in simulated seconds: " + " ".join(f"{key}={value:.0f}" for key, value in told.items())
            + f" ({len(self.recovery)} attempts, {self.attempts_for_a_person} for a person); of refunds: "
            + " ".join(f"{key}={value:.0f}" for key, value in back.items()) + f" ({len(self.refunds_recovered)})",
            f"surplus mails: {self.surplus_mails} in {crashed} crashes",
        ]  # fmt: skip
        if self.mutants:
            caught = sum(not how.startswith("MISSED") for how in self.mutants.values())
            said.append(f"mutants caught: {caught} of {len(self.mutants)}")
            said += [f"  {name}: {how}" for name, how in self.mutants.items()]
        return said + self.notes + self.failures


def _pairs(counted: Counter[str]) -> str:
    return " ".join(f"{key}={count}" for key, count in sorted(counted.items()) if count)
