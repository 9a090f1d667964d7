"""One iteration: people press, things break, everything heals, a worker repairs, the judge looks."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from tests.faults import judge
from tests.faults.acts import ACTS
from tests.faults.outcome import Outcome
from tests.faults.plan import Plan
from tests.faults.processes import Repairer, crashing, end, meeting, stopping
from tests.faults.repair import Repair, until_due
from tests.faults.stage import Stage
from tests.faults.view import Violation, look
from tests.faults.world import World

HEALING_STEP = 5.0
STOPPED_FOR = 600.0


class Iteration:
    """Runs one plan in a world. ``prepare`` is run in every forked process and ``guards`` are off: for a mutant."""

    def __init__(
        self, world: World, plan: Plan, prepare: Callable[[], None] = lambda: None, guards: tuple[str, ...] = ()
    ) -> None:
        self.world, self.plan, self.guards = world, plan, guards
        self.out = Outcome(plan)
        self.draw = random.Random(plan.seed)
        self._mutate = prepare
        self._told: set[str] = set()
        self._armed: Callable[[str], None] | None = None
        self._sealed_at: int | None = None
        self._locked_at: int | None = None
        """Calls that the gateway had when from then on nothing could be written."""

    def prepare(self) -> None:
        """In every forked process."""
        self.world.bank.in_server()
        self._mutate()

    def run(self) -> Outcome:
        began = time.monotonic()
        self._mark = self.world.log.stat().st_size if self.world.log.exists() else 0
        self.world.fresh()
        self.world.database.change(self.guards)
        stage = self.stage = Stage(
            self.world, self.plan, self.draw, self.sample, self.restart, self.work, self.as_operator,
            lambda each: self._found([each]), self.free_disk,
        )  # fmt: skip
        stage.around.storage = bool(self.plan.lock or self.plan.full or self.plan.read_only or self.plan.restart >= 0)
        helpers: list[int] = []
        try:
            self._begin(stage)
            stage.open_pages()
            helpers = self._hurt(stage)
            ACTS[self.plan.act].play(stage)
            self._wake_zombie(stage)
            self._count()
            stage.join()
            self.free_disk()
            self.sample()
            self._heal(helpers)
            Repair(self, stage).run()
            self._judge()
        finally:
            self.world.server.kill()
            self.world.bank.end_notices()
            self.world.database.free_disk()
            for pid in helpers + stage.hands:
                end(pid)
        self.out.seconds = time.monotonic() - began
        return self.out

    def _begin(self, stage: Stage) -> None:
        ACTS[self.plan.act].prepare(stage)
        for verb, fault, times in self.plan.faults:
            self.world.bank.fail_next(verb, fault, times)
        if self.plan.notices != "none":
            self.world.bank.begin_notices(self.plan.notices, self.world.door)
        self.world.let_go()
        self._armed = self._points()
        self._serve(self._armed)

    # The server and what befalls it

    def _points(self) -> Callable[[str], None] | None:
        board = self.world.board
        board.arm()
        points = (
            stopping(board, self.plan.zombie)
            if self.plan.zombie
            else crashing(board, self.plan.crash or "-", whole=self.plan.whole)
        )
        return meeting(self.plan.meet, self.plan.tabs, points) if self.plan.meet else points

    def _serve(self, points: Callable[[str], None] | None, *, embedded: bool | None = None) -> None:
        self.world.let_go()
        with_worker = self.plan.embedded if embedded is None else embedded
        self.world.server.start(points, embedded=with_worker, skew=self.plan.skew, prepare=self.prepare)

    def restart(self, *, embedded: bool | None = None) -> None:
        """As an operator or a supervisor does; without a plan this time. Only while no other thread runs here."""
        self._count()
        if not self.world.server.is_alive():
            self._serve(None, embedded=embedded)

    def as_operator(self, work: Callable[[], None]) -> Callable[[], None]:
        """The work of a process beside the server, which dies at the plan's point too."""
        return lambda: (self.prepare(), _install(self._armed), work())  # type: ignore[func-returns-value,return-value]

    def work(self, rounds: int, *, passes: bool = False, seconds: float | None = None) -> None:
        """A worker beside whatever runs, each round when the next row is due or after so many seconds."""
        worker = self.repairer(None)
        for _ in range(rounds):
            worker.round(passes=passes)
            self.move(until_due(self.world) if seconds is None else seconds)
        worker.close()

    def _hurt(self, stage: Stage) -> list[int]:
        """What begins with the press: a lock, a blind kill, a restart of the database."""
        helpers: list[int] = []
        if self.plan.net:
            link, _, rest = self.plan.net.partition(":")
            mode, _, first = rest.partition("@")
            self.world.board.hurt(link, mode, int(first))
        if self.plan.read_only:
            self._seal_disk()
        if self.plan.full:
            stage.later(self.plan.seed % 80 / 1000, self._fill_disk)
        if self.plan.lock:
            self._lock(helpers)
        if self.plan.blind:
            server = self.world.server.pid
            stage.later(self.plan.blind / 1000, lambda: self._blind(server))
        if self.plan.restart >= 0:
            stage.later(self.plan.restart / 1000, self._restart_database)
        return helpers

    def _lock(self, helpers: list[int]) -> None:
        board = self.world.board
        board.calls_under_lock = -1
        pid = self.world.database.hold_lock(self.plan.lock, lambda: setattr(board, "calls_under_lock", self._calls()))
        if pid:
            helpers.append(pid)
            self._locked_at = self._calls()

    def _calls(self) -> int:
        """How many changing calls have reached the gateway so far."""
        return len(self.world.bank.ledger()[1])

    def free_disk(self) -> None:
        """It can be written again; what the gateway heard while it could not be is kept for the judge."""
        if self._sealed_at is not None:
            self.stage.around.silences.append(("the file system was read-only", self._sealed_at, self._calls()))
            self._sealed_at = None
        self.world.database.free_disk()

    def _unlock(self) -> None:
        """Before whoever holds the lock is killed."""
        if self._locked_at is not None:
            now = self._calls()
            noted = self.world.board.calls_under_lock
            said = ("another process held the lock", self._locked_at, now if noted < 0 else noted)
            self.stage.around.silences.append(said)
            self._locked_at = None

    def _blind(self, server: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(server, signal.SIGKILL)
            self.out.kills["blind"] += 1

    def _fill_disk(self) -> None:
        if self.world.database.fill_disk():
            self.out.kills["disk"] += 1

    def _seal_disk(self) -> None:
        """The machine died, and its file system came back read-only: the server starts on it, and the open pages are pressed."""
        self.world.server.kill()
        self.world.let_go()
        if self.world.database.seal_disk():
            self.out.kills["read_only"] += 1
            self._sealed_at = self._calls()
        self._serve(self._armed)

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
        self.move(STOPPED_FOR)
        worker = self.repairer(None)
        for _ in range(4):
            worker.round()
            self.move(HEALING_STEP)
        worker.close()
        self.sample()
        with suppress(ProcessLookupError):
            board.stopped, sleeper = 0, board.stopped
            os.kill(sleeper, signal.SIGCONT)
        stage.wait_for_hands(5.0)

    def _count(self) -> None:
        board = self.world.board
        if board.has_fired and not self.plan.zombie and "server" not in self._told:
            self._told.add("server")
            self.out.kills[self.plan.crash.partition(":")[0]] += 1

    # Healing

    def _heal(self, helpers: list[int]) -> None:
        """Everything that runs is switched off; with notices the server comes back, for its door."""
        self._unlock()
        self.world.server.kill()
        for pid in helpers + self.stage.hands:
            end(pid)
        self.stage.hands.clear()
        self.free_disk()
        self.world.board.well()
        self.world.board.disarm()
        self.world.bank.sync()
        self.world.bank.heal()
        if self.plan.expire_keys:
            self.world.bank.expire_keys()
        self.world.let_go()
        if self.plan.notices != "none":
            self._serve(None, embedded=False)

    def repairer(self, crash: str | None) -> Repairer:
        """A worker; with a crash point it dies there once."""
        board = self.world.board
        points = None
        if crash:
            board.arm()
            points = crashing(board, crash, whole=True)
        self.world.let_go()
        return Repairer(self.world.adapters, points, self.world.log, self.prepare)

    def move(self, seconds: float) -> None:
        self.world.board.move(seconds)
        self.world.bank.sync()

    # The judge

    def sample(self) -> None:
        """What may never be seen, looked at now."""
        _, arrived = self.world.bank.ledger()
        view = look(self.world.database, self.world.bank, self.stage.around)
        self._found(judge.at_any_time(view, arrived))
        self.out.checked.update(view.checked)

    def _judge(self) -> None:
        world = self.world
        view = look(world.database, world.bank, self.stage.around)
        self._found(judge.at_rest(view))
        self.out.checked.update(view.checked)
        for fault in world.database.faults():
            self._found([Violation("I42", fault)])
        with world.log.open(errors="replace") as log:
            log.seek(self._mark)
            self._found(judge.in_the_log(log.read()))
        self.out.checked["I42"] += bool(self.out.kills)
        self.out.checked["I44"] += len(view.requests)
        self.out.checked["I49"] += self.stage.restored
        self._found(self.out.add_view(view))
        mails = len(list((world.folder / "outbox").glob("*.eml")))
        keys = sum(1 for row in view.outbox if row["channel"] == "mail" and row["state"] == "DELIVERED")
        self.out.surplus_mails = 0 if self.stage.restored else max(0, mails - keys)
        world.let_go()

    def _found(self, violations: Iterable[Violation]) -> None:
        for each in violations:
            if each not in self.out.violations:
                self.out.violations.append(each)


def _install(points: Callable[[str], None] | None) -> None:
    from app.kit.faults import install_plan

    install_plan(points)


__all__ = ["Iteration", "Outcome"]
