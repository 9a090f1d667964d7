"""What a person may do with a matter of the queue: only what the gateway's truth allows, and logged with who and why.

LiftlinkError
└── DeskRefused
    matter_unknown      nothing of that name waits
    act_unfit           this act does not fit: ``may`` lists those of its kind, the message says what stands against it
    reason_missing      nobody says why
    gateway_silent      the gateway's answer is needed and did not come: nothing was decided, try again
    subscription_moved  the money cannot be adopted, since the subscription changed: give it back

None of them changed anything here; ``gateway_silent`` may have asked the gateway for what was wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, and_, select, update

from app.charging import adopting
from app.charging.attempts import AttemptRow, Moved, move, read_attempt, released
from app.charging.closing_orders import close_order
from app.charging.comparing import mismatch
from app.charging.desk import RESOLVED, Matter, log_of, matters
from app.charging.desk_offers import offered
from app.charging.disputing import take_disputes
from app.charging.objects import objects_of
from app.charging.observing import Place, Watch, attempt_marked
from app.charging.orphans import orphan_name
from app.charging.refund_finding import found_refunds
from app.charging.refunding import ask_refund
from app.charging.returning import return_money
from app.charging.settle import pay
from app.charging.transitions import Move, log
from app.gateways.port import AnswerKind, Gateway, Payment, PaymentStatus
from app.kit.errors import LiftlinkError
from app.models.orders import Order, Orphan, Refund
from app.models.work import Inbox, Outbox
from app.outbox import record
from app.subscriptions.errors import SubscriptionMoved


class DeskRefused(LiftlinkError):
    """``code`` is one of the list above."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What the gateway says now. ``payment`` None with ``gone``: it has no such object; else it did not answer."""

    payment: Payment | None
    gone: bool
    detail: str = ""


def find(conn: Connection, watch: Watch, matter_id: str) -> Matter:
    """The matter of that name; ``matter_unknown``."""
    for each in matters(conn, watch.clock.now()):
        if each.id == matter_id:
            return each
    raise DeskRefused("matter_unknown", f"nothing called {matter_id} waits for a person (see: liftlink queue list)")


def show(watch: Watch, matter_id: str) -> dict[str, Any]:
    """Everything that is known: the row, its log, what the gateway says now, and of the acts those that it would accept."""
    with watch.store.read() as conn:
        matter = find(conn, watch, matter_id)
        history = log_of(conn, matter)
    truth = _truth(watch, matter)
    if truth is not None:
        matter = replace(matter, may=offered(watch, matter, truth.payment, gone=truth.gone))
    return {"matter": matter, "log": history, "gateway": truth.payment if truth else None,
            "gateway_says": _said(truth)}  # fmt: skip


def resolve(watch: Watch, matter_id: str, act: str, *, actor: str, reason: str) -> str:
    """Do it; one line that says what was done. Raises ``DeskRefused``, or ``RefundRefused`` for a new refund."""
    if not reason.strip():
        raise DeskRefused("reason_missing", "say why: it is kept with the decision", field="reason")
    with watch.store.read() as conn:
        matter = find(conn, watch, matter_id)
    if act not in matter.may:
        raise DeskRefused("act_unfit", f"{act} does not fit: {', '.join(matter.may)} does", may=matter.may)
    resolving = Resolving(watch, matter, actor, reason.strip())
    return _ACTS[matter.kind](resolving, act)


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
            body["matter"] = self.matter.id
        stamp = int(now.timestamp() * 1_000_000)
        record(conn, self.matter.book_id, RESOLVED, self.matter.id, stamp, "event", body, now)

    def unfit(self, why: str) -> DeskRefused:
        return DeskRefused("act_unfit", why, may=self.matter.may)


def _attempt(r: Resolving, act: str) -> str:
    with r.watch.store.read() as conn:
        row = read_attempt(conn, r.matter.key[0])
    if row is None:
        raise DeskRefused("matter_unknown", "the attempt is gone")
    gateway = r.watch.gateways.of(row.gateway, row.account, livemode=row.livemode)
    truth = _truth_of(gateway, row)
    if truth.payment is None and not truth.gone:
        raise DeskRefused("gateway_silent", f"the gateway did not say what became of it: {truth.detail}")
    doing: dict[str, Callable[[Resolving, AttemptRow, Gateway, Payment | None], str]] = {
        "adopt": _adopt, "cancel": _cancel, "refund": _give_back,
    }  # fmt: skip
    return doing[act](r, row, gateway, truth.payment)


