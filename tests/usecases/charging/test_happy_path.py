"""One press, one charge, one change, and the figures of the reference case."""

from __future__ import annotations

from app.models.orders import Fulfilment
from tests.usecases.charging.desk import Desk


def test_one_press_charges_five_dollars_and_changes_the_subscription(desk: Desk):
    order = desk.buy()
    assert (order.state, order.outcome, order.total) == ("PAID", "paid", 500)
    assert desk.captures() == [500]
    assert desk.seats() == 2
    assert desk.count(Fulfilment) == 1
    assert desk.outbox() == ["receipt"]
    desk.check()
