"""Money that a later change put on the customer's balance is not given back to the card as well."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from app.billing.facts import Change
from app.charging.refunding import RefundRefused
from app.gateways.port import AnswerKind, Refund, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.models.customers import BalanceEntry
from app.models.merchants import Book
from app.models.orders import Refund as RefundTable
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask, at_gateway, drive, give_back, rows_of_no_order

NOTHING_LEFT, LESS = Change(quantity=0), Change(quantity=1)


def policy(desk: Desk, negative: str) -> None:
    with desk.store.write() as conn:
        conn.execute(update(Book).values(policy={"negative": negative}, policy_version=Book.policy_version + 1))


def balance(desk: Desk) -> int:
    with desk.store.read() as conn:
        return int(conn.execute(select(func.coalesce(func.sum(BalanceEntry.amount), 0))).scalar_one())


def refused(desk: Desk, order_id: str, amount: int | None = None) -> RefundRefused:
    with pytest.raises(RefundRefused) as refusal:
        ask(desk, order_id, amount)
    return refusal.value


def test_a_full_refund_of_what_stands_on_the_balance_is_refused_and_writes_nothing(desk: Desk):
    policy(desk, "credit")
    paid = desk.buy()
    assert desk.buy(checkout="c2", change=NOTHING_LEFT, jti=None).quote.credited == 2500
    refusal = refused(desk, paid.id)
    assert (refusal.code, refusal.details["left"]) == ("on_the_balance", 0)
    assert "5.00 USD" in refusal.message
    assert (desk.count(RefundTable), rows_of_no_order(desk), balance(desk)) == (0, [], 2500)


def test_what_does_not_stand_on_the_balance_is_given_back(desk: Desk):
    """Two seats at 25.00 in all, one of them imported; a seat less credits 5.00 to 20.00 of the same product's lots."""
    policy(desk, "credit")
    paid = desk.buy(change=Change(quantity=3))
    credited = desk.buy(checkout="c2", change=Change(quantity=2), jti=None).quote.credited
    assert 0 < credited < paid.total
    assert refused(desk, paid.id).details["left"] == paid.total - credited
    assert give_back(desk, paid.id, paid.total - credited).state == "SUCCEEDED"
    assert sum(amount for _, amount in at_gateway(desk)) + balance(desk) == paid.total
    assert refused(desk, paid.id).details["left"] == 0


def test_what_a_change_forfeited_may_be_given_back(desk: Desk):
    policy(desk, "zero")
    paid = desk.buy()
    assert desk.buy(checkout="c2", change=LESS, jti=None).quote.credited == 0
    assert give_back(desk, paid.id).state == "SUCCEEDED"


def test_what_a_card_did_not_take_and_stands_on_the_balance_is_not_given_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    policy(desk, "refund")
    paid = desk.buy()
    desk.buy(checkout="c2", change=LESS, jti=None)
    with monkeypatch.context() as card:
        closed: Reply[Refund] = Reply(AnswerKind.DECLINE, detail="the account is closed")
        card.setattr(SandboxGateway, "refund", lambda *_a, **_k: closed)
        drive(desk)
    assert balance(desk) == 500
    assert refused(desk, paid.id).code == "on_the_balance"
    assert at_gateway(desk) == []