def _adopt(r: Resolving, row: AttemptRow, _gateway: Gateway, payment: Payment | None) -> str:
    """QUARANTINED → SUCCEEDED: the money is there and is what the order asks for."""
    if payment is None or payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit("the gateway holds no money of this attempt")
    wrong = mismatch(replace(row, gw_ref=payment.ref), payment)
    if wrong or payment.refunded:
        raise r.unfit(wrong or "it was given back already")
    now = r.watch.clock.now()
    done = {"state": "SUCCEEDED", "gw_ref": payment.ref, "settled_at": now, "last_class": "definite"}
    try:
        with r.watch.store.write() as conn:
            move(conn, row, None, done | released(now, None))
            pay(conn, row.book_id, row.order_id, attempt=row, outcome="paid", actor=r.actor, at=now)
            r.note(conn, "adopt", leaves=False)
    except SubscriptionMoved:
        raise DeskRefused("subscription_moved", "the order cannot be carried out any more: refund it") from None
    return f"the payment is adopted: order {r.matter.order} is paid"


def _cancel(r: Resolving, row: AttemptRow, gateway: Gateway, payment: Payment | None) -> str:
    """QUARANTINED → CANCELLED: for certain no money, now and later. Then another attempt may be made."""
    if payment is not None and payment.status in (PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING):
        raise r.unfit(f"the payment is {payment.status} at the gateway")
    if payment is not None and payment.status is not PaymentStatus.CANCELED:
        answer = gateway.cancel_payment(payment.ref, key=f"{row.id}:desk:{payment.ref}:{row.tries}")
        if answer.payment is None or answer.payment.status is not PaymentStatus.CANCELED:
            raise DeskRefused(
                "gateway_silent", f"the gateway did not confirm the cancel: {answer.detail or answer.kind}"
            )
    with r.watch.store.write() as conn:
        _close(conn, r, row)
        r.note(conn, "cancel", leaves=False)
    return "cancelled: no money was taken, and the subscription may be changed again"


def _give_back(r: Resolving, row: AttemptRow, gateway: Gateway, payment: Payment | None) -> str:
    """The money goes back and the order ends."""
    if payment is None or payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit("the gateway holds no money of this attempt")
    if row.gw_ref is None:
        raise r.unfit("the row does not know its payment: adopt it")
    _return(r, gateway, payment, row.tries)
    refunds = gateway.list_refunds(payment.ref)
    found_refunds(r.watch.store, r.watch.clock, row.id, refunds.value or ())
    now = r.watch.clock.now()
    with r.watch.store.write() as conn:
        _close(conn, r, row)
        close_order(conn, row.book_id, row.order_id, "CANCELLED", cause=f"refunded: {r.reason}", actor=r.actor, at=now)
        r.note(conn, "refund", leaves=False)
    return f"given back in full; order {r.matter.order} is cancelled"


def _return(r: Resolving, gateway: Gateway, payment: Payment, tries: int) -> None:
    state, why = return_money(gateway, payment, tries=tries)
    if state != "REFUNDED":
        code = "act_unfit" if state else "gateway_silent"
        raise DeskRefused(code, f"not given back: {why}; look again later", may=r.matter.may)


def _close(conn: Connection, r: Resolving, row: AttemptRow) -> None:
    now = r.watch.clock.now()
    done = {"state": "CANCELLED", "settled_at": now, "last_class": "definite", "action_url": None}
    try:
        move(conn, row, None, done | released(now, None))
    except Moved:
        raise DeskRefused("matter_unknown", "somebody else decided it at the same moment") from None
    log(conn, row.book_id, [Move("attempt", row.id, row.state, "CANCELLED", r.reason)], actor=r.actor, at=now, of=row)
    conn.execute(
        update(Order)
        .where(Order.book_id == row.book_id, Order.id == row.order_id, Order.state == "OPEN")
        .values(outcome="failed", version=Order.version + 1)
    )


