"""A row that names no lot is shared out exactly, but never so that more than the row comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.billing import apply_quote, quote
from app.billing.credits import pinned
from app.billing.facts import Change, Entitlement, Lot, Subscription
from app.billing.rulebook import Policy
from tests.unit.billing.cases import held, instant

CREDIT = Policy(negative="credit")


def paid(amounts: tuple[int, ...], *lots: tuple[int, int]) -> Subscription:
    subscription = held(*lots)
    item = subscription.items[0]
    rows = tuple(Entitlement(1, None, item.period.start, item.period.end, amount) for amount in amounts)
    return replace(subscription, items=(replace(item, entitlements=rows),))


def credits(subscription: Subscription, at: str = "2026-01-01", rounding: str = "half_up") -> list[int]:
    made = quote(subscription, Change(quantity=0), replace(CREDIT, rounding=rounding), instant(at))
    return [-line.amount for line in made.lines if line.kind == "credit"]


def test_a_cent_for_two_lots_comes_back_once():
    assert credits(paid((1,), (1, 0), (1, 0))) == [1]


def test_three_equal_lots_share_what_was_paid_to_the_cent():
    assert credits(paid((200_00,), (1, 100), (1, 100), (1, 100))) == [66_67, 66_67, 66_66]


def test_a_row_is_shared_out_exactly_where_that_gives_nothing_away():
    """45.04 is 36.032 and 9.008; half of the second is 4.504, where half of 9.01 would be 4.51."""
    assert credits(paid((45_04,), (1, 4000), (1, 1000)), "2026-07-01") == [18_02, 4_50]


def test_rounding_down_never_needs_whole_units():
    assert credits(paid((200_00,), (1, 100), (1, 100), (1, 100)), rounding="down") == [66_66, 66_66, 66_66]


@pytest.mark.parametrize("rounding", ["half_up", "half_even", "down"])
@pytest.mark.parametrize("amounts", [(1,), (5,), (7, 2), (11, -3), (9, -1), (1, 1, 1)])
def test_lot_by_lot_no_more_comes_back_than_was_paid(amounts: tuple[int, ...], rounding: str):
    policy = replace(CREDIT, rounding=rounding)
    lots = (Lot(1, "crm-seat", 1, 30), *[Lot(n, f"o{n}", 1, 35, "option") for n in (2, 3, 4)])
    subscription = paid(amounts, (1, 30))
    item = replace(subscription.items[0], lots=lots, options=("o2", "o3", "o4"))
    subscription, given = replace(subscription, items=(item,)), 0
    for options in (("o2", "o4"), ("o4",), ()):
        made = quote(subscription, Change(options=options), policy, item.period.start)
        subscription, given = apply_quote(subscription, made, policy), given - made.credit
    given -= quote(subscription, Change(quantity=0), policy, item.period.start).credit
    assert given <= sum(amounts)


def test_the_units_that_are_over_go_to_the_largest_fractions():
    item = paid((2, -2), (1, 60), (1, 60), (1, 40), (1, 40)).items[0]
    assert [row.amount for row in pinned(item)] == [1, 1, 0, 0, -1, -1, 0, 0]
