"""The confirmation tells of money that went back what became of it, and whose card paid."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.charging.abandon import abandon
from app.charging.compare import compare
from app.charging.desk import Matter, matters
from app.charging.desk_acts import resolve
from app.charging.drive import driver_name
from app.charging.observing import Place, Watch, look_at_payment
from app.charging.orphaned import look_after_orphans
from app.charging.refund_finding import found_refunds
from app.charging.refunding import RefundRefused, ask_refund, drive_refunds
from app.gateways.port import Refund, RefundStatus
from tests.doors.cart.shop import Shop, shown
from tests.late_capture import take_all_the_same
from tests.usecases.charging.refunds import sent_back as failed_at_the_gateway


def watch(shop: Shop) -> Watch:
    return Watch(shop.store, shop.adapters.gateways, shop.clock, driver_name("person"))


def give_back(shop: Shop, amount: int | None = None) -> None:
    order = shop.ask("SELECT id FROM orders")
    ask_refund(shop.store, shop.clock, shop.seeded.book, order, amount, reason="asked", actor="maria")
    drive_refunds(shop.store, shop.adapters.gateways, shop.clock, by=driver_name("refund"))


def sent_back(shop: Shop) -> Matter:
    """What the queue says once the bank has returned what was given back, days later."""
    shop.clock.move(timedelta(days=3))
    failed = Refund(
        ref=shop.ask("SELECT gw_ref FROM refunds"), payment=shop.ask("SELECT gw_ref FROM attempts"), amount=500,
        currency="USD", status=RefundStatus.FAILED, mark=shop.ask("SELECT id FROM refunds"),
    )  # fmt: skip
    found_refunds(shop.store, shop.clock, shop.ask("SELECT id FROM attempts"), [failed])
    with shop.store.read() as conn:
        (matter,) = matters(conn, shop.clock.now())
    return matter


@pytest.mark.parametrize(
    ("act", "lead", "line"),
    [
        ("adopt", "$5.00 of it stands on your balance.", "Given back$5.00, on your balance"),
        ("cancel", "$5.00 of it was given back to you.", "Given back$5.00 on July 1"),  # otherwise, as a person knows
    ],
)
def test_a_refund_that_came_back_is_looked_into_until_a_person_decides(shop: Shop, act: str, lead: str, line: str):
    done = shop.press(shop.open()).headers["Location"]
    give_back(shop)
    matter = sent_back(shop)
    text = shown(shop.client.get(done, 200))[1]
    assert "given back to you" not in text
    assert "$5.00 of it was to go back to you. We are looking into it." in text
    assert "Given back$5.00, being looked into" in text
    with failed_at_the_gateway():
        resolve(watch(shop), matter.id, act, actor="maria", reason="as the customer wished")
    text = shown(shop.client.get(done, 200))[1]
    assert lead in text
    assert line in text


def test_a_refund_that_stands_still_is_looked_into(shop: Shop):
    done = shop.press(shop.open()).headers["Location"]
    give_back(shop)
    shop.sql("UPDATE refunds SET state = 'UNKNOWN', last_class = 'stuck', settled_at = NULL")
    text = shown(shop.client.get(done, 200))[1]
    assert "on its way back" not in text
    assert "Given back$5.00, being looked into" in text


def test_what_arrived_and_what_is_on_its_way_are_two_sums(shop: Shop):
    done = shop.press(shop.open()).headers["Location"]
    give_back(shop, 200)
    order = shop.ask("SELECT id FROM orders")
    ask_refund(shop.store, shop.clock, shop.seeded.book, order, 100, reason="asked", actor="maria")
    text = shown(shop.client.get(done, 200))[1]
    assert "$2.00 of it was given back to you. $1.00 of it is on its way back to you." in text


@pytest.mark.parametrize("amount", [500, 200])
def test_a_payment_before_a_person_that_was_given_back_by_hand_is_told_as_that(shop: Shop, amount: int):
    check = shop.client.follow(shop.press(shop.open(), card=str(shop.card("visa_3ds", default=False)))).text
    shop.sql("UPDATE subscriptions SET version = version + 1 WHERE id = :id", id=shop.seeded.subscription)
    done = shop.answer_bank(check, "approve")
    ref, account = shop.ask("SELECT gw_ref FROM attempts"), shop.ask("SELECT account FROM attempts")
    gateway = shop.adapters.gateways.of("sandbox", account, livemode=False)
    gateway.refund(ref, amount=amount, mark="by hand", key="by hand")
    look_at_payment(watch(shop), Place(shop.seeded.book, "sandbox", account, False), ref)
    title, _ = shown(shop.client.get(done, 200))
    assert title.startswith("Your payment was given back" if amount == 500 else "Paid. We are switching it on")
    with pytest.raises(RefundRefused) as refused:
        give_back(shop)
    assert (refused.value.code, "liftlink queue" in str(refused.value)) == ("before_a_person", True)


def test_an_order_that_its_earlier_card_paid_names_that_card_and_what_went_back_to_it(shop: Shop):
    link = shop.link()
    shop.press(shop.open(link), card=str(shop.card("visa_3ds", default=False, last4="9999")))
    abandon(shop.store, shop.clock, shop.seeded.book, shop.ask("SELECT id FROM orders"))
    shop.work()
    first = shop.ask("SELECT gw_ref FROM attempts")
    other = shop.card("visa_declined", default=False, last4="0002")
    done = shop.press(shop.open(link), card=str(other)).headers["Location"]
    take_all_the_same(shop.sandbox, first)
    for days in (0, 1, 1):
        shop.clock.move(timedelta(days=days, minutes=1))
        compare(shop.store, shop.adapters.gateways, shop.clock, by="w")
        look_after_orphans(shop.store, shop.adapters.gateways, shop.clock, by="w")
    assert shop.ask("SELECT state FROM orders") == "PAID"
    give_back(shop)
    text = shown(shop.client.get(done, 200))[1]
    assert "to your Visa ending 9999" in text
    assert "$5.00 of it was given back to you." in text
