"""A contested payment: PAID → DISPUTED → PAID or LOST, once per dispute, whoever tells it and how often."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from app.charging import telling
from app.charging.transitions import first_break
from app.gateways.sandbox import Fault
from app.models.orders import Attempt, Dispute, Order, Transition
from app.models.work import Outbox
from tests.logged import said_by
from tests.usecases.charging.person import waiting
from tests.usecases.inbound.telling import Ears


def paid(ears: Ears) -> tuple[str, str]:
    order = ears.desk.buy()
    return order.id, ears.desk.attempt(order.last.id).gw_ref


def told(ears: Ears, ref: str) -> None:
    ears.tell_of(ref)
    ears.hear()


def path(ears: Ears, order_id: str) -> list[str]:
    with ears.desk.store.read() as conn:
        query = select(Transition.to_state).where(Transition.kind == "order", Transition.object == order_id)
        return list(conn.scalars(query.order_by(Transition.seq)))


def chain_holds(ears: Ears, kind: str, name: str) -> bool:
    with ears.desk.store.read() as conn:
        return first_break(conn, ears.desk.seeded.book, kind, name) is None


def news(ears: Ears) -> list[str]:
    with ears.desk.store.read() as conn:
        return sorted(conn.scalars(select(Outbox.kind).where(Outbox.kind.like("order.disp%"))))


def give_back(ears: Ears, ref: str, amount: int) -> None:
    assert ears.gateway.refund(ref, amount=amount, mark="", key=f"by hand {amount}").value


@pytest.mark.parametrize(("won", "end"), [(True, "PAID"), (False, "LOST")])
def test_an_order_is_disputed_until_the_bank_decides(ears: Ears, won: bool, end: str):
    order, ref = paid(ears)
    dispute = ears.desk.sandbox.controls.open_dispute(ref)
    told(ears, ref)
    assert ears.desk.facts(order).state == "DISPUTED"
    ears.desk.sandbox.controls.close_dispute(dispute, won=won)
    told(ears, ref)
    assert ears.desk.facts(order).state == end
    assert path(ears, order) == ["OPEN", "PAID", "DISPUTED", end]
    assert news(ears) == sorted(["order.disputed", f"order.dispute_{'won' if won else 'lost'}"])
    assert chain_holds(ears, "order", order)
    assert chain_holds(ears, "dispute", f"sandbox:quillmark-test:{dispute}")


@pytest.mark.parametrize(("won", "end"), [(True, "PAID"), (False, "LOST")])
def test_a_dispute_heard_of_only_when_it_is_over_leaves_the_same_trace(ears: Ears, won: bool, end: str):
    order, ref = paid(ears)
    ears.desk.sandbox.controls.close_dispute(ears.desk.sandbox.controls.open_dispute(ref), won=won)
    for _ in range(3):
        told(ears, ref)
    assert path(ears, order) == ["OPEN", "PAID", "DISPUTED", end]
    assert ears.desk.count(Dispute) == 1
    assert len(news(ears)) == 2


def test_a_won_dispute_gives_back_no_more_than_was_left(ears: Ears):
    order, ref = paid(ears)
    give_back(ears, ref, 200)
    dispute = ears.desk.sandbox.controls.open_dispute(ref)
    told(ears, ref)
    assert ears.desk.facts(order).state == "DISPUTED"
    ears.desk.sandbox.controls.close_dispute(dispute, won=True)
    told(ears, ref)
    assert ears.desk.facts(order).state == "PART_REFUNDED"
    assert path(ears, order) == ["OPEN", "PAID", "PART_REFUNDED", "DISPUTED", "PAID", "PART_REFUNDED"]
    assert chain_holds(ears, "order", order)


def test_an_order_that_was_refunded_in_full_stays_so_when_it_is_contested(ears: Ears):
    order, ref = paid(ears)
    give_back(ears, ref, 500)
    told(ears, ref)
    ears.desk.sandbox.controls.open_dispute(ref)
    told(ears, ref)
    assert ears.desk.facts(order).state == "REFUNDED"
    assert ears.desk.count(Dispute, state="OPEN") == 1
    assert news(ears) == ["order.disputed"]


def test_a_decided_dispute_that_the_gateway_decides_otherwise_is_put_before_a_person_once(
    ears: Ears, monkeypatch: pytest.MonkeyPatch
):
    order, ref = paid(ears)
    lines = said_by(monkeypatch, telling)
    dispute = ears.desk.sandbox.controls.open_dispute(ref)
    ears.desk.sandbox.controls.close_dispute(dispute, won=False)
    told(ears, ref)
    with ears.desk.sandbox.ledger.write() as c:
        c.execute("UPDATE disputes SET status = 'won'")
    for _ in range(2):
        told(ears, ref)
    assert ears.desk.facts(order).state == "LOST"
    assert ears.desk.outbox("event").count("dispute.contradicted") == 1
    assert [line["event"] for line in lines].count("put_before_a_person") == 1
    (matter,) = waiting(ears.desk)
    assert (matter.kind, matter.why) == ("alarm", "the dispute was LOST, and the gateway has it as WON")


def test_a_list_of_disputes_that_does_not_come_is_asked_for_again(ears: Ears):
    order, ref = paid(ears)
    ears.desk.sandbox.controls.open_dispute(ref)
    ears.desk.sandbox.controls.fail_next("list_disputes", Fault.ERROR_BEFORE)
    told(ears, ref)
    assert (ears.desk.facts(order).state, ears.inbox()) == ("PAID", {"evt_0": "READY"})
    ears.settle_down(0.5)
    assert (ears.desk.facts(order).state, ears.inbox()) == ("DISPUTED", {"evt_0": "DONE"})


def test_a_contested_payment_whose_attempt_waits_for_a_person_moves_no_order(ears: Ears):
    order, ref = paid(ears)
    with ears.desk.store.write() as conn:
        conn.execute(update(Attempt).values(state="QUARANTINED", last_class="paid"))
        conn.execute(update(Order).values(state="OPEN"))
    ears.desk.sandbox.controls.open_dispute(ref)
    told(ears, ref)
    assert ears.desk.facts(order).state == "OPEN"
    assert ears.desk.count(Dispute, state="OPEN") == 1


def test_what_was_given_back_by_hand_is_taken_in_once(ears: Ears):
    order, ref = paid(ears)
    give_back(ears, ref, 200)
    for _ in range(3):
        told(ears, ref)
    assert ears.desk.facts(order).state == "PART_REFUNDED"
    give_back(ears, ref, 300)
    told(ears, ref)
    assert ears.desk.facts(order).state == "REFUNDED"
    assert path(ears, order) == ["OPEN", "PAID", "PART_REFUNDED", "REFUNDED"]
