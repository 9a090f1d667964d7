"""What moves between the second computation of the figures and the transaction stops the order: it is all or nothing."""

from __future__ import annotations

import pytest

from app.checkout.errors import CheckoutRefused
from app.models.orders import Attempt, Consent, Order
from tests.usecases.checkout.till import Till


def is_untouched(till: Till) -> bool:
    """No row was written and the gateway was asked for nothing."""
    rows = [till.desk.count(table) for table in (Order, Attempt, Consent)]
    return (rows, till.desk.uses(), till.desk.requests()) == ([0, 0, 0], 0, [])


def test_a_press_with_nothing_moved_buys(till: Till):
    order = till.desk.facts(till.press(till.look(till.open())))
    assert (order.state, order.total, till.desk.captures()) == ("PAID", 500, [500])


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE books SET policy_version = policy_version + 1",
        "UPDATE books SET catalog_version = catalog_version + 1",
        "UPDATE subscriptions SET version = version + 1",
    ],
)
def test_rules_that_move_under_the_press_are_another_price(till: Till, move: str):
    cart = till.look(till.open())
    with pytest.raises(CheckoutRefused) as refused:
        till.press(cart, lambda: till.sql(move))
    assert refused.value.code == "price_changed"
    assert is_untouched(till)
