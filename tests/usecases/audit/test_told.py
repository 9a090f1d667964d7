"""What was told, and what waits for somebody: clean while all goes its way, and named once something is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.charging.abandon import abandon
from app.charging.audit import run
from app.charging.desk_deciding import DeskRefused
from app.charging.orphaned import look_after_orphans
from app.charging.repair import expire
from app.gateways.sandbox.cards import Fault
from app.mail import MailError
from app.outbox import deliver_due
from tests.late_capture import take_all_the_same
from tests.usecases.audit.test_honest_stories import (
    named,
    paid_while_it_moved,
    payment_of,
    sent_back,
)
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.refunds import give_back
from tests.usecases.charging.test_compare import comparing
from tests.usecases.outbox.test_delivering import ListMailer, compose

CAME_BACK = "came back at the gateway, and no person was told"


def broken(desk: Desk) -> list[str]:
    """As ``named``, where nobody sends mail."""
    found = run(desk.store, desk.gateways, desk.clock)
    return [f"{one.invariant} {row.row}: {row.what}" for one in found for row in one.broken]


def damage(desk: Desk, statement: str) -> None:
    with desk.store.write() as conn:
        assert conn.execute(text(statement)).rowcount > 0, "nothing was damaged"


def hours(desk: Desk, count: float) -> None:
    desk.clock.move(timedelta(hours=count))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("won", "kind"), [(None, "order.disputed"), (True, "order.dispute_won"), (False, "order.dispute_lost")]
)
def test_a_dispute_of_which_nothing_is_told_is_named(desk: Desk, won: bool | None, kind: str):
    order = desk.buy()
    dispute = desk.sandbox.controls.open_dispute(payment_of(desk, order.id))
    if won is not None:
        desk.sandbox.controls.close_dispute(dispute, won=won)
    comparing(desk)
    assert named(desk) == []
    damage(desk, f"DELETE FROM outbox WHERE kind = '{kind}'")
    assert named(desk) == [f"I18 dispute {dispute} of order {order.id}: has no row {kind} to tell"]


def test_a_receipt_that_nobody_sends_is_named_after_a_day(desk: Desk):
    order = desk.buy()
    hours(desk, 24)
    assert broken(desk) == []
    hours(desk, 1)
    assert [one.partition(" was due")[0] for one in broken(desk)] == [f"I18 outbox receipt:{order.id}:2:"]
    deliver_due(desk.store, ListMailer(), desk.clock, compose=compose, by="worker")
    assert broken(desk) == []


def test_mail_that_is_out_of_order_for_days_is_no_finding(desk: Desk):
    desk.buy()
    for _ in range(8):
        down = ListMailer(MailError("mail_failed", "no route to host"))
        deliver_due(desk.store, down, desk.clock, compose=compose, by="worker")
        assert broken(desk) == []
        hours(desk, 12)


def test_money_that_a_person_gave_back_is_told_of_once(desk: Desk):
    order = paid_while_it_moved(desk)
    decide(desk, waiting(desk)[0], "refund")
    assert named(desk) == []
    damage(desk, "DELETE FROM outbox WHERE kind = 'refunded'")
    assert named(desk) == [f"I18 refund {order}.r1: has 0 mails refunded, not 1"]


def late_capture(desk: Desk) -> str:
    """The order has ended when its money comes, and nobody said what to do with such money."""
    order = desk.buy("visa_3ds")
    abandon(desk.store, desk.clock, desk.seeded.book, order.id)
    desk.work()
    hours(desk, 3)
    expire(desk.store, desk.clock)
    take_all_the_same(desk.sandbox, payment_of(desk, order.id))
    comparing(desk)
    assert (desk.facts(order.id).state, named(desk)) == ("EXPIRED", [])  # a worker has it
    look_after_orphans(desk.store, desk.gateways, desk.clock, by="worker")
    assert [matter.id.partition(":")[0] for matter in waiting(desk)] == ["orphan"]
    return order.id


def test_money_that_came_after_the_end_of_its_order_waits_for_a_person_and_is_not_broken(desk: Desk):
    order = late_capture(desk)
    assert named(desk) == []
    hours(desk, 100)
    comparing(desk)
    assert named(desk) == []
    damage(desk, "DELETE FROM orphans")
    found = named(desk)
    assert f"I2 order {order}: is EXPIRED, the gateway captured 500" in found
    assert any(one.startswith(f"I7 attempt {order}.1: is CANCELLED") for one in found)


def test_money_that_a_person_gave_back_after_the_end_of_its_order(desk: Desk):
    late_capture(desk)
    decide(desk, waiting(desk)[0], "refund")
    assert named(desk) == []
    comparing(desk)
    assert named(desk) == []


def test_a_refund_by_hand_at_the_gateway_is_known_with_the_next_comparison(desk: Desk):
    order = desk.buy()
    gateway = desk.gateways.of("sandbox", "quillmark-test", livemode=False)
    gateway.refund(payment_of(desk, order.id), amount=200, mark="", key="by-hand")
    assert named(desk) == []
    hours(desk, 26)
    assert [one.partition(": ")[2] for one in named(desk)] == ["is no row of ours that went through"]
    comparing(desk)
    assert named(desk) == []


def test_a_refund_whose_answer_a_person_never_got_is_known_with_the_next_comparison(desk: Desk):
    order = paid_while_it_moved(desk)
    desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_AFTER)
    with pytest.raises(DeskRefused):
        decide(desk, waiting(desk)[0], "refund")
    assert named(desk) == []
    hours(desk, 1)
    comparing(desk)
    assert named(desk) == []
    decide(desk, waiting(desk)[0], "refund")
    assert (named(desk), desk.facts(order).state) == ([], "CANCELLED")


def test_a_refund_that_came_back_is_known_with_the_next_comparison(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    order = desk.buy()
    give_back(desk, order.id, 200)
    hours(desk, 240)
    comparing(desk)
    with monkeypatch.context() as bank:
        sent_back(bank)
        hours(desk, 23)
        assert named(desk) == []
        hours(desk, 3)
        assert named(desk) == [f"I8 refund {order.id}.r1: {CAME_BACK}"]
        comparing(desk)
        assert named(desk) == []
        damage(desk, "DELETE FROM outbox WHERE kind = 'refund.stuck'")
        hours(desk, 24 * 40)
        assert f"I8 refund {order.id}.r1: {CAME_BACK}" in named(desk)
