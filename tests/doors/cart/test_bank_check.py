"""S-8 and S-9: the bank's own check, passed, refused, left, and bought with another card after leaving it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.doors.cart.shop import CartPage, Shop, bank_path, local, shown, told
from tests.doors.page_client import elements, form_values, parsed


@pytest.fixture
def check(shop: Shop) -> str:
    """The HTML of S-8 after a press with a card whose bank asks."""
    page = shop.open()
    return shop.client.follow(shop.press(page, card=str(shop.card("visa_3ds", default=False)))).text


def return_path(shop: Shop, html: str) -> str:
    bank = shop.app.test_client().get(bank_path(html)).text
    return local(next(a.get("href", "") for a in elements(parsed(bank), "a") if "/bank-back/" in a.get("href", "")))


def test_the_page_says_what_will_happen_and_hands_over_by_one_link(shop: Shop, check: str):
    title, text = "", ""
    title, text = shown(CartPage("/", check))
    assert title.startswith("Your bank wants to check it is you")
    assert "You have not been charged yet. For $5.00 your bank asks you to confirm the payment on its own page." in text
    assert "Continue to your bank" in text
    assert not list(elements(parsed(check), "iframe"))
    assert shop.taken() == []


def test_passed_is_paid(shop: Shop, check: str):
    title, text = shown(shop.client.get(shop.answer_bank(check, "approve")))
    assert title.startswith("You now have 2 seats")
    assert "We charged $5.00 to your Visa ending 9999." in text
    assert shop.taken() == [500]
    assert shop.seats() == 2


def test_refused_is_told_with_nothing_charged(shop: Shop, check: str):
    title, text = shown(shop.client.get(shop.answer_bank(check, "refuse")))
    assert title.startswith("The bank check was not passed, nothing was charged")
    assert "You have not been charged and your subscription has not changed." in text
    assert "Try the same card again" in text
    assert shop.taken() == []
    assert shop.seats() == 1


def leave(shop: Shop, page_html: str) -> CartPage:
    """ "Pay another way": the check is cancelled at the gateway, and the page of the order offers the cards again."""
    form = next(
        f for f in elements(parsed(page_html), "form") if (f.get("action") or "").split("?")[0].endswith("/leave")
    )
    fields = {f.get("name", ""): f.get("value", "") for f in elements(form, "input")}
    left = shop.client.follow(shop.client.post(form.get("action") or "", fields))
    return CartPage("/", left.text, form=form_values(left.text, "/buy") if "/buy" in left.text else {})


def test_back_without_an_answer_the_check_is_still_open_and_nothing_charged_so_far(shop: Shop, check: str):
    title, text = shown(shop.client.get(shop.answer_bank(check, None)))
    assert title.startswith("The bank check is not finished")
    assert "You have not been charged so far" in text
    assert shop.taken() == []


def test_left_by_its_button_nothing_was_charged_and_nothing_can_be(shop: Shop, check: str):
    back = shop.client.get(shop.answer_bank(check, None)).text
    page = told(leave(shop, back).html)
    assert "The bank check was not finished" in page
    assert "You have not been charged" in page
    assert set(shop.sandbox.ledger.statuses().values()) == {"canceled"}
    assert shop.taken() == []


def test_leaving_needs_the_pages_own_form(shop: Shop, check: str):
    form = next(f for f in elements(parsed(check), "form") if (f.get("action") or "").split("?")[0].endswith("/leave"))
    shop.client.post(form.get("action") or "", {"csrf": "x"}, 404)
    assert set(shop.sandbox.ledger.statuses().values()) == {"requires_action"}


def test_after_leaving_another_card_buys_once_and_the_check_is_over(shop: Shop, check: str):
    page = leave(shop, check)
    done = shop.client.follow(shop.press(page, card=str(shop.seeded.mastercard)))
    assert shown(done)[0].startswith("You now have 2 seats")
    assert shop.taken() == [500]
    statuses = shop.sandbox.ledger.statuses()
    assert sorted(statuses.values()) == ["canceled", "succeeded"]
    bank = shop.app.test_client().get(bank_path(check)).text
    assert "This check is over" in bank


def test_after_leaving_the_same_card_is_asked_anew_and_charged_once(shop: Shop, check: str):
    page = leave(shop, check)
    waiting = shop.ask("SELECT card_id FROM attempts")
    again = shop.client.follow(shop.press(page, card=str(waiting)))
    assert bank_path(again.text) != bank_path(check)
    assert shown(shop.client.get(shop.answer_bank(again.text, "approve")))[0].startswith("You now have 2 seats")
    assert shop.taken() == [500]
    assert shop.orders() == 1


def test_a_check_passed_in_another_tab_before_it_was_left_is_one_charge(shop: Shop, check: str):
    bank = bank_path(check)
    html = shop.app.test_client().get(bank).text
    token = next(f.get("value", "") for f in elements(parsed(html), "input") if f.get("name") == "token")
    shop.app.test_client().post(bank, data={"token": token, "answer": "approve"})  # unseen by us
    assert "You now have 2 seats" in told(leave(shop, check).html).replace("\u00a0", " ")
    assert shop.taken() == [500]


def test_a_press_with_another_card_from_an_old_tab_leads_to_the_check(shop: Shop):
    """It may come from a page that was open before the check: only the check's own button gives it up."""
    link = shop.link()
    old = shop.open(link)
    check = shop.client.follow(shop.press(shop.open(link), card=str(shop.card("visa_3ds", default=False)))).text
    joined = shop.client.follow(shop.press(old, card=str(shop.seeded.mastercard))).text
    assert bank_path(joined) == bank_path(check)
    assert set(shop.sandbox.ledger.statuses().values()) == {"requires_action"}


