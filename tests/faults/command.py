"""The command line of the harness: runs, counts, prints, and says how to repeat what failed."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from tests.faults.banks import SandboxBank
from tests.faults.databases import SqliteDatabase
from tests.faults.iteration import Iteration
from tests.faults.plan import Plan, random_plan
from tests.faults.world import World
from tests.server import free_port


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    folder = Path(tempfile.mkdtemp(prefix="liftlink-faults-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        world = World(
            folder,
            SqliteDatabase(folder / "liftlink.sqlite3"),
            lambda c, u: SandboxBank(folder / "ledger.sqlite3", c, u),
            free_port(),
        )
        bad = 0
        for number in range(options.first, options.first + options.iterations):
            plan = Plan.read(options.plan) if options.plan else random_plan(options.seed, number, sqlite=True)
            out = Iteration(world, plan).run()
            print(
                f"{number} {out.seconds:.2f}s {dict(out.kills)} {dict(out.ends)} rec={[round(r) for r in out.recovery]} person={out.person} | {plan}",
                flush=True,
            )
            for each in out.violations:
                bad += 1
                print("  VIOLATION", each)
        return 1 if bad else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--plan", default="")
    return parser.parse_args(arguments)
