"""Money goes back at most once, never more than was taken, and what was paid for follows it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from app.billing.facts import Change
from app.charging.refunding import RefundRefused, found_refunds, refunds_of, state_of
from app.charging.transitions import first_break
from app.models.merchants import Book
from app.models.orders import Dispute, Order, Refund
from app.models.work import Outbox
from app.subscriptions.facts import load
from app.subscriptions.pricing import price
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import (
    ask,
    at_gateway,
    by_hand,
    drive,
    give_back,
    listed,
    order_state,
    rows_of_no_order,
)


def refused(desk: Desk, order_id: str, amount: int | None = None) -> str:
    with pytest.raises(RefundRefused) as error:
        ask(desk, order_id, amount)
    return error.value.code


def credit_for_one_seat_less(desk: Desk) -> int:
    with desk.store.read() as conn:
        held = load(conn, desk.seeded.book, 1048)
        assert held is not None
        return price(conn, held, Change(quantity=1), desk.clock.now()).credit


def test_a_full_refund_gives_all_back_and_ends_the_order(desk: Desk):
    order = desk.buy()
    row = give_back(desk, order.id)
    assert (row.id, row.state, row.amount) == (f"{order.id}.r1", "SUCCEEDED", 500)
    assert at_gateway(desk) == [(row.id, 500)]
    assert order_state(desk, order.id) == "REFUNDED"


def test_the_subscription_stays_as_it_is(desk: Desk):
    give_back(desk, desk.buy().id)
    assert desk.seats() == 2


def test_parts_add_up_to_the_whole(desk: Desk):
    order = desk.buy()
    give_back(desk, order.id, 200)
    assert order_state(desk, order.id) == "PART_REFUNDED"
    give_back(desk, order.id, 100)
    assert order_state(desk, order.id) == "PART_REFUNDED"
    give_back(desk, order.id)
    assert order_state(desk, order.id) == "REFUNDED"
    assert [amount for _, amount in at_gateway(desk)] == [200, 100, 200]


def test_never_more_than_is_left(desk: Desk):
    order = desk.buy()
    ask(desk, order.id, 200)
    assert refused(desk, order.id, 301) == "refund_too_large"
    ask(desk, order.id, 300)
    assert refused(desk, order.id) == "nothing_left"


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_is_above_zero(desk: Desk, amount: int):
    assert refused(desk, desk.buy().id, amount) == "amount_invalid"


def test_an_order_without_money_has_nothing_to_give_back(desk: Desk):
    assert refused(desk, desk.buy("visa_declined").id) == "nothing_captured"
    assert refused(desk, "nobody") == "order_unknown"


def test_the_number_names_an_order_as_well(desk: Desk):
    order = desk.buy()
    assert ask(desk, order.number.lower()).startswith(order.id)


@pytest.mark.parametrize("state", ["OPEN", "LOST"])
def test_nothing_goes_back_while_a_dispute_is_open_or_lost(desk: Desk, state: str):
    order = desk.buy()
    row = {
        "gateway": "sandbox", "account": "quillmark-test", "gw_ref": "dp_1", "book_id": desk.seeded.book,
        "order_id": order.id, "attempt_id": f"{order.id}.1", "amount": 500, "currency": "USD", "state": state,
        "opened_at": desk.clock.now(),
    }  # fmt: skip
    with desk.store.write() as conn:
        conn.execute(insert(Dispute), row)
    assert refused(desk, order.id) == "payment_disputed"
    with desk.store.write() as conn:
        conn.execute(update(Dispute).values(state="WON"))
    ask(desk, order.id)


def test_nothing_goes_back_while_another_change_is_being_paid(desk: Desk):
    order = desk.buy()
    desk.place(desk.order("checkout-2", change=Change(quantity=3, unit_price=1000), jti=None))
    assert refused(desk, order.id) == "change_in_progress"


def test_what_was_given_back_is_never_credited_again(desk: Desk):
    order = desk.buy()
    assert credit_for_one_seat_less(desk) == -500
    give_back(desk, order.id)
    assert credit_for_one_seat_less(desk) == 0


def test_a_part_given_back_lowers_the_credit_by_that_part(desk: Desk):
    order = desk.buy()
    give_back(desk, order.id, 200)
    assert credit_for_one_seat_less(desk) == -300


def test_the_ledger_follows_as_soon_as_the_refund_is_promised(desk: Desk):
    order = desk.buy()
    ask(desk, order.id, 200)
    assert credit_for_one_seat_less(desk) == -300


def test_it_is_taken_over_the_whole_span_that_was_paid(desk: Desk):
    order = desk.buy()
    desk.clock.at += timedelta(days=92)  # type: ignore[attr-defined]
    give_back(desk, order.id)
    (row,) = rows_of_no_order(desk)
    paid = next(row for row in order.quote.entitlements if row.amount > 0)
    assert (row.amount, row.lot, row.span_start, row.span_end) == (-500, paid.lot, paid.start, paid.end)


def test_what_a_later_change_credited_is_taken_from_what_it_bought(desk: Desk):
    """A seat is paid, then its worth goes over to another product: the refund follows the money there."""
    first = desk.buy()
    second = desk.buy(checkout="checkout-2", change=Change(product="crm-pro", quantity=2), jti=None)
    assert second.state == "PAID"
    give_back(desk, first.id)
    with desk.store.read() as conn:
        held = load(conn, desk.seeded.book, 1048)
        assert held is not None
        credit = price(conn, held, Change(quantity=0), desk.clock.now()).credit
    everything = -sum(row.amount for row in second.quote.entitlements if row.amount > 0)
    assert credit == everything + 500
    assert sum(row.amount for row in rows_of_no_order(desk)) == -500


def test_a_quote_made_before_is_not_confirmed_after(desk: Desk):
    order = desk.buy()
    quoted = desk.order("checkout-2", change=Change(product="crm-pro", quantity=2), jti=None)
    ask(desk, order.id)
    with pytest.raises(Exception, match="subscription changed"):
        desk.place(quoted)


def test_the_money_side_leaves_added_tax_out_of_the_ledger(desk: Desk):
    from tests.factories import create_tax_rate

    with desk.store.write() as conn:
        create_tax_rate(conn, desk.seeded.book, percent="10")
    order = desk.buy()
    assert order.total == 550
    give_back(desk, order.id, 275)
    assert [row.amount for row in rows_of_no_order(desk)] == [-250]
    give_back(desk, order.id)
    assert [row.amount for row in rows_of_no_order(desk)] == [-250, -250]


def test_every_step_is_logged_and_told(desk: Desk):
    order = desk.buy()
    row = give_back(desk, order.id, 200)
    with desk.store.read() as conn:
        assert first_break(conn, desk.seeded.book, "refund", row.id) is None
        assert first_break(conn, desk.seeded.book, "order", order.id) is None
        body = conn.execute(select(Outbox.body).where(Outbox.kind == "order.refunded")).scalar_one()
    assert (body["amount"], body["state"], body["number"]) == (200, "PART_REFUNDED", order.number)
    assert desk.outbox() == ["receipt", "refunded"]


def test_a_refund_made_at_the_gateway_by_hand_is_taken_in_once(desk: Desk):
    order = desk.buy()
    made = by_hand(desk, order.id, 150)
    assert [found_refunds(desk.store, desk.clock, order.last.id, [made]) for _ in range(2)] == [1, 0]
    with desk.store.read() as conn:
        (row,) = refunds_of(conn, desk.seeded.book, order.id)
    assert (row.kind, row.state, row.amount, row.gw_ref) == ("outside", "SUCCEEDED", 150, made.ref)
    assert order_state(desk, order.id) == "PART_REFUNDED"
    assert credit_for_one_seat_less(desk) == -350
    assert refused(desk, order.id, 351) == "refund_too_large"


def test_a_refund_lost_with_an_older_database_comes_back_under_its_own_id(desk: Desk):
    order = desk.buy()
    found_refunds(desk.store, desk.clock, order.last.id, [listed(desk, order.id, 100, mark=f"{order.id}.r7")])
    assert ask(desk, order.id, 100) == f"{order.id}.r8"


def test_our_own_that_is_under_way_is_not_taken_for_anothers(desk: Desk):
    order = desk.buy()
    refund_id = ask(desk, order.id, 100)
    found_refunds(desk.store, desk.clock, order.last.id, [listed(desk, order.id, 100, mark=refund_id)])
    assert desk.count(Refund) == 1
    drive(desk)
    assert state_of(desk.store, refund_id).state == "SUCCEEDED"


def test_a_refunded_order_keeps_what_its_link_paid_for(desk: Desk):
    order = desk.buy()
    give_back(desk, order.id)
    assert desk.uses() == 1
    with desk.store.read() as conn:
        assert conn.execute(select(Order.outcome).where(Order.id == order.id)).scalar() == "paid"
        assert conn.execute(select(Book.id)).first() is not None
