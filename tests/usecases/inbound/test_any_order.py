"""Notices in any order and number lead to one end, and it is the one that the gateway's ledger shows (I20)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.charging.attempts import read_attempt
from app.charging.making import request_of
from app.charging.noticing import Kept
from app.charging.place import Placed
from app.gateways.port import DisputeStatus, PaymentStatus, RefundStatus
from app.models.orders import Dispute, Orphan, Refund, Transition
from app.models.work import Outbox
from tests.factories import create_subscription
from tests.usecases.inbound.telling import Ears, Event, events

AFTER_CAPTURE = (
    (),
    ("refund 200",),
    ("refund rest",),
    ("refund 200", "refund rest"),
    ("dispute",),
    ("dispute", "won"),
    ("dispute", "lost"),
    ("refund 200", "dispute", "won"),
    ("refund 200", "dispute", "lost"),
    ("refund rest", "dispute"),
    ("dispute", "won", "refund rest"),
    ("dispute", "won", "refund 200"),
)
"""What may happen to captured money at the gateway, by other hands than ours."""


class Story:
    """One order of a subscription of its own; the payment is made and moved at the gateway, behind our back or not."""

    def __init__(self, ears: Ears, number: int, behaviour: str) -> None:
        self.ears, self.desk = ears, ears.desk
        with self.desk.store.write() as conn:
            create_subscription(
                conn, self.desk.seeded.book, self.desk.seeded.customer, number=number, start=date(2026, 1, 1)
            )
        new = self.desk.order(f"checkout-{number}", subscription=number, jti=None)
        self.placed: Placed = self.desk.place(new, self.desk.card(behaviour))
        self.dispute = ""
        self.told: dict[str, int] = {}

    @property
    def attempt(self) -> str:
        assert self.placed.attempt_id is not None
        return self.placed.attempt_id

    @property
    def ref(self) -> str:
        """The payment's own reference, as the gateway has it."""
        reply = self.ears.gateway.list_payments(order=self.placed.order_id)
        assert reply.value is not None
        return reply.value[0].ref

    def act(self, name: str) -> None:
        gateway, controls = self.ears.gateway, self.desk.sandbox.controls
        verb, _, amount = name.partition(" ")
        match verb:
            case "create":
                with self.desk.store.read() as conn:
                    row = read_attempt(conn, self.attempt)
                assert row is not None
                gateway.create_payment(request_of(row), key=f"{row.id}:create:0")
            case "confirm":
                gateway.confirm_payment(
                    self.ref, key=f"{self.attempt}:confirm:0", return_url="https://shop.example/return"
                )
            case "approve" | "refuse":
                payment = gateway.read_payment(self.ref).payment
                assert payment is not None
                if payment.action_url:
                    check = payment.action_url.rpartition("/")[2]
                    self.desk.sandbox.pages.answer_check(check, approve=verb == "approve")
            case "drive":
                self.desk.drive(self.attempt)
            case "refund":
                payment = gateway.read_payment(self.ref).payment
                assert payment is not None
                given = int(amount) if amount.isdecimal() else payment.captured - payment.refunded
                assert gateway.refund(self.ref, amount=given, mark="", key=f"{self.attempt}:{name}").value
            case "dispute":
                self.dispute = controls.open_dispute(self.ref)
            case _:
                controls.close_dispute(self.dispute, won=verb == "won")

    def events(self) -> list[Event]:
        mine = {row["id"] for row in self.desk.payments() if row["attempt"] == self.attempt}
        return [event for event in events(self.desk) if event.payment in mine]

    def tell(self, event: Event) -> None:
        kept = self.ears.tell(event)
        assert kept is (Kept.KNOWN if self.told.get(event.id) else Kept.NEW)
        self.told[event.id] = self.told.get(event.id, 0) + 1

    def end(self) -> tuple[str, str]:
        facts = self.desk.facts(self.placed.order_id)
        assert facts.last is not None
        return facts.last.state, facts.state

    def history(self) -> list[tuple[str, str]]:
        with self.desk.store.read() as conn:
            query = select(Transition.to_state, Transition.cause).where(
                Transition.object.like(f"{self.placed.order_id}%")
            )
            return [(row.to_state, row.cause) for row in conn.execute(query.order_by(Transition.seq))]

    def expected(self) -> tuple[str, str]:
        """From the gateway alone."""
        gateway = self.ears.gateway
        payment = gateway.read_payment(self.ref).payment
        assert payment is not None
        if payment.status is not PaymentStatus.SUCCEEDED:
            return "DECLINED", "OPEN"
        disputes = {each.status for each in gateway.list_disputes(payment=self.ref).value or ()}
        if payment.refunded == payment.captured:
            return "SUCCEEDED", "REFUNDED"
        if DisputeStatus.LOST in disputes:
            return "SUCCEEDED", "LOST"
        if DisputeStatus.OPEN in disputes:
            return "SUCCEEDED", "DISPUTED"
        return "SUCCEEDED", "PART_REFUNDED" if payment.refunded else "PAID"

    def check_rows(self) -> None:
        """Each refund and dispute of the ledger has one row that says the same, and each change was told once."""
        gateway, order = self.ears.gateway, self.placed.order_id
        refunds = [(each.ref, each.amount) for each in gateway.list_refunds(self.ref).value or ()]
        assert all(each.status is RefundStatus.SUCCEEDED for each in gateway.list_refunds(self.ref).value or ())
        disputes = [
            (each.ref, each.status.value.upper()) for each in gateway.list_disputes(payment=self.ref).value or ()
        ]
        with self.desk.store.read() as conn:
            rows = conn.execute(
                select(Refund.gw_ref, Refund.amount, Refund.state).where(Refund.order_id == order)
            ).all()
            assert sorted(rows) == sorted((ref, amount, "SUCCEEDED") for ref, amount in refunds)
            rows = conn.execute(select(Dispute.gw_ref, Dispute.state).where(Dispute.order_id == order)).all()
            assert sorted(rows) == sorted(disputes)
            told = list(conn.scalars(select(Outbox.kind).where(Outbox.id.like(f"%:{order}%"))))
        assert told.count("receipt") == told.count("order.paid") == (self.end()[0] == "SUCCEEDED")
        assert told.count("order.disputed") == len(disputes)
        assert told.count("order.refunded") == len(refunds)


