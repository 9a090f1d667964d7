"""Stored rules and facts reach the engine: policy, path, tax, catalog and usable cards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, update

from app.billing.facts import Change, Discount, Interval
from app.billing.result import Quote
from app.models.orders import Order
from app.models.store import Store
from app.subscriptions import pricing
from app.subscriptions.facts import load
from tests import factories
from tests.conftest import TODAY
from tests.factories import Seeded
from tests.usecases.subscriptions.test_loading import an_order

SECOND_SEAT = Change(quantity=2, unit_price=1000)


def priced(store: Store, seeded: Seeded, change: Change = SECOND_SEAT, at: datetime = TODAY, **how: Any) -> Quote:
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
        assert held is not None
        return pricing.priced(conn, held, change, at, **how).quote


def test_the_reference_case_costs_five_dollars_today_and_fifty_at_renewal(store: Store, seeded: Seeded):
    quote = priced(store, seeded)
    assert quote.eligibility.ok, quote.eligibility
    assert (quote.due_now, quote.renewal.amount) == (500, 5000)
    assert str(quote.next_billing_date) == "2027-01-01"
    assert quote.lines[0].name == "CRM Standard"


def test_the_books_policy_applies(store: Store, seed_with: Callable[..., Seeded]):
    assert priced(store, seed_with(policy={"basis": "day"})).due_now == 504


def test_days_are_the_merchants(store: Store, seed_with: Callable[..., Seeded]):
    """At 03:00 UTC of July 1 it is still June 30 in Los Angeles."""
    at = datetime(2026, 7, 1, 3, tzinfo=UTC)
    assert priced(store, seed_with(policy={"basis": "day"}), at=at).due_now == 507


@pytest.mark.parametrize(
    ("country", "inclusive", "due", "tax", "found"),
    [
        ("US", False, 550, 50, True),
        ("US", True, 500, 45, True),
        ("FR", False, 500, 0, False),
        (None, False, 500, 0, False),
    ],
)
def test_tax_is_that_of_the_country_and_the_products_class_on_that_day(
    store: Store,
    seed_with: Callable[..., Seeded],
    country: str | None,
    inclusive: bool,
    due: int,
    tax: int,
    found: bool,
):
    seeded = seed_with(policy={"tax_inclusive": inclusive}, country=country)
    with store.write() as conn:
        factories.create_tax_rate(conn, seeded.book, percent="7", valid_to="2026-07-01")
        factories.create_tax_rate(conn, seeded.book, percent="10", valid_from="2026-07-01")
        factories.create_tax_rate(conn, seeded.book, percent="3", valid_from="2026-07-02")
        factories.create_tax_rate(conn, seeded.book, percent="50", tax_class="books")
    quote = priced(store, seeded)
    assert (quote.due_now, quote.tax, quote.tax_rate.found) == (due, tax, found)


def test_an_upgrade_takes_the_list_price_and_the_paths_rules(store: Store, seeded: Seeded):
    with store.write() as conn:
        conn.execute(update(factories.UpgradePath).values(rules={"alignment": "reset", "policy": {"basis": "day"}}))
        factories.raise_catalog(conn, seeded.book)
    quote = priced(store, seeded, Change(product="crm-pro"))
    assert quote.eligibility.ok, quote.eligibility
    assert str(quote.next_billing_date) == "2027-07-01"
    assert quote.charge == 10000
    assert {line.basis for line in quote.lines} == {"day"}


@pytest.mark.parametrize(
    ("target", "code"),
    [("crm-pro", None), ("crm-old", "path_not_allowed"), ("crm-free", "path_not_allowed")],
)
def test_only_listed_moves_are_allowed(store: Store, seeded: Seeded, target: str, code: str | None):
    with store.write() as conn:
        for product in ("crm-old", "crm-free"):
            factories.create_product(conn, seeded.book, code=product, prices={"USD": {"1year": 5000}})
        factories.create_path(conn, seeded.book, target="crm-old", active=False)
    assert priced(store, seeded, Change(product=target)).eligibility.code == code


def test_a_catalog_that_changed_is_read_again(store: Store, seeded: Seeded):
    change = Change(product="crm-pro")
    assert priced(store, seeded, change).charge == 5000
    with store.write() as conn:
        conn.execute(
            update(factories.Product)
            .where(factories.Product.code == "crm-pro")
            .values(facts={"prices": {"USD": {"1year": 20000}}})
        )
        factories.raise_catalog(conn, seeded.book)
    assert priced(store, seeded, change).charge == 10000


@pytest.mark.parametrize(
    ("cards", "ok"),
    [
        ({"exp_year": 2026, "exp_month": 7}, True),
        ({"exp_year": 2026, "exp_month": 6}, False),
        ({"blocked": True}, False),
        ({"gateway": "elsewhere"}, False),
        ({"cart_session": "other"}, False),
        ({"cart_session": "mine"}, True),
    ],
)
def test_only_cards_that_can_be_charged_count(store: Store, seeded: Seeded, cards: dict[str, Any], ok: bool):
    with store.write() as conn:
        conn.execute(update(factories.StoredCard).values(**{"exp_year": 2030, "exp_month": 1, **cards}))
    quote = priced(store, seeded, cart_session="mine")
    assert quote.eligibility.code == (None if ok else "no_payment_method")


def test_ones_own_open_order_is_no_change_in_progress(store: Store, seeded: Seeded):
    with store.write() as conn:
        conn.execute(insert(Order).values(**an_order(seeded)))
    assert priced(store, seeded).eligibility.code == "change_in_progress"
    assert priced(store, seeded, own_order="order-1").eligibility.ok


def test_options_of_the_catalog_can_be_bought(store: Store, seeded: Seeded):
    with store.write() as conn:
        options = {"email": {"name": "E-mail support", "per": "subscription", "prices": {"USD": {"1year": 1200}}}}
        conn.execute(
            update(factories.Product)
            .where(factories.Product.code == "crm-seat")
            .values(facts={"prices": {"USD": {"1year": 4000}}, "options": options})
        )
        factories.raise_catalog(conn, seeded.book)
    quote = priced(
        store, seeded, Change(options=("email",), discount=Discount(percent=200_000), interval=Interval("year", 1))
    )
    assert (quote.charge, quote.discount, quote.lines[0].name) == (600, -120, "E-mail support")
