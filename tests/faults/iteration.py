"""One iteration: people press, things break, everything heals, a worker repairs, the judge looks."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from tests.faults import judge
from tests.faults.acts import ACTS, Stage
from tests.faults.judge import FINAL, Violation
from tests.faults.plan import Plan
from tests.faults.processes import Repairer, crashing, end, stopping
from tests.faults.world import World

ROUNDS = 60
HEALING_STEP = 5.0
STOPPED_FOR = 600.0


@dataclass
class Outcome:
    """What came of one plan."""

    plan: Plan
    violations: list[Violation] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    """By crash point; ``blind``, ``zombie``, ``disk`` and ``database`` count what had no name."""
    calls: int = 0
    recovery: list[float] = field(default_factory=list)
    """Simulated seconds from healing until each attempt that was not final was."""
    shares: Counter[str] = field(default_factory=Counter)
    """Where the real time went."""
    person: int = 0
    seconds: float = 0.0
    ends: Counter[str] = field(default_factory=Counter)
    surplus_mails: int = 0
    """Mails sent again because the process died between the send and the mark."""


class Iteration:
    """Runs one plan in a world. ``prepare`` is run in every forked process and ``guards`` are off: for a mutant."""

    def __init__(
        self, world: World, plan: Plan, prepare: Callable[[], None] = lambda: None, guards: tuple[str, ...] = ()
    ) -> None:
        self.world, self.plan, self.prepare, self.guards = world, plan, prepare, guards
        self.out = Outcome(plan)
        self.draw = random.Random(plan.seed)
        self._told: set[str] = set()

    def run(self) -> Outcome:
        began = time.monotonic()
        self._mark = self.world.log.stat().st_size if self.world.log.exists() else 0
        self.world.fresh()
        self.world.database.change(self.guards)
        if self.plan.net:
            link, _, rest = self.plan.net.partition(":")
            mode, _, first = rest.partition("@")
            self._net = (link, mode, int(first))
        stage = Stage(self.world, self.plan, self.draw, self.sample, self.restart)
        helpers: list[int] = []
        try:
            ACTS[self.plan.act].prepare(stage)
            for verb, fault, times in self.plan.faults:
                self.world.bank.fail_next(verb, fault, times)
            self.world.let_go()
            self._serve(self._points())
            stage.open_pages()
            helpers = self._hurt(stage)
            ACTS[self.plan.act].play(stage)
            self._wake_zombie(stage)
            self._count()
            stage.join()
            self.world.database.free_disk()
            self.sample()
            self.world.server.kill()
            self._heal(helpers)
            self._repair(stage)
            self._judge()
        finally:
            self.world.server.kill()
            self.world.database.free_disk()
            for pid in helpers:
                end(pid)
        self.out.seconds = time.monotonic() - began
        return self.out

    # The server and what befalls it

    def _points(self) -> Callable[[str], None] | None:
        board = self.world.board
        board.arm()
        if self.plan.zombie:
            return stopping(board, self.plan.zombie)
        return crashing(board, self.plan.crash or "-", whole=self.plan.whole)

    def _serve(self, points: Callable[[str], None] | None) -> None:
        self.world.let_go()
        self.world.server.start(
            points, embedded=self.plan.embedded, skew=self.plan.skew, prepare=self.prepare,
        )  # fmt: skip

    def restart(self) -> None:
        """As an operator or a supervisor does; without a plan this time. Only while no other thread runs here."""
        self._count()
        if not self.world.server.is_alive():
            self._serve(None)

    def _hurt(self, stage: Stage) -> list[int]:
        """What begins with the press: a lock, a blind kill, a restart of the database."""
        helpers: list[int] = []
        if self.plan.net:
            self.world.board.hurt(*self._net)
        if self.plan.full:
            stage.later(self.plan.seed % 80 / 1000, self._fill_disk)
        if self.plan.lock:
            pid = self.world.database.hold_lock(self.plan.lock)
            if pid:
                helpers.append(pid)
        if self.plan.blind:
            server = self.world.server.pid
            stage.later(self.plan.blind / 1000, lambda: self._blind(server))
        if self.plan.restart >= 0:
            stage.later(self.plan.restart / 1000, self._restart_database)
        return helpers

    def _blind(self, server: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(server, signal.SIGKILL)
            self.out.kills["blind"] += 1

    def _fill_disk(self) -> None:
        if self.world.database.fill_disk():
            self.out.kills["disk"] += 1

    def _restart_database(self) -> None:
        if self.world.database.restart():
            self.out.kills["database"] += 1

    def _wake_zombie(self, stage: Stage) -> None:
        """A stopped driver: its lease ends, a worker goes on, then it wakes and finds the row another's."""
        board = self.world.board
        if not self.plan.zombie:
            return
        until = time.monotonic() + 1.0
        while not board.stopped and stage.is_busy and time.monotonic() < until:
            time.sleep(0.005)
        if not board.stopped:
            return
        self.out.kills["zombie"] += 1
        time.sleep(0.005)
        self._move(STOPPED_FOR)
        worker = self._repairer(None)
        for _ in range(4):
            worker.round()
            self._move(HEALING_STEP)
        worker.close()
        self.sample()
        with suppress(ProcessLookupError):
            board.stopped, sleeper = 0, board.stopped
            os.kill(sleeper, signal.SIGCONT)

    def _count(self) -> None:
        board = self.world.board
        if board.has_fired and not self.plan.zombie and "server" not in self._told:
            self._told.add("server")
            self.out.kills[self.plan.crash.partition(":")[0]] += 1

    # Healing and repair

    def _heal(self, helpers: list[int]) -> None:
        for pid in helpers:
            end(pid)
        self.world.database.free_disk()
        self.world.board.well()
        self.world.bank.sync()
        self.world.bank.heal()
        if self.plan.expire_keys:
            self.world.bank.expire_keys()
        self.world.let_go()

    def _repairer(self, crash: str | None) -> Repairer:
        board = self.world.board
        points = None
        if crash:
            board.arm()
            points = crashing(board, crash, whole=True)
        self.world.let_go()
        return Repairer(self.world.adapters, points, self.world.log, self.prepare)

    def _repair(self, stage: Stage) -> None:
        """Rounds of the worker, each when the next row is due, until nothing is left; then past every deadline."""
        world = self.world
        self._began = world.clock.now()
        self._worker = self._repairer(self.plan.worker_crash or None)
        self._worker_died = False
        self._waiting = self._undecided()
        try:
            for number in range(ROUNDS):
                self._round(passes=number % 10 == 9)
                if number == 1:
                    stage.at_the_bank()
                    self._waiting |= self._undecided()
                if number > 1 and not self._busy():
                    break
                self._move(self._until_due())
            for hours in (2.2, 26.0):
                self._move(hours * 3600)
                stage.late()
                for _ in range(3):
                    self._round(passes=True)
                    self._move(61)
                self.sample()
                if self._all_over():
                    break
        finally:
            self._worker.close()

    def _round(self, *, passes: bool) -> None:
        if not self._worker.round(passes=passes):
            self._worker.close()
            if not self._worker_died:
                self.out.kills[self.plan.worker_crash.partition(":")[0]] += 1
            self._worker_died = True
            self._worker = self._repairer(None)
        for attempt in self._waiting - self._undecided():
            self.out.recovery.append((self.world.clock.now() - self._began).total_seconds())
            self._waiting.discard(attempt)

    def _move(self, seconds: float) -> None:
        self.world.board.move(seconds)
        self.world.bank.sync()

    def _until_due(self) -> float:
        """Seconds until the first row that anybody could take; a worker looks once a second."""
        attempts, mails = self.world.database.rows(
            "SELECT next_at, lease_until FROM attempts WHERE next_at IS NOT NULL",
            "SELECT next_at, lease_until FROM outbox WHERE next_at IS NOT NULL AND channel = 'mail'",
        )
        times = [row["next_at"] for row in attempts + mails]
        now = int(self.world.clock.now().timestamp() * 1_000_000)
        return max(1.0, (min(times, default=now) - now) / 1_000_000 + 0.5)

    def _undecided(self) -> set[str]:
        """Attempts that wait for a machine; those at the bank wait for the shopper."""
        (rows,) = self.world.database.rows("SELECT id, state FROM attempts")
        return {row["id"] for row in rows if row["state"] not in FINAL | {"QUARANTINED", "REQUIRES_ACTION"}}

    def _busy(self) -> bool:
        (mails,) = self.world.database.rows("SELECT id FROM outbox WHERE channel = 'mail' AND state = 'READY'")
        return bool(mails or self._undecided() or self.world.bank.late_calls())

    def _all_over(self) -> bool:
        (orders,) = self.world.database.rows("SELECT id FROM orders WHERE state = 'OPEN'")
        objects, _ = self.world.bank.ledger()
        return not orders and all(each.status in ("succeeded", "canceled") for each in objects)

    # The judge

    def sample(self) -> None:
        """What may never be seen, looked at now."""
        _, arrived = self.world.bank.ledger()
        view = judge.look(self.world.database, self.world.bank)
        self._found(judge.at_any_time(view, arrived))

    def _judge(self) -> None:
        world = self.world
        view = judge.look(world.database, world.bank)
        self._found(judge.at_rest(view))
        for fault in world.database.faults():
            self._found([Violation("I42", fault)])
        with world.log.open(errors="replace") as log:
            log.seek(self._mark)
            said = log.read()
        if "was called inside an open transaction" in said:
            self._found([Violation("I44", "the server's log has a call inside an open transaction")])
        for attempt_id, row in view.attempts.items():
            if row["state"] == "QUARANTINED":
                self.out.person += 1
            elif row["state"] not in FINAL:
                self._found([Violation("I12", f"attempt {attempt_id} is {row['state']} after two days")])
        if self.out.recovery and max(self.out.recovery) > timedelta(minutes=30).total_seconds():
            self._found([Violation("I12", f"an attempt was final after {max(self.out.recovery):.0f} s")])
        self.out.calls = len(view.requests)
        self.out.ends.update(f"{row['state']}/{row['outcome']}" for row in view.orders.values())
        mails = len(list((world.folder / "outbox").glob("*.eml")))
        keys = sum(1 for row in view.outbox if row["channel"] == "mail" and row["state"] == "DELIVERED")
        self.out.surplus_mails = max(0, mails - keys)
        world.let_go()

    def _found(self, violations: object) -> None:
        for each in violations:  # type: ignore[attr-defined]
            if each not in self.out.violations:
                self.out.violations.append(each)


__all__ = ["Iteration", "Outcome", "threading"]
