"""After a restore that lost a paid order, its link takes no second payment, and its page says why."""

from __future__ import annotations

import pytest

from app.charging.gate import open_or_close
from tests.doors.cart.shop import Shop, shown
from tests.older_copy import copy_of, put_back, reopened


def bought_and_lost(shop: Shop, link: str) -> None:
    """Paid; then the copy from before is put back, and the workers compare until charging is open again."""
    open_or_close(shop.store, shop.clock, "")
    copy = copy_of(shop.store)
    shop.buy(link)
    put_back(shop.store, copy)
    shop.adapters.directory.forget()
    reopened(shop.store, shop.adapters.gateways, shop.clock)


@pytest.mark.parametrize(
    ("lang", "title", "warning"),
    [
        ("en", "We are looking into an earlier payment", "Do not pay again."),
        ("fr", "Nous examinons un paiement antérieur", "Ne payez pas à nouveau."),
    ],
)
def test_a_link_whose_paid_order_was_lost_takes_no_second_payment(shop: Shop, lang: str, title: str, warning: str):
    link = shop.link()
    bought_and_lost(shop, link)
    heading, text = shown(shop.press(shop.open(link, lang=lang), 409))
    assert heading.startswith(title)
    assert warning in text
    assert shop.taken() == [500]


def test_a_lost_payment_does_not_hold_the_shopper_s_other_link(shop: Shop):
    bought_and_lost(shop, shop.link())
    shop.buy(shop.link())
    assert shop.taken() == [500, 500]
