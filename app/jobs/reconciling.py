"""``reconcile``: every job of the worker, one after the other, until none finds anything to do or a bound is reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import or_, select

from app.charging.attempts import RESTING
from app.charging.cards import finish_due_setups
from app.charging.compare import Compared, compare, compare_due, still_closed
from app.charging.drive import drive, driver_name
from app.charging.gate import Account
from app.charging.hastening import hasten
from app.charging.heard import hear
from app.charging.leftovers import cancel_leftovers
from app.charging.orphaned import look_after_orphans
from app.charging.refunding import drive_refunds
from app.charging.repair import BUDGET_SECONDS, expire, sweep
from app.gateways.port import Gateways
from app.jobs.rows import WORK
from app.kit.clock import Clock
from app.mail import Mail, Mailer
from app.models.leases import Sightings
from app.models.orders import Attempt
from app.models.outages import is_outage
from app.models.store import Store
from app.outbox import MailRow, deliver_due

BATCH = 10
"""Rows of one kind between two looks at the time."""
MOST_ROUNDS = 1000
PAUSE_SECONDS = 5.0
"""Between two looks at a gate that is to open."""
_log = structlog.get_logger(__name__)


@dataclass
class Reconciled:
    """What was done, by job, and what is left. ``failed``: jobs that raised; ``is_done``: nothing was left to do."""

    jobs: dict[str, int] = field(default_factory=dict[str, int])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    compared: Compared = field(default_factory=Compared)
    unread: int = 0
    """Accounts whose list was not read whole, or that somebody else compares right now."""
    undecided: int = 0
    """Payments and disputes that the comparison could not decide and that are tried again."""
    closed: Sequence[Account] = ()
    rounds: int = 0
    in_time: bool = True

    @property
    def is_done(self) -> bool:
        return self.in_time and not (self.failed or self.unread or self.undecided or self.closed)


@dataclass(frozen=True, slots=True)
class Tools:
    """The world as reconcile needs it."""

    store: Store
    gateways: Gateways
    clock: Clock
    mailer: Mailer
    compose: Callable[[MailRow], Mail]
    seconds: Callable[[], float] = time.monotonic
    """The machine's own time: a demo's shifted clock does not change how long this may take."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One ``reconcile`` under way."""

    tools: Tools
    done: Reconciled
    until: float
    sightings: Sightings

    def is_over(self) -> bool:
        """Whether time is up. For whoever is about to begin something: what is left undone for it is told."""
        if self.tools.seconds() < self.until:
            return False
        self.done.in_time = False
        return True


def reconcile(tools: Tools, *, seconds: float = 300.0, rounds: int = MOST_ROUNDS, wait: bool = False) -> Reconciled:
    """Run every job until a whole round found nothing, at most ``rounds`` times; after ``seconds`` nothing is begun.

    What is under way then comes to its end: a call, a payment's few calls, at most ``BATCH`` rows of one kind. Undecided
    attempts are looked at once whatever their back-off says, and every account is compared once. ``wait``: where a gate is
    closed, wait within ``seconds`` for the second comparison that opens it. Safe beside running workers.
    """
    run = _Run(tools, Reconciled(), tools.seconds() + seconds, Sightings(WORK))
    store, gateways, clock = tools.store, tools.gateways, tools.clock
    _rounds(run, rounds)
    _job(run, "janitor", lambda: janitor(store, gateways, clock, by=driver_name("janitor"), stops=run.is_over))
    _job(run, "leftovers", lambda: cancel_leftovers(store, gateways, clock, stops=run.is_over))
    _compare(run, wait=wait)
    _rounds(run, rounds)
    with store.read() as conn:
        run.done.closed = still_closed(conn, tools.gateways)
    return run.done


def janitor(
    store: Store,
    gateways: Gateways,
    clock: Clock,
    *,
    by: str,
    limit: int = 1000,
    stops: Callable[[], bool] = lambda: False,
) -> int:
    """Look at every undecided attempt once, whatever its back-off says; how many were looked at.

    ``stops``: asked before each; once true, the rest is left to its own time.
    """
    now = clock.now()
    with store.read() as conn:
        ids = (
            conn.execute(
                select(Attempt.id)
                .where(
                    Attempt.state.not_in(RESTING),
                    Attempt.next_at.is_not(None),
                    or_(Attempt.lease_by.is_(None), Attempt.lease_until <= now),
                )
                .order_by(Attempt.next_at)
                .limit(limit)
            )
            .scalars()
            .all()
        )
    looked = 0
    for attempt_id in ids:
        if stops():
            break
        looked += 1
        try:
            drive(store, gateways, clock, [attempt_id], by=by, budget_seconds=BUDGET_SECONDS)
        except Exception as error:
            if is_outage(error):
                raise  # the rows that are left would fail as well
            _log.exception("drive_failed", attempt=attempt_id)
    return looked


def _rounds(run: _Run, most: int) -> None:
    for _ in range(most):
        if run.is_over():
            return
        run.done.rounds += 1
        if not _round(run):
            return
    run.done.in_time = False


def _round(run: _Run) -> int:
    """Everything that is due, once; how many rows that were."""
    store, gateways, clock, mailer = run.tools.store, run.tools.gateways, run.tools.clock, run.tools.mailer
    compose, by = run.tools.compose, driver_name("reconcile")
    return sum([
        _job(run, "leases", lambda: run.sightings.look(store, clock.now())),
        _job(run, "expirer", lambda: expire(store, clock)),
        _job(run, "hasten", lambda: hasten(store, clock)),
        _job(run, "sweep", lambda: len(sweep(store, gateways, clock, by=by, limit=BATCH))),
        _job(run, "inbox", lambda: len(hear(store, gateways, clock, by=by, limit=BATCH))),
        _job(run, "refunds", lambda: len(drive_refunds(store, gateways, clock, by=by, limit=BATCH))),
        _job(run, "orphans", lambda: look_after_orphans(store, gateways, clock, by=by, limit=BATCH)),
        _job(run, "setups", lambda: finish_due_setups(store, gateways, clock, by=by, limit=BATCH)),
        _job(run, "outbox", lambda: deliver_due(store, mailer, clock, compose=compose, by=by, limit=BATCH)),
    ])  # fmt: skip


def _job(run: _Run, name: str, work: Callable[[], int]) -> int:
    """One job's turn, unless time is up; what it raises stops no other and is told at the end."""
    done = run.done
    done.jobs.setdefault(name, 0)
    if run.is_over():
        return 0
    try:
        count = work()
    except Exception as error:
        _log.exception("reconcile_job_failed", job=name)
        done.failed[name] = type(error).__name__
        return 0
    done.jobs[name] += count
    return count


def _compare(run: _Run, *, wait: bool) -> None:
    """Every account once; and where a gate is closed, again as soon as that may open it."""
    done, store, gateways, clock = run.done, run.tools.store, run.tools.gateways, run.tools.clock
    by = driver_name("compare")

    def took(found: Compared) -> int:
        done.compared += found
        return found.differed + found.refunds

    def first() -> int:
        found = compare(store, gateways, clock, by=by, stops=run.is_over)
        done.unread, done.undecided = found.unread + found.busy, found.undecided
        return took(found)

    _job(run, "compare", first)
    while wait and not run.is_over():
        with store.read() as conn:
            if not still_closed(conn, gateways):
                return
        clock.sleep(PAUSE_SECONDS)
        _job(run, "leases", lambda: run.sightings.look(store, clock.now()))
        _job(run, "compare", lambda: took(compare_due(store, gateways, clock, by=by, stops=run.is_over)))
