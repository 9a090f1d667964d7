"""A waiting change can be undone until the lock window before its renewal, and no longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from app.billing.facts import Change
from app.kit.clock import StoppedClock
from app.models.catalog import UpgradePath
from app.models.merchants import Book
from app.models.orders import Renewal
from app.models.subscriptions import Subscription
from app.subscriptions.scheduling import schedule_state
from app.subscriptions.undoing import UndoRefused, is_due, may_undo
from tests.factories import raise_catalog
from tests.usecases.checkout.test_next_billing import held, schedule, undo
from tests.usecases.checkout.till import Till

DUE = datetime(2027, 1, 1, 8, tzinfo=UTC)
"""Midnight of January 1 in Los Angeles."""


def at(till: Till, when: datetime) -> None:
    assert isinstance(till.clock, StoppedClock)
    till.clock.at = when


def refused(till: Till, order: str) -> UndoRefused:
    with pytest.raises(UndoRefused) as caught:
        undo(till)
    with till.store.read() as conn:
        assert schedule_state(conn, till.seeded.book, order) == "PENDING"
    assert caught.value.code == "renewal_in_progress"
    return caught.value


@pytest.mark.parametrize("seconds", [1800, 1, 0, -3 * 86400])
def test_near_its_renewal_and_from_its_day_on_it_stays(till: Till, seconds: int):
    order = schedule(till)
    at(till, DUE - timedelta(seconds=seconds))
    error = refused(till, order)
    assert "scheduled for 2027-01-01 can no longer be undone" in error.message
    assert error.details["since"] == (DUE - timedelta(seconds=1800)).isoformat()


def test_a_moment_before_the_lock_window_it_is_undone(till: Till):
    schedule(till)
    at(till, DUE - timedelta(seconds=1801))
    assert undo(till)


def test_the_merchants_own_lock_window_counts(till: Till):
    order = schedule(till)
    with till.store.write() as conn:
        conn.execute(update(Book).values(policy={"lock_window": 86400}, policy_version=Book.policy_version + 1))
    at(till, DUE - timedelta(hours=23))
    refused(till, order)


def test_the_lock_window_of_its_path_counts(till: Till):
    order = schedule(till, Change(product="crm-pro", effective="next_billing"))
    with till.store.write() as conn:
        conn.execute(update(UpgradePath).values(rules={"policy": {"lock_window": 86400}}))
        raise_catalog(conn, till.seeded.book)
    at(till, DUE - timedelta(hours=23))
    refused(till, order)


def test_a_renewal_under_way_refuses_it(till: Till):
    order = schedule(till)
    with till.store.write() as conn:
        values: dict[str, Any] = {
            "subscription_id": till.seeded.subscription, "period_start": DUE, "book_id": till.seeded.book,
            "state": "ORDERED", "created_at": till.clock.now(),
        }  # fmt: skip
        conn.execute(insert(Renewal), values)
    refused(till, order)


def test_without_auto_renewal_it_is_undone_until_its_day(till: Till):
    order = schedule(till)
    with till.store.write() as conn:
        conn.execute(update(Subscription).values(auto_renewal=False))
    at(till, DUE)
    refused(till, order)
    at(till, DUE - timedelta(seconds=1))
    assert undo(till)


def test_a_path_that_cannot_price_it_any_more_stops_no_undo(till: Till):
    schedule(till, Change(product="crm-pro", effective="next_billing"))
    with till.store.write() as conn:
        conn.execute(update(UpgradePath).values(rules={"price_rule": {"fixed": "5.0000"}}))
        raise_catalog(conn, till.seeded.book)
    assert undo(till)


def test_undone_or_carried_out_it_is_not_refused_but_told(till: Till):
    order = schedule(till)
    with till.store.write() as conn:
        conn.execute(text("UPDATE scheduled_changes SET state = 'APPLIED'"))
    at(till, DUE)
    assert not undo(till, order_id=order)


def test_what_waits_says_whether_it_may_be_undone_and_whether_it_is_due(till: Till):
    schedule(till)
    found = held(till)
    with till.store.read() as conn:
        times = (DUE - timedelta(seconds=1801), DUE - timedelta(seconds=1800), DUE)
        assert [may_undo(conn, found, time) for time in times] == [True, False, False]
    assert [is_due(found, time) for time in times] == [False, False, True]
