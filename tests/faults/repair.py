"""After the healing: rounds of the worker, each when the next row is due, until nothing is left; then past every deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.view import FINAL, look

if TYPE_CHECKING:
    from tests.faults.iteration import Iteration
    from tests.faults.stage import Stage
    from tests.faults.world import World

ROUNDS = 90
PASSES_EVERY = 60.0
"""Simulated seconds between what a worker does only now and then, at most: whoever waits long is looked at in it."""
STEP, STEPPING = 10.0, 600.0
"""Where a clock is wrong a worker judges a lease by watching it, so that time passes in steps, for so long at most."""
LATER_HOURS = (2.2, 26.0, 26.0)
"""Past the deadlines; past the daily comparison; past the day that an orphan's money waits."""
NOTICES_WAIT = 2.0


class Repair:
    def __init__(self, iteration: Iteration, stage: Stage) -> None:
        self._it, self._stage, self._world, self._out = iteration, stage, iteration.world, iteration.out
        self._plan = iteration.plan

    def run(self) -> None:
        self._began = self._world.clock.now()
        self._worker = self._it.repairer(self._plan.worker_crash or None)
        self._worker_died = False
        self._waiting = self._undecided()
        try:
            self._until_quiet()
            for hours in LATER_HOURS:
                self._it.move(hours * 3600)
                self._stage.late()
                for _ in range(3):
                    self._round(passes=True)
                    self._it.move(61)
                self._it.sample()
                if self._all_over():
                    break
        finally:
            self._worker.close()

    def _until_quiet(self) -> None:
        passed = self._began
        for number in range(ROUNDS):
            now = self._world.clock.now()
            passes = (now - passed).total_seconds() >= PASSES_EVERY
            passed = now if passes else passed
            self._round(passes=passes)
            if number == 1:
                self._stage.at_the_bank()
                self._waiting |= self._undecided()
            if number > 1 and not self._busy():
                return
            wait = until_due(self._world)
            stepping = self._plan.skew and (now - self._began).total_seconds() < STEPPING
            self._it.move(min(wait, STEP if stepping else PASSES_EVERY))

    def _round(self, *, passes: bool) -> None:
        if self._plan.notices != "none":
            self._world.bank.notices_told(NOTICES_WAIT)
        if not self._worker.round(passes=passes):
            self._worker.close()
            if not self._worker_died:
                self._out.kills[self._plan.worker_crash.partition(":")[0]] += 1
            self._worker_died = True
            self._worker = self._it.repairer(None)
        for each in self._waiting - self._undecided():
            seconds = (self._world.clock.now() - self._began).total_seconds()
            (self._out.refunds_recovered if ".r" in each else self._out.recovery).append(seconds)
            self._waiting.discard(each)

    def _undecided(self) -> set[str]:
        """Attempts and refunds that wait for a machine; those at the bank wait for the shopper."""
        attempts, refunds = self._world.database.rows(
            "SELECT id, state FROM attempts", "SELECT id FROM refunds WHERE state NOT IN ('SUCCEEDED', 'FAILED')"
        )
        waiting = {row["id"] for row in attempts if row["state"] not in FINAL | {"QUARANTINED", "REQUIRES_ACTION"}}
        return waiting | {row["id"] for row in refunds}

    def _busy(self) -> bool:
        (mails,) = self._world.database.rows("SELECT id FROM outbox WHERE channel = 'mail' AND state = 'READY'")
        return bool(mails or self._undecided() or self._world.bank.late_calls())

    def _all_over(self) -> bool:
        """Nothing is open on either side, and both know the same."""
        v = look(self._world.database, self._world.bank, self._stage.around)
        bought = {row["gw_ref"] for row in v.attempts.values()}
        held = bought | {row["gw_ref"] for row in v.orphans}
        refunds = {row["gw_ref"] for row in v.refunds}
        disputes = {(row["gw_ref"], row["state"].lower()) for row in v.disputes}
        return (
            all(row["state"] != "OPEN" for row in v.orders.values())
            and all(each.status in ("succeeded", "canceled") for each in v.objects)
            and all(each.ref in held for each in v.objects if each.captured)
            and all(row["state"] != "FOUND" for row in v.orphans)
            and all(row["state"] in ("SUCCEEDED", "FAILED") for row in v.refunds)
            and all(each.ref in refunds for each in v.given_back if each.payment in bought)
            and all((each.ref, each.status) in disputes for each in v.contested if each.payment in bought)
        )


def until_due(world: World) -> float:
    """Seconds until the first row that anybody could take; a worker looks once a second."""
    attempts, mails, refunds = world.database.rows(
        "SELECT next_at FROM attempts WHERE next_at IS NOT NULL",
        "SELECT next_at FROM outbox WHERE next_at IS NOT NULL AND channel = 'mail'",
        "SELECT next_at FROM refunds WHERE next_at IS NOT NULL",
    )
    times = [row["next_at"] for row in attempts + mails + refunds]
    now = int(world.clock.now().timestamp() * 1_000_000)
    return max(1.0, (min(times, default=now) - now) / 1_000_000 + 0.5)
