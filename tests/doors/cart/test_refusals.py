"""S-13 to S-21 and S-31 to S-35: a link that does not open says why, blames nobody and shows a way on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.accounts.keys import retire_key, rotate_key
from app.billing.facts import Change
from app.links.claims import SavedOffer, WrittenOffer
from app.links.sessions import CART_SECONDS
from app.models.links import LinkBatch
from app.offers.issue import Terms, preview
from app.offers.revoke import revoke
from app.offers.saved import save_offer
from tests.doors.cart.shop import PUBLIC, SECOND_SEAT, WEEK, CartPage, Shop, local, shown, told
from tests.doors.page_client import elements, parsed

NOT_CHARGED = "You have not been charged and your subscription has not changed."


def fresh_form(html: str) -> tuple[str, dict[str, str]]:
    for form in elements(parsed(html), "form"):
        action = form.get("action") or ""
        if action.split("?")[0].endswith("/fresh"):
            return action, {f.get("name", ""): f.get("value", "") for f in elements(form, "input")}
    raise AssertionError("no way to ask for a fresh link")


def ask_for_fresh(shop: Shop, html: str) -> tuple[str, str]:
    action, fields = fresh_form(html)
    return shown(shop.client.follow(shop.client.post(action, fields)))


def mailed(shop: Shop) -> list[str]:
    return [local(mail["url"]) for mail in shop.mails("fresh_link")]


# S-16


def test_expired_says_when_and_mails_a_fresh_link_at_the_regular_price(shop: Shop):
    link = shop.link(validity=60)
    shop.clock.move(timedelta(seconds=60))
    response = shop.client.get(link, 410)
    title, text = shown(response)
    assert title.startswith("This offer link has expired")
    assert "This offer closed on July 1, 2026 at 2:15 pm PDT." in text
    assert NOT_CHARGED in text
    title, text = ask_for_fresh(shop, response.text)
    assert "works for 7 days" in text or "7 days" in text
    (fresh,) = mailed(shop)
    page = shop.open(fresh)
    assert shown(page)[0].startswith("Add a second seat for $20.00 today"), "the special price is over"
    shop.press(page)
    assert shop.taken() == [2000]


def test_a_link_is_good_until_the_second_before_it_ends(shop: Shop):
    link = shop.link(validity=60)
    shop.clock.move(timedelta(seconds=59))
    shop.open(link)


def test_a_fresh_link_is_mailed_once_in_ten_minutes_and_the_answer_is_the_same(shop: Shop):
    link = shop.link(validity=60)
    shop.clock.move(timedelta(seconds=60))
    html = shop.client.get(link, 410).text
    answers = {ask_for_fresh(shop, html) for _ in range(4)}
    assert len(answers) == 1
    assert len(mailed(shop)) == 1


def test_the_answer_is_the_same_when_there_is_nobody_to_write_to(shop: Shop):
    link = shop.link(validity=60)
    shop.clock.move(timedelta(seconds=60))
    html = shop.client.get(link, 410).text
    first = ask_for_fresh(shop, html)
    shop.clock.move(timedelta(hours=1))
    shop.sql("UPDATE subscriptions SET status = 'canceled'")
    assert ask_for_fresh(shop, html) == first
    assert len(mailed(shop)) == 1


def test_a_fresh_link_needs_the_pages_own_form(shop: Shop):
    link = shop.link(validity=60)
    shop.clock.move(timedelta(seconds=60))
    for csrf in ("", "x"):
        shop.client.post(f"{link}/fresh", {"csrf": csrf}, 404)
    assert mailed(shop) == []


def test_a_cart_whose_link_ends_while_it_is_open_offers_a_fresh_one(shop: Shop):
    page = shop.open(shop.link(validity=60))
    shop.clock.move(timedelta(seconds=61))
    for response in (shop.client.get(page.path, 410), shop.press(page, 410)):
        assert NOT_CHARGED in shown(response)[1]
    ask_for_fresh(shop, shop.client.get(page.path, 410).text)
    assert len(mailed(shop)) == 1
    assert shop.calls() == 0


# S-18


@pytest.mark.parametrize("kind", ["link", "batch", "customer"])
def test_what_was_withdrawn_opens_no_cart_and_buys_nothing(shop: Shop, kind: str):
    issued = shop.issue()
    link = local(issued.url)
    page = shop.open(link)
    shop.clock.move(timedelta(seconds=1))
    ref = {"link": issued.link_id.text, "batch": str(issued.link_id.batch), "customer": "1001"}[kind]
    revoke(shop.store, shop.clock, shop.seeded.book, kind, ref, reason="a secret reason", actor="test")
    for response in (shop.client.get(link, 410), shop.client.get(page.path, 410), shop.press(page, 410)):
        title, text = shown(response)
        assert title.startswith("This link is no longer valid")
        assert NOT_CHARGED in text
        assert "secret reason" not in response.text
    assert shop.calls() == 0
    gone = shop.client.get(link, 410).text
    assert "/fresh" not in gone, "what was taken back is not given again, so nothing offers it"
    assert "help@quillmark.example" in gone
    shop.client.post(f"{link}/fresh", {"csrf": "x"}, 404)
    assert mailed(shop) == []


def test_the_wrong_address_is_refused_by_name_and_the_right_one_opens(shop: Shop):
    link = shop.link(ip="203.0.113.9")
    response = shop.client.get(link, 403)
    title, text = shown(response)
    assert title.startswith("This link does not open from here")
    assert "charged" not in text
    ask_for_fresh(shop, response.text)
    (fresh,) = mailed(shop)
    assert shown(shop.open(fresh))[0].startswith("Add a second seat for $5.00 today"), "the offer is still its own"
    opened = shop.client.get(link, 303, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    shop.cart_at(opened.headers["Location"])


def test_a_forwarded_address_is_believed_of_nobody(shop: Shop):
    link = shop.link(ip="203.0.113.9")
    shop.client.get(link, 403, headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"})


def test_a_retired_key_refuses_link_cart_and_press_and_shows_nothing_of_anybody(shop: Shop):
    link = shop.link()
    page = shop.open(link)
    old = shop.ask("SELECT kid FROM signing_keys WHERE book_id = :b", b=shop.seeded.book)
    masters, randomness = shop.adapters.masters, shop.adapters.randomness
    rotate_key(shop.store, shop.clock, masters, randomness, shop.seeded.book, actor="test")
    shop.adapters.directory.forget()
    shop.open(link)  # rotated is still good
    retire_key(shop.store, shop.clock, shop.seeded.book, old)
    shop.adapters.directory.forget()
    for response in (shop.client.get(link, 410), shop.client.get(page.path, 410), shop.press(page, 410)):
        assert shown(response)[0].startswith("This link is no longer valid")
        assert "brightwell" not in response.text
    assert shop.calls() == 0
    ask_for_fresh(shop, shop.client.get(link, 410).text)
    (fresh,) = mailed(shop)
    shop.press(shop.open(fresh))
    assert shop.taken() == [2000], "nothing that a retired key signed counts: the fresh link is for the regular price"


def test_a_key_retired_between_page_and_press_is_noticed_in_the_transaction(shop: Shop):
    page = shop.open()
    with shop.store.write() as conn:
        conn.exec_driver_sql("UPDATE signing_keys SET state = 'retired'")  # no process was told
    shop.press(page, 410)
    assert shop.calls() == 0
    assert shop.orders() == 0


# S-17


def test_a_link_of_two_uses_sells_twice_and_not_three_times(shop: Shop):
    link = shop.link(WrittenOffer(1, "crm-seat", 2, unit_price=1000), uses=2)
    shop.press(shop.open(link))
    assert shop.taken() == [500]
    opened = shop.client.get(link, 303).headers["Location"]
    shop.client.get(opened, 403)  # it is not used up, but there is nothing left to change
    assert shop.taken() == [500]


# S-13, S-14, S-15


def test_another_change_under_way_is_named(shop: Shop):
    first, second = shop.link(), shop.link(WrittenOffer(1, "crm-pro", 1))
    page = shop.open(second)
    shop.press(shop.open(first), card=str(shop.card("visa_3ds", default=False)))
    for response in (shop.client.get(page.path, 409), shop.press(page, 409)):
        assert "Another change is under way" in shown(response)[0]
        assert "This page has not charged you." in shown(response)[1]
    assert shop.orders() == 1


def test_unpaid_invoices_are_counted_and_the_offer_is_held(shop: Shop):
    page = shop.open()
    link = shop.link()
    shop.sql(
        "UPDATE customers SET unpaid = :unpaid",
        unpaid='{"count": 2, "totals": {"USD": 8000}, "url": "https://app.quillmark.example/pay"}',
    )
    moved = shop.client.get(link, 303).headers["Location"]
    for response in (shop.client.get(moved, 403), shop.press(page, 403)):
        title, text = shown(response)
        assert title.startswith("There is an unpaid invoice")
        assert "2 invoices over $80.00 in all are still open." in text
        assert "The offer is held for you until July 8, 2026." in text
        hrefs = [a.get("href") for a in elements(parsed(response.text), "a")]
        assert "https://app.quillmark.example/pay" in hrefs
    assert shop.calls() == 0


@pytest.mark.parametrize(
    ("change", "status", "title"),
    [
        ("UPDATE subscriptions SET status = 'canceled'", 403, "Your subscription is not active"),
        ("UPDATE subscriptions SET status = 'expired'", 403, "Your subscription is not active"),
        ("UPDATE subscriptions SET status = 'paused'", 403, "Your subscription is paused"),
        ("UPDATE subscriptions SET ends_at_period_end = 1", 403, "Your subscription ends with this billing period"),
        ("UPDATE lots SET quantity = 2", 403, "You already have this"),
    ],
)
def test_what_stands_in_the_way_is_the_one_reason(shop: Shop, change: str, status: int, title: str):
    page, link = shop.open(), shop.link()
    shop.sql(change)
    moved = shop.client.get(link, 303).headers["Location"]
    for response in (shop.client.get(moved, status), shop.press(page, status)):
        found, text = shown(response)
        assert found.startswith(title)
        assert NOT_CHARGED in text
        assert "Go to your account" in text
    assert shop.calls() == 0


def test_shortly_before_a_renewal_nothing_can_change(shop: Shop):
    link = shop.link(validity=300 * 86400)
    page_at = shop.ask("SELECT period_end FROM subscription_items")
    from app.checkout.cart import instant

    shop.clock.at = instant(page_at) - timedelta(minutes=29)
    moved = shop.client.get(link, 303).headers["Location"]
    title, text = shown(shop.client.get(moved, 409))
    assert title.startswith("Your renewal is being processed")
    assert NOT_CHARGED in text


# S-20, S-31 to S-35


@pytest.mark.parametrize(
    "path", ["/u/x", "/u/a.b.c", "/cart/a.b.c", "/done/a.b.c", "/bank-back/a.b.c", "/card-back/a.b.c"]
)
def test_a_bad_link_gives_no_hint(shop: Shop, path: str):
    response = shop.client.get(path, 404)
    title, text = shown(response)
    assert title.startswith("This link is not complete")
    assert (
        "Open it again from the mail" if path[:3] in {"/u/", "/ca"} and "back" not in path else "open its link again"
    ) in text
    assert "othing was charged" not in text
    assert "your confirmation page or our mail says what happened" in text
    assert "Quillmark" not in response.text


def test_every_bad_link_looks_the_same(shop: Shop):
    token = shop.link().removeprefix("/u/")
    pages = {told(shop.client.get(f"/u/{bad}", 404).text) for bad in ("x", token[:-1], token[:20], token[:-1] + "A")}
    assert len(pages) == 1


def test_a_page_that_does_not_exist_and_a_way_that_is_not_allowed(shop: Shop):
    assert "charged" not in shown(shop.client.get("/nothing", 404))[1]
    response = shop.client.post("/u/abc", {}, 405)
    assert "your confirmation page or our mail says what happened" in shown(response)[1]
    assert "GET" in response.headers["Allow"]


def test_too_many_requests_say_how_long_to_wait(shop_with):
    shop = shop_with(rate_limit="3/minute")
    client = shop.app.test_client()
    for _ in range(3):
        client.get("/u/x")
    response = client.get("/u/x")
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert "minute" in told(response.text)


def test_a_done_page_that_is_no_order_of_ours_is_missing(shop: Shop):
    from app.links.sessions import DoneTicket, sign_done

    shop.press(shop.open())
    order = shop.ask("SELECT id FROM orders")
    no_order = order[:-1] + ("0" if order[-1] != "0" else "1")
    key = shop.adapters.directory.own_ring().signing_key(shop.seeded.book)
    ends = int(shop.clock.now().timestamp()) + 99
    shop.client.get(f"/done/{sign_done(DoneTicket(order, ends), key)}", 200)
    shop.client.get(f"/done/{sign_done(DoneTicket(no_order, ends), key)}", 404)


def test_a_done_page_whose_ticket_was_changed_is_missing(shop: Shop):
    done = shop.press(shop.open()).headers["Location"]
    place = len(done) - 10
    shop.client.get(done[:place] + ("A" if done[place] != "A" else "B") + done[place + 1 :], 404)


def test_the_page_of_an_order_belongs_to_its_book_alone(shop: Shop):
    from app.links.sessions import DoneTicket, sign_done

    shop.press(shop.open())
    order = shop.ask("SELECT id FROM orders")
    ring = shop.adapters.directory.own_ring()
    ends = int(shop.clock.now().timestamp()) + 99
    shop.client.get(f"/done/{sign_done(DoneTicket(order, ends), ring.signing_key(shop.seeded.other_book))}", 404)
    shop.client.get(f"/done/{sign_done(DoneTicket(order, ends), ring.signing_key(shop.seeded.book))}", 200)


def test_an_order_that_ended_leads_back_to_the_offer(shop: Shop):
    done = shop.press(shop.open(), card=str(shop.card("visa_declined", default=False))).headers["Location"]
    shop.heal(2)
    title, text = shown(shop.client.get(done))
    assert "not been charged" in text or "nothing was charged" in title.lower() or "Nothing was charged" in text
    back = [a.get("href") or "" for a in elements(parsed(shop.client.get(done).text), "a")]
    forms = [f.get("action") or "" for f in elements(parsed(shop.client.get(done).text), "form")]
    assert any("/cart/" in each for each in back + forms)


def preview_of(shop: Shop) -> str:
    directory = shop.adapters.directory
    book = shop.seeded.book
    return local(
        preview(
            shop.store, shop.clock, shop.adapters.randomness, directory.key_ring().signing_key(book),
            directory.own_ring().signing_key(book), Terms(1048, SECOND_SEAT, WEEK), base_url=PUBLIC,
        )
    )  # fmt: skip


def test_a_merchants_preview_buys_nothing(shop: Shop):
    before = shop.dump()
    page = shop.cart_at(preview_of(shop))
    assert "Preview: nothing can be bought" in page.html
    button = next(b for b in elements(parsed(page.html), "button") if "Buy now" in "".join(b.itertext()))
    assert "disabled" in button.attrib
    response = shop.app.test_client().post(f"{page.path}/buy", data={**page.form, "agree": "1"})
    assert response.status_code in {403, 409, 422}
    assert shop.dump() == before
    assert shop.calls() == 0
    assert isinstance(page, CartPage)


def test_a_preview_that_is_over_never_becomes_a_cart_that_sells(shop: Shop):
    page = shop.cart_at(preview_of(shop))
    shop.clock.move(timedelta(seconds=CART_SECONDS + 1))
    before = shop.dump()
    again = shop.cart_at(shop.client.get(page.path, 303).headers["Location"])
    assert "Preview: nothing can be bought" in again.html
    for stale in (page, again):
        response = shop.app.test_client().post(f"{stale.path}/buy", data={**again.form, "agree": "1"})
        assert response.status_code in {403, 409, 422}
    assert shop.dump() == before
    assert shop.calls() == 0


def test_what_becomes_of_real_links_does_not_touch_a_preview(shop: Shop):
    with shop.store.read() as connection:
        batch = connection.scalar(select(LinkBatch.number).where(LinkBatch.book_id == shop.seeded.book))
    revoke(shop.store, shop.clock, shop.seeded.book, "batch", str(batch), reason="test", actor="test")
    assert "Preview: nothing can be bought" in shop.cart_at(preview_of(shop)).html


def test_an_offer_that_ends_before_its_link_is_held_no_longer(shop: Shop):
    change = Change(item=1, quantity=2, unit_price=1000)
    ends = datetime(2026, 7, 4, 6, tzinfo=UTC)
    number = save_offer(shop.store, shop.clock, shop.seeded.book, name="July", change=change, ends_at=ends)
    link = shop.link(SavedOffer(number))
    shop.sql("UPDATE customers SET unpaid = :unpaid", unpaid='{"count": 1, "totals": {"USD": 4000}}')
    text = shown(shop.open(link, 403))[1]
    assert "The offer is held for you until July 3, 2026." in text
