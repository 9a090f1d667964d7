"""What the store applies is what the engine foresees: every way of a change, one after the other, to the last ledger row."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from app.billing import apply_quote
from app.billing.facts import Change, Discount, Interval, Subscription
from app.billing.result import Quote
from app.models.orders import Order
from app.models.store import Store
from app.models.subscriptions import Entitlement, SubscriptionChange, SubscriptionItem
from app.subscriptions.apply import apply_paid
from app.subscriptions.facts import Held, load
from app.subscriptions.pricing import priced
from tests import factories
from tests.conftest import TODAY
from tests.factories import Seeded
from tests.usecases.subscriptions.test_loading import an_order

MONTH = Interval("month", 1)
CATALOG: dict[str, Any] = {
    "prices": {"USD": {"1year": 4000, "1month": 400}},
    "options": {
        "email": {"name": "E-mail support", "per": "unit", "prices": {"USD": {"1year": 1200, "1month": 120}}},
        "users": {"name": "Users", "per": "subscription", "scale": {"min": 1, "max": 50},
                  "prices": {"USD": {"1year": 200, "1month": 20}}},
    },
    "features": {
        "esign": {"name": "E-signatures", "kind": "limit", "included": 10, "step": 20, "cap": 90,
                  "prices": {"USD": {"1year": 600, "1month": 60}}},
        "sso": {"name": "Single sign-on", "kind": "onoff", "prices": {"USD": {"1year": 900, "1month": 90}}},
        "sms": {"name": "Messages", "kind": "usage", "step": 100, "price": {"USD": 900}},
    },
}  # fmt: skip


@pytest.fixture
def shop(store: Store, seeded: Seeded) -> Seeded:
    """The reference case with a second item that ends with it, in a catalog that has everything; credit is kept."""
    with store.write() as conn:
        for code, times in (("crm-seat", 1), ("crm-pro", 3)):
            facts = dict(CATALOG, prices={"USD": {"1year": 4000 * times, "1month": 400 * times}})
            conn.execute(update(factories.Product).where(factories.Product.code == code).values(facts=facts))
        factories.create_path(conn, seeded.book, "crm-pro", "crm-seat")
        factories.create_item(conn, seeded.book, seeded.subscription, running_number=2, lots=((2, 4000),))
        conn.execute(update(factories.Book).values(policy={"negative": "credit"}))
    return seeded


def held(store: Store, shop: Seeded) -> Held:
    with store.read() as conn:
        found = load(conn, shop.book, 1048)
    assert found is not None
    return found


def as_loaded(facts: Subscription) -> Subscription:
    """Lots and rows in one order, without those rows that loading leaves out because nothing of them is unused."""
    begun = min([item.period.start for item in facts.items], default=None)
    items = [
        replace(
            item,
            lots=tuple(sorted(item.lots, key=lambda lot: lot.number)),
            entitlements=tuple(
                sorted(
                    [row for row in item.entitlements or () if begun is None or row.end > begun],
                    key=lambda row: (row.item, row.lot or 0, row.start, row.end, row.amount),
                )
            ),
        )
        for item in facts.items
    ]
    # The balance is booked by the order (charging), not by what is applied.
    return replace(facts, items=tuple(items), balance=0, last_item=0)


def change(store: Store, shop: Seeded, wanted: Change | tuple[Change, ...], at: datetime, order: str) -> Quote:
    """Prices and applies; what is stored then is what the engine foresaw."""
    before = held(store, shop)
    with store.write() as conn:
        made = priced(conn, before, wanted, at)
        quote = made.quote
        assert quote.eligibility.ok, quote.eligibility
        foreseen = apply_quote(before.facts, quote, made.policy)
        conn.execute(insert(Order).values(**an_order(shop, id=order, number=order, checkout_id=order, state="PAID")))
        apply_paid(
            conn, book_id=shop.book, subscription_id=shop.subscription, quote=quote, expected_version=before.version,
            order_id=order, card_id=None, mandate=None, at=at,
        )  # fmt: skip
    assert as_loaded(held(store, shop).facts) == as_loaded(foreseen)
    rows = ledger(store, order)
    assert sum(row.amount for row in rows) == quote.credit + quote.charge + quote.discount
    for row in rows:
        if not quote.lines:
            assert row.line is None  # fewer units without credit: no line tells of it
            continue
        assert row.line is not None, row
        assert quote.lines[row.line - 1].item == row.item
    return quote


def ledger(store: Store, order: str) -> list[Any]:
    with store.read() as conn:
        return list(conn.execute(select(Entitlement).where(Entitlement.order_id == order).order_by(Entitlement.id)))


ADDED = Change(item=None, product="crm-pro", quantity=2)
WAYS: dict[str, Change | tuple[Change, ...]] = {
    "a seat": Change(quantity=2, unit_price=1000),
    "fewer seats": Change(item=2, quantity=1),
    "fewer seats without credit": Change(item=2, quantity=1, price_rule="list"),
    "no more seats": Change(item=2, quantity=0),
    "another product": Change(product="crm-pro"),
    "monthly": Change(interval=MONTH, alignment="keep_day"),
    "monthly, all at once": Change(interval=MONTH, alignment="reset"),
    "extended": Change(quantity=2, alignment="extend_existing"),
    "reset": Change(quantity=2, alignment="reset"),
    "early": Change(quantity=2, effective="early_renewal"),
    "early and elsewhere": Change(product="crm-pro", effective="early_renewal"),
    "options": Change(options=("email", "users=7")),
    "features": Change(features=(("esign", 50), ("sso", 1), ("sms", 200))),
    "discounted": Change(quantity=4, discount=Discount(percent=200_000, scope="periods", periods=3)),
    "fixed": Change(product="crm-pro", price_rule="fixed", fixed=500),
    "list": Change(product="crm-pro", price_rule="list"),
    "difference": Change(product="crm-pro", price_rule="difference"),
    "an item": ADDED,
    "an item that extends another": replace(ADDED, alignment="extend_existing", align_with=1),
    "several": (Change(quantity=2), Change(item=2, product="crm-pro"), ADDED),
    "one for another": (Change(item=2, quantity=0), ADDED),
}
"""Ways of a change, each by its name."""


@pytest.mark.parametrize("name", WAYS)
def test_each_way(store: Store, shop: Seeded, name: str):
    change(store, shop, WAYS[name], TODAY, "first")


@pytest.mark.parametrize("name", WAYS)
def test_each_way_after_others_and_back(store: Store, shop: Seeded, name: str):
    """A second change in the period, and a third that takes the first item back to what it was."""
    change(store, shop, Change(quantity=3, options=("email",), features=(("esign", 30),)), TODAY, "first")
    change(store, shop, WAYS[name], TODAY + timedelta(days=20), "second")
    change(store, shop, Change(product="crm-seat", quantity=1), TODAY + timedelta(days=21), "third")


@pytest.mark.parametrize("basis", ["day", "thirty", "second", "none"])
def test_each_measure_of_time(store: Store, shop: Seeded, basis: str):
    with store.write() as conn:
        policy = {"negative": "credit", "basis": basis}
        conn.execute(update(factories.Book).values(policy=policy, policy_version=factories.Book.policy_version + 1))
    at = TODAY
    for number, wanted in enumerate([WAYS["extended"], WAYS["features"], WAYS["early"], Change(quantity=1)]):
        at += timedelta(hours=31)
        change(store, shop, wanted, at, f"order-{number}")


def test_the_number_of_an_item_that_is_gone_is_never_given_again(store: Store, shop: Seeded):
    """The ledger still names it: a new item of that number would be credited for what was paid for the old one."""
    change(store, shop, Change(item=2, quantity=0), TODAY, "first")
    change(store, shop, ADDED, TODAY, "second")
    now = held(store, shop).facts
    assert [item.running_number for item in now.items] == [1, 3]
    assert now.last_item == 2
    change(store, shop, Change(item=3, quantity=0), TODAY, "third")
    assert held(store, shop).facts.last_item == 3


def test_all_items_may_go_and_one_come_back(store: Store, shop: Seeded):
    change(store, shop, (Change(quantity=0), Change(item=2, quantity=0)), TODAY, "first")
    assert held(store, shop).facts.items == ()
    with store.read() as conn:
        assert conn.execute(select(SubscriptionItem)).all() == []


def test_a_trial_that_is_paid_for_is_over(store: Store, shop: Seeded):
    with store.write() as conn:
        conn.execute(update(factories.Subscription).values(status="trialing"))
        conn.execute(delete(Entitlement))
        factories.create_path(conn, shop.book, "crm-seat", "crm-seat", trial="end_trial")
    change(store, shop, Change(quantity=2), TODAY, "first")
    assert held(store, shop).facts.status == "active"


def test_a_trial_that_goes_on_stays_one(store: Store, shop: Seeded):
    with store.write() as conn:
        conn.execute(update(factories.Subscription).values(status="trialing"))
        conn.execute(delete(Entitlement))
        factories.create_path(conn, shop.book, "crm-seat", "crm-seat", trial="keep_trial")
    assert change(store, shop, Change(quantity=2), TODAY, "first").lines == ()
    assert held(store, shop).facts.status == "trialing"


def test_rows_name_the_lines_they_come_from(store: Store, shop: Seeded):
    quote = change(store, shop, WAYS["early and elsewhere"], TODAY, "first")
    kinds = [(row.amount, quote.lines[row.line - 1].kind) for row in ledger(store, "first")]
    assert kinds == [(12000, "charge"), (-2000, "carry_over"), (2000, "carry_over")]
    quote = change(store, shop, replace(WAYS["extended"], item=2, quantity=3), TODAY, "second")  # type: ignore[type-var]
    kinds = [(row.amount, quote.lines[row.line - 1].kind) for row in ledger(store, "second")]
    assert kinds == [(4000, "charge"), (4000, "extension")]


def test_what_was_paid_is_only_ever_added_to(store: Store, shop: Seeded):
    def rows() -> list[Any]:
        with store.read() as conn:
            return [tuple(row) for row in conn.execute(select(Entitlement).order_by(Entitlement.id))]

    before = rows()
    for number, wanted in enumerate([WAYS["several"], WAYS["early"], Change(item=2, product="crm-seat", quantity=1)]):
        change(store, shop, wanted, TODAY + timedelta(days=number), f"order-{number}")
        after = rows()
        assert after[: len(before)] == before
        before = after
    in_order = select(SubscriptionChange.version).order_by(SubscriptionChange.version)
    with store.read() as conn:
        assert list(conn.execute(in_order).scalars()) == [2, 3, 4]
