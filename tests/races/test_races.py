"""Each race is lost when its guard is off, and never while it is on. The long run is ``make races``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.races.arena import Arena
from tests.races.catalogue import RACES, Race, run

PATIENCE = 10
"""How many times the rounds a race may take to show with its guard off."""


@pytest.fixture
def arena(empty_database: Path, tmp_path: Path) -> Iterator[Arena]:
    """A database of the race's own: an index that was taken off must be missing nowhere else."""
    if postgres.on_postgres():
        url = postgres.database(postgres.own_name("race"))
    else:
        url = f"sqlite:///{shutil.copyfile(empty_database, tmp_path / 'liftlink.sqlite3')}"
    made = Arena(url, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_it_is_held_while_guarded(race: Race, arena: Arena):
    rate = run(race, arena, guarded=True, rounds=race.rounds)
    print(f"{race.name}: guard on, {rate} lost")
    assert rate.lost == 0


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_it_is_lost_without_its_guard(race: Race, arena: Arena):
    rate = run(race, arena, guarded=False, rounds=race.rounds * PATIENCE, until_lost=True)
    print(f"{race.name}: guard off, {rate} lost")
    assert rate.lost, f"{race.guard}: the race did not show in {rate.of} rounds, so the guarded run proves nothing"
