"""What a subscription renews at as it stands is counted as a quote counts its renewal, or "it rises" is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from app.billing import quote, standing_renewal
from app.billing.facts import Change, Interval, Item, LotDiscount, Span, Subscription
from app.billing.result import Quote
from app.billing.rulebook import Policy
from app.billing.standing import rises, standing_renewals
from tests.unit.billing.cases import held, instant

PACIFIC = Policy(timezone="America/Los_Angeles")
UNCHANGED = Change(item=1, quantity=2, unit_price=0)
"""A free seat: the renewal stays what it is."""


def item(number: int, end: str, price: int, /, **discount: Any) -> Item:
    """One lot until that instant, with what comes off its renewals."""
    one = held((1, price)).items[0]
    lot = replace(one.lots[0], discount=LotDiscount(**discount) if discount else None)
    return replace(
        one, running_number=number, period=Span(one.period.start, instant(end)), lots=(lot,), entitlements=None
    )


def both(policy: Policy, *items: Item) -> tuple[int, int]:
    """As it stands, and as the quote of a change that costs nothing has it."""
    subscription = Subscription("USD", items)
    made = quote(subscription, UNCHANGED, policy, instant("2026-07-01"))
    return standing_renewal(subscription, policy), made.renewal.amount


def test_what_ends_on_one_local_day_renews_together_whatever_the_hour():
    early, late = item(1, "2027-01-01T09:00:00", 4000), item(2, "2027-01-02T07:00:00", 900)
    assert both(PACIFIC, early, late) == (4900, 4900)


def test_what_ends_on_another_local_day_is_left_to_that_day():
    """Both end on January 1 in UTC; in Los Angeles the first ends on December 31."""
    early, late = item(1, "2027-01-01T07:00:00", 4000), item(2, "2027-01-01T09:00:00", 900)
    assert both(PACIFIC, early, late) == (4000, 4000)
    assert both(Policy(timezone="UTC"), early, late) == (4900, 4900)


@pytest.mark.parametrize(
    ("discount", "due"),
    [
        ({"percent": 250_000}, 3000),
        ({"amount": 500}, 3500),
        ({"unit_price": 1500}, 1500),
        ({"percent": 250_000, "periods_left": 1}, 3000),
        ({"percent": 250_000, "periods_left": 0}, 4000),
    ],
)
def test_a_lot_renews_at_what_its_discount_leaves(discount: dict[str, int], due: int):
    assert both(PACIFIC, item(1, "2027-01-01T08:00:00", 4000, **discount)) == (due, due)


def test_nothing_held_renews_at_nothing():
    assert standing_renewal(Subscription("USD", ()), PACIFIC) == 0


def free(subscription: Subscription) -> Quote:
    """A change that costs nothing, neither today nor at the renewal."""
    return quote(subscription, UNCHANGED, PACIFIC, instant("2026-07-01"))


def renewing_at(made: Quote, amount: int, interval: Interval | None = None) -> Quote:
    after = tuple(replace(one, interval=interval or one.interval) for one in made.after)
    return made._replace(renewal=made.renewal._replace(amount=amount), after=after)


def test_only_more_than_before_has_to_be_agreed_to():
    subscription = held((1, 4000))
    made = free(subscription)
    assert not rises(subscription, made, 4000)
    assert not rises(subscription, renewing_at(made, 3999), 4000)
    assert rises(subscription, renewing_at(made, 4001), 4000)
    assert rises(subscription, made._replace(due_now=1), 4000)


def test_a_smaller_amount_that_comes_at_another_interval_has_to_be_agreed_to():
    """40.00 a year to 5.00 a month is a smaller renewal and costs half as much again."""
    subscription = held((1, 4000))
    assert rises(subscription, renewing_at(free(subscription), 500, Interval("month", 1)), 4000)


def test_what_becomes_free_or_ends_need_not_be_agreed_to_at_any_interval():
    subscription = held((1, 4000))
    made = renewing_at(free(subscription), 0, Interval("month", 1))
    nothing = tuple(replace(one, lots=tuple(replace(lot, unit_price=0) for lot in one.lots)) for one in made.after)
    assert not rises(subscription, made._replace(after=nothing), 4000)
    assert not rises(subscription, made._replace(renewal=made.renewal._replace(date=None)), 4000)


def test_a_renewal_where_none_was_to_come_has_to_be_agreed_to():
    subscription = held((1, 4000))
    made = free(subscription)._replace(next_billing_before=None)
    assert rises(subscription, made, 4000)


def test_what_is_put_off_to_the_next_renewal_has_to_be_agreed_to():
    """The renewal itself stays what it is, and what is charged on that day does not."""
    subscription = held((1, 4000))
    put_off = free(subscription)._replace(deferred=30)
    assert rises(subscription, put_off, 4000)
    assert not rises(subscription, put_off._replace(renewal=put_off.renewal._replace(date=None)), 4000)


def test_each_day_stands_for_what_falls_due_on_it():
    items = (item(1, "2027-04-01T07:00:00", 900), item(2, "2027-01-01T09:00:00", 4000, percent=250_000))
    subscription = Subscription("USD", items)
    days = standing_renewals(subscription, PACIFIC)
    assert [(one.day, one.amount) for one in days] == [(date(2027, 1, 1), 3000), (date(2027, 4, 1), 900)]
    assert days[0].amount == standing_renewal(subscription, PACIFIC)
