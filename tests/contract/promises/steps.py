"""What the promises begin with: an order, a payment, its reading."""

from __future__ import annotations

from itertools import count

from app.gateways.port import Answer, AnswerKind, CreatePayment, Marks, Payment, PaymentStatus
from tests.contract.world import ScriptedWorld, Story

BACK = "https://shop.example/return"
_numbers = count(1)


def new_order() -> str:
    return f"order{next(_numbers)}"


def create(world: ScriptedWorld, method: str, customer: str, *, order: str, key: str = "", amount: int = 500) -> Answer:
    request = CreatePayment(amount, "USD", customer, method, Marks(order, f"{order}.1", "use"), "QUILLMARK")
    return world.gateway.create_payment(request, key=key or f"{order}.1:create:0")


def confirm(world: ScriptedWorld, ref: str, key: str, return_url: str | None = BACK) -> Answer:
    return world.gateway.confirm_payment(ref, key=key, return_url=return_url)


def created(world: ScriptedWorld, story: Story = Story.APPROVED, *, order: str = "") -> Payment:
    customer = world.customer()
    answer = create(world, world.card(story, customer), customer, order=order or new_order())
    assert answer.kind is AnswerKind.DEFINITE, answer
    assert answer.payment
    return answer.payment


def paid(world: ScriptedWorld) -> Payment:
    ref = created(world).ref
    answer = confirm(world, ref, f"{ref}:pay")
    assert answer.payment, answer
    assert answer.payment.status is PaymentStatus.SUCCEEDED
    return answer.payment


def read(world: ScriptedWorld, ref: str) -> Payment:
    answer = world.gateway.read_payment(ref)
    assert answer.payment, answer
    return answer.payment
