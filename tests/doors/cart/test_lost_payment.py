"""After a restore that lost a paid order, its link takes no second payment, and its page says why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.charging.compare import compare
from app.charging.gate import closed_accounts, open_or_close
from app.charging.orphaned import look_after_orphans
from app.models.base import Base
from tests.doors.cart.shop import Shop, shown
from tests.standing import forget_rules


def bought_and_lost(shop: Shop, link: str) -> None:
    """Paid; then the copy from before is put back, and the workers compare until charging is open again."""
    open_or_close(shop.store, shop.clock, "")
    with shop.store.read() as conn:
        copy: dict[Any, Any] = {
            table: [dict(row) for row in conn.execute(select(table)).mappings()]
            for table in Base.metadata.sorted_tables
        }
    shop.buy(link)
    with shop.store.write() as conn:
        for table in reversed(copy):
            conn.execute(table.delete())
        for table, rows in copy.items():
            if rows:
                conn.execute(table.insert(), rows)
    forget_rules()
    shop.adapters.directory.forget()
    assert open_or_close(shop.store, shop.clock, "2") == "restore_epoch"
    for _ in range(2):
        shop.clock.move(timedelta(minutes=20))
        compare(shop.store, shop.adapters.gateways, shop.clock, by="worker")
        look_after_orphans(shop.store, shop.adapters.gateways, shop.clock, by="worker")
    with shop.store.read() as conn:
        assert closed_accounts(conn) == []


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
