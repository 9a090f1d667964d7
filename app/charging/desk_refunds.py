"""What a person does with a refund that failed, stands still or came back, and with a dispute."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select, update

from app.charging.attempts import read_attempt
from app.charging.desk_deciding import DeskRefused, Resolving, find
from app.charging.disputing import take_disputes
from app.charging.refund_finding import found_refunds
from app.charging.refund_rows import ALIVE, RefundRow, read_refund, refunds_of
from app.charging.refund_settling import fail_within, to_the_balance
from app.charging.refunding import ask_within
from app.gateways.port import AnswerKind, Gateway, RefundStatus, Reply
from app.gateways.port import Refund as GatewayRefund
from app.models.leases import CLOCKS_DIFFER
from app.models.orders import Order, Refund


def dispute(r: Resolving, _act: str) -> str:
    """Read once more, now."""
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


def refund(r: Resolving, act: str) -> str:
    """``refund`` asks anew, ``adopt`` books what came back, ``release`` looks again, ``cancel`` takes it off the queue, or ends
    one that stands still."""
    if act == "refund":
        return _anew(r)
    if act == "adopt":
        return _to_the_balance(r)
    if act == "cancel" and r.matter.facts["state"] in ALIVE:
        return _ended(r)

    def note(conn: Connection) -> None:
        find(conn, r.watch, r.matter.id)
        if act == "release":
            conn.execute(
                update(Refund)
                .where(Refund.book_id == r.matter.book_id, Refund.id == r.matter.key[0], Refund.lease_by.is_(None))
                .values(next_at=r.watch.clock.now())
            )
        r.note(conn, act, leaves=act == "cancel")

    r.decide(str(r.matter.facts["order"]), note)
    return "a worker looks at it again" if act == "release" else "taken off the queue"


def _anew(r: Resolving) -> str:
    """The new refund and the decision are one commit: whoever decides at the same moment, or again, decides nothing."""
    order = str(r.matter.facts["order"])
    row, gateway = _row(r)
    reply = gateway.list_refunds(row.payment)
    if reply.kind is not AnswerKind.BUG_OR_GONE and reply.value is None:
        raise _silent(reply)
    if _went_back(r, row, reply.value or ()):
        raise r.unfit("the gateway gave money back by it")

    def ask(conn: Connection) -> str:
        find(conn, r.watch, r.matter.id)
        now = r.watch.clock.now()
        asked = ask_within(conn, r.matter.book_id, order, r.matter.amount, reason=r.reason, actor=r.actor, at=now)
        r.note(conn, "refund", leaves=True)
        return asked

    return f"asked for again as {r.decide(order, ask)}"


def _to_the_balance(r: Resolving) -> str:
    """The gateway holds the money again and the order counts it as given back: the customer gets it as a balance."""
    row, gateway = _row(r)
    reply = gateway.list_refunds(row.payment)
    if reply.kind is not AnswerKind.BUG_OR_GONE and reply.value is None:
        raise _silent(reply)
    if any(each.ref == row.gw_ref and each.status is not RefundStatus.FAILED for each in reply.value or ()):
        raise r.unfit("the gateway holds it for given back")

    def book(conn: Connection) -> None:
        find(conn, r.watch, r.matter.id)
        customer = conn.execute(
            select(Order.customer_id).where(Order.book_id == row.book_id, Order.id == row.order_id)
        ).scalar_one()
        to_the_balance(conn, row, customer, r.watch.clock.now())
        r.note(conn, "adopt", leaves=True)

    r.decide(row.order_id, book)
    return "booked on the customer's balance"


def _ended(r: Resolving) -> str:
    """It stands still, and no money went back as it was asked for: it has failed. What the gateway made of it instead, of
    another amount, is then taken in like one that was made there by hand."""
    row, gateway = _row(r)
    done_by = (row.lease_until or row.created_at) + gateway.capabilities.late_effect_max + CLOCKS_DIFFER
    if r.watch.clock.now() < done_by:
        raise r.unfit(f"its last call may still act until {done_by:%H:%M} UTC")
    reply = gateway.list_refunds(row.payment)
    if reply.value is None:
        raise _silent(reply)
    failed = {each.ref for each in reply.value if each.status is RefundStatus.FAILED}
    if row.gw_ref is not None and row.gw_ref not in failed:
        raise r.unfit(f"the gateway took it as {row.gw_ref}, and does not say that it failed")
    there = _went_back(r, row, reply.value)
    own = [each for each in there if (each.amount, each.currency) == (row.amount, row.currency)]
    if own or (there and row.kind == "negative"):
        raise r.unfit("the gateway gave money back by it")

    def end(conn: Connection) -> None:
        if "cancel" not in find(conn, r.watch, r.matter.id).may:
            raise r.too_late()  # it was released meanwhile, and a driver may have sent it
        why = "the gateway does not have it as it was asked for"
        fail_within(conn, row, None, why, actor=r.actor, at=r.watch.clock.now())
        r.note(conn, "cancel", leaves=False)

    r.decide(row.order_id, end)
    found_refunds(r.watch.store, r.watch.clock, row.attempt_id, there)
    return "failed: what it had taken from the books is back"


def _went_back(r: Resolving, row: RefundRow, listed: Iterable[GatewayRefund]) -> list[GatewayRefund]:
    """What the gateway made of it that did not fail and is no other row's."""
    with r.watch.store.read() as conn:
        others = {each.gw_ref for each in refunds_of(conn, row.book_id, row.order_id) if each.id != row.id}
    there = [each for each in listed if each.mark == row.id or each.ref == row.gw_ref]
    return [each for each in there if each.status is not RefundStatus.FAILED and each.ref not in others]


def _row(r: Resolving) -> tuple[RefundRow, Gateway]:
    with r.watch.store.read() as conn:
        row = read_refund(conn, r.matter.key[0])
    if row is None:
        raise DeskRefused("matter_unknown", "the refund is gone")
    return row, r.watch.gateways.of(row.gateway, row.account, livemode=row.livemode)


def _silent(reply: Reply[Any]) -> DeskRefused:
    return DeskRefused("gateway_silent", f"the gateway did not say what became of it: {reply.detail or reply.kind}")
