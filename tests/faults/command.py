"""The command line of the harness: runs, counts, prints, records, and says how to repeat what failed."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.faults import document, pairwise
from tests.faults.banks import Bank, SandboxBank
from tests.faults.board import Board, SharedClock
from tests.faults.databases import Database, SqliteDatabase
from tests.faults.document import RECORDED
from tests.faults.figures import Figures
from tests.faults.iteration import Iteration
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.plan import ALL_POINTS, MAIL_POINTS, REFUND_POINTS, RESTORES, Plan, random_plan
from tests.faults.processes import end, fork
from tests.faults.proxy import run_proxy
from tests.faults.world import World
from tests.server import free_port

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = 3
"""How often each mutant's directed schedule is run; it must be caught every time."""
DIRECTED_MOST = 3
"""How many directed iterations a missing kill is worth before the run gives up on it."""
RESTORE_TIMES = 2
WALK_MOST = 400
"""Random iterations until a mutant counts as missed by the random walk."""


def main(arguments: list[str]) -> int:
    """0 when no invariant broke, every crash point was hit often enough and every mutant was caught."""
    options = _options(arguments)
    if options.document:
        document.write()
        return 0
    if options.database == "both":
        return _both(options)
    return _run_on(options.database, options)


def _run_on(name: str, options: argparse.Namespace) -> int:
    with opened(name, options.gateway) as world:
        figures = run(world, options)
    problems = figures.problems(options.kills)
    print("\n".join(figures.lines() + [f"FAILED: {each}" for each in problems]), flush=True)
    if options.record:
        folder = os.open(RECORDED.parent, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)  # the other database may come to its end at the same time
        kept = json.loads(RECORDED.read_text()) if RECORDED.exists() else []
        RECORDED.write_text(json.dumps([*kept, figures.record()], indent=1, sort_keys=True) + "\n")
        document.write()
        os.close(folder)
    return int(bool(problems))


def _both(options: argparse.Namespace) -> int:
    """Both databases at the same time, each in a process of its own: an iteration keeps one core busy, not two."""
    sys.stdout.flush()
    children: dict[int, str] = {}
    for name in ("sqlite", "postgresql"):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = _run_on(name, options)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)
        children[pid] = name
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: [os.kill(pid, got) for pid in children])
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in list(children)]
    return int(any(codes))


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
    """The list of pairs, random iterations, directed ones for what chance left out, restores, the mutants' schedules."""
    asked = "python -m tests.faults " + shlex.join(sys.argv[1:])
    figures = Figures(options.seed, commit(), world.database.name, world.bank.name, command=asked)
    if isinstance(world.database, SqliteDatabase) and not world.database.has_disk:
        figures.notes.append("no disk was mounted (that needs root), so none was ever full or read-only")
    if options.webhooks == "none":
        figures.notes.append("no notice was ever sent in this run")
    until = time.monotonic() + options.seconds if options.seconds else float("inf")
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: stopped.append(got))
    for number, (name, plan) in enumerate(_planned(world, options)):
        if stopped or (time.monotonic() > until and number >= options.least):
            break
        _one(world, plan, figures, name, loud=options.loud or bool(options.plan))
    if options.plan or stopped:
        return figures
    _complete(world, figures, options, stopped)
    if options.restores and not stopped:
        for number, act in enumerate(RESTORES * (1 if options.seconds else RESTORE_TIMES)):
            _one(world, Plan(act=act, seed=number), figures, f"restore {act}", loud=options.loud)
    if options.mutants and not stopped:
        try_mutants(world, figures, options)
    if options.mutants_walk and not stopped:
        walk_mutants(world, figures, options)
    return figures


def _planned(world: World, options: argparse.Namespace) -> Iterable[tuple[str, Plan]]:
    """What is known before anything runs. The list of pairs counts towards ``--iterations``."""
    if options.plan:
        return [("given", Plan.read(options.plan))]
    webhooks = options.webhooks != "none"
    pairs = pairwise.plans(world.database.name, webhooks=webhooks) if options.pairwise else []
    planned = [(f"pairs {number}", plan) for number, plan in enumerate(pairs)]
    left = options.iterations - len(planned)
    numbers = range(options.first, options.first + left)
    return planned + [(f"random {number}", drawn(world, options.seed, number, webhooks=webhooks)) for number in numbers]


def drawn(world: World, seed: int, number: int, *, webhooks: bool) -> Plan:
    sqlite = world.database.name == "sqlite"
    links = ("gateway",) * (world.bank.name != "sandbox") + ("database",) * (not sqlite)
    return random_plan(seed, number, sqlite=sqlite, links=links, notices=webhooks)


def _one(world: World, plan: Plan, figures: Figures, name: str, *, loud: bool = False) -> None:
    out = Iteration(world, plan).run()
    figures.add(out, name=name)
    if loud:
        said = f"{name} {out.seconds:.2f} s {dict(out.kills)} {dict(out.ends)} {[round(one) for one in out.recovery]}"
        print(f"{said} · {plan}", flush=True)
    for each in out.violations:
        print(f"VIOLATION {each} · seed {figures.seed} · commit {figures.commit} · {name} · plan {plan}", flush=True)


