"""S-35: behind a closed gate the cart still opens; Buy Now says when to come back, and claims nothing of money."""

from __future__ import annotations

from app.charging.gate import open_or_close
from tests.doors.cart.shop import Shop, shown


def test_buy_now_behind_a_closed_gate_charges_nothing_and_knows_nothing(shop: Shop):
    page = shop.open()
    open_or_close(shop.store, shop.clock)
    open_or_close(shop.store, shop.clock, "restored")
    answer = shop.press(page, 503)
    title, text = shown(answer)
    assert title.startswith("We are doing maintenance")
    assert "We expect to be back in 5 minutes. Your offer is kept for you." in text
    assert "othing was charged" not in text, "the order of this page may be one that was lost"
    assert "your confirmation page or our mail says what happened" in text
    assert answer.headers["Retry-After"] == "300"
    assert shop.calls() == 0
