"""A paid change moves plan, ledger and history together, or nothing at all."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select

from app.billing.facts import Change
from app.models.orders import Order
from app.models.store import Store
from app.models.subscriptions import Entitlement, Lot, Subscription, SubscriptionChange, SubscriptionItem
from app.subscriptions.apply import apply_paid
from app.subscriptions.errors import SubscriptionMoved
from app.subscriptions.facts import Held, load
from app.subscriptions.pricing import price
from tests.conftest import TODAY
from tests.factories import Seeded
from tests.usecases.subscriptions.test_loading import an_order


def held(store: Store, seeded: Seeded) -> Held:
    with store.read() as conn:
        found = load(conn, seeded.book, 1048)
    assert found is not None
    return found


def apply(store: Store, seeded: Seeded, change: Change, *, order: str = "order-1", **what_matters: Any) -> int:
    now = held(store, seeded)
    with store.write() as conn:
        quote = price(conn, now, change, TODAY)
        conn.execute(insert(Order).values(**an_order(seeded, id=order, number=order, checkout_id=order, state="PAID")))
        how: dict[str, Any] = {"expected_version": now.version, "card_id": None, "mandate": None, **what_matters}
        return apply_paid(
            conn, book_id=seeded.book, subscription_id=seeded.subscription, quote=quote, order_id=order, at=TODAY, **how
        )


def test_a_second_seat_becomes_a_lot_with_its_entitlement(store: Store, seeded: Seeded):
    assert apply(store, seeded, Change(quantity=2, unit_price=1000)) == 2
    item = held(store, seeded).facts.items[0]
    assert [(lot.number, lot.quantity, lot.unit_price) for lot in item.lots] == [(1, 1, 4000), (2, 1, 1000)]
    assert sorted((row.lot, row.amount) for row in item.entitlements or ()) == [
        (1, 4000),
        (2, 500),
    ]  # they come in no order


def test_the_ledger_names_order_and_line(store: Store, seeded: Seeded):
    apply(store, seeded, Change(product="crm-pro"))
    with store.read() as conn:
        rows = conn.execute(
            select(Entitlement.amount, Entitlement.order_id, Entitlement.line).order_by(Entitlement.id)
        ).all()
    assert [tuple(row) for row in rows] == [(4000, None, None), (5000, "order-1", 1), (-2000, "order-1", 2)]


def test_what_is_stored_prices_like_what_the_engine_foresaw(store: Store, seeded: Seeded):
    """Applying and loading again gives the items of the quote, to the last lot."""
    now = held(store, seeded)
    with store.read() as conn:
        quote = price(conn, now, Change(quantity=3, unit_price=2500), TODAY)
    apply(store, seeded, Change(quantity=3, unit_price=2500))
    after = held(store, seeded).facts.items
    assert [(item.lots, item.period, item.options) for item in after] == [
        (item.lots, item.period, item.options) for item in quote.after
    ]


def test_the_chosen_card_pays_from_now_on_and_the_mandate_is_the_new_one(store: Store, seeded: Seeded):
    apply(store, seeded, Change(quantity=2), card_id=seeded.mastercard, mandate={"text": "new"})
    now = held(store, seeded)
    assert (now.card_id, now.mandate) == (seeded.mastercard, {"text": "new"})
    assert [card.last4 for card in now.cards if card.pays] == ["5454"]


def test_without_a_card_or_mandate_the_old_ones_stay(store: Store, seeded: Seeded):
    before = held(store, seeded)
    apply(store, seeded, Change(quantity=2))
    after = held(store, seeded)
    assert (after.card_id, after.mandate) == (before.card_id, before.mandate)


def test_the_history_shows_before_and_after(store: Store, seeded: Seeded):
    apply(store, seeded, Change(quantity=2, unit_price=1000))
    with store.read() as conn:
        row = conn.execute(select(SubscriptionChange)).one()._mapping
    assert (row["version"], row["cause"], row["order_id"], row["created_at"]) == (2, "order", "order-1", TODAY)
    assert [len(state["items"][0]["lots"]) for state in (row["before"], row["after"])] == [1, 2]


def test_a_subscription_that_moved_is_refused_and_nothing_is_written(store: Store, seeded: Seeded):
    apply(store, seeded, Change(quantity=2))
    tables = (Subscription, SubscriptionItem, Lot, Entitlement, SubscriptionChange, Order)

    def everything() -> list[Any]:
        with store.read() as conn:
            return [conn.execute(select(table)).all() for table in tables]

    before = everything()
    with pytest.raises(SubscriptionMoved):
        apply(store, seeded, Change(quantity=3), order="order-2", expected_version=1)
    assert everything() == before


def test_another_books_subscription_cannot_be_moved(store: Store, seeded: Seeded):
    now = held(store, seeded)
    with store.write() as conn, pytest.raises(SubscriptionMoved):
        apply_paid(
            conn, book_id=seeded.other_book, subscription_id=seeded.subscription, expected_version=1, order_id="x",
            quote=price(conn, now, Change(quantity=2), TODAY), card_id=None, mandate=None, at=TODAY,
        )  # fmt: skip
