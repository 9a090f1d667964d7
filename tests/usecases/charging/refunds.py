"""What the tests of refunds share: asking, driving, and the gateway's own view of what went back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.charging.drive import driver_name
from app.charging.refunding import RefundRow, ask_refund, drive_refunds, state_of
from app.gateways.port import Refund as GatewayRefund
from app.gateways.port import RefundStatus
from app.models.orders import Order, Refund
from app.models.subscriptions import Entitlement
from tests.factories import MADE_AT
from tests.usecases.charging.desk import Desk


def ask(desk: Desk, order_id: str, amount: int | None = None, reason: str = "asked for") -> str:
    return ask_refund(desk.store, desk.clock, desk.seeded.book, order_id, amount, reason=reason, actor="test")


def drive(desk: Desk) -> None:
    drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("worker"), limit=50)


def heal(desk: Desk, hours: float = 2) -> None:
    """Workers at work for that long, every half minute."""
    for _ in range(int(hours * 60)):
        drive(desk)
        desk.clock.at += timedelta(minutes=1)  # type: ignore[attr-defined]
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


def by_hand(desk: Desk, attempt: str, amount: int, ref: str = "re_by_hand") -> GatewayRefund:
    """One that the merchant gave back at the gateway."""
    return GatewayRefund(
        ref=ref,
        payment=desk.attempt(attempt).gw_ref,
        amount=amount,
        currency="USD",
        status=RefundStatus.SUCCEEDED,
        mark="",
    )
