"""Money that waited for a person until the bank took it in a dispute: nobody has it any more, and so its matter ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.charging.desk_acts import DeskRefused
from app.charging.remains import Returned, remains_of
from app.gateways.port import AnswerKind, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.work import Outbox
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, may, waiting
from tests.usecases.charging.refunds import at_gateway, rows_of_no_order
from tests.usecases.charging.test_compare import comparing
from tests.usecases.charging.test_desk_attempts import paid
from tests.usecases.charging.test_lost_disputes import contested, lost, wrong_sums


def test_an_attempt_whose_money_was_lost_in_a_dispute_ends_and_its_subscription_is_free_again(desk: Desk):
    matter = paid(desk)
    order = desk.facts_of_first()
    lost(desk, order.id)
    assert "refund" in may(desk, matter)
    decide(desk, matter, "refund")
    assert (desk.facts(order.id).state, desk.attempt(order.last.id).state) == ("CANCELLED", "CANCELLED")
    assert (at_gateway(desk), rows_of_no_order(desk)) == ([], [])
    assert desk.outbox("event").count("order.dispute_lost") == 1
    assert wrong_sums(desk) == []
    assert desk.buy(checkout="later", jti=None).state == "PAID"


def test_whoever_was_told_to_wait_hears_that_the_bank_gave_the_money_back(desk: Desk):
    matter = paid(desk)
    order = desk.facts_of_first()
    lost(desk, order.id)
    decide(desk, matter, "refund")
    assert desk.outbox() == ["not_charged"]
    with desk.store.read() as conn:
        (body,) = conn.scalars(select(Outbox.body).where(Outbox.kind == "not_charged"))
        left = remains_of(conn, desk.seeded.book, order.id)
    assert body["why"] == "disputed"
    assert (left.is_in_doubt, left.returned) == (False, Returned(500, desk.clock.now()))
    assert wrong_sums(desk) == []


def test_what_is_left_at_the_gateway_of_such_an_attempt_is_nobodys_matter_any_more(desk: Desk):
    matter = paid(desk)
    order = desk.facts_of_first()
    lost(desk, order.id)
    decide(desk, matter, "refund")
    for _ in range(2):
        desk.clock.move(timedelta(hours=2))
        comparing(desk)
        desk.heal(0.5)
    assert (waiting(desk), wrong_sums(desk)) == ([], [])


def test_one_whose_dispute_was_never_heard_of_before_is_told_of_with_its_end(desk: Desk):
    matter = paid(desk)
    order = desk.facts_of_first()
    desk.sandbox.controls.close_dispute(contested(desk, order.id), won=False)
    decide(desk, matter, "refund")
    assert desk.outbox("event").count("order.dispute_lost") == 1
    assert wrong_sums(desk) == []


def test_one_that_the_bank_still_decides_goes_on_waiting(desk: Desk):
    matter = paid(desk)
    contested(desk, desk.facts_of_first().id)
    with pytest.raises(DeskRefused) as unfit:
        decide(desk, matter, "refund")
    assert (unfit.value.code, desk.facts_of_first().last.state) == ("act_unfit", "QUARANTINED")


def test_one_of_whose_disputes_nothing_is_said_goes_on_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    matter, lists = paid(desk), SandboxGateway.list_disputes
    lost(desk, desk.facts_of_first().id)
    answers = [lists]

    def second_is_silent(self: SandboxGateway, **how: str) -> Reply[tuple[object, ...]]:
        return answers.pop()(self, **how) if answers else Reply(AnswerKind.UNKNOWN)  # type: ignore[arg-type,return-value]

    with monkeypatch.context() as gateway:
        gateway.setattr(SandboxGateway, "list_disputes", second_is_silent)
        with pytest.raises(DeskRefused) as silent:
            decide(desk, matter, "refund")
    assert (silent.value.code, desk.facts_of_first().last.state) == ("gateway_silent", "QUARANTINED")
