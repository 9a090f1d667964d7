"""What a person does with money at the gateway that no attempt accounts for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, update

from app.charging import adopting
from app.charging.desk_deciding import DeskRefused, Resolving, give_back
from app.charging.observing import Place, attempt_marked
from app.charging.orphans import orphan_name
from app.charging.transitions import Move, log
from app.gateways.port import Gateway, Payment, PaymentStatus
from app.models.orders import Orphan


def orphan(r: Resolving, act: str) -> str:
    """``adopt``, ``cancel`` or ``refund``, after a look at the gateway; ``release`` leaves it to a worker."""
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
    give_back(r, gateway, payment, int(r.watch.clock.now().timestamp()))
    return "REFUNDED"


def _put_orphan(conn: Connection, r: Resolving, state: str, values: dict[str, Any]) -> None:
    gateway, account, ref = r.matter.key
    where = and_(Orphan.gateway == gateway, Orphan.account == account, Orphan.gw_ref == ref, Orphan.state == "PERSON")
    if conn.execute(update(Orphan).where(where).values(state=state, **values)).rowcount != 1:
        raise r.too_late()
    moved = Move("orphan", orphan_name(*r.matter.key), "PERSON", state, r.reason)
    log(conn, r.matter.book_id, [moved], actor=r.actor, at=r.watch.clock.now())