def _undecided(r: Resolving, _act: str) -> str:
    with r.watch.store.write() as conn:
        r.note(conn, "release", leaves=False)
        row = read_attempt(conn, r.matter.key[0])
    after = None if row is None else r.watch.drive(row)
    return f"looked at again: it is {after.state if after else 'gone'}"


def _orphan(r: Resolving, act: str) -> str:
    gateway_name, account, ref = r.matter.key
    gateway = r.watch.gateways.of(gateway_name, account, livemode=bool(r.matter.facts.get("livemode")))
    if act == "release":
        with r.watch.store.write() as conn:
            _put_orphan(conn, r, "FOUND", {"next_at": r.watch.clock.now(), "tries": 0, "decided_at": None})
            r.note(conn, act, leaves=False)
        return "looked after again, by a worker"
    answer = gateway.read_payment(ref)
    payment = answer.payment
    if payment is None:
        raise DeskRefused(
            "gateway_silent", f"the gateway did not say what became of it: {answer.detail or answer.kind}"
        )
    state = {"adopt": _adopt_orphan, "cancel": _cancel_orphan, "refund": _return_orphan}[act](r, gateway, payment)
    with r.watch.store.write() as conn:
        _put_orphan(conn, r, state, {"decided_at": r.watch.clock.now(), "next_at": None})
        r.note(conn, act, leaves=False)
    return f"the payment is {state.lower()}"


def _adopt_orphan(r: Resolving, gateway: Gateway, payment: Payment) -> str:
    at = Place(r.matter.book_id, gateway.name, gateway.account, gateway.livemode)
    with r.watch.store.read() as conn:
        row = attempt_marked(conn, at, payment)
    if payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit(f"the payment is {payment.status}")
    why = adopting.why_not(r.watch, row, payment)
    if row is not None and not why:
        why = adopting.adopt(r.watch, row, payment)
    if why:
        raise r.unfit(f"it cannot be adopted: {why}")
    return "ADOPTED"


def _cancel_orphan(r: Resolving, gateway: Gateway, payment: Payment) -> str:
    if payment.status in (PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING):
        raise r.unfit(f"the payment is {payment.status} at the gateway")
    if payment.status is not PaymentStatus.CANCELED:
        stamp = int(r.watch.clock.now().timestamp())
        answer = gateway.cancel_payment(payment.ref, key=f"desk:cancel:{payment.ref}:{stamp}")
        if answer.payment is None or answer.payment.status is not PaymentStatus.CANCELED:
            raise DeskRefused(
                "gateway_silent", f"the gateway did not confirm the cancel: {answer.detail or answer.kind}"
            )
    return "CANCELLED"


def _return_orphan(r: Resolving, gateway: Gateway, payment: Payment) -> str:
    if payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit(f"the payment is {payment.status}: there is no money to give back")
    _return(r, gateway, payment, int(r.watch.clock.now().timestamp()))
    return "REFUNDED"


def _put_orphan(conn: Connection, r: Resolving, state: str, values: dict[str, Any]) -> None:
    gateway, account, ref = r.matter.key
    where = and_(Orphan.gateway == gateway, Orphan.account == account, Orphan.gw_ref == ref, Orphan.state == "PERSON")
    if conn.execute(update(Orphan).where(where).values(state=state, **values)).rowcount != 1:
        raise DeskRefused("matter_unknown", "somebody else decided it at the same moment")
    moved = Move("orphan", orphan_name(*r.matter.key), "PERSON", state, r.reason)
    log(conn, r.matter.book_id, [moved], actor=r.actor, at=r.watch.clock.now())


def _dispute(r: Resolving, _act: str) -> str:
    attempt_id = str(r.matter.facts["attempt"])
    with r.watch.store.read() as conn:
        row = read_attempt(conn, attempt_id)
    if row is None:
        raise DeskRefused("matter_unknown", "its attempt is gone")
    gateway = r.watch.gateways.of(row.gateway, row.account, livemode=row.livemode)
    why = take_disputes(r.watch.store, gateway, r.watch.clock, attempt_id, actor=r.actor)
    if why:
        raise DeskRefused("gateway_silent", why)
    with r.watch.store.write() as conn:
        r.note(conn, "release", leaves=False)
    return "looked at again: answer it at the gateway, its end is taken over from there"


