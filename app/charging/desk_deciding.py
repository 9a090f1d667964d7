"""One decision of a person about a matter of the queue, and what the gateway says about it now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.charging.attempts import AttemptRow, Moved
from app.charging.desk import RESOLVED, Matter, matters
from app.charging.objects import objects_of
from app.charging.observing import Watch
from app.charging.returning import return_money
from app.gateways.port import AnswerKind, Gateway, Payment
from app.kit.clock import Clock
from app.kit.errors import LiftlinkError
from app.models.locks import hold_paid_order
from app.outbox import record

T = TypeVar("T")


class DeskRefused(LiftlinkError):
    """``code`` is one of the list in ``desk_acts``."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the gateway says now. ``payment`` None with ``gone``: it has no such object; else it did not answer.

    ``others``: more objects of the same attempt, each of which matters less.
    """

    payment: Payment | None
    gone: bool
    detail: str = ""
    others: tuple[Payment, ...] = ()


def find(conn: Connection, watch: Watch, matter_id: str) -> Matter:
    """The matter of that name; ``matter_unknown``."""
    for each in matters(conn, watch.clock.now()):
        if each.id == matter_id:
            return each
    raise DeskRefused("matter_unknown", f"nothing called {matter_id} waits for a person (see: liftlink queue list)")


@dataclass(frozen=True, slots=True)
class Resolving:
    """One decision: whose, why, about what."""

    watch: Watch
    matter: Matter
    actor: str
    reason: str

    def note(self, conn: Connection, act: str, *, leaves: bool) -> None:
        """In the caller's transaction: who decided what. ``leaves``: it leaves the queue though its row stays."""
        now = self.watch.clock.now()
        body = {"act": act, "actor": self.actor, "reason": self.reason, "about": self.matter.id}
        if leaves:
            body |= {"matter": self.matter.id, "arose": self.matter.since.isoformat()}
        stamp = int(now.timestamp() * 1_000_000)
        record(conn, self.matter.book_id, RESOLVED, self.matter.id, stamp, "event", body, now)

    def decide(self, order_id: str, work: Callable[[Connection], T]) -> T:
        """``work`` in one transaction that holds the order, or a refusal when somebody else was quicker; it may run twice."""

        def alone(conn: Connection) -> T:
            hold_paid_order(conn, self.matter.book_id, order_id)
            return work(conn)

        try:
            return self.watch.store.writing(alone)
        except Moved:
            raise self.too_late() from None
        except IntegrityError:
            raise self.unfit("another attempt of its order is open, or another has this payment") from None

    def too_late(self) -> DeskRefused:
        return DeskRefused("matter_unknown", "somebody else decided it at the same moment")

    def unfit(self, why: str) -> DeskRefused:
        return DeskRefused("act_unfit", why, may=self.matter.may)


def truth_of(gateway: Gateway, row: AttemptRow, clock: Clock) -> Truth:
    """By its reference; without one, whatever the gateway lists under this attempt's mark."""
    if row.gw_ref is not None:
        return read_truth(gateway, row.gw_ref)
    mine = objects_of(gateway, row, clock)
    if mine.value is None:
        return Truth(None, gone=False, detail=mine.detail or mine.kind.value)
    return Truth(mine.value[0], gone=False, others=mine.value[1:]) if mine.value else Truth(None, gone=True)


def read_truth(gateway: Gateway, ref: str) -> Truth:
    answer = gateway.read_payment(ref)
    return Truth(answer.payment, answer.kind is AnswerKind.BUG_OR_GONE, answer.detail or answer.kind.value)


def give_back(r: Resolving, gateway: Gateway, payment: Payment, tries: int) -> None:
    """All of an object's money; ``tries`` makes the key. Refused where the gateway did not do it."""
    state, why = return_money(gateway, payment, tries=tries)
    if state != "REFUNDED":
        code = "act_unfit" if state else "gateway_silent"
        raise DeskRefused(code, f"not given back: {why}; look again later", may=r.matter.may)
