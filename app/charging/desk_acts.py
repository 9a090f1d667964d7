"""What a person may do with a matter of the queue: only what the gateway's truth allows, and logged with who and why.

LiftlinkError
└── DeskRefused
    matter_unknown      nothing of that name waits
    act_unfit           this act does not fit: ``may`` lists those of its kind, the message says what stands against it
    reason_missing      nobody says why
    gateway_silent      the gateway's answer is needed and did not come: nothing was decided, try again
    subscription_moved  the money cannot be adopted, since the subscription changed: give it back

None of them changed anything here, but that a decision to give money back stays on record; ``gateway_silent`` may have
asked the gateway for what was wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, select, update

from app.charging.attempts import read_attempt
from app.charging.desk import Matter, log_of
from app.charging.desk_attempts import quarantined, undecided
from app.charging.desk_deciding import DeskRefused, Resolving, Truth, find, read_truth, truth_of
from app.charging.desk_offers import offered
from app.charging.desk_orphans import orphan
from app.charging.desk_refunds import dispute, refund
from app.charging.observing import Watch
from app.models.orders import Refund
from app.models.work import GatewayWatch, Inbox, Outbox

__all__ = ["DeskRefused", "resolve", "show"]


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


def _dead(r: Resolving, act: str) -> str:
    """A mail or a notice: tried again from the beginning, or left dead."""
    now = r.watch.clock.now()
    again = {"state": "READY", "next_at": now, "tries": 0, "lease_by": None, "lease_until": None}
    table, where, more = Outbox, Outbox.id == r.matter.key[0], {}
    if r.matter.kind == "notice":
        gateway, account, event = r.matter.key
        is_it = and_(Inbox.gateway == gateway, Inbox.account == account, Inbox.event_id == event)
        table, where, more = Inbox, is_it, {"done_at": None}
    with r.watch.store.write() as conn:
        conn.execute(select(table.state).where(where).with_for_update()).one()
        find(conn, r.watch, r.matter.id)  # nobody else was quicker
        if act == "release":
            conn.execute(update(table).where(where).values(again | more))
        r.note(conn, act, leaves=act == "cancel")
    return "a worker tries again" if act == "release" else "taken off the queue"


def _account(r: Resolving, act: str) -> str:
    """Compared anew; it leaves the queue when that was whole. One that no book sells through may be waited for no more."""
    gateway, account, mode = r.matter.key[:3]
    w = GatewayWatch
    is_it = and_(w.gateway == gateway, w.account == account, w.livemode == (mode == "live"))
    with r.watch.store.write() as conn:
        find(conn, r.watch, r.matter.id)  # nobody sells through it, or compared it, meanwhile
        if act == "release":
            conn.execute(update(w).where(is_it).values(next_at=r.watch.clock.now()))
        r.note(conn, act, leaves=act == "cancel")
    return "compared again within a minute" if act == "release" else "taken off the queue"


_ACTS: dict[str, Callable[[Resolving, str], str]] = {
    "attempt": quarantined, "undecided": undecided, "orphan": orphan, "dispute": dispute, "refund": refund,
    "mail": _dead, "notice": _dead, "alarm": _dead, "account": _account,
}  # fmt: skip


def _truth(watch: Watch, matter: Matter) -> Truth | None:
    """For those that are about a payment."""
    if matter.kind == "orphan":
        gateway_name, account, ref = matter.key
        gateway = watch.gateways.of(gateway_name, account, livemode=bool(matter.facts.get("livemode")))
        return read_truth(gateway, ref)
    named = matter.facts.get("attempt") if matter.kind in ("dispute", "alarm") else matter.key[0]
    if matter.kind == "refund":
        with watch.store.read() as conn:
            named = conn.execute(select(Refund.attempt_id).where(Refund.id == matter.key[0])).scalar()
    if matter.kind in ("mail", "notice", "account") or not named:
        return None
    with watch.store.read() as conn:
        row = read_attempt(conn, str(named))
    if row is None:
        return None
    return truth_of(watch.gateways.of(row.gateway, row.account, livemode=row.livemode), row, watch.clock)


def _said(truth: Truth | None) -> str:
    if truth is None:
        return "not about a payment"
    if truth.payment is not None:
        return truth.payment.status.value
    return "no such payment" if truth.gone else f"no answer: {truth.detail}"