def _refund(r: Resolving, act: str) -> str:
    if act == "refund":
        asked = ask_refund(
            r.watch.store, r.watch.clock, r.matter.book_id, str(r.matter.facts["order"]), r.matter.amount,
            reason=r.reason, actor=r.actor,
        )  # fmt: skip
        with r.watch.store.write() as conn:
            r.note(conn, act, leaves=True)
        return f"asked for again as {asked}"
    with r.watch.store.write() as conn:
        if act == "release":
            conn.execute(
                update(Refund)
                .where(Refund.book_id == r.matter.book_id, Refund.id == r.matter.key[0], Refund.next_at.is_(None))
                .values(next_at=r.watch.clock.now(), last_class=None)
            )
        r.note(conn, act, leaves=act == "cancel")
    return "a worker looks at it again" if act == "release" else "taken off the queue"


def _dead(r: Resolving, act: str) -> str:
    """A mail or a notice: tried again from the beginning, or left dead."""
    now = r.watch.clock.now()
    again = {"state": "READY", "next_at": now, "tries": 0, "lease_by": None, "lease_until": None}
    with r.watch.store.write() as conn:
        if act == "release" and r.matter.kind == "mail":
            conn.execute(update(Outbox).where(Outbox.id == r.matter.key[0], Outbox.state == "DEAD").values(again))
        elif act == "release":
            gateway, account, event = r.matter.key
            of = and_(Inbox.gateway == gateway, Inbox.account == account, Inbox.event_id == event)
            conn.execute(update(Inbox).where(of, Inbox.state == "DEAD").values(again | {"done_at": None}))
        r.note(conn, act, leaves=act == "cancel")
    return "a worker tries again" if act == "release" else "taken off the queue"


_ACTS: dict[str, Callable[[Resolving, str], str]] = {
    "attempt": _attempt, "undecided": _undecided, "orphan": _orphan, "dispute": _dispute, "refund": _refund,
    "mail": _dead, "notice": _dead, "alarm": _dead,
}  # fmt: skip


def _truth(watch: Watch, matter: Matter) -> Truth | None:
    """For those that are about a payment."""
    if matter.kind == "orphan":
        gateway_name, account, ref = matter.key
        gateway = watch.gateways.of(gateway_name, account, livemode=bool(matter.facts.get("livemode")))
        return _read(gateway, ref)
    named = matter.facts.get("attempt") if matter.kind in ("dispute", "alarm") else matter.key[0]
    if matter.kind == "refund":
        with watch.store.read() as conn:
            named = conn.execute(select(Refund.attempt_id).where(Refund.id == matter.key[0])).scalar()
    if matter.kind in ("mail", "notice") or not named:
        return None
    with watch.store.read() as conn:
        row = read_attempt(conn, str(named))
    if row is None:
        return None
    return _truth_of(watch.gateways.of(row.gateway, row.account, livemode=row.livemode), row)


def _truth_of(gateway: Gateway, row: AttemptRow) -> Truth:
    """By its reference; without one, whatever the gateway lists under this attempt's mark."""
    if row.gw_ref is not None:
        return _read(gateway, row.gw_ref)
    mine = objects_of(gateway, row)
    if mine.kind is not AnswerKind.DEFINITE or mine.value is None:
        return Truth(None, gone=False, detail=mine.detail or mine.kind.value)
    # An object that is alive counts for more than one that is over: it must be dealt with first.
    ranked = sorted(mine.value, key=lambda payment: payment.status is PaymentStatus.CANCELED)
    return Truth(ranked[0], gone=False) if ranked else Truth(None, gone=True)


def _read(gateway: Gateway, ref: str) -> Truth:
    answer = gateway.read_payment(ref)
    return Truth(answer.payment, answer.kind is AnswerKind.BUG_OR_GONE, answer.detail or answer.kind.value)


def _said(truth: Truth | None) -> str:
    if truth is None:
        return "not about a payment"
    if truth.payment is not None:
        return truth.payment.status.value
    return "no such payment" if truth.gone else f"no answer: {truth.detail}"
