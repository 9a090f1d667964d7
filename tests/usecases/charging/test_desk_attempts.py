"""Attempts that wait for a person: whatever is decided ends as if a driver had, is told once, and is decided once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.charging import desk_attempts
from app.charging.attempts import read_attempt
from app.charging.audit import run as audit
from app.charging.desk import RESOLVED, Matter
from app.charging.desk_acts import DeskRefused
from app.charging.driver import Driver, quarantine
from app.charging.making import request_of
from app.gateways.port import Answer, AnswerKind, Refund, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.orders import Attempt, Transition
from app.models.subscriptions import Subscription
from app.models.work import Outbox
from app.outbox import record
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, may, waiting
from tests.usecases.charging.refunds import answered, at_gateway


def unread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Matter:
    """The bank asks the shopper, and then the gateway refuses to show the payment."""
    desk.buy("visa_3ds")
    desk.clock.move(timedelta(seconds=30))
    with monkeypatch.context() as gateway:
        gateway.setattr(SandboxGateway, "read_payment", lambda *_: Answer(AnswerKind.BUG, detail="no such field"))
        desk.work()
    (matter,) = waiting(desk)
    return matter


def paid(desk: Desk, *, meanwhile: bool = False) -> Matter:
    """The money is there, and the subscription was another at that moment; it still is if ``meanwhile``."""
    placed = desk.place()
    _move_subscription(desk, 1)
    desk.drive(placed.attempt_id)
    if not meanwhile:
        _move_subscription(desk, -1)
    (matter,) = waiting(desk)
    return matter


def _move_subscription(desk: Desk, by: int) -> None:
    with desk.store.write() as conn:
        conn.execute(update(Subscription).values(version=Subscription.version + by))


def at_the_same_moment(desk: Desk, matter: Matter, act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else decides after this decision's look at the gateway."""
    look = desk_attempts.truth_of

    def look_and_be_late(*of: Any) -> Any:
        monkeypatch.undo()
        seen = look(*of)
        decide(desk, matter, act)
        return seen

    monkeypatch.setattr(desk_attempts, "truth_of", look_and_be_late)


def test_one_that_is_let_go_ends_as_a_driver_ends_it_and_whoever_waited_gets_a_mail(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    decide(desk, unread(desk, monkeypatch), "cancel")
    order = desk.facts_of_first()
    assert (order.state, order.outcome, order.last.state) == ("OPEN", "failed", "CANCELLED")
    assert (desk.outbox(), desk.outbox("event").count("attempt.failed")) == (["not_charged"], 1)
    assert [each for each in audit(desk.store, desk.gateways, desk.clock) if not each.holds] == []
    assert desk.buy("visa_ok").state == "PAID"


def test_money_that_is_given_back_is_told_as_that_and_not_as_never_taken(desk: Desk):
    decide(desk, paid(desk, meanwhile=True), "refund")
    order = desk.facts_of_first()
    assert (order.state, order.outcome, order.last.state) == ("CANCELLED", "failed", "CANCELLED")
    assert [amount for _, amount in at_gateway(desk)] == [500]
    assert desk.outbox() == ["refunded"]
    assert desk.outbox("event").count("attempt.failed") == desk.outbox("event").count("order.refunded") == 1
    told = [each for each in audit(desk.store, desk.gateways, desk.clock) if each.invariant == "I18" and not each.holds]
    assert told == []


def test_an_order_ends_only_once_it_is_known_as_what_its_money_went_back(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    matter, lists = paid(desk), SandboxGateway.list_refunds
    answers: list[Any] = [lists]

    def second_is_silent(*of: Any, **how: Any) -> Reply[tuple[Refund, ...]]:
        return answers.pop()(*of, **how) if answers else Reply(AnswerKind.UNKNOWN)

    with monkeypatch.context() as gateway:
        gateway.setattr(SandboxGateway, "list_refunds", second_is_silent)
        with pytest.raises(DeskRefused) as silent:
            decide(desk, matter, "refund")
    assert (silent.value.code, desk.facts_of_first().last.state) == ("gateway_silent", "QUARANTINED")
    desk.clock.move(timedelta(seconds=1))
    decide(desk, matter, "refund")
    assert [amount for _, amount in at_gateway(desk)] == [500]
    assert (desk.facts_of_first().state, desk.outbox()) == ("CANCELLED", ["refunded"])


def two_objects(desk: Desk, *, confirmed: bool) -> Matter:
    """An attempt that waits for a person, without a reference: the gateway made two objects for it, the newer one perhaps paid."""
    placed = desk.place()
    assert placed.attempt_id is not None
    gateway = desk.sandbox.at("quillmark-test", livemode=False)
    with desk.store.read() as conn:
        row = read_attempt(conn, placed.attempt_id)
    assert row is not None
    for n in range(2):
        made = gateway.create_payment(request_of(row), key=f"{row.id}:{n}").payment
    assert made is not None
    if confirmed:
        gateway.confirm_payment(made.ref, key="confirm", return_url="https://shop.example/return")
    driver = Driver(desk.store, desk.gateways, desk.clock, "test", desk.clock.now())
    with desk.store.write() as conn:
        conn.execute(update(Attempt).values(lease_by="test"))
    quarantine(driver, row, "create: one key came with two sets of parameters")
    (matter,) = waiting(desk)
    return matter


def test_one_with_several_objects_is_let_go_only_once_each_can_take_nothing_any_more(desk: Desk):
    decide(desk, two_objects(desk, confirmed=False), "cancel")
    assert [payment["status"] for payment in desk.payments()] == ["canceled", "canceled"]
    assert desk.facts_of_first().last.state == "CANCELLED"


def test_one_whose_newer_object_is_paid_is_never_let_go(desk: Desk):
    matter = two_objects(desk, confirmed=True)
    assert may(desk, matter) == ("adopt", "refund")
    with pytest.raises(DeskRefused) as unfit:
        decide(desk, matter, "cancel")
    assert (unfit.value.code, desk.facts_of_first().last.state) == ("act_unfit", "QUARANTINED")


def test_money_that_the_row_lost_sight_of_is_given_back_where_it_cannot_be_adopted(desk: Desk):
    matter = two_objects(desk, confirmed=True)
    _move_subscription(desk, 1)
    assert may(desk, matter) == ("refund",)
    said = decide(desk, matter, "refund")
    assert [amount for _, amount in at_gateway(desk)] == [500]
    assert (desk.facts_of_first().state, desk.outbox()) == ("CANCELLED", ["refunded"])
    assert "also" not in said


def test_whoever_gives_one_of_two_payments_back_hears_of_the_other(desk: Desk):
    matter = two_objects(desk, confirmed=True)
    first, _ = [payment["id"] for payment in desk.payments()]
    gateway = desk.sandbox.at("quillmark-test", livemode=False)
    gateway.confirm_payment(first, key="confirm too", return_url="https://shop.example/return")
    _move_subscription(desk, 1)
    said = decide(desk, matter, "refund")
    ((mark, _),) = at_gateway(desk)
    (other,) = {payment["id"] for payment in desk.payments()} - {mark.removeprefix("orphan:")}
    assert f"also took {other}" in said


@pytest.mark.parametrize("act", ["adopt", "refund"])
def test_two_who_decide_about_money_at_once_decide_once_and_the_second_is_told_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, act: str
):
    matter = paid(desk)
    at_the_same_moment(desk, matter, act, monkeypatch)
    with pytest.raises(DeskRefused) as late:
        decide(desk, matter, act)
    assert late.value.code == "matter_unknown"
    assert len(at_gateway(desk)) == (act == "refund")
    assert desk.outbox() == ["receipt" if act == "adopt" else "refunded"]


@pytest.mark.parametrize("act", ["adopt", "refund"])
def test_whoever_comes_while_the_money_goes_back_is_refused_and_who_gave_it_back_is_on_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, act: str
):
    matter, honest, refusals = paid(desk), SandboxGateway.refund, list[str]()

    def meanwhile(*of: Any, **how: Any) -> Reply[Refund]:
        monkeypatch.undo()
        assert resolutions(desk) == ["refund by maria"]
        with pytest.raises(DeskRefused) as late:
            decide(desk, matter, act)
        refusals.append(late.value.code)
        return honest(*of, **how)

    monkeypatch.setattr(SandboxGateway, "refund", meanwhile)
    decide(desk, matter, "refund")
    assert refusals == ["matter_unknown"]
    assert ([amount for _, amount in at_gateway(desk)], desk.facts_of_first().state) == ([500], "CANCELLED")
    assert (desk.outbox(), resolutions(desk)) == (["refunded"], ["refund by maria"])


