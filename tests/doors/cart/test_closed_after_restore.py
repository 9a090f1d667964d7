"""S-35: behind a closed gate the cart still opens; Buy Now says that nothing was charged and when to come back."""

from __future__ import annotations

from app.charging.gate import open_or_close
from tests.doors.cart.shop import Shop, shown


def test_buy_now_behind_a_closed_gate_charges_nothing_and_says_so(shop: Shop):
    page = shop.open()
    open_or_close(shop.store, shop.clock)
    open_or_close(shop.store, shop.clock, "restored")
    answer = shop.press(page, 503)
    title, text = shown(answer)
    assert title.startswith("We are doing maintenance")
    assert "Nothing was charged. We expect to be back in 5 minutes. Your offer is kept for you." in text
    assert answer.headers["Retry-After"] == "300"
    assert shop.calls() == 0
