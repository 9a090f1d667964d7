"""Two attempts of one order that both took money: each is given back and told of by itself."""

from __future__ import annotations

from sqlalchemy import update

from app.models.subscriptions import Subscription
from tests.late_capture import take_all_the_same
from tests.usecases.audit.test_honest_stories import named
from tests.usecases.charging.person import decide, waiting
from tests.usecases.inbound.telling import Ears
from tests.usecases.inbound.test_orphans import abandoned, found, policy


def move_subscription(ears: Ears, by: int) -> None:
    with ears.desk.store.write() as conn:
        conn.execute(update(Subscription).values(version=Subscription.version + by))


def test_the_second_is_closed_although_the_first_was_told_of_as_given_back(ears: Ears):
    policy(ears, "refund")
    order, desk = abandoned(ears), ears.desk
    second = desk.place(desk.order(), desk.card("visa_ok")).attempt_id
    assert second is not None
    move_subscription(ears, 1)
    desk.drive(second)
    move_subscription(ears, -1)
    ref = desk.attempt(order.last.id).gw_ref
    take_all_the_same(desk.sandbox, ref)
    found(ears, ref)
    ears.settle_down(27)
    assert (ears.orphan_state(ref), desk.outbox().count("refunded")) == ("REFUNDED", 1)
    decide(desk, *waiting(desk), "refund")
    assert (desk.facts(order.id).state, desk.attempt(second).state) == ("CANCELLED", "CANCELLED")
    assert desk.outbox().count("refunded") == 2
    assert (waiting(desk), named(desk)) == ([], [])
