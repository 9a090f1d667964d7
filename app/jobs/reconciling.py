"""``reconcile``: every job of the worker, one after the other, until none finds anything to do or a bound is reached."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import or_, select

from app.charging.attempts import RESTING
from app.charging.compare import Compared, compare, compare_due
from app.charging.drive import drive, driver_name
from app.charging.gate import Account, closed_accounts
from app.charging.heard import hear
from app.charging.leftovers import cancel_leftovers
from app.charging.orphaned import look_after_orphans
from app.charging.refunding import drive_refunds
from app.charging.repair import BUDGET_SECONDS, expire, sweep
from app.gateways.port import Gateways
from app.kit.clock import Clock
from app.mail import Mail, Mailer
from app.models.orders import Attempt
from app.models.outages import is_outage
from app.models.store import Store
from app.outbox import MailRow, deliver_due

BATCH = 50
MOST_ROUNDS = 200
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


def reconcile(tools: Tools, *, seconds: float = 300.0, rounds: int = MOST_ROUNDS, wait: bool = False) -> Reconciled:
    """Run every job until a whole round found nothing, at most ``rounds`` times and for about ``seconds``.

    Undecided attempts are looked at once whatever their back-off says, and every account is compared once. ``wait``: where
    a gate is closed, wait within ``seconds`` for the second comparison that opens it. Safe beside running workers.
    """
    until = time.monotonic() + seconds
    done = Reconciled()
    _rounds(tools, done, until, rounds)
    _job(done, "janitor", lambda: janitor(tools.store, tools.gateways, tools.clock, by=driver_name("janitor")))
    _job(done, "leftovers", lambda: cancel_leftovers(tools.store, tools.gateways, tools.clock))
    _compare(tools, done, until, wait=wait)
    _rounds(tools, done, until, rounds)
    with tools.store.read() as conn:
        done.closed = closed_accounts(conn)
    return done


def janitor(store: Store, gateways: Gateways, clock: Clock, *, by: str, limit: int = 1000) -> int:
    """Look at every undecided attempt once, whatever its back-off says; how many there were."""
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
    for attempt_id in ids:
        try:
            drive(store, gateways, clock, [attempt_id], by=by, budget_seconds=BUDGET_SECONDS)
        except Exception as error:
            if is_outage(error):
                raise  # the rows that are left would fail as well
            _log.exception("drive_failed", attempt=attempt_id)
    return len(ids)


def _rounds(tools: Tools, done: Reconciled, until: float, most: int) -> None:
    for _ in range(most):
        done.rounds += 1
        if not _round(tools, done):
            return
        if time.monotonic() >= until:
            break
    done.in_time = False


def _round(tools: Tools, done: Reconciled) -> int:
    """Everything that is due, once; how many rows that were."""
    store, gateways, clock = tools.store, tools.gateways, tools.clock
    by = driver_name("reconcile")
    return sum([
        _job(done, "expirer", lambda: expire(store, clock)),
        _job(done, "sweep", lambda: len(sweep(store, gateways, clock, by=by, limit=BATCH))),
        _job(done, "inbox", lambda: len(hear(store, gateways, clock, by=by, limit=BATCH))),
        _job(done, "refunds", lambda: len(drive_refunds(store, gateways, clock, by=by, limit=BATCH))),
        _job(done, "orphans", lambda: look_after_orphans(store, gateways, clock, by=by, limit=BATCH)),
        _job(done, "outbox", lambda: deliver_due(store, tools.mailer, clock, compose=tools.compose, by=by, limit=BATCH)),
    ])  # fmt: skip


def _job(done: Reconciled, name: str, work: Callable[[], int]) -> int:
    """One job's turn; what it raises stops no other and is told at the end."""
    done.jobs.setdefault(name, 0)
    try:
        count = work()
    except Exception as error:
        _log.exception("reconcile_job_failed", job=name)
        done.failed[name] = type(error).__name__
        return 0
    done.jobs[name] += count
    return count


def _compare(tools: Tools, done: Reconciled, until: float, *, wait: bool) -> None:
    """Every account once; and where a gate is closed, again as soon as that may open it."""
    store, gateways, clock = tools.store, tools.gateways, tools.clock
    by = driver_name("compare")

    def took(found: Compared) -> int:
        done.compared += found
        return found.differed + found.refunds

    def first() -> int:
        found = compare(store, gateways, clock, by=by)
        done.unread, done.undecided = found.unread + found.busy, found.undecided
        return took(found)

    _job(done, "compare", first)
    while wait and time.monotonic() < until:
        with store.read() as conn:
            if not closed_accounts(conn):
                return
        clock.sleep(PAUSE_SECONDS)
        _job(done, "compare", lambda: took(compare_due(store, gateways, clock, by=by)))
