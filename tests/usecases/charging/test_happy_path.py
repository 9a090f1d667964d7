"""One press, one charge, one change, and the figures of the reference case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.billing.facts import Change
from app.charging.drive import driver_name
from app.charging.errors import ChargingError
from app.gateways.port import Gateway
from app.kit import fence
from app.models.customers import StoredCard
from app.models.orders import Attempt, Consent, Fulfilment, Order
from app.models.subscriptions import Entitlement, Subscription
from tests.factories import create_card, create_customer
from tests.listening import heard
from tests.usecases.charging.desk import CONSENT, Desk

FREE_SEAT = Change(quantity=2, unit_price=0)


def test_one_press_charges_five_dollars_and_changes_the_subscription(desk: Desk):
    order = desk.buy()
    assert (order.state, order.outcome, order.total) == ("PAID", "paid", 500)
    assert desk.captures() == [500]
    assert desk.seats() == 2
    assert desk.count(Fulfilment) == 1
    assert desk.outbox() == ["receipt"]
    desk.check()


def test_a_purchase_takes_at_most_four_commits(desk: Desk):
    order, card = desk.order(), desk.card()
    by = driver_name("request")
    with heard(desk.store.engine, "commit") as commits:
        desk.drive(desk.place(order, card, driver=by).attempt_id, by)
    assert len(commits) == 3  # TX1 with the lease, TX2, TX3


def test_the_ledger_of_what_was_paid_names_order_and_line(desk: Desk):
    order = desk.buy()
    with desk.store.read() as conn:
        rows = conn.execute(select(Entitlement.amount, Entitlement.line).where(Entitlement.order_id == order.id)).all()
    assert [tuple(row) for row in rows] == [(500, 1)]


def test_the_consent_is_kept_to_the_letter_and_becomes_the_mandate(desk: Desk):
    order = desk.buy()
    assert order.consent is not None
    assert (order.consent.text, order.consent.version, dict(order.consent.boxes)) == (
        CONSENT.text, CONSENT.version, {"renewal": True},
    )  # fmt: skip
    with desk.store.read() as conn:
        mandate = conn.execute(select(Subscription.mandate)).scalar_one()
    assert mandate["text"] == CONSENT.text
    assert mandate["consent"] == order.attempts[0].id


def test_the_card_that_paid_becomes_the_subscription_s_card(desk: Desk):
    order = desk.buy("mastercard_ok")
    with desk.store.read() as conn:
        assert conn.execute(select(Subscription.card_id)).scalar_one() == order.attempts[0].card.id


def test_every_changing_call_was_made_under_a_key_of_its_committed_attempt(desk: Desk):
    order = desk.buy()
    attempt = order.attempts[0].id
    assert [(row["verb"], row["key"]) for row in desk.requests()] == [
        ("create_payment", f"{attempt}:create:0"),
        ("confirm_payment", f"{attempt}:confirm:0"),
    ]


def test_no_transaction_is_open_during_any_call(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """The adapter asks the fence; here the fence itself is proved to be asked with every verb that a purchase needs."""
    asked: list[str] = []
    sandbox_asks = fence.assert_outside_transaction

    def ask(call: str) -> None:
        asked.append(call)
        sandbox_asks(call)

    monkeypatch.setattr("app.gateways.sandbox.adapter.assert_outside_transaction", ask)
    desk.buy()
    assert asked == ["create_payment", "read_payment", "confirm_payment"]


def test_a_call_inside_a_transaction_is_a_bug_by_name(desk: Desk):
    gateway: Gateway = desk.gateways.of("sandbox", "quillmark-test", livemode=False)
    with desk.store.write(), pytest.raises(AssertionError, match="open transaction"):
        gateway.read_payment("pay")


def test_nothing_due_needs_no_card_and_no_attempt(desk: Desk):
    order = desk.buy(change=FREE_SEAT)
    assert (order.state, order.outcome, order.total, order.attempts) == ("PAID", "nocharge", 0, ())
    assert desk.seats() == 2
    assert desk.requests() == []
    assert desk.count(Attempt) == 0
    assert desk.count(Consent, attempt_id=f"{order.id}.0") == 1
    desk.check()


def test_nothing_due_pressed_twice_is_one_order(desk: Desk):
    new = desk.order(change=FREE_SEAT)
    first, second = desk.place(new), desk.place(new)
    assert (first.order_id, second.created, second.attempt_id) == (second.order_id, False, None)
    assert desk.count(Order) == 1


def test_the_guard_stops_the_order_before_anything_is_written(desk: Desk):
    def revoked(conn: object) -> None:
        raise ChargingError("link_revoked")

    with pytest.raises(ChargingError, match="link_revoked"):
        desk.place(guard=revoked)
    assert (desk.count(Order), desk.count(Consent), desk.uses()) == (0, 0, 0)


def test_a_card_of_another_customer_is_refused(desk: Desk):
    card = desk.card()
    with pytest.raises(ChargingError, match="cannot be charged"):
        desk.place(card=replace(card, gateway_customer="cus_of_somebody_else"))


def test_a_card_on_file_for_another_customer_is_refused_even_under_the_same_gateway_customer(desk: Desk):
    """Two of our customers may share one at the gateway, which would charge either card: the row decides (I13)."""
    mine = desk.card()
    with desk.store.write() as conn:
        other = create_customer(conn, desk.seeded.book, gateway_customer=mine.gateway_customer)
        theirs = create_card(conn, desk.seeded.book, other)
        token = conn.execute(select(StoredCard.token).where(StoredCard.id == theirs)).scalar_one()
    with pytest.raises(ChargingError) as refused:
        desk.place(card=replace(mine, id=theirs, token=token))
    assert refused.value.code == "card_unusable"
    assert (desk.count(Order), desk.requests()) == (0, [])


def test_a_card_is_never_charged_under_the_token_of_another(desk: Desk):
    with pytest.raises(ChargingError) as refused:
        desk.place(card=replace(desk.card(), token=desk.card("mastercard_ok").token))
    assert refused.value.code == "card_unusable"


def test_a_subscription_that_moved_since_the_quote_is_refused(desk: Desk):
    new = desk.order()
    with pytest.raises(ChargingError) as refused:
        desk.place(replace(new, subscription_version=new.subscription_version + 1))
    assert refused.value.code == "subscription_moved"


def test_an_order_in_the_wrong_mode_is_a_bug_by_name(desk: Desk):
    with pytest.raises(ValueError, match="another customer or mode"):
        desk.place(desk.order(livemode=True))


def test_a_quote_that_is_too_old_makes_no_order(desk: Desk):
    new = desk.order()
    desk.clock.move(timedelta(hours=1))
    with pytest.raises(ChargingError) as refused:
        desk.place(new)
    assert refused.value.code == "quote_expired"


def test_a_refused_quote_makes_no_order(desk: Desk):
    with pytest.raises(ChargingError) as refused:
        desk.place(desk.order(change=Change(quantity=1)))
    assert (refused.value.code, refused.value.details["reason"]) == ("not_eligible", "same_target")
