"""``python -m tests.races [--rounds N] [--seed N]``: every race with its guard on and off, as a table; 1 if one was lost.

On the database that ``LIFTLINK_TEST_DATABASE`` names (sqlite, postgresql).
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import structlog

from app.migrations import upgrade
from app.models.store import Store
from tests import postgres
from tests.races.arena import Arena
from tests.races.catalogue import RACES, Race, Rate, run


def new_arena(folder: Path, seed: int) -> Arena:
    """An empty database of its own."""
    folder.mkdir()
    if postgres.on_postgres():
        return Arena(postgres.database(postgres.own_name("race")), folder, seed)
    url = f"sqlite:///{folder / 'liftlink.sqlite3'}"
    store = Store(url)
    upgrade(store.engine)
    store.close()
    return Arena(url, folder, seed)


def rate(race: Race, folder: Path, seed: int, rounds: int, *, guarded: bool) -> Rate:
    arena = new_arena(folder, seed)
    try:
        return run(race, arena, guarded=guarded, rounds=rounds)
    finally:
        arena.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=100, help="of each race that takes few rounds less: in proportion"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="races whose name holds this")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    database = "PostgreSQL" if postgres.on_postgres() else "SQLite"
    print(f"{database}, seed {asked.seed}\n{'race':28} {'guard off':>14} {'guard on':>14}  the guard", flush=True)
    lost = 0
    with tempfile.TemporaryDirectory(prefix="races-") as folder:
        for at, race in enumerate(each for each in RACES if asked.only in each.name):
            rounds = max(1, asked.rounds * race.rounds // 6)
            off = rate(race, Path(folder) / f"{at}-off", asked.seed, rounds, guarded=False)
            on = rate(race, Path(folder) / f"{at}-on", asked.seed, rounds, guarded=True)
            lost += on.lost + (off.lost == 0)
            print(f"{race.name:28} {off!s:>14} {on!s:>14}  {race.guard}", flush=True)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
