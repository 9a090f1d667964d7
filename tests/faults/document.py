"""Writes the measured part of ``docs/reliability.md`` from the recorded runs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.figures import ENOUGH, NEEDED_KILLS, NEEDED_RUNS
from tests.faults.mutants import MUTANTS
from tests.faults.plan import ALL_POINTS
from tests.faults.view import APART, INVARIANTS

DOCS = Path(__file__).resolve().parents[2] / "docs"
RECORDED = DOCS / "reliability-runs.json"
PAGE = DOCS / "reliability.md"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"


def write() -> None:
    """Between the two marks of the page: sums over all recorded runs, and the runs."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + measured(json.loads(RECORDED.read_text())) + END + rest.split(END)[1])


def measured(runs: list[dict[str, Any]]) -> str:
    databases = sorted({run["database"] for run in runs}, reverse=True)
    said = ["\n| Over all recorded runs | " + " | ".join(databases) + " |", "|---|" + "---|" * len(databases)]
    of = {name: [run for run in runs if run["database"] == name] for name in databases}
    kills = {name: _sum(of[name], "kills") for name in databases}
    rows: list[tuple[str, dict[str, object]]] = []
    done = {name: sum(run["iterations"] for run in of[name]) for name in databases}
    rows.append(("Iterations", dict(done)))
    rows.append(
        (f"Iterations short of {NEEDED_RUNS:,}", {name: max(0, NEEDED_RUNS - done[name]) for name in databases})
    )
    rows.append(("Changing calls that reached the gateway", {n: _total(of[n], "calls") for n in databases}))
    rows += [(f"SIGKILL at {point}", {name: kills[name][point] for name in databases}) for point in ALL_POINTS]
    least = {name: min(kills[name][point] for point in ALL_POINTS) for name in databases}
    rows.append(
        (f"Kills short of {NEEDED_KILLS} at the rarest point", {n: max(0, NEEDED_KILLS - least[n]) for n in databases})
    )
    for key, name in (
        ("blind", "Blind SIGKILL"), ("zombie", "Drivers stopped for ten minutes"), ("database", "Immediate restarts"),
        ("disk", "Full disks"), ("read_only", "Read-only file systems"),
    ):  # fmt: skip
        rows.append((name, {each: kills[each][key] for each in databases}))
    rows.append(
        (
            "Violations of " + ", ".join((*INVARIANTS, *APART)),
            {n: sum(_sum(of[n], "violations").values()) for n in databases},
        )
    )
    rows.append(
        ("At most, with 95 % certainty, of all iterations", {n: f"{3 / max(1, done[n]):.2%}" for n in databases})
    )
    rows.append(("Attempts put before a person", {n: _total(of[n], "person") for n in databases}))
    rows.append(("Surplus mails", {n: _total(of[n], "surplus_mails") for n in databases}))
    rows.append(("Notices taken at the door", {n: str(sum(run.get("told", 0) for run in of[n])) for n in databases}))
    said += [f"| {name} | " + " | ".join(str(cells[each]) for each in databases) + " |" for name, cells in rows]
    for name in databases:
        told = _sum([run for run in of[name] if "checked" in run], "checked")
        if told:
            counted = ", ".join(f"{key} {told[key]:,}" for key in (*INVARIANTS, *APART))
            said += ["", f"What there was to compare, {name}: {counted}."]
    said += [
        "",
        "Faults by kind, all databases: "
        + ", ".join(f"{key} {n}" for key, n in sorted(_sum(runs, "faults").items()))
        + ".",
        "",
    ]
    said += [
        "| Run | Gateway | Iterations | Recovery p50 / p95 / p99 / max (simulated s) | Mutants | Violations |",
        "|---|---|---|---|---|---|",
    ]
    for run in runs:
        told = run["recovery"]
        caught = sum(not how.startswith("MISSED") for how in run["mutants"].values())
        said.append(
            f"| {run['database']}, seed {run['seed']}, commit {run['commit']} | {run['gateway']} | {run['iterations']} | "
            f"{told['p50']:.0f} / {told['p95']:.0f} / {told['p99']:.0f} / {told['max']:.0f} | "
            f"{f'{caught} of {len(MUTANTS)}' if run['mutants'] else '–'} | {sum(run['violations'].values())} |"
        )
    notes = [_note(run) for run in runs]
    return "\n".join([*said, "", *notes]) + "\n\n"


def _note(run: dict[str, Any]) -> str:
    """The command of a run, and what its row does not say."""
    said = [f"`{run['command']}`", *run["notes"]]
    if "recovery_skewed" in run:
        apart = run["recovery_skewed"]["p99"]
        said.append(f"iterations with a wrong clock are not in its recovery times; their p99 was {apart:.0f} s")
    if run["recovered"] < ENOUGH:
        said.append(f"only {run['recovered']} attempts had to be recovered, too few for a p99")
    return f"- {run['database']}, seed {run['seed']}: " + "; ".join(said) + "."


def _total(runs: list[dict[str, Any]], name: str) -> str:
    """A run that was stopped before its end did not count everything."""
    counted = [run[name] for run in runs if run[name] is not None]
    return str(sum(counted)) if counted else "not counted"


def _sum(runs: list[dict[str, Any]], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for run in runs:
        total.update(run[name])
    return total
