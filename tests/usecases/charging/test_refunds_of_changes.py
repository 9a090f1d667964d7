"""A change with a total below zero gives money back to the cards that paid, newest first, and never more than they paid."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from app.billing.facts import Change
from app.charging.desk import matters
from app.charging.desk_acts import DeskRefused, resolve
from app.charging.drive import driver_name
from app.charging.errors import ChargingError
from app.charging.observing import Watch
from app.gateways.port import AnswerKind, Reply
from app.gateways.port import Refund as GatewayRefund
from app.gateways.sandbox.adapter import SandboxGateway
from app.gateways.sandbox.cards import Fault
from app.models.customers import BalanceEntry
from app.models.merchants import Book
from app.models.orders import Refund
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask, at_gateway, drive, give_back, heal, order_state

LESS = Change(quantity=1)


@pytest.fixture(autouse=True)
def gives_back(desk: Desk) -> None:
    with desk.store.write() as conn:
        conn.execute(update(Book).values(policy={"negative": "refund"}, policy_version=Book.policy_version + 1))


def balance(desk: Desk) -> int:
    with desk.store.read() as conn:
        return int(conn.execute(select(func.coalesce(func.sum(BalanceEntry.amount), 0))).scalar_one())


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


def test_what_the_card_did_not_take_stands_on_the_balance_and_is_not_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    paid = desk.buy()
    desk.buy(checkout="c2", change=LESS, jti=None)
    with monkeypatch.context() as refusing:
        closed: Reply[GatewayRefund] = Reply(AnswerKind.DECLINE, detail="the account is closed")
        refusing.setattr(SandboxGateway, "refund", lambda *_a, **_k: closed)
        drive(desk)
    assert balance(desk) == 500
    with desk.store.read() as conn:
        (matter,) = matters(conn, desk.clock.now())
    assert (matter.id, matter.may) == (f"refund:{paid.id}.r1", ("cancel",))
    assert "balance" in matter.why
    watch = Watch(desk.store, desk.gateways, desk.clock, driver_name("person"))
    with pytest.raises(DeskRefused) as refused:
        resolve(watch, matter.id, "refund", actor="maria", reason="again")
    assert refused.value.code == "act_unfit"
    resolve(watch, matter.id, "cancel", actor="maria", reason="it stands on the balance")
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
    attempt = desk.attempt(f"{paid.id}.1")
    desk.gateways.of("sandbox", "quillmark-test", livemode=False).refund(
        attempt.gw_ref, amount=500, mark="", key="by-hand"
    )
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
