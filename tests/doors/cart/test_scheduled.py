"""A change at the next billing date: registered without a charge, shown with its day, undone in two steps, in the way of others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.billing.facts import Change
from app.billing.facts import Discount as BillingDiscount
from app.cart.door import tools
from app.checkout.by_hand import Asked, ByHandRefused, change_by_hand
from app.links.claims import Discount, WrittenOffer
from app.subscriptions.facts import load
from tests.doors.cart.shop import CartPage, Shop, local, shown
from tests.doors.page_client import elements, form_values, parsed

LATER = WrittenOffer(1, "crm-seat", 2, unit_price=1000, effective="next_billing")
UNDO = "Undo this change"


@pytest.fixture
def done(shop: Shop) -> CartPage:
    """The confirmation of a second seat from January 1 on."""
    response = shop.press(shop.open(shop.link(LATER)))
    path = local(response.headers["Location"])
    return shop.cart_at(path)


def undo_path(page: CartPage) -> str:
    return next(
        a.get("href", "") for a in elements(parsed(page.html), "a") if a.get("href", "").split("?")[0].endswith("/undo")
    )


def press_undo(shop: Shop, page: CartPage, status: int = 303) -> TestResponse:
    question = shop.cart_at(undo_path(page))
    return shop.client.post(undo_path(page), form_values(question.html, "/undo"), status)


def test_the_cart_says_that_nothing_is_due_and_what_happens_when(shop: Shop):
    title, text = shown(shop.open(shop.link(LATER)))
    assert title.startswith("Add a second seat, nothing due today")
    assert "Nothing is due today. Until January 1, 2027 everything stays as it is." in text
    assert "I agree to pay nothing now, and $50.00 every year from January 1, 2027 plus any tax" in text
    assert "Pay with" not in text, "no card is asked for where nothing is due"


def test_it_is_registered_with_its_day_and_charges_nothing(shop: Shop, done: CartPage):
    _, text = shown(done)
    assert "Your change is scheduled for January 1, 2027" in text
    assert "Nothing was due, so nothing was charged. Until then everything stays as it is." in text
    assert (shop.taken(), shop.calls(), shop.seats()) == ([], 0, 1)
    assert shop.ask("SELECT state FROM scheduled_changes") == "PENDING"


def test_a_downgrade_at_renewal_asks_for_no_payment_consent(shop: Shop):
    shop.buy()
    page = shop.open(shop.link(WrittenOffer(1, "crm-seat", 1, effective="next_billing")))
    _, text = shown(page)
    assert "Confirm change" in text
    assert "I agree to pay" not in text
    response = shop.press(page, agree=None)
    assert "scheduled for January 1, 2027" in shown(shop.client.follow(response))[1]


def test_looking_at_the_question_changes_nothing(shop: Shop, done: CartPage):
    before = shop.dump()
    _, text = shown(shop.cart_at(undo_path(done)))
    assert "Undo this change?" in text
    assert "This change is scheduled for January 1, 2027." in text
    assert "1 seat to 2 seats, CRM Standard" in text
    assert shop.dump() == before


def test_undone_it_says_so_and_goes_on_saying_so(shop: Shop, done: CartPage):
    back = press_undo(shop, done)
    for _ in range(2):
        _, text = shown(shop.client.follow(back))
        assert "The change was undone" in text
        assert "Nothing was charged and your subscription goes on as it is." in text
        assert "What was undone1 seat to 2 seats, CRM Standard" in text
    assert shop.ask("SELECT state FROM scheduled_changes") == "UNDONE"
    assert shop.seats() == 1


def test_pressed_twice_it_is_undone_once(shop: Shop, done: CartPage):
    question = shop.cart_at(undo_path(done))
    form = form_values(question.html, "/undo")
    first = shop.client.post(undo_path(done), form, 303)
    before = shop.dump()
    second = shop.client.post(undo_path(done), form, 303)
    assert first.headers["Location"] == second.headers["Location"]
    assert shop.dump() == before


def test_the_question_leads_back_once_it_is_undone(shop: Shop, done: CartPage):
    press_undo(shop, done)
    response = shop.client.get(undo_path(done), 303)
    assert "The change was undone" in shown(shop.client.follow(response))[1]


@pytest.mark.parametrize("forged", [None, "", "x", "0" * 43])
def test_a_forged_form_undoes_nothing(shop: Shop, done: CartPage, forged: str | None):
    form = {} if forged is None else {"csrf": forged}
    shop.client.post(undo_path(done), form, 404)
    assert shop.ask("SELECT state FROM scheduled_changes") == "PENDING"


def test_the_form_of_the_receipt_undoes_nothing(shop: Shop, done: CartPage):
    """Each form of a page has a token of its own."""
    other = form_values(shop.cart_at(undo_path(done)).html, "/undo") | {"csrf": "A" * 43}
    shop.client.post(undo_path(done), other, 404)
    assert shop.ask("SELECT state FROM scheduled_changes") == "PENDING"


def test_another_offer_meets_it_with_what_and_when(shop: Shop, done: CartPage):
    page = shop.open(shop.link(check=False), 409)
    _, text = shown(page)
    assert "A change is already scheduled for January 1, 2027" in text
    assert "You have not been charged" in text
    assert "1 seat to 2 seats, CRM Standard" in text
    assert "See the scheduled change" in text


def test_once_it_is_undone_other_offers_open_again(shop: Shop, done: CartPage):
    press_undo(shop, done)
    assert "You now have 2 seats" in shown(shop.buy())[1]


def test_its_own_link_tells_that_it_is_scheduled(shop: Shop):
    link = shop.link(LATER)
    shop.press(shop.open(link))
    _, text = shown(shop.open(link))
    assert "Scheduled on July 1, 2026" in text
    assert "See the scheduled change" in text


def test_the_mail_says_what_happens_when(shop: Shop, done: CartPage):
    body = shop.mails("receipt")[0]
    assert (body["outcome"], body["effective_on"]) == ("registered", "2027-01-01")
    del done


def by_hand(shop: Shop, *changes: Change, **asked: Any) -> None:
    """A merchant schedules it without a page: no summary of a cart is kept with its order."""
    with shop.store.read() as conn:
        held = load(conn, shop.seeded.book, 1048)
    assert held is not None
    with shop.app.test_request_context():
        change_by_hand(tools(), held, Asked(changes, "console", "en", **asked))


def test_a_change_that_the_merchant_scheduled_is_told_with_what_and_when(shop: Shop):
    by_hand(shop, Change(1, quantity=3, effective="next_billing"), consent="She agreed on the phone.")
    _, text = shown(shop.open(shop.link(check=False), 409))
    assert "A change is already scheduled for January 1, 2027" in text
    assert "What changes1 seat to 3 seats, CRM Standard" in text
    assert "WhenJanuary 1, 2027" in text
    assert "Next billing dateJanuary 1, 2027, $120.00 a year" in text
    assert "See the scheduled change" not in text, "it has no page of the shopper's own"


def test_a_plan_that_the_merchant_scheduled_is_named_though_the_link_offers_another_thing(shop: Shop):
    by_hand(shop, Change(1, product="crm-pro", effective="next_billing"), consent="She agreed on the phone.")
    _, text = shown(shop.open(shop.link(check=False), 409))
    assert "What changesCRM Standard to CRM Pro" in text


def test_undone_its_link_stays_used_and_says_what_became_of_it(shop: Shop):
    """A paid order spends the use for good (I25), one of nothing too; what the page says of it must be true."""
    link = shop.link(LATER)
    page = shop.cart_at(local(shop.press(shop.open(link)).headers["Location"]))
    press_undo(shop, page)
    again = shop.open(link)
    _, text = shown(again)
    assert "The change that you scheduled with this link was undone, and the link cannot be used again." in text
    assert "Nothing was charged and your subscription goes on as it is." in text
    assert "State of the orderUndone" in text
    assert "Scheduled on" not in text
    assert "receipt" not in text
    assert "See the scheduled change" not in text
    assert (shop.ask("SELECT count(*) FROM link_uses"), shop.orders(), shop.taken()) == (1, 1, [])


def test_no_receipt_of_an_undone_change_promises_it_again(shop: Shop):
    link = shop.link(LATER)
    page = shop.cart_at(local(shop.press(shop.open(link)).headers["Location"]))
    used = shop.open(link)  # was open before it was undone
    press_undo(shop, page)
    mails = len(shop.mails("receipt"))
    shop.clock.move(timedelta(minutes=20))
    path = next(f.get("action", "") for f in elements(parsed(used.html), "form") if "/receipt" in f.get("action", ""))
    shop.client.post(path, form_values(used.html, "/receipt"), 303)
    assert len(shop.mails("receipt")) == mails


@pytest.mark.parametrize("discount", [Discount("percent", 7000, "periods", 3), Discount("percent", 7000, "periods", 2)])
def test_a_scheduled_plan_that_is_dearer_once_its_discount_ends_is_agreed_to(shop: Shop, discount: Discount):
    """40.00 becomes 30.00, and 100.00 after that: the box names both."""
    page = shop.open(shop.link(WrittenOffer(1, "crm-pro", 1, discount=discount, effective="next_billing")))
    _, said = shown(page)
    assert "$30.00 every year from January 1, 2027 for" in said
    assert "then $100.00 every year" in said
    assert (
        "Tick the box to agree to the payment" in shown(shop.page_of(shop.press(page, 422, agree=None), page.path))[1]
    )
    shop.client.follow(shop.press(page))
    assert shop.ask("SELECT count(*) FROM consents") == 1


def test_a_merchant_says_how_a_price_was_agreed_to_that_rises_when_its_discount_ends(shop: Shop):
    cheap_at_first = BillingDiscount(percent=700_000, scope="periods", periods=3)
    change = Change(1, product="crm-pro", effective="next_billing", discount=cheap_at_first)
    with pytest.raises(ByHandRefused, match="more than before"):
        by_hand(shop, change)
    by_hand(shop, change, consent="She agreed on the phone.")
