"""The short budget: some random iterations on both databases and both gateways, and every mutant's directed schedule.

The long run is ``make faults``; a line that fails here is repeated with the plan that it names.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import pairwise
from tests.faults.mutants import MUTANTS
from tests.faults.plan import ACTS, RESTORES, Plan, random_plan

ROOT = Path(__file__).resolve().parents[2]
SEED = 4
LEAST = 3
"""So many random iterations are played on each database and gateway, however slow the machine is today."""
RUNS = {
    "sqlite, sandbox": ("--database", "sqlite", "--seconds", "4", "--mutants", "--restores"),
    "postgresql, sandbox": ("--database", "postgresql", "--seconds", "5"),
    "sqlite, stripe": ("--database", "sqlite", "--gateway", "stripe", "--seconds", "4"),
}


def test_a_plan_is_repeated_from_its_line():
    for number in range(300):
        plan = random_plan(SEED, number, sqlite=bool(number % 2), links=("gateway", "database"), notices=True)
        assert Plan.read(str(plan)) == plan


def test_one_seed_draws_one_run():
    drawn = [str(random_plan(SEED, number, sqlite=True)) for number in range(60)]
    assert drawn == [str(random_plan(SEED, number, sqlite=True)) for number in range(60)]
    assert drawn != [str(random_plan(SEED + 1, number, sqlite=True)) for number in range(60)]


def test_every_act_can_be_played_and_there_are_eight_mutants():
    from tests.faults.acts import ACTS as PLAYED

    assert set(PLAYED) == {*ACTS, *RESTORES}
    assert len({mutant.name for mutant in MUTANTS}) == 8


def test_every_two_values_of_two_dimensions_occur_together():
    from itertools import combinations, product

    rows = pairwise.rows()
    for one, two in combinations(pairwise.DIMENSIONS, 2):
        together = {(row[one], row[two]) for row in rows}
        assert together == set(product(pairwise.DIMENSIONS[one], pairwise.DIMENSIONS[two])), (one, two)
    plans = [pairwise.plans(name) for name in pairwise.DIMENSIONS["backend"]]
    assert sum(map(len, plans)) == len(rows)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("run", RUNS)
def test_nothing_breaks_an_invariant(run: str):
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--iterations", "60", "--seed", str(SEED), "--least", str(LEAST), *RUNS[run]],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    played = re.search(r"^iterations:.* random=(\d+)", done.stdout, re.MULTILINE)
    assert played is not None, done.stdout
    assert int(played[1]) >= LEAST
    if "--mutants" in RUNS[run]:
        assert f"mutants caught: {len(MUTANTS)} of {len(MUTANTS)}" in done.stdout
