"""No page says that nothing was charged unless it looked; money that was taken, given back or is in doubt is told as that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.cart import buying
from app.charging.compare import compare
from app.charging.desk import matters
from app.charging.desk_acts import resolve
from app.charging.drive import driver_name
from app.charging.gate import open_or_close
from app.charging.observing import Watch
from app.charging.orphaned import look_after_orphans
from app.charging.repair import expire, sweep
from app.links.sessions import DONE_SECONDS, RETURN_SECONDS
from app.web.maintenance import close_until, open_again
from tests.doors.cart.shop import CartPage, Shop, bank_path, buy_path, hidden_values, local, shown
from tests.doors.page_client import elements, parsed, text_of
from tests.late_capture import take_all_the_same

BEFORE = "your confirmation page or our mail says what happened"
UNKNOWN = "We do not know yet whether your bank was charged"


def claims_nothing(html: Any) -> str:
    text = text_of(next(elements(parsed(html.text), "main")))
    assert "othing was charged" not in text
    assert "not been charged" not in text
    return text


def to_bank(shop: Shop, page: CartPage) -> str:
    """The page of the order whose bank asks."""
    return shop.press(page, card=str(shop.card("visa_3ds", default=False))).headers["Location"]


def decide(shop: Shop, act: str) -> None:
    watch = Watch(shop.store, shop.adapters.gateways, shop.clock, driver_name("person"))
    with shop.store.read() as conn:
        (matter,) = matters(conn, shop.clock.now())
    resolve(watch, matter.id, act, actor="maria", reason="asked for")


def captured_too_late(shop: Shop, page: CartPage) -> str:
    """The page of an order that was given up, and whose payment was captured all the same: a person decides."""
    done = to_bank(shop, page)
    shop.clock.move(timedelta(hours=3))
    store, gateways, clock = shop.store, shop.adapters.gateways, shop.clock
    for _ in range(3):
        expire(store, clock)
        sweep(store, gateways, clock, by="w", limit=10)
    ref = shop.ask("SELECT gw_ref FROM attempts")
    take_all_the_same(shop.sandbox, ref)
    for _ in range(3):
        clock.move(timedelta(minutes=1))
        compare(store, gateways, clock, by="w")
        look_after_orphans(store, gateways, clock, by="w")
    assert (shop.ask("SELECT state FROM orphans"), shop.ask("SELECT state FROM orders")) == ("PERSON", "EXPIRED")
    return done


def given_back(shop: Shop, link: str | None = None, *, disputed: bool = False) -> str:
    """The page of an order that was paid, could not be carried out, and was given back by a person, or by the bank before."""
    check = shop.client.get(to_bank(shop, shop.open(link))).text
    shop.sql("UPDATE subscriptions SET version = version + 1 WHERE id = :id", id=shop.seeded.subscription)
    done = shop.answer_bank(check, "approve")
    shop.clock.move(timedelta(minutes=1))
    if disputed:
        dispute = shop.sandbox.controls.open_dispute(shop.ask("SELECT gw_ref FROM attempts"))
        shop.sandbox.controls.close_dispute(dispute, won=False)
    decide(shop, "refund")
    return done


@pytest.mark.parametrize("disputed", [False, True])
def test_a_payment_that_was_given_back_is_told_with_amount_and_date(shop: Shop, disputed: bool):
    page = shop.client.get(given_back(shop, disputed=disputed), 200)
    assert shop.taken() == [500]
    claims_nothing(page)
    title, text = shown(page)
    assert title.startswith("Your payment was given back")
    assert "You paid $5.00, and it was given back on July 1, 2026. Your subscription has not changed." in text


def test_a_payment_that_goes_back_is_told_as_under_way(shop: Shop):
    done = given_back(shop)
    shop.sql("UPDATE refunds SET state = 'SENT', settled_at = NULL")
    page = shop.client.get(done, 200)
    claims_nothing(page)
    assert "You paid $5.00, and it is on its way back to you." in shown(page)[1]


def test_a_payment_whose_refund_failed_is_looked_into(shop: Shop):
    done = given_back(shop)
    shop.sql("UPDATE refunds SET state = 'FAILED'")
    page = shop.client.get(done, 200)
    claims_nothing(page)
    assert shown(page)[0].startswith("We are looking into a payment for this order")


def test_a_payment_captured_after_its_order_was_given_up_is_looked_into_and_never_paid_twice(shop: Shop):
    link = shop.link()
    page = shop.open(link)
    done = captured_too_late(shop, page)
    told = shop.client.get(done, 200)
    claims_nothing(told)
    title, text = shown(told)
    assert title.startswith("We are looking into a payment for this order")
    assert "Do not pay again." in text
    assert "/cart/" not in "".join(a.get("href") or "" for a in elements(parsed(told.text), "main", "a"))
    cart = shop.client.get(link, 303).headers["Location"]
    leads_to = shop.client.get(cart, 303)
    assert shown(shop.client.follow(leads_to))[0] == title, "the cart offers nothing, and shows the order"
    shop.press(page, 303, card=str(shop.seeded.visa))
    assert shop.taken() == [500]


def test_once_the_late_payment_was_given_back_it_is_told_and_the_cart_opens_again(shop: Shop):
    link = shop.link()
    done = captured_too_late(shop, shop.open(link))
    decide(shop, "refund")
    assert shown(shop.client.get(done))[0].startswith("Your payment was given back")
    shop.press(shop.open(link), card=str(shop.seeded.visa))
    assert shop.taken() == [500, 500]


def test_too_many_requests_after_paying_claim_nothing(shop_with: Any):
    shop = shop_with(rate_limit="6/minute")
    page = shop.open()
    done = shop.press(page).headers["Location"]
    client = shop.app.test_client()
    for _ in range(7):
        client.get("/nowhere")
    sent = {**page.form, "agree": "1"}
    for answer in (client.get(done), client.post(buy_path(page), data=sent), client.get(page.path)):
        assert answer.status_code == 429
        assert BEFORE in claims_nothing(answer)
    assert shop.taken() == [500]


def test_the_polls_of_a_waiting_page_never_shut_it_out(shop_with: Any):
    shop = shop_with(rate_limit="6/minute")
    done = shop.press(shop.open()).headers["Location"]
    client = shop.app.test_client()
    asked = [client.get(f"{done}/state").status_code for _ in range(9)]
    assert asked == [200] * 6 + [429] * 3
    assert client.get(done).status_code == 200


def test_back_from_the_bank_too_often_or_too_late_claims_nothing(shop_with: Any):
    shop = shop_with(rate_limit="10/minute")
    check = shop.client.get(to_bank(shop, shop.open())).text
    shop.clock.move(timedelta(seconds=20))
    client = shop.app.test_client()
    bank = bank_path(check)
    said = {**hidden_values(client.get(bank).text), "answer": "approve"}
    back = local(client.post(bank, data=said).headers["Location"])
    assert shop.taken() == [500]
    for _ in range(12):
        client.get("/nowhere")
    busy = client.get(back)
    assert busy.status_code == 429
    assert BEFORE in claims_nothing(busy)
    shop.clock.move(timedelta(seconds=RETURN_SECONDS + 60))
    late = client.get(back, environ_base={"REMOTE_ADDR": "10.0.0.9"})
    assert late.status_code == 404
    assert BEFORE in claims_nothing(late)


def test_a_purchase_pressed_again_in_maintenance_claims_nothing(shop: Shop):
    page = shop.open()
    shop.press(page)
    switch = shop.adapters.settings.maintenance
    close_until(switch, shop.clock.now() + timedelta(minutes=20))
    try:
        assert BEFORE in claims_nothing(shop.press(page, 503))
    finally:
        open_again(switch)


def test_odd_requests_after_paying_claim_nothing(shop: Shop):
    page = shop.open()
    done = shop.press(page).headers["Location"].split("?")[0]
    client = shop.app.test_client()
    large = {**page.form, "agree": "1", "x": "y" * 70000}
    for answer, status in (
        (client.post(buy_path(page), data=large), 413), (client.post(f"{done}/receipt"), 404), (client.post(done), 405),
        (client.put(buy_path(page)), 405),
    ):  # fmt: skip
        assert answer.status_code == status
        assert BEFORE in claims_nothing(answer)
    shop.clock.move(timedelta(seconds=DONE_SECONDS + 60))
    assert BEFORE in claims_nothing(shop.client.get(done, 404))


def test_a_cart_that_breaks_after_paying_claims_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    page = shop.open()
    shop.press(page)
    monkeypatch.setattr(buying, "show", lambda *_, **__: 1 // 0)
    assert BEFORE in claims_nothing(shop.client.get(page.path, 500))


def test_the_page_of_an_order_that_a_restore_lost_does_not_know(shop: Shop):
    done = shop.press(shop.open()).headers["Location"]
    open_or_close(shop.store, shop.clock)
    for table in ("consents", "fulfilments", "link_uses", "attempts", "entitlements", "orders"):
        shop.sql(f"DELETE FROM {table} WHERE {'id' if table == 'orders' else 'order_id'} IS NOT NULL")
    open_or_close(shop.store, shop.clock, "restored")
    lost = shop.client.get(done, 404)
    assert UNKNOWN in claims_nothing(lost)
    assert "Do not pay again." in shown(lost)[1]
