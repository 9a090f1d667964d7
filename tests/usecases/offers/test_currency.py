"""An amount means something in its own currency only: an offer in another one is refused by name, wherever it is used."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.billing.facts import Change, Discount
from app.kit.clock import StoppedClock
from app.kit.errors import LiftlinkError
from app.links.claims import Discount as LinkDiscount
from app.links.claims import SavedOffer, WrittenOffer
from app.models.catalog import UpgradePath
from app.models.store import Store
from app.offers.issue import OfferRefused
from app.offers.saved import save_offer
from app.subscriptions.offered import in_currency, written_change
from tests.factories import Seeded, create_path, create_product, create_subscription, raise_catalog
from tests.usecases.offers.test_issue import issued

YEN = 1049


@pytest.fixture
def in_yen(store: Store, seeded: Seeded) -> Seeded:
    """The reference case with a second subscription, which is billed in yen."""
    with store.write() as conn:
        prices = {"JPY": {"1year": 4000}, "USD": {"1year": 4000}}
        create_product(conn, seeded.book, code="jp", prices=prices)
        create_product(conn, seeded.book, code="jp-pro", prices={"JPY": {"1year": 8000}})
        create_path(conn, seeded.book, "jp", "jp-pro")
        create_subscription(conn, seeded.book, seeded.customer, product="jp", currency="JPY", card_id=seeded.visa)
    return seeded


def saved(store: Store, clock: StoppedClock, book: int, change: Change, *more: Change) -> SavedOffer:
    return SavedOffer(save_offer(store, clock, book, name="Seat", change=change, more=more, ends_at=None))


def refused(call) -> LiftlinkError:
    with pytest.raises(OfferRefused) as caught:
        call()
    return caught.value


SEAT = WrittenOffer(1, "crm-seat", 9, unit_price=1000)
OFF = LinkDiscount("amount", 500)


@pytest.mark.parametrize(
    ("currency", "subscription", "offer"),
    [
        ("JPY", 1048, SEAT),
        ("USD", YEN, WrittenOffer(1, "jp", 9, unit_price=1000)),
        ("JPY", 1048, WrittenOffer(1, "crm-seat", 9, discount=OFF)),
        ("USD", YEN, WrittenOffer(1, "jp-pro", 1, discount=LinkDiscount("unit_price", 500), unit_price=600)),
    ],
)
def test_an_offer_saved_in_another_currency_is_refused(
    store: Store, clock: StoppedClock, in_yen: Seeded, currency: str, subscription: int, offer: WrittenOffer
):
    number = saved(store, clock, in_yen.book, written_change(offer, currency))
    error = refused(lambda: issued(store, clock, in_yen.book, number, subscription=subscription))
    assert error.code == "currency_mismatch"


def test_a_discount_on_a_list_price_of_the_offers_currency_is_refused_for_the_currency(
    store: Store, clock: StoppedClock, in_yen: Seeded
):
    """The product has no list price in the subscription's own currency at all."""
    change = Change(product="jp-pro", quantity=1, discount=Discount(amount=500), currency="JPY")
    number = saved(store, clock, in_yen.book, change)
    assert refused(lambda: issued(store, clock, in_yen.book, number)).code == "currency_mismatch"


def test_one_of_several_changes_in_another_currency_refuses_them_all(store: Store, clock: StoppedClock, in_yen: Seeded):
    more = Change(item=None, product="jp", unit_price=100, currency="JPY")
    number = saved(store, clock, in_yen.book, Change(quantity=2, unit_price=1000, currency="USD"), more)
    assert refused(lambda: issued(store, clock, in_yen.book, number)).code == "currency_mismatch"


def test_an_offer_without_an_amount_is_for_every_currency(store: Store, clock: StoppedClock, in_yen: Seeded):
    number = saved(store, clock, in_yen.book, written_change(WrittenOffer(1, "jp", 2), "USD"))
    assert issued(store, clock, in_yen.book, number, subscription=YEN).quote.renewal.amount == 8000
    percent = Change(quantity=2, discount=Discount(percent=200_000))
    assert in_currency(percent, "USD") == percent


def test_a_link_spelt_out_is_in_the_currency_of_its_subscription(store: Store, clock: StoppedClock, in_yen: Seeded):
    quote = issued(store, clock, in_yen.book, WrittenOffer(1, "jp", 2, unit_price=1000), subscription=YEN).quote
    assert (quote.currency, quote.due_now) == ("JPY", 500)


@pytest.fixture
def fixed(store: Store, in_yen: Seeded) -> Seeded:
    """The move costs 5.00, which is no amount in yen."""
    with store.write() as conn:
        rules = {"price_rule": {"fixed": "5.00"}}
        conn.execute(update(UpgradePath).where(UpgradePath.from_product == "jp").values(rules=rules))
        raise_catalog(conn, in_yen.book)
    return in_yen


def test_a_fixed_price_that_the_currency_does_not_have_is_refused_by_name(
    store: Store, clock: StoppedClock, fixed: Seeded
):
    error = refused(lambda: issued(store, clock, fixed.book, WrittenOffer(1, "jp-pro", 1), subscription=YEN))
    assert (error.code, error.details["field"]) == ("quote_refused", "path.price_rule.fixed")
    assert error.message == "the path's fixed price, 5.00, is no amount in JPY"


def test_a_change_with_a_price_rule_of_its_own_does_not_need_the_paths(
    store: Store, clock: StoppedClock, fixed: Seeded
):
    change = Change(product="jp-pro", quantity=1, price_rule="prorated_difference")
    number = saved(store, clock, fixed.book, change)
    assert issued(store, clock, fixed.book, number, subscription=YEN).quote.due_now == 2000


def test_a_minimum_charge_that_the_currency_does_not_have_is_none(store: Store, clock: StoppedClock, in_yen: Seeded):
    from app.models.merchants import Book

    policy = {"minimum_charge": {"amount": "0.50", "below": "waive"}}
    with store.write() as conn:
        conn.execute(update(Book).values(policy=policy, policy_version=Book.policy_version + 1))
    assert issued(store, clock, in_yen.book, WrittenOffer(1, "jp", 2), subscription=YEN).quote.due_now == 2000
