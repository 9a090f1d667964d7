"""What the tests of refunds share: asking, driving, and the gateway's own view of what went back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from sqlalchemy import func, select, update

from app.charging.drive import driver_name
from app.charging.refunding import RefundRow, ask_refund, drive_refunds, state_of
from app.gateways.port import AnswerKind, RefundStatus, Reply
from app.gateways.port import Refund as GatewayRefund
from app.gateways.sandbox.adapter import SandboxGateway
from app.kit.clock import StoppedClock
from app.models.customers import BalanceEntry
from app.models.merchants import Book
from app.models.orders import Order, Refund
from app.models.subscriptions import Entitlement
from tests.factories import MADE_AT
from tests.usecases.charging.desk import Desk


def ask(desk: Desk, order_id: str, amount: int | None = None, reason: str = "asked for") -> str:
    return ask_refund(desk.store, desk.clock, desk.seeded.book, order_id, amount, reason=reason, actor="test")


def drive(desk: Desk) -> None:
    drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("worker"), limit=50)


def heal(desk: Desk, hours: float = 2) -> None:
    """Workers at work for that long; the clock is moved to whatever is due next, by a minute at least."""
    assert isinstance(desk.clock, StoppedClock)
    until = desk.clock.now() + timedelta(hours=hours)
    while desk.clock.now() < until:
        drive(desk)
        with desk.store.read() as conn:
            due = conn.execute(select(func.min(Refund.next_at))).scalar()
        desk.clock.at = min(until, max(due or until, desk.clock.now() + timedelta(minutes=1)))
        desk.sandbox.controls.land_due()


def give_back(desk: Desk, order_id: str, amount: int | None = None) -> RefundRow:
    refund_id = ask(desk, order_id, amount)
    drive(desk)
    return state_of(desk.store, refund_id)


def at_gateway(desk: Desk) -> list[tuple[str, int]]:
    """Marks and amounts that really went back, from the gateway's own ledger."""
    with desk.sandbox.ledger.read() as c:
        return [(row["mark"], row["amount"]) for row in c.execute("SELECT mark, amount FROM refunds ORDER BY seq")]


def rows_of_no_order(desk: Desk) -> list[Any]:
    """What refunds took from the ledger of what was paid, oldest first (the factory's rows were there before)."""
    with desk.store.read() as conn:
        return list(
            conn.execute(
                select(
                    Entitlement.item, Entitlement.lot, Entitlement.amount, Entitlement.span_start, Entitlement.span_end
                )
                .where(Entitlement.order_id.is_(None), Entitlement.created_at > MADE_AT)
                .order_by(Entitlement.id)
            ).all()
        )


def order_state(desk: Desk, order_id: str) -> str:
    with desk.store.read() as conn:
        return conn.execute(select(Order.state).where(Order.id == order_id)).scalar_one()


def refund_states(desk: Desk) -> list[str]:
    with desk.store.read() as conn:
        return list(conn.execute(select(Refund.state).order_by(Refund.created_at, Refund.id)).scalars())


def given(desk: Desk) -> int:
    """What is promised or went back, from our own rows."""
    with desk.store.read() as conn:
        return int(conn.execute(select(func.sum(Refund.amount)).where(Refund.state != "FAILED")).scalar_one())


def balance(desk: Desk) -> int:
    """What stands to the customer's credit."""
    with desk.store.read() as conn:
        return int(conn.execute(select(func.coalesce(func.sum(BalanceEntry.amount), 0))).scalar_one())


def set_negative(desk: Desk, what: str) -> None:
    """The merchant's policy for a total below zero."""
    with desk.store.write() as conn:
        conn.execute(update(Book).values(policy={"negative": what}, policy_version=Book.policy_version + 1))


def by_hand(desk: Desk, order_id: str, amount: int) -> GatewayRefund:
    """The merchant gives it back at the gateway itself; no notice comes."""
    gateway = desk.sandbox.at("quillmark-test", livemode=False)
    payment = desk.attempt(f"{order_id}.1").gw_ref
    made = gateway.refund(payment, amount=amount, mark="", key=f"by hand {amount}").value
    assert made is not None
    return made


def listed(desk: Desk, order_id: str, amount: int, mark: str = "") -> GatewayRefund:
    """As the gateway would list one of this order's payment."""
    payment = desk.attempt(f"{order_id}.1").gw_ref
    return GatewayRefund("re_1", payment, amount, "USD", RefundStatus.SUCCEEDED, mark)


@contextmanager
def answered(kind: AnswerKind) -> Iterator[None]:
    """Meanwhile the gateway gives this answer to every refund."""
    answer: Reply[GatewayRefund] = Reply(kind, detail="the account is closed")
    with patch.object(SandboxGateway, "refund", lambda *_a, **_k: answer):
        yield


def sent_back() -> AbstractContextManager[None]:
    """Meanwhile the gateway's list says that the bank returned every refund."""
    return listed_as(RefundStatus.FAILED)


@contextmanager
def listed_as(status: RefundStatus) -> Iterator[None]:
    """Meanwhile the gateway's list says this of every refund."""
    honest = SandboxGateway.list_refunds

    def seen(self: Any, *of: Any, **how: Any) -> Reply[tuple[GatewayRefund, ...]]:
        known = honest(self, *of, **how).value or ()
        return Reply(AnswerKind.DEFINITE, tuple([replace(each, status=status) for each in known]))

    with patch.object(SandboxGateway, "list_refunds", seen):
        yield
