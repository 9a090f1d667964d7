"""What somebody with a console does: refunds asked for as the command does, and payments made behind our back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from app.charging.drive import driver_name
from app.charging.refunding import RefundRefused, ask_refund, drive_refund
from app.gateways.port import CreatePayment, Marks, PaymentStatus
from tests.faults.banks import ACCOUNT, HAND

if TYPE_CHECKING:
    from tests.faults.stage import Stage
    from tests.faults.world import World


def give_back(world: World, order: str, amount: int | None) -> None:
    """``liftlink refund`` in a process of its own."""
    a = world.adapters
    try:
        refund = ask_refund(a.store, a.clock, world.seeded.book, order, amount, reason="faults", actor="test")
    except RefundRefused:
        return
    drive_refund(a.store, a.gateways, a.clock, refund, by=driver_name("refund"))


def put_behind(stage: Stage, order: str = "", attempt: str = "") -> None:
    """A captured payment under these marks; without any under those of the newest order. Nothing while it cannot be asked for."""
    world = stage.world
    (rows,) = world.database.rows(
        "SELECT a.*, o.total FROM attempts a JOIN orders o ON o.id = a.order_id ORDER BY a.created_at DESC"
    )
    if not rows:
        return
    last = rows[0]
    marks = Marks(order or last["order_id"], attempt or stage.draw.choice((last["id"], f"{last['order_id']}.7")))
    world.bank.heal()
    world.board.well()
    gateway = world.adapters.gateways.of(world.bank.name, ACCOUNT, livemode=False)
    asked = CreatePayment(last["total"], last["currency"], last["gw_customer"], last["payment_method"], marks)
    made = gateway.create_payment(asked, key=f"{HAND}{secrets.token_hex(6)}").payment
    assert made is not None
    stage.around.by_hand.add(made.ref)
    stage.around.lost |= {marks.attempt} - {row["id"] for row in rows}
    told = gateway.confirm_payment(made.ref, key=f"{HAND}{secrets.token_hex(6)}", return_url="https://shop.example/")
    if told.payment is not None and told.payment.status is PaymentStatus.REQUIRES_ACTION:
        world.bank.answer(made.ref, approve=True)
    world.let_go()
