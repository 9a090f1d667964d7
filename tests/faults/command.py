"""The command line of the harness: runs, counts, prints, records, and says how to repeat what failed."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults import document
from tests.faults.banks import Bank, SandboxBank
from tests.faults.board import Board, SharedClock
from tests.faults.databases import Database, SqliteDatabase
from tests.faults.document import RECORDED
from tests.faults.figures import Figures
from tests.faults.iteration import Iteration
from tests.faults.mutants import MUTANTS
from tests.faults.plan import ALL_POINTS, MAIL_POINTS, Plan, random_plan
from tests.faults.processes import end, fork
from tests.faults.proxy import run_proxy
from tests.faults.world import World
from tests.server import free_port

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = 3
"""How often each mutant's directed schedule is run; it must be caught every time."""
DIRECTED_MOST = 4
"""How many directed iterations a missing kill is worth before the run gives up on it."""


def main(arguments: list[str]) -> int:
    """0 when no invariant broke, every crash point was hit often enough and every mutant was caught."""
    options = _options(arguments)
    if options.document:
        document.write()
        return 0
    failed = False
    for name in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
        with opened(name, options.gateway) as world:
            figures = run(world, options)
        print("\n".join(figures.lines()), flush=True)
        failed |= bool(figures.violations) or figures.least_kills < options.kills or _missed(figures)
        if options.record:
            kept = json.loads(RECORDED.read_text()) if RECORDED.exists() else []
            RECORDED.write_text(json.dumps([*kept, figures.record()], indent=1, sort_keys=True) + "\n")
            document.write()
    return int(failed)


def _missed(figures: Figures) -> bool:
    return any(how.startswith("MISSED") for how in figures.mutants.values())


@contextmanager
def opened(name: str, gateway: str = "sandbox") -> Iterator[World]:
    """A world on that database and that gateway, with everything in memory-backed files; all of it goes away.

    Whatever has a socket is reached through a proxy of ours.
    """
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="liftlink-faults-", dir=memory if memory.is_dir() else None))
    board, proxies, postgres, file, url = Board(), list[int](), None, None, ""
    world: World | None = None

    def proxied(link: str, upstream: str | int) -> int:
        port = free_port()
        proxies.append(fork(lambda: run_proxy(board, link, port, upstream), folder / "proxy.log"))
        return port

    try:
        database: Database
        if name == "sqlite":
            database = file = SqliteDatabase(folder)
        else:
            from tests.faults.postgres import PostgresDatabase

            database = postgres = PostgresDatabase()
            port = proxied("database", f"{postgres.cluster.folder}/.s.PGSQL.5432")
            url = f"postgresql+psycopg://liftlink@127.0.0.1:{port}/liftlink"

        def bank(clock: SharedClock, public_url: str) -> Bank:
            if gateway == "sandbox":
                return SandboxBank(folder / "ledger.sqlite3", clock, public_url)
            from tests.faults.stripe_bank import StripeBank

            port = free_port()
            return StripeBank(folder, clock, port, proxied("gateway", port))

        world = World(folder, database, bank, free_port(), board, url)
        yield world
    finally:
        if world is not None:
            world.server.kill()
            world.bank.close()
        for pid in proxies:
            end(pid)
        if postgres is not None:
            postgres.close()
        if file is not None:
            file.close()
        shutil.rmtree(folder, ignore_errors=True)


