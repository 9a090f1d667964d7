"""A change with a total below zero gives money back to the cards that paid, newest first, and never more than they paid."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.billing.facts import Change
from app.charging.desk_acts import DeskRefused
from app.charging.errors import ChargingError
from app.gateways.port import AnswerKind
from app.gateways.sandbox.cards import Fault
from app.models.orders import Refund
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.refunds import (
    answered,
    ask,
    at_gateway,
    balance,
    by_hand,
    drive,
    give_back,
    heal,
    order_state,
    set_negative,
)

LESS = Change(quantity=1)


@pytest.fixture(autouse=True)
def gives_back(desk: Desk) -> None:
    set_negative(desk, "refund")


def refunds(desk: Desk) -> list[tuple[str, int, str]]:
    with desk.store.read() as conn:
        return [tuple(row) for row in conn.execute(select(Refund.id, Refund.amount, Refund.kind).order_by(Refund.id))]


def test_what_is_credited_goes_back_to_the_card_that_paid(desk: Desk):
    paid = desk.buy()
    less = desk.buy(checkout="c2", change=LESS, jti=None)
    assert (less.quote.refunded, less.quote.credited, less.total, less.outcome) == (500, 0, 0, "nocharge")
    drive(desk)
    assert at_gateway(desk) == [(f"{paid.id}.r1", 500)]
    assert (order_state(desk, paid.id), order_state(desk, less.id), desk.seats()) == ("REFUNDED", "PAID", 1)


def test_what_the_card_did_not_take_stands_on_the_balance_and_is_not_sent_again(desk: Desk):
    paid = desk.buy()
    desk.buy(checkout="c2", change=LESS, jti=None)
    with answered(AnswerKind.DECLINE):
        drive(desk)
    assert balance(desk) == 500
    (matter,) = waiting(desk)
    assert (matter.id, matter.may) == (f"refund:{paid.id}.r1", ("cancel",))
    assert "balance" in matter.why
    with pytest.raises(DeskRefused) as refused:
        decide(desk, matter, "refund")
    assert refused.value.code == "act_unfit"
    decide(desk, matter, "cancel")
    drive(desk)
    assert (at_gateway(desk), balance(desk)) == ([], 500)


def test_nothing_is_given_back_before_the_change_is_made(desk: Desk):
    desk.buy()
    desk.order("c2", change=LESS, jti=None)
    assert refunds(desk) == []


def test_the_newest_capture_first_and_the_rest_from_the_one_before(desk: Desk):
    first = desk.buy()
    second = desk.buy(checkout="c2", change=Change(quantity=3, unit_price=800), jti=None)
    desk.buy(checkout="c3", change=LESS, jti=None)
    drive(desk)
    assert sorted(at_gateway(desk)) == sorted([(f"{second.id}.r1", 400), (f"{first.id}.r1", 500)])


def test_what_we_never_captured_goes_to_the_balance(desk: Desk):
    """The first seat was imported: its 20.00 were paid elsewhere."""
    paid = desk.buy()
    gone = desk.buy(checkout="c2", change=Change(quantity=0), jti=None)
    assert (gone.quote.refunded, gone.quote.credited) == (500, 2000)
    assert (refunds(desk), balance(desk)) == ([(f"{paid.id}.r1", 500, "negative")], 2000)


def test_what_was_refunded_before_is_not_given_back_again(desk: Desk):
    paid = desk.buy()
    give_back(desk, paid.id, 200)
    less = desk.buy(checkout="c2", change=LESS, jti=None)
    assert (less.quote.refunded, less.quote.credited) == (300, 0)
    drive(desk)
    assert sum(amount for _, amount in at_gateway(desk)) == 500


def test_a_refund_between_quote_and_press_asks_anew(desk: Desk):
    paid = desk.buy()
    quoted = desk.order("c2", change=LESS, jti=None)
    ask(desk, paid.id, 200)
    with pytest.raises(ChargingError):
        desk.place(quoted)
    assert len(refunds(desk)) == 1


def test_a_card_that_does_not_take_it_leaves_it_on_the_balance(desk: Desk):
    paid = desk.buy()
    by_hand(desk, paid.id, 500)
    desk.buy(checkout="c2", change=LESS, jti=None)
    drive(desk)
    assert balance(desk) == 500


def test_a_time_out_gives_it_back_once(desk: Desk):
    paid = desk.buy()
    desk.buy(checkout="c2", change=LESS, jti=None)
    desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_AFTER)
    heal(desk, 0.5)
    assert at_gateway(desk) == [(f"{paid.id}.r1", 500)]
    assert desk.outbox().count("refunded") == 1
