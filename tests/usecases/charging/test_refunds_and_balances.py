"""Money that a later change put on the customer's balance is not given back to the card as well."""

from __future__ import annotations

import pytest

from app.billing.facts import Change
from app.charging.refunding import RefundRefused
from app.gateways.port import AnswerKind
from app.models.orders import Refund as RefundTable
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import (
    answered,
    ask,
    at_gateway,
    balance,
    drive,
    give_back,
    rows_of_no_order,
    set_negative,
)

NOTHING_LEFT, LESS = Change(quantity=0), Change(quantity=1)


def refused(desk: Desk, order_id: str, amount: int | None = None) -> RefundRefused:
    with pytest.raises(RefundRefused) as refusal:
        ask(desk, order_id, amount)
    return refusal.value


def test_a_full_refund_of_what_stands_on_the_balance_is_refused_and_writes_nothing(desk: Desk):
    set_negative(desk, "credit")
    paid = desk.buy()
    assert desk.buy(checkout="c2", change=NOTHING_LEFT, jti=None).quote.credited == 2500
    refusal = refused(desk, paid.id)
    assert (refusal.code, refusal.details["left"]) == ("on_the_balance", 0)
    assert "5.00 USD" in refusal.message
    assert (desk.count(RefundTable), rows_of_no_order(desk), balance(desk)) == (0, [], 2500)


def test_what_does_not_stand_on_the_balance_is_given_back(desk: Desk):
    """Two seats at 25.00 in all, one of them imported; a seat less credits 5.00 to 20.00 of the same product's lots."""
    set_negative(desk, "credit")
    paid = desk.buy(change=Change(quantity=3))
    credited = desk.buy(checkout="c2", change=Change(quantity=2), jti=None).quote.credited
    assert 0 < credited < paid.total
    assert refused(desk, paid.id).details["left"] == paid.total - credited
    assert give_back(desk, paid.id, paid.total - credited).state == "SUCCEEDED"
    assert sum(amount for _, amount in at_gateway(desk)) + balance(desk) == paid.total
    assert refused(desk, paid.id).details["left"] == 0


def test_what_a_change_forfeited_may_be_given_back(desk: Desk):
    set_negative(desk, "zero")
    paid = desk.buy()
    assert desk.buy(checkout="c2", change=LESS, jti=None).quote.credited == 0
    assert give_back(desk, paid.id).state == "SUCCEEDED"


def test_what_a_card_did_not_take_and_stands_on_the_balance_is_not_given_back(desk: Desk):
    set_negative(desk, "refund")
    paid = desk.buy()
    desk.buy(checkout="c2", change=LESS, jti=None)
    with answered(AnswerKind.DECLINE):
        drive(desk)
    assert balance(desk) == 500
    assert refused(desk, paid.id).code == "on_the_balance"
    assert at_gateway(desk) == []