def run(world: World, options: argparse.Namespace) -> Figures:
    """Random iterations, directed ones for what chance left out, the mutants' schedules."""
    figures = Figures(options.seed, commit(), world.database.name, world.bank.name)
    if isinstance(world.database, SqliteDatabase) and not world.database.has_disk:
        figures.notes.append("no disk could be mounted, so none was ever full")
    until = time.monotonic() + options.seconds if options.seconds else float("inf")
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: stopped.append(got))
    if options.plan:
        _one(world, Plan.read(options.plan), figures, "given", loud=True)
        return figures
    sqlite = world.database.name == "sqlite"
    links = ("gateway",) * (world.bank.name != "sandbox") + ("database",) * (not sqlite)
    for number in range(options.first, options.first + options.iterations):
        if stopped or time.monotonic() > until:
            break
        plan = random_plan(options.seed, number, sqlite=sqlite, links=links)
        _one(world, plan, figures, f"iteration {number}", loud=options.loud)
    if not stopped:
        _complete(world, figures, options)
    if options.mutants and not stopped:
        try_mutants(world, figures, 1 if options.seconds else SCHEDULES)
    return figures


def _one(world: World, plan: Plan, figures: Figures, name: str, *, loud: bool = False) -> None:
    out = Iteration(world, plan).run()
    figures.add(out, name=name)
    if loud:
        said = f"{name} {out.seconds:.2f} s {dict(out.kills)} {dict(out.ends)} {[round(one) for one in out.recovery]}"
        print(f"{said} · {plan}", flush=True)
    for each in out.violations:
        print(f"VIOLATION {each} · seed {figures.seed} · commit {figures.commit} · {name} · plan {plan}", flush=True)


def _complete(world: World, figures: Figures, options: argparse.Namespace) -> None:
    """Every crash point as often as was asked for, in the server and in the worker by turns."""
    for point in ALL_POINTS:
        for extra in range(DIRECTED_MOST * max(0, options.kills - figures.kills[point])):
            if figures.kills[point] >= options.kills:
                break
            _one(world, directed(point, extra), figures, f"directed {point}.{extra}", loud=options.loud)


def directed(point: str, number: int) -> Plan:
    """A plan that passes the point for certain."""
    act = ("plain", "bank_approves", "press_again", "processing")[number % 4]
    if point in MAIL_POINTS or (number % 3 == 2 and point not in ("C0", "C1", "C8")):
        broken = ("confirm_payment/timeout_before*1",) if point in ("C4", "C5", "C6", "C7") else ()
        broken = ("create_payment/timeout_before*1",) if point in ("C2", "C3") else broken
        return Plan(act="plain", worker_crash=f"{point}:1", gateway=broken, embedded=False, seed=number)
    return Plan(act=act, tabs=1 + number % 3, crash=f"{point}:1", embedded=number % 2 == 0, seed=number)


def try_mutants(world: World, figures: Figures, times: int) -> None:
    """Each mutant's own schedule; what caught it, or MISSED."""
    for mutant in MUTANTS:
        caught: list[str] = []
        for number in range(times):
            plan = Plan.read(f"{mutant.plan} seed={number}")
            out = Iteration(world, plan, lambda mutant=mutant: mutant.install(world), mutant.guards).run()  # type: ignore[misc]
            if out.violations:
                caught.append("+".join(sorted({each.invariant for each in out.violations})))
        how = f"{len(caught)} of {times} by {', '.join(sorted(set(caught)))}"
        figures.mutants[mutant.name] = how if len(caught) == times else f"MISSED: {how}"


def commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=main.__doc__)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first iteration: with 1 iteration, a replay"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="sqlite")
    parser.add_argument("--gateway", choices=("sandbox", "stripe"), default="sandbox")
    parser.add_argument(
        "--kills", type=int, default=0, help="least kills per crash point, completed by directed iterations"
    )
    parser.add_argument("--seconds", type=float, default=0, help="stop the random part after so long")
    parser.add_argument("--mutants", action="store_true", help="also run every mutant's directed schedule")
    parser.add_argument("--plan", default="", help="one iteration, as a failure line writes it")
    parser.add_argument("--record", action="store_true", help="add the figures to docs/reliability-runs.json")
    parser.add_argument("--loud", action="store_true", help="one line per iteration")
    parser.add_argument("--document", action="store_true", help="only write docs/reliability.md from what is recorded")
    return parser.parse_args(arguments)
