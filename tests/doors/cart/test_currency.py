"""A link that is already out there, whose amounts its subscription's currency does not have: a page with a reason, never an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from app.billing.facts import Change
from app.links.claims import SavedOffer, WrittenOffer
from app.offers.saved import save_offer
from tests import factories
from tests.doors.cart.shop import Shop, shown
from tests.factories import Seeded


def seeding(conn: Connection) -> Seeded:
    """A second subscription, 1049, is billed in yen."""
    seeded = factories.seed(conn)
    factories.create_product(
        conn, seeded.book, code="jp", prices={"JPY": {"1year": 4000}, "USD": {"1year": 4000}}
    )  # fmt: skip
    factories.create_product(conn, seeded.book, code="jp-pro", prices={"JPY": {"1year": 8000}})
    factories.create_path(conn, seeded.book, "jp", "jp-pro")
    factories.create_subscription(
        conn, seeded.book, seeded.customer, product="jp", currency="JPY", card_id=seeded.visa
    )  # fmt: skip
    return seeded


@pytest.fixture
def shop(shop_with: Callable[..., Shop]) -> Shop:
    return shop_with(seeding=seeding)


@pytest.mark.parametrize(("subscription", "product", "currency"), [(1048, "crm-seat", "JPY"), (1049, "jp", "USD")])
def test_an_offer_in_another_currency_says_so(shop: Shop, subscription: int, product: str, currency: str):
    change = Change(product=product, quantity=2, unit_price=1000, currency=currency)
    number = save_offer(shop.store, shop.clock, shop.seeded.book, name="Seat", change=change, ends_at=None)
    link = shop.link(SavedOffer(number), subscription=subscription, check=False)
    title, text = shown(shop.open(link, 403))
    assert "This offer is in another currency" in title
    assert "Your subscription is billed in a different one." in text


def test_a_fixed_price_that_the_currency_does_not_have_is_no_error_page(shop: Shop):
    """The path was given a price of 5.00 after the link was sent."""
    link = shop.link(WrittenOffer(1, "jp-pro", 1), subscription=1049)
    shop.sql("""UPDATE upgrade_paths SET rules = '{"price_rule": {"fixed": "5.00"}}' WHERE from_product = 'jp'""")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    title, text = shown(shop.open(link, 403))
    assert "Something went wrong" not in title + text
    assert shop.orders() == 0


def test_an_open_cart_whose_path_gets_such_a_price_sells_nothing(shop: Shop):
    page = shop.open(shop.link(WrittenOffer(1, "jp-pro", 1), subscription=1049))
    shop.sql("""UPDATE upgrade_paths SET rules = '{"price_rule": {"fixed": "5.00"}}' WHERE from_product = 'jp'""")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    response = shop.press(page, 403)
    assert "Something went wrong" not in response.text
    assert (shop.orders(), shop.taken()) == (0, [])
