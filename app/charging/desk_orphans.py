"""What a person does with money at the gateway that no attempt accounts for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, update

from app.billing.states import ATTEMPT_CLOSED
from app.charging import adopting
from app.charging.attempts import AttemptRow
from app.charging.desk_deciding import DeskRefused, Resolving, give_back
from app.charging.observing import Place, attempt_marked, attempt_with, known_by
from app.charging.orphan_returns import returned_by_us, tell_returned
from app.charging.orphans import orphan_name, tell_orphan
from app.charging.transitions import Move, log
from app.gateways.port import AnswerKind, Gateway, Payment, PaymentStatus
from app.models.orders import Orphan


def orphan(r: Resolving, act: str) -> str:
    """``adopt``, ``cancel`` or ``refund``, after a look at the gateway; ``release`` leaves it to a worker."""
    gateway_name, account, ref = _key(r)
    gateway = r.watch.gateways.of(gateway_name, account, livemode=bool(r.matter.facts.get("livemode")))
    if act == "release":
        with r.watch.store.write() as conn:
            _put_orphan(conn, r, "FOUND", {"next_at": r.watch.clock.now(), "tries": 0, "decided_at": None})
            r.note(conn, act, leaves=False)
        return "looked after again, by a worker"
    answer = gateway.read_payment(ref)
    payment = answer.payment
    if payment is not None:
        return {"adopt": _adopt, "cancel": _cancel, "refund": _return}[act](r, gateway, payment)
    if act == "cancel" and answer.kind is AnswerKind.BUG_OR_GONE:
        return _close(r)
    raise DeskRefused("gateway_silent", f"the gateway did not say what became of it: {answer.detail or answer.kind}")


def _adopt(r: Resolving, gateway: Gateway, payment: Payment) -> str:
    """The order is paid and the orphan is none any more, in one commit: nobody gives back what paid for an order."""
    at, _ = _owner(r, gateway, payment)
    with r.watch.store.read() as conn:
        row = attempt_marked(conn, at, payment)
    if payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit(f"the payment is {payment.status}")
    why = adopting.why_not(r.watch, row, payment)
    if row is not None and not why:
        why = adopting.adopt(
            r.watch, row, payment, actor=r.actor, also=lambda conn: _decide(conn, r, "adopt", "ADOPTED")
        )
    if why:
        raise r.unfit(f"it cannot be adopted: {why}")
    return "the payment is adopted"


def _cancel(r: Resolving, gateway: Gateway, payment: Payment) -> str:
    if payment.status in (PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING):
        raise r.unfit(f"the payment is {payment.status} at the gateway")
    if payment.status is not PaymentStatus.CANCELED:
        stamp = int(r.watch.clock.now().timestamp())
        answer = gateway.cancel_payment(payment.ref, key=f"desk:cancel:{payment.ref}:{stamp}")
        if answer.payment is None or answer.payment.status is not PaymentStatus.CANCELED:
            raise DeskRefused(
                "gateway_silent", f"the gateway did not confirm the cancel: {answer.detail or answer.kind}"
            )
    return _close(r)


def _close(r: Resolving) -> str:
    with r.watch.store.write() as conn:
        _decide(conn, r, "cancel", "CANCELLED")
    return "the payment is cancelled"


def _return(r: Resolving, gateway: Gateway, payment: Payment) -> str:
    if payment.status is not PaymentStatus.SUCCEEDED:
        raise r.unfit(f"the payment is {payment.status}: there is no money to give back")
    _, owner = _owner(r, gateway, payment)
    if owner is not None and owner.state not in ATTEMPT_CLOSED:
        raise r.unfit(f"attempt {owner.id} has it and is {owner.state}: release it, and refund its order")
    give_back(r, gateway, payment, int(r.watch.clock.now().timestamp()))
    refunds = returned_by_us(r.watch, gateway, owner, payment)
    if isinstance(refunds, str):
        raise DeskRefused("gateway_silent", f"{refunds}; look again later")
    with r.watch.store.write() as conn:
        _decide(conn, r, "refund", "REFUNDED")
        tell_returned(conn, refunds, r.watch.clock.now())
    return "the payment is refunded"


def _owner(r: Resolving, gateway: Gateway, payment: Payment) -> tuple[Place, AttemptRow | None]:
    """Where it is, and the attempt that has it."""
    at = Place(r.matter.book_id, gateway.name, gateway.account, gateway.livemode)
    with r.watch.store.read() as conn:
        at = known_by(r.watch, conn, at)
        return at, attempt_with(conn, at, payment.ref)


def _key(r: Resolving) -> tuple[str, str, str]:
    gateway, account, ref = r.matter.key
    return gateway, account, ref


def _decide(conn: Connection, r: Resolving, act: str, state: str) -> None:
    _put_orphan(conn, r, state, {"decided_at": r.watch.clock.now(), "next_at": None})
    tell_orphan(conn, r.matter.book_id, _key(r), state, r.reason, r.watch.clock.now())
    r.note(conn, act, leaves=False)


def _put_orphan(conn: Connection, r: Resolving, state: str, values: dict[str, Any]) -> None:
    gateway, account, ref = _key(r)
    where = and_(Orphan.gateway == gateway, Orphan.account == account, Orphan.gw_ref == ref, Orphan.state == "PERSON")
    if conn.execute(update(Orphan).where(where).values(state=state, **values)).rowcount != 1:
        raise r.too_late()
    moved = Move("orphan", orphan_name(*_key(r)), "PERSON", state, r.reason)
    log(conn, r.matter.book_id, [moved], actor=r.actor, at=r.watch.clock.now())
