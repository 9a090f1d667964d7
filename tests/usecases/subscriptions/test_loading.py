"""What the cart reads of a subscription, and how many statements that costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, insert, update

from app.accounts.merchants import change_merchant
from app.models.links import withdraw
from app.models.merchants import Book, Merchant
from app.models.orders import Order
from app.models.store import Store
from app.subscriptions.facts import book_facts, load, load_by_link
from tests import factories
from tests.conftest import TODAY
from tests.factories import Seeded


def test_the_reference_case_is_loaded_whole(store: Store, seeded: Seeded):
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
    assert held is not None
    assert (held.reference, held.version, held.card_id, held.open_order) == ("QM-1048", 1, seeded.visa, None)
    assert (held.customer.email, held.facts.customer.country) == ("dana@brightwell.example", "US")
    item = held.facts.items[0]
    assert (item.product, item.quantity, str(item.interval), item.anchor_day) == ("crm-seat", 1, "1year", 1)
    assert item.period.start.isoformat() == "2026-01-01T08:00:00+00:00"
    assert [(row.lot, row.amount) for row in item.entitlements or ()] == [(1, 4000)]


def test_the_default_card_comes_first_and_the_paying_one_is_marked(store: Store, seeded: Seeded):
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
    assert held is not None
    assert [(card.last4, card.is_default, card.pays) for card in held.cards] == [
        ("4242", True, True), ("5454", False, False), ("0005", False, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ref", "customer", "found"),
    [
        (1048, None, True),
        ("sub-a", None, True),
        (1048, 1001, True),
        ("sub-a", "cus-a", True),
        (1048, "cus-a", True),
        (1048, 1002, False),
        (1048, "cus-b", False),
        ("sub-a", "", False),
        (1049, None, False),
        ("1048", None, False),
        (0, None, False),
        (2**63, None, False),
        (2**200, 2**200, False),
    ],
)
def test_both_references_of_a_link_must_agree(
    store: Store, seeded: Seeded, ref: int | str, customer: int | str | None, found: bool
):
    with store.write() as conn:
        other = factories.create_customer(conn, seeded.book, external_ref="cus-b")
        assert other
        conn.execute(update(factories.Customer).where(factories.Customer.number == 1001).values(external_ref="cus-a"))
        conn.execute(update(factories.Subscription).values(external_ref="sub-a"))
    with store.read() as conn:
        assert (load(conn, seeded.book, ref, by_customer=customer) is not None) is found


def test_another_book_does_not_see_the_subscription(store: Store, seeded: Seeded):
    with store.read() as conn:
        assert load(conn, seeded.other_book, 1048) is None


@contextmanager
def statements(conn: Connection) -> Iterator[list[str]]:
    """What the driver itself is asked meanwhile, whoever asks it."""
    seen: list[str] = []
    driver: Any = conn.connection.driver_connection
    if conn.dialect.name == "sqlite":
        driver.set_trace_callback(seen.append)
        yield seen
        driver.set_trace_callback(None)
        return

    class Telling(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **how: Any) -> Any:
            seen.append(str(query))
            return super().execute(query, *arguments, **how)

    usual, driver.cursor_factory = driver.cursor_factory, Telling
    yield seen
    driver.cursor_factory = usual


def test_loading_costs_two_statements_however_much_is_held(store: Store, seeded: Seeded):
    with store.write() as conn:
        for number in (2, 3):
            factories.create_item(conn, seeded.book, seeded.subscription, running_number=number, lots=((1, 1), (2, 5)))
    with store.read() as conn:
        load(conn, seeded.book, 1048)
        with statements(conn) as seen:
            held = load(conn, seeded.book, 1048)
    assert held is not None
    assert [len(item.lots) for item in held.facts.items] == [1, 2, 2]
    assert len(seen) == 2


def test_the_standing_of_a_link_comes_without_a_statement_of_its_own(store: Store, seeded: Seeded):
    names = {"link": "1.1", "batch": "1", "customer": str(seeded.customer), "offer": ""}
    with store.read() as conn:
        owner = load(conn, seeded.book, 1048)
        assert owner is not None
        with statements(conn) as seen:
            found = load_by_link(conn, seeded.book, 1048, owner.customer.number, names, factories.MADE_AT)
    assert found is not None
    assert (found.held, found.withdrawn, found.spent) == (owner, False, 0)
    assert len(seen) == 2


def test_a_withdrawn_batch_shows_on_its_links(store: Store, seeded: Seeded):
    with store.write() as conn:
        taken = {
            "book_id": seeded.book,
            "kind": "batch",
            "ref": "7",
            "issued_before": None,
            "created_at": factories.MADE_AT,
        }
        withdraw(conn, taken)
    names = {"link": "7.1", "batch": "7", "customer": "1", "offer": ""}
    with store.read() as conn:
        owner = load(conn, seeded.book, 1048)
        assert owner is not None
        found = load_by_link(conn, seeded.book, 1048, owner.customer.number, names, factories.MADE_AT)
        other = load_by_link(
            conn, seeded.book, 1048, owner.customer.number, {**names, "batch": "8"}, factories.MADE_AT
        )  # fmt: skip
    assert found is not None
    assert other is not None
    assert (found.withdrawn, other.withdrawn) == (True, False)


def test_ledger_rows_that_ended_before_the_current_period_are_not_read(store: Store, seeded: Seeded):
    with store.write() as conn:
        year = {"start": factories.MADE_AT.replace(year=2025), "end": factories.MADE_AT}
        factories.create_entitlement(conn, seeded.book, seeded.subscription, amount=3500, **year)
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
    assert held is not None
    assert [row.amount for row in held.facts.items[0].entitlements or ()] == [4000]


def test_an_open_order_is_a_change_in_progress(store: Store, seeded: Seeded):
    with store.write() as conn:
        conn.execute(insert(Order).values(**an_order(seeded)))
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
    assert held is not None
    assert held.open_order == "order-1"
    assert held.facts.change_in_progress


def an_order(seeded: Seeded, **what_matters: object) -> dict[str, object]:
    values: dict[str, object] = {
        column.name: None if column.nullable else {"INTEGER": 1, "BIGINT": 1}.get(str(column.type), "x")
        for column in Order.__table__.columns
    }
    for name, value in values.items():
        if name.endswith(("_at", "until")) and value is not None:
            values[name] = TODAY
    return values | {
        "id": "order-1", "book_id": seeded.book, "subscription_id": seeded.subscription, "customer_id": seeded.customer,
        "quote": {}, "total": 500, "state": "OPEN", "outcome": "due", "currency": "USD", **what_matters,
    }  # fmt: skip


def test_what_stands_to_the_customers_credit_in_this_currency_is_loaded(store: Store, seeded: Seeded):
    with store.write() as conn:
        factories.create_balance(conn, seeded.book, seeded.customer, 700)
        factories.create_balance(conn, seeded.book, seeded.customer, -200)
        factories.create_balance(conn, seeded.book, seeded.customer, 900, "EUR")
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
    assert held is not None
    assert held.facts.balance == 500


def test_imported_unpaid_invoices_reach_pricing(store: Store, seed_with: Callable[..., Seeded]):
    seeded = seed_with()
    with store.write() as conn:
        unpaid = {"count": 2, "totals": {"USD": 8000}, "url": "https://app.quillmark.example/pay"}
        conn.execute(update(factories.Customer).values(unpaid=unpaid))
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
    assert held is not None
    assert (held.facts.customer.unpaid_invoices, held.facts.customer.unpaid_url) == (2, unpaid["url"])


def test_a_new_policy_is_seen_at_once(store: Store, seeded: Seeded):
    with store.read() as conn:
        before = book_facts(conn, seeded.book)
    with store.write() as conn:
        conn.execute(update(Merchant).values(timezone="UTC"))
        conn.execute(update(Book).values(policy={"basis": "day"}, policy_version=Book.policy_version + 1))
    with store.read() as conn:
        after = book_facts(conn, seeded.book)
    assert before is not None
    assert after is not None
    assert (before.timezone, before.policy, before.prefix) == ("America/Los_Angeles", {}, "QM")
    assert (after.timezone, after.policy, after.policy_version) == ("UTC", {"basis": "day"}, 2)


def test_a_new_prefix_is_shown_at_once(store: Store, seeded: Seeded):
    with store.read() as conn:
        load(conn, seeded.book, 1048)
    change_merchant(store, "quillmark", fields={"prefix": "QX"})
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
    assert held is not None
    assert held.reference == "QX-1048"


def test_a_book_that_does_not_exist_is_none(store: Store):
    with store.read() as conn:
        assert book_facts(conn, 99) is None
