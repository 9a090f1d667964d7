"""Which acts a matter of the queue would accept now: what its kind knows, less what the gateway's truth forbids."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.billing.states import ATTEMPT_CLOSED
from app.charging import adopting
from app.charging.attempts import AttemptRow, Moved, read_attempt
from app.charging.comparing import mismatch
from app.charging.desk import Matter
from app.charging.observing import Place, Watch, attempt_marked, attempt_with, known_by, place_of
from app.gateways.port import Payment, PaymentStatus
from app.subscriptions.errors import SubscriptionMoved


class _NotMeant(Exception):
    """Undoes what was only tried."""


def offered(watch: Watch, matter: Matter, payment: Payment | None, *, gone: bool) -> tuple[str, ...]:
    """``payment`` as the gateway has it now; None: ``gone`` there, or no answer came and nothing can be decided."""
    if matter.kind == "attempt":
        fits = _of_attempt(watch, matter, payment, gone=gone)
    elif matter.kind == "orphan":
        fits = _of_orphan(watch, matter, payment, gone=gone)
    else:
        return matter.may
    return tuple([act for act in matter.may if act in fits])


def _of_attempt(watch: Watch, matter: Matter, payment: Payment | None, *, gone: bool) -> set[str]:
    with watch.store.read() as conn:
        row = read_attempt(conn, matter.key[0])
        owner = attempt_with(conn, place_of(row), payment.ref) if row and payment else None
    if row is None or row.state != "QUARANTINED" or (owner and owner.id != row.id):
        return set()
    if payment is None:
        return {"cancel"} if gone else set()
    if payment.status is not PaymentStatus.SUCCEEDED:
        return set() if payment.status is PaymentStatus.PROCESSING else {"cancel"}
    agrees = not mismatch(replace(row, gw_ref=payment.ref), payment) and not payment.refunded
    return {"refund", "adopt"} if agrees and _settles(watch, row, payment) else {"refund"}


def _settles(watch: Watch, row: AttemptRow, payment: Payment) -> bool:
    """Whether the order can still be carried out: tried, and undone."""
    now = watch.clock.now()

    def only_try(conn: Connection) -> None:
        adopting.take_over(conn, row, payment, actor=watch.by, at=now)
        raise _NotMeant

    try:
        watch.store.writing(only_try)
    except _NotMeant:
        return True
    except (SubscriptionMoved, Moved, IntegrityError):
        pass
    return False


def _of_orphan(watch: Watch, matter: Matter, payment: Payment | None, *, gone: bool) -> set[str]:
    fits = {"release"}
    if payment is None:
        return fits | {"cancel"} if gone else fits
    if payment.status is PaymentStatus.PROCESSING:
        return fits
    if payment.status is not PaymentStatus.SUCCEEDED:
        return fits | {"cancel"}
    gateway, account, _ = matter.key
    at = Place(matter.book_id, gateway, account, bool(matter.facts.get("livemode")))
    with watch.store.read() as conn:
        owner = attempt_with(conn, known_by(watch, conn, at), payment.ref)
        row = attempt_marked(conn, at, payment)
    if owner is not None and owner.state not in ATTEMPT_CLOSED:
        return fits
    return fits | ({"refund"} if adopting.why_not(watch, row, payment) else {"adopt", "refund"})
