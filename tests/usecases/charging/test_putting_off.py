"""What was put off to the next renewal and never paid is neither credited nor collected once what it was for is taken back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from app.billing.facts import Change
from app.charging.reading import OrderFacts
from app.kit.clock import StoppedClock
from app.models.orders import Deferral
from app.models.subscriptions import Entitlement
from app.subscriptions.facts import load
from tests.factories import create_tax_rate
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.test_balance import balance, set_policy

DEFER = {"minimum_charge": {"amount": "20.00", "below": "defer"}, "negative": "credit"}


@pytest.fixture
def lenient(desk: Desk) -> Desk:
    set_policy(desk, **DEFER)
    return desk


def owed(desk: Desk) -> int:
    with desk.store.read() as conn:
        held = load(conn, desk.seeded.book, 1048)
        total = conn.scalar(select(func.sum(Deferral.amount)).where(Deferral.collected_order.is_(None)))
    assert held is not None
    assert held.owed == (total or 0)
    return held.owed


def seats(desk: Desk, quantity: int, name: str, **what: object) -> OrderFacts:
    change = Change(**{"quantity": quantity, **what})  # type: ignore[arg-type]
    return desk.buy(checkout=name, change=change, jti=None)


def at(desk: Desk, month: int, day: int = 1) -> None:
    assert isinstance(desk.clock, StoppedClock)
    desk.clock.at = datetime(2026, month, day, 12, tzinfo=UTC)


def test_taken_back_at_once_nothing_of_it_is_owed_or_credited(lenient: Desk):
    seats(lenient, 2, "up", unit_price=1000)
    assert owed(lenient) == 500
    back = seats(lenient, 1, "back")
    assert (owed(lenient), balance(lenient)) == (0, 0)
    assert (back.quote.relieved, back.quote.credit, back.quote.due_now) == (500, 0, 0)
    lenient.check()


def test_the_part_that_was_used_stays_owed(lenient: Desk):
    seats(lenient, 2, "up", unit_price=1000)
    at(lenient, 10)
    seats(lenient, 1, "back")
    assert (owed(lenient), balance(lenient)) == (250, 0)


def test_units_that_go_one_after_the_other_take_their_own_part_along(lenient: Desk):
    seats(lenient, 4, "up", unit_price=1000)
    assert owed(lenient) == 1500
    at(lenient, 10)
    for quantity, left in ((3, 1250), (2, 1000), (1, 750)):
        seats(lenient, quantity, f"back to {quantity}")
        assert owed(lenient) == left


def test_what_was_paid_beside_it_is_credited_as_ever(lenient: Desk):
    """Only the newest lot was put off; what goes with the product is the whole of both."""
    seats(lenient, 2, "up", unit_price=1000)
    pro = seats(lenient, 1, "pro", product="crm-pro")
    assert (pro.quote.credit, pro.quote.charge, pro.quote.relieved) == (-2000, 5000, 500)
    assert owed(lenient) == 0


def test_one_that_stays_goes_on_being_owed(lenient: Desk):
    seats(lenient, 2, "up", unit_price=1000)
    seats(lenient, 3, "more", unit_price=1000)
    assert owed(lenient) == 1000
    seats(lenient, 2, "back")
    assert owed(lenient) == 500


def test_tax_goes_with_it(desk: Desk):
    set_policy(desk, **DEFER)
    with desk.store.write() as conn:
        create_tax_rate(conn, desk.seeded.book, percent="10")
    seats(desk, 2, "up", unit_price=1000)
    assert owed(desk) == 550
    seats(desk, 1, "back")
    assert owed(desk) == 0


def test_a_rule_without_credit_takes_nothing_of_it_back(lenient: Desk):
    """Had it been paid, it would not come back either."""
    seats(lenient, 2, "up", unit_price=1000)
    back = seats(lenient, 1, "back", price_rule="list")
    assert (owed(lenient), back.quote.relieved) == (500, 0)


def test_time_that_is_carried_over_takes_the_debt_along(lenient: Desk):
    seats(lenient, 2, "up", unit_price=1000)
    seats(lenient, 1, "early", product="crm-pro", effective="early_renewal")
    assert owed(lenient) == 500
    seats(lenient, 0, "gone", item=1)
    assert owed(lenient) == 0


def test_what_was_waived_is_owed_neither_before_nor_after(desk: Desk):
    set_policy(desk, **{**DEFER, "minimum_charge": {"amount": "20.00", "below": "waive"}})
    seats(desk, 2, "up", unit_price=1000)
    assert seats(desk, 1, "back").quote.relieved == 0
    assert (owed(desk), balance(desk)) == (0, 0)


def test_what_a_renewal_has_collected_is_relieved_by_nothing(lenient: Desk):
    order = seats(lenient, 2, "up", unit_price=1000)
    with lenient.store.write() as conn:
        conn.execute(update(Deferral).values(collected_order=order.id))
    assert seats(lenient, 1, "back").quote.relieved == 0


def test_a_change_that_waits_takes_nothing_back_yet(lenient: Desk):
    seats(lenient, 2, "up", unit_price=1000)
    change = Change(quantity=1, effective="next_billing")
    lenient.buy(checkout="later", change=change, changes=(change,), jti=None)
    assert owed(lenient) == 500


def test_the_ledger_holds_no_more_than_was_paid(lenient: Desk):
    seats(lenient, 2, "up", unit_price=1000)
    seats(lenient, 1, "back")
    with lenient.store.read() as conn:
        assert conn.scalar(select(func.sum(Entitlement.amount))) == 4000