def _complete(world: World, figures: Figures, options: argparse.Namespace, stopped: list[int]) -> None:
    """Every crash point as often as was asked for, in the server, the worker and the operator's hands by turns."""
    for point in ALL_POINTS:
        most = DIRECTED_MOST * max(0, options.kills - figures.kills[point])
        for extra in range(most):
            if figures.kills[point] >= options.kills or stopped:
                break
            before = figures.kills[point]
            plan = directed(point, extra)
            _one(world, plan, figures, f"directed {point}.{extra}", loud=options.loud)
            if figures.kills[point] == before:
                print(f"not hit: directed {point}.{extra} · plan {plan}", flush=True)


def directed(point: str, number: int) -> Plan:
    """A plan that passes the point for certain: in the server, or in the worker after the server died early."""
    by_worker = number % 3 == 2
    if point in REFUND_POINTS:
        act = ("refund_part", "refund_full", "refund_race")[number % 3]
        if by_worker and point != "R1":
            return Plan(act="refund_part", crash="R1:1", worker_crash=f"{point}:1", embedded=False, seed=number)
        return Plan(act=act, crash=f"{point}:1", embedded=False, seed=number)
    if point in MAIL_POINTS:
        return Plan(act="plain", worker_crash=f"{point}:1", embedded=False, seed=number)
    if by_worker and point not in ("C0", "C1", "C8"):
        return Plan(act="gone", crash="C1:1", worker_crash=f"{point}:1", embedded=False, seed=number)
    act = ("plain", "press_again", "two_links")[number // 3 % 3]
    return Plan(act=act, tabs=1 + number % 3, crash=f"{point}:1", embedded=number % 2 == 0, seed=number)


def _mutants(options: argparse.Namespace) -> list[Mutant]:
    return [mutant for mutant in MUTANTS if options.mutant in mutant.name]


def try_mutants(world: World, figures: Figures, options: argparse.Namespace) -> None:
    """Each mutant's own schedule; what caught it, or MISSED. First without the mutant: then nothing may be found.

    A run with a budget of seconds plays each once and leaves these controls out.
    """
    times = options.schedules or (1 if options.seconds else SCHEDULES)
    for mutant in _mutants(options):
        caught: list[str] = []
        for number in range(times):
            plan = Plan.read(f"{mutant.plan} seed={number}")
            if not options.seconds:
                _one(world, plan, figures, f"control {mutant.name}", loud=options.loud)
            found = _mutated(world, mutant, plan)
            if found:
                caught.append("+".join(found))
            elif options.loud:
                print(f"not caught: {mutant.name} · plan {plan}", flush=True)
        how = f"{len(caught)} of {times} by {', '.join(sorted(set(caught)))}"
        figures.mutants[mutant.name] = how if len(caught) == times else f"MISSED: {how}"


def walk_mutants(world: World, figures: Figures, options: argparse.Namespace) -> None:
    """Random plans until each mutant is caught; in which iteration it was, and the median over all."""
    firsts: list[int] = []
    mutants = _mutants(options)
    for mutant in mutants:
        for number in range(WALK_MOST):
            found = _mutated(world, mutant, _walked(drawn(world, options.seed, number, webhooks=True), number))
            if found:
                firsts.append(number + 1)
                figures.notes.append(
                    f"random walk: {mutant.name} caught in iteration {number + 1} by {'+'.join(found)}"
                )
                break
        else:
            figures.notes.append(f"random walk: {mutant.name} NOT caught in {WALK_MOST} iterations")
            figures.mutants[f"{mutant.name}, by the random walk"] = f"MISSED in {WALK_MOST} iterations"
        print(figures.notes[-1], flush=True)
    if firsts:
        figures.notes.append(
            f"random walk: {len(firsts)} of {len(mutants)} caught, median {statistics.median(firsts):g}"
        )


def _walked(plan: Plan, number: int) -> Plan:
    """The point that a mutant may bring along takes its turn among the others."""
    turn = number % (len(ALL_POINTS) + 1) == len(ALL_POINTS)
    return replace(plan, crash="M1:1", zombie="", blind=0) if turn else plan


def _mutated(world: World, mutant: Mutant, plan: Plan) -> list[str]:
    out = Iteration(world, plan, lambda: mutant.install(world), mutant.guards).run()
    return mutant.caught_by(out.violations)


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
    parser.add_argument("--least", type=int, default=1, help="but not before so many iterations")
    parser.add_argument("--mutants", action="store_true", help="also run every mutant's directed schedule")
    parser.add_argument("--mutants-walk", action="store_true", help="random plans with each mutant until it is caught")
    parser.add_argument("--mutant", default="", help="only those mutants whose name has this in it")
    parser.add_argument("--schedules", type=int, default=0, help="how often each mutant's schedule is run")
    parser.add_argument(
        "--pairwise", action="store_true", help="first the list in which every two values occur together"
    )
    parser.add_argument("--restores", action="store_true", help="also put older copies of the database back")
    parser.add_argument(
        "--webhooks", choices=("mixed", "none"), default="mixed", help="none: no notice is sent in the whole run"
    )
    parser.add_argument("--plan", default="", help="one iteration, as a failure line writes it")
    parser.add_argument("--record", action="store_true", help="add the figures to docs/reliability-runs.json")
    parser.add_argument("--loud", action="store_true", help="one line per iteration")
    parser.add_argument("--document", action="store_true", help="only write docs/reliability.md from what is recorded")
    return parser.parse_args(arguments)
