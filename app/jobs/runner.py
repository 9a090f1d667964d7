"""The embedded worker: one daemon thread per server process, and one for what may take long.

Start it in the process that serves, after any fork.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from app.accounts.profile import MerchantFacts
from app.charging.cards import finish_due_setups
from app.charging.compare import compare_due
from app.charging.drive import driver_name
from app.charging.forgetting import forget_bodies
from app.charging.hastening import hasten
from app.charging.heard import hear
from app.charging.leftovers import cancel_leftovers
from app.charging.orphaned import look_after_orphans
from app.charging.refunding import drive_refunds
from app.charging.repair import expire, sweep
from app.gateways.port import Gateways
from app.jobs.apart import Apart, Pass
from app.jobs.failing import Failing
from app.jobs.rows import WORK
from app.kit.bell import ThreadBell
from app.kit.clock import Clock
from app.mail import Composer, Mail, Mailer, Sender
from app.models.leases import Sightings
from app.models.store import Store
from app.outbox import MailRow, deliver_due

WAIT_SECONDS = 1.0
DELIVER_SECONDS = 5.0
"""After this a round leases no more mails, so that they keep no charge waiting."""
EXPIRE_SECONDS = 300.0
HASTEN_SECONDS = 60.0
GATE_SECONDS = 60.0
"""How often the database is asked whether it was restored."""
COMPARE_SECONDS = 60.0
"""How often it is asked whether an account is due: once a day each, and while charging is closed after a restore."""
LEFTOVER_SECONDS = 24 * 3600.0


class Merchants(Protocol):
    """Whose mail it is; ``accounts.Directory`` is one."""

    def merchant(self, book_id: int) -> MerchantFacts: ...


class EmbeddedRunner:
    """Looks at what is due every second or when the bell rings; expires every five minutes.

    What lists a gateway's whole books (``_long``) has a thread of its own, so that no receipt waits for it.

    Several processes may run one each: row leases keep them apart. ``start`` is called once per process, after a fork;
    ``stop`` waits for the row in hand.
    """

    def __init__(
        self,
        store: Store,
        gateways: Gateways,
        clock: Clock,
        bell: ThreadBell,
        mailer: Mailer,
        composer: Composer,
        merchants: Merchants,
        *,
        limit: int = 10,
        gate: Callable[[], object] = lambda: None,
        wait: Callable[[float], object] | None = None,
        keep_notices: timedelta = timedelta(days=90),
    ) -> None:
        self._store, self._gateways, self._clock, self._bell = store, gateways, clock, bell
        self._mailer, self._composer, self._merchants = mailer, composer, merchants
        self._limit = limit
        self._sightings = Sightings(WORK)
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._reached = True
        database = "SQLite" if store.is_sqlite else "PostgreSQL"
        self._failing = Failing(database, clock)
        self._thread: threading.Thread | None = None
        self._passes = [
            Pass("expire", EXPIRE_SECONDS, lambda: expire(store, clock)),
            Pass("bodies", EXPIRE_SECONDS, lambda: forget_bodies(store, clock, keep_notices)),
            Pass("hasten", HASTEN_SECONDS, lambda: hasten(store, clock)),
            # A standby may be promoted while we run: nobody starts us anew then.
            Pass("gate", GATE_SECONDS, gate, time.monotonic() + GATE_SECONDS),
        ]  # fmt: skip
        self._long = [
            Pass("compare", COMPARE_SECONDS, lambda: compare_due(
                store, gateways, clock, by=driver_name("compare"), stops=self._stopping.is_set)),
            # Not at the start: a server that restarts often would list the gateway's objects each time.
            Pass("leftovers", LEFTOVER_SECONDS, lambda: cancel_leftovers(
                store, gateways, clock, stops=self._stopping.is_set), time.monotonic() + LEFTOVER_SECONDS),
        ]  # fmt: skip
        self._apart = Apart("liftlink-compare", self._long, Failing(database, clock), self._stopping)

    def start(self) -> None:
        """Begin in daemon threads; a second call does nothing."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="liftlink-worker", daemon=True)
            self._thread.start()
            self._apart.start()

    def stop(self, seconds: float = 10.0) -> None:
        """End after the row in hand, or stop waiting for it; its lease ends by itself.

        A comparison, or a look for leftovers, ends before its next call, and leaves its account to the next worker.
        """
        until = time.monotonic() + seconds
        self._stopping.set()
        self._bell.ring()
        if self._thread is not None:
            self._thread.join(seconds)
            self._thread = None
        self._apart.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._failing.pause:
                self._wait(self._failing.pause)  # no ring ends it: rings do not bring a database back
            rung = self._bell.wait(WAIT_SECONDS)
            if not self._stopping.is_set():
                self._round(rung=rung)

    def work(self, *, rung: bool = False) -> None:
        """One round with everything in this thread; nothing that fails in it stops the rest, but a database that is away."""
        self._round(rung=rung)
        for each in self._long:
            each.turn(self._try)

    def _round(self, *, rung: bool) -> None:
        by, self._reached = driver_name("worker"), True
        self._try("leases", lambda: self._sightings.look(self._store, self._clock.now()))
        self._try("attempts", lambda: sweep(
            self._store, self._gateways, self._clock, by=by, limit=self._limit, rung=rung))  # fmt: skip
        self._try("notices", lambda: hear(
            self._store, self._gateways, self._clock, by=by, limit=self._limit, rung=rung))  # fmt: skip
        self._try("orphans", lambda: look_after_orphans(
            self._store, self._gateways, self._clock, by=by, limit=self._limit))  # fmt: skip
        self._try("refunds", lambda: drive_refunds(
            self._store, self._gateways, self._clock, by=by, limit=self._limit))  # fmt: skip
        self._try("setups", lambda: finish_due_setups(
            self._store, self._gateways, self._clock, by=by, limit=self._limit, rung=rung))  # fmt: skip
        self._try("mail", lambda: self._deliver(by))
        for each in self._passes:
            each.turn(self._try)

    def _deliver(self, by: str) -> None:
        """Lease after lease while mails wait: the presses of a busy second leave more than one lease holds."""
        until = time.monotonic() + DELIVER_SECONDS
        limit, compose = self._limit, self.compose
        while deliver_due(self._store, self._mailer, self._clock, compose=compose, by=by, limit=limit) == limit:
            if time.monotonic() >= until or self._stopping.is_set():
                return

    def _try(self, name: str, work: Callable[[], object]) -> bool:
        """False when the database is away: then nothing else of this round is tried either."""
        self._reached = self._reached and self._failing.run(name, work)
        return self._reached

    def compose(self, row: MailRow) -> Mail:
        """The mail of an outbox row, from its merchant."""
        return self._composer.compose(row.id, row.kind, row.body, sender_of(self._merchants.merchant(row.book_id)))


def sender_of(merchant: MerchantFacts) -> Sender:
    """What mails say of the merchant."""
    return Sender(
        name=merchant.name,
        legal_name=merchant.legal_name or merchant.name,
        legal_address=merchant.legal_address,
        help_email=merchant.help_email,
        help_phone=merchant.help_phone,
        account_url=merchant.account_url,
        statement_name=merchant.statement_name,
        timezone=merchant.timezone,
        prefix=merchant.prefix,
        is_test=merchant.is_test,
    )