def test_a_check_stays_reachable_when_its_link_was_taken_back_meanwhile(shop: Shop):
    """An attempt that runs may yet charge: its page never says that the order is over."""
    link = shop.link()
    check = shop.client.follow(shop.press(shop.open(link), card=str(shop.card("visa_3ds", default=False)))).text
    shop.sql(
        "INSERT INTO revocations (book_id, kind, ref, reason, actor, created_at) SELECT book_id, 'link', link_jti, '', '', 0 FROM orders"
    )
    title, text = shown(shop.client.get(shop.answer_bank(check, None)))
    assert title.startswith("The bank check is not finished")
    assert "not completed" not in text


def test_the_link_opened_again_leads_to_the_check_that_waits(shop: Shop):
    link = shop.link()
    check = shop.client.follow(shop.press(shop.open(link), card=str(shop.card("visa_3ds", default=False)))).text
    opened = shop.client.get(link, 303)
    moved = shop.client.get(opened.headers["Location"], 303)
    assert bank_path(shop.client.follow(moved).text) == bank_path(check)


def test_the_bank_comes_back_by_a_foreign_post_without_cookies(shop: Shop, check: str):
    bank = bank_path(check)
    back = return_path(shop, check)
    html = shop.app.test_client().get(bank).text
    token = next(f.get("value", "") for f in elements(parsed(html), "input") if f.get("name") == "token")
    shop.app.test_client().post(bank, data={"token": token, "answer": "approve"})
    shop.clock.move(timedelta(seconds=20))
    with shop.worker():
        response = shop.client.post(
            back, {"MD": "x", "PaRes": "paid", "status": "failed"}, headers={"Origin": "https://acs.example"}
        )
    assert shown(shop.client.follow(response))[0].startswith("You now have 2 seats")
    assert shop.taken() == [500]


def test_what_the_bank_says_in_the_address_is_not_believed(shop: Shop, check: str):
    back = return_path(shop, check)
    shop.clock.move(timedelta(seconds=20))
    with shop.worker():
        path = shop.client.get(f"{back}?status=succeeded&paid=1", 303).headers["Location"]
    assert shown(shop.client.get(path))[0].startswith("The bank check is not finished")
    assert shop.seats() == 1


def test_the_return_alone_changes_nothing_but_asks_for_work(shop: Shop, check: str):
    back = return_path(shop, check)
    shop.clock.move(timedelta(seconds=20))
    before, calls, rings = shop.dump(), shop.calls(), shop.bell.rings
    shop.client.get(back, 303)
    assert shop.dump() == before
    assert shop.calls() == calls
    assert shop.bell.rings > rings


def test_an_early_answer_is_found_before_the_wait_is_over(shop: Shop, check: str):
    bank = bank_path(check)
    back = return_path(shop, check)
    html = shop.app.test_client().get(bank).text
    token = next(f.get("value", "") for f in elements(parsed(html), "input") if f.get("name") == "token")
    shop.app.test_client().post(bank, data={"token": token, "answer": "approve"})  # within the same second as the press
    with shop.worker():
        path = shop.client.get(back, 303).headers["Location"]
    assert "left" not in path


def test_a_bank_that_always_refuses_is_the_same_page(shop: Shop):
    page = shop.open()
    check = shop.client.follow(shop.press(page, card=str(shop.card("visa_3ds_fails", default=False)))).text
    title, _ = shown(shop.client.get(shop.answer_bank(check, "approve")))
    assert title.startswith("The bank check was not passed, nothing was charged")
    assert shop.taken() == []


def test_a_decline_after_the_check_reads_as_a_decline(shop: Shop):
    page = shop.open()
    check = shop.client.follow(shop.press(page, card=str(shop.card("visa_3ds_then_declined", default=False)))).text
    title, text = shown(shop.client.get(shop.answer_bank(check, "approve")))
    assert title.startswith("Payment declined, nothing was charged")
    assert "Check the balance or use another card." in text


def test_a_check_nobody_answers_ends_without_money_and_frees_the_link(shop: Shop):
    link = shop.link()
    shop.press(shop.open(link), card=str(shop.card("visa_3ds_silent", default=False)))
    shop.heal(3)
    assert shop.taken() == []
    assert shop.ask("SELECT count(*) FROM link_uses") == 0
    shop.press(shop.open(link), card=str(shop.seeded.visa))
    assert shop.taken() == [500]


def test_a_declined_check_in_the_bank_needs_no_script(shop: Shop, check: str):
    """Nor is it a form: browsers hold ``form-action`` against every redirect after it, and no page can name all banks."""
    assert bank_path(check)
    assert not [form for form in elements(parsed(check), "form") if "/sandbox/check/" in (form.get("action") or "")]
