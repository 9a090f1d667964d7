"""One desk per test, over a book in which everything has happened."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.billing.facts import Change
from app.charging.repair import expire
from app.gateways.sandbox import Sandbox
from app.gateways.sandbox.cards import Fault
from app.kit.clock import StoppedClock
from app.models.merchants import Book
from app.models.store import Store
from tests.factories import Seeded, create_balance, create_subscription
from tests.usecases.audit.busy import Busy
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask, give_back, heal


@pytest.fixture
def busy(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Busy:
    """Paid, declined, abandoned, expired, free, by balance, credited, refunded in part and in full, one after a fault."""
    desk = Desk(store, sandbox, clock, seeded)
    with store.write() as conn:
        for _ in range(5):
            create_subscription(conn, seeded.book, seeded.customer, card_id=seeded.visa)
    paid = desk.buy()
    desk.buy("visa_declined", checkout="c2", subscription=1049, jti="1.2")
    retried = desk.buy(checkout="c2", subscription=1049, jti="1.2")
    desk.buy("visa_declined", checkout="c3", subscription=1050, jti="1.3")
    waiting = desk.buy("visa_3ds", checkout="c4", subscription=1051, jti="1.4")
    clock.at += timedelta(hours=3)
    expire(store, clock)
    desk.work(3)
    expire(store, clock)
    with store.write() as conn:
        create_balance(conn, seeded.book, seeded.customer, 700)
        conn.execute(update(Book).values(policy={"negative": "credit"}, policy_version=Book.policy_version + 1))
    desk.buy(checkout="c5", subscription=1052, jti=None)
    desk.buy(checkout="c6", subscription=1053, jti=None)
    back = desk.buy(checkout="c7", subscription=1053, jti=None, change=Change(quantity=1))
    give_back(desk, paid.id, 200)
    give_back(desk, retried.id)
    ask(desk, paid.id, 100)
    desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_AFTER)
    heal(desk)
    return Busy(desk, paid.id, retried.id, waiting.id, back.id)