@given(data=st.data())
@settings(
    max_examples=15,
    deadline=None,
    # Every example leaves its rows in the one database, so shrinking would compare worlds that differ.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_notices_in_any_order_and_number_end_as_the_ledger_says(ears: Ears, data: st.DataObject):
    clock: Any = ears.desk.clock
    clock.move(timedelta(hours=3))
    behaviour = data.draw(st.sampled_from(("visa_ok", "visa_3ds", "visa_declined")), "card")
    story = Story(ears, 2000 + int(clock.now().timestamp()) // 3600, behaviour)
    acts = ["create", "confirm"] if data.draw(st.booleans(), "behind our back") else ["drive"]
    if behaviour == "visa_3ds":
        acts.append(data.draw(st.sampled_from(("approve", "refuse")), "at the bank"))
    if behaviour != "visa_declined" and "refuse" not in acts:
        acts += data.draw(st.sampled_from(AFTER_CAPTURE), "afterwards")
    for act in acts:
        story.act(act)
        for event in data.draw(st.lists(st.sampled_from(story.events() or [None]), max_size=2), f"told after {act}"):
            if event is not None:
                story.tell(event)
        if data.draw(st.booleans(), "heard"):
            clock.move(timedelta(seconds=data.draw(st.sampled_from((0, 2, 40)))))
            ears.hear(rung=data.draw(st.booleans()))
    for event in data.draw(st.permutations(story.events()), "the rest"):
        for _ in range(data.draw(st.integers(1, 3), "times")):
            story.tell(event)
        if data.draw(st.booleans(), "heard"):
            ears.hear()
    for _ in range(8):
        clock.move(timedelta(seconds=40))
        ears.hear()
        if not story.events():  # nothing was ever told: only the worker's own rounds can know
            ears.desk.work()
    assert story.end() == story.expected(), story.history()
    story.check_rows()
    # Of this story alone: an example that was given up half-way has left its notices to the next.
    assert {ears.inbox()[each] for each in story.told} <= {"DONE"}
    assert ears.desk.count(Orphan, gw_ref=story.ref) == 0