def test_one_whose_money_another_began_to_give_back_after_the_look_is_not_adopted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    matter, look = paid(desk), desk_attempts.truth_of

    def look_and_be_late(*of: Any) -> Any:
        monkeypatch.undo()
        seen = look(*of)
        with answered(AnswerKind.UNKNOWN), pytest.raises(DeskRefused):
            decide(desk, matter, "refund")
        return seen

    monkeypatch.setattr(desk_attempts, "truth_of", look_and_be_late)
    with pytest.raises(DeskRefused) as late:
        decide(desk, matter, "adopt")
    assert (late.value.code, desk.facts_of_first().last.state) == ("matter_unknown", "QUARANTINED")


def resolutions(desk: Desk) -> list[str]:
    with desk.store.read() as conn:
        bodies = conn.execute(select(Outbox.body).where(Outbox.kind == RESOLVED)).scalars()
        return [f"{body['act']} by {body['actor']}" for body in bodies]


def test_two_who_let_go_at_once_let_go_once_and_the_second_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    matter = unread(desk, monkeypatch)
    at_the_same_moment(desk, matter, "cancel", monkeypatch)
    with pytest.raises(DeskRefused) as late:
        decide(desk, matter, "cancel")
    assert (late.value.code, desk.outbox()) == ("matter_unknown", ["not_charged"])


def test_a_payment_that_another_attempt_has_is_neither_adopted_nor_given_back(desk: Desk):
    declined = desk.buy("visa_declined").last
    matter = paid(desk)
    taken = desk.attempt(matter.key[0])
    with desk.store.write() as conn:
        conn.execute(update(Attempt).where(Attempt.id == taken.id).values(gw_ref=None))
        conn.execute(update(Attempt).where(Attempt.id == declined.id).values(gw_ref=taken.gw_ref))
    assert may(desk, matter) == ()
    for act in ("adopt", "refund"):
        with pytest.raises(DeskRefused) as unfit:
            decide(desk, matter, act)
        assert (unfit.value.code, desk.attempt(taken.id).state) == ("act_unfit", "QUARANTINED")
    assert at_gateway(desk) == []


def test_what_was_taken_off_by_an_older_row_that_tells_no_time_stays_off_until_it_arises_anew(desk: Desk):
    matter = paid(desk)
    with desk.store.write() as conn:
        record(conn, desk.seeded.book, RESOLVED, matter.id, 1, "event", {"matter": matter.id}, desk.clock.now())
    assert waiting(desk) == []
    desk.clock.move(timedelta(minutes=1))
    with desk.store.write() as conn:
        moved = update(Transition).where(Transition.to_state == "QUARANTINED")
        conn.execute(moved.values(at=desk.clock.now()))
    assert [each.id for each in waiting(desk)] == [matter.id]
