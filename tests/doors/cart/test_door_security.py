"""The door against whoever writes requests by hand: forms, tokens, methods and what leaks."""

from __future__ import annotations

import io
import logging
import re
from datetime import timedelta

import pytest

from tests.doors.cart.shop import CartPage, Shop, buy_path, shown
from tests.factories import (
    create_card,
    create_customer,
)

# Forms


def test_amounts_and_quantities_in_the_form_are_ignored(shop: Shop):
    page = shop.open()
    bait = {
        "amount": "1", "total": "1", "due": "0", "due_now": "0", "price": "0.01", "unit_price": "0", "quantity": "99",
        "currency": "JPY", "subscription": "1049", "customer": "1002", "discount": "100", "state": "PAID", "tax": "0",
    }  # fmt: skip
    shop.press(page, **bait)
    assert shop.taken() == [500]
    assert shop.captures()[0].currency == "USD"
    assert shop.seats() == 2


def test_the_same_in_the_address_is_ignored(shop: Shop):
    page = shop.open()
    shop.client.post(f"{page.path}/buy?amount=1&quantity=9&due_now=0", {**page.form, "agree": "1"})
    assert shop.taken() == [500]


def test_a_card_of_another_customer_is_refused(shop: Shop):
    with shop.store.write() as conn:
        stranger = create_customer(conn, shop.seeded.book, email="eve@else.example")
        foreign = create_card(conn, shop.seeded.book, stranger)
    shop.press(shop.open(), 422, card=str(foreign))
    assert shop.calls() == 0


@pytest.mark.parametrize("card", ["0", "-1", "1e3", "٣", "1 OR 1=1", "9" * 40, "", "null", "1.0", "visa"])
def test_what_is_no_card_is_refused(shop: Shop, card: str):
    shop.press(shop.open(), 422, card=card)
    assert shop.calls() == 0


@pytest.mark.parametrize("name", ["quote", "csrf", "card", "agree"])
def test_a_field_given_twice_never_buys_anything_else(shop: Shop, name: str):
    page = shop.open()
    form = {**page.form, "agree": "1"}
    pairs = [*form.items(), (name, "x")]
    from werkzeug.datastructures import MultiDict

    shop.app.test_client().post(f"{page.path}/buy", data=MultiDict(pairs))
    assert shop.taken() in ([], [500])


def test_a_huge_form_is_refused_and_not_read(shop: Shop):
    page = shop.open()
    response = shop.app.test_client().post(f"{page.path}/buy", data={**page.form, "agree": "1", "x": "y" * 100_000})
    assert response.status_code == 413
    assert shop.calls() == 0


def test_a_quote_of_another_cart_of_the_same_link_is_refused(shop: Shop):
    link = shop.link()
    one, other = shop.open(link), shop.open(link)
    shop.press(one, 409, quote=other.form["quote"])
    assert shop.calls() == 0


# Methods


def all_paths(shop: Shop) -> dict[str, str]:
    """Every route of the route table with live values in it, so that each does as much as it can."""
    link = shop.link()
    token = link.removeprefix("/u/")
    page = shop.open(link)
    brand = re.search(r'href="(/brand/[^"]+)"', shop.client.get(f"{page.path}/not-you").text)
    shop.begin_card(page)
    setup_return = shop.ask("SELECT url FROM card_setups").rpartition("/")[2]
    card_page = shop.sandbox.pages.card_page(setup_return)
    assert card_page is not None
    other = shop.open()
    check = shop.press(other, card=str(shop.card("visa_3ds", default=False))).headers["Location"].removeprefix("/done/")
    action = shop.ask("SELECT action_url FROM attempts WHERE action_url IS NOT NULL")
    bank_state = shop.ask("SELECT return_url FROM attempts").rpartition("/")[2]
    visit = re.search(r"/look/([^\"]+)\.css", page.html)
    assert visit
    asset = re.search(r'href="(/static/[^"]+)"', page.html)
    assert brand
    assert asset
    by_name = {
        "ticket": visit[1], "merchant": "quillmark", "kind": "terms", "code": "quillmark", "name": "none.svg",
    }  # fmt: skip
    paths: dict[str, str] = {}
    for rule in shop.app.url_map.iter_rules():
        where = rule.rule
        values = dict(by_name)
        if where.startswith("/u/"):
            values["token"] = token
        elif where.startswith("/cart/"):
            values["token"] = page.token
        elif where.startswith("/done/"):
            values["token"] = check
        elif where.startswith("/bank-back/"):
            values["state"] = bank_state
        elif where.startswith("/card-back/"):
            values["state"] = card_page.return_url.rpartition("/")[2]
        elif where.startswith("/sandbox/card/"):
            values["ref"] = setup_return
        elif where.startswith("/sandbox/check/"):
            values["ref"] = action.rpartition("/")[2]
        path = re.sub(r"<(?:[^:<>]+:)?([a-z_]+)>", lambda found, v=values: v.get(found[1], "x"), where)
        if where.startswith("/static/"):
            path = asset[1]
        elif where.startswith("/brand/"):
            path = brand[1]
        paths[where] = path
    return paths


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_no_business_table_and_nothing_at_the_gateway_on_any_route(shop: Shop, method: str):
    paths = all_paths(shop)
    assert len(paths) > 20
    shop.clock.move(timedelta(seconds=30))
    before, calls = shop.dump(), shop.calls()
    for rule, path in paths.items():
        query = f"?LICENSE=1048&TOKEN={paths['/u/<token>'].removeprefix('/u/')}" if "upgrade" in rule else ""
        for headers in ({}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
            response = shop.app.test_client().open(path + query, method=method, headers=headers)
            assert response.status_code < 500, (rule, response.status_code)
        assert shop.dump() == before, rule
        assert shop.calls() == calls, rule


def test_get_and_head_agree_on_every_route(shop: Shop):
    for rule, path in all_paths(shop).items():
        get, head = shop.app.test_client().get(path), shop.app.test_client().head(path)
        assert get.status_code == head.status_code, rule
        assert not head.data
        assert get.content_type == head.content_type


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"])
def test_other_methods_do_nothing(shop: Shop, method: str):
    page = shop.open()
    before = shop.dump()
    for path in (page.path, f"{page.path}/buy", "/u/x"):
        assert shop.app.test_client().open(path, method=method).status_code in {404, 405}
    assert shop.dump() == before


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-Method-Override"])
def test_a_method_is_not_overridden(shop: Shop, override: str):
    page = shop.open()
    shop.app.test_client().get(f"{page.path}/buy", query_string={**page.form, "agree": "1"}, headers={override: "POST"})
    assert shop.calls() == 0


def test_a_scanner_that_posts_every_untouched_form_buys_nothing(shop: Shop):
    from tests.doors.page_client import elements, parsed

    page = shop.open()
    before = shop.dump()
    for form in elements(parsed(page.html), "form"):
        fields = {
            f.get("name", ""): f.get("value", "")
            for f in elements(form, "input")
            if f.get("name") and (f.get("type") not in {"radio", "checkbox"} or "checked" in f.attrib)
        }
        response = shop.app.test_client().post(form.get("action") or "", data=fields)
        assert response.status_code in {422, 409, 405}
    assert shop.dump() == before
    assert shop.calls() == 0


@pytest.mark.parametrize(
    "agent",
    ["", "curl/8", "Mozilla/5.0 (compatible; Googlebot/2.1)", "Barracuda Sentinel", "python-requests/2", "Slackbot"],
)
def test_scanners_are_counted_apart_and_never_as_people(shop: Shop, agent: str):
    link = shop.link()
    client = shop.app.test_client()
    moved = client.get(link, headers={"User-Agent": agent}).headers["Location"]
    html = client.get(moved, headers={"User-Agent": agent}).text
    sheet = re.search(r'href="(/look/[^"]+)"', html)
    assert sheet
    client.get(sheet[1], headers={"User-Agent": agent})
    assert shop.ask("SELECT by_machines FROM link_visits") == 1
    assert shop.ask("SELECT by_people FROM link_visits") == 0


def test_a_browser_that_loads_the_styles_is_somebody(shop: Shop):
    browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140 Safari/537.36"}
    client = shop.app.test_client()
    html = client.get(client.get(shop.link(), headers=browser).headers["Location"], headers=browser).text
    sheet = re.search(r'href="(/look/[^"]+)"', html)
    assert sheet
    client.get(sheet[1], headers=browser)
    assert shop.ask("SELECT by_people FROM link_visits") == 1
    assert shop.ask("SELECT by_machines FROM link_visits") == 0


# What leaks


def test_the_mailed_token_is_nowhere_after_it_was_redeemed(shop: Shop):
    """I28: in no later page or address, no log, no table, no mail, nothing that the gateway was told."""
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours = logging.getLogger("liftlink")
    ours.addHandler(handler)
    try:
        link = shop.link()
        canary = link.removeprefix("/u/")
        seen: list[str] = []
        opened = shop.client.get(link, 303)
        page = shop.cart_at(opened.headers["Location"])
        declined = shop.client.follow(shop.press(page, card=str(shop.card("visa_declined", default=False))))
        entered = shop.cart_at(shop.enter_card(page))
        break_a_page(shop, link)
        done = shop.press(shop.cart_at(entered.path))
        confirmation = shop.client.follow(done)
        seen += [
            str(opened.headers),
            page.path,
            page.html,
            declined.text,
            entered.path,
            entered.html,
            str(done.headers),
        ]
        seen += [confirmation.text]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        ours.removeHandler(handler)
    with shop.sandbox.ledger.read() as c:
        tables = [row[0] for row in c.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        seen += [repr([tuple(row) for row in c.execute(f"SELECT * FROM {table}")]) for table in tables]
    seen += [repr(shop.dump()), logged.getvalue()]
    assert shop.taken() == [500]
    signature = canary.rpartition(".")[2]
    for text in seen:
        assert canary not in text
        assert signature not in text


def break_a_page(shop: Shop, link: str) -> None:
    """Errors in the middle of a page are logged; the tokens of their addresses must not be."""
    page = shop.open(link)
    shop.sql("ALTER TABLE revocations RENAME TO gone")
    shop.client.get(link, 500)
    shop.client.get(page.path, 500)
    shop.sql("ALTER TABLE gone RENAME TO revocations")


def test_no_page_says_more_of_the_shopper_than_it_may(shop: Shop):
    """I29: the masked address and the last four digits, no full address, no customer at the gateway, no token of a card."""
    link = shop.link()
    page = shop.open(link)
    texts = [page.html, shop.client.get(f"{page.path}/card").text, shop.client.get(f"{page.path}/not-you").text]
    texts.append(shop.client.follow(shop.press(page)).text)
    texts.append(shop.client.get(shop.client.get(link, 303).headers["Location"]).text)
    for text in texts:
        for secret in ("dana@brightwell", "cus_sandbox", "pm_sandbox", "Dana"):
            assert secret not in text


def test_nothing_of_another_origin_is_asked_for(shop: Shop):
    html = shop.open().html
    for found in re.findall(r'(?:src|action)="([^"]+)"', html):
        assert found.startswith("/"), found


@pytest.mark.parametrize(
    "path",
    [
        "/u/" + "A" * 5000,
        "/u/%ff%fe",
        "/u/..%2f..%2fetc",
        "/cart/%00",
        "/done/" + "." * 300,
        "/u/" + "é" * 50,
        "//u/x",
        "/u/{{7*7}}",
    ],
)
def test_no_address_makes_an_error_of_ours(shop: Shop, path: str):
    assert shop.app.test_client().get(path).status_code in {308, 404, 414}


def test_a_title_with_markup_is_printed_as_text(shop: Shop):
    shop.sql("UPDATE products SET name = '<script>alert(1)</script>' WHERE code = 'crm-pro'")
    shop.sql("UPDATE books SET catalog_version = catalog_version + 1")
    from app.links.claims import WrittenOffer

    page = shop.open(shop.link(WrittenOffer(1, "crm-pro", 1)))
    assert "<script>alert" not in page.html
    assert "Change to <script>alert(1)</script>" in shown(page)[0]
    assert isinstance(page, CartPage)


def test_the_consent_is_kept_in_the_language_of_the_page_that_was_pressed(shop: Shop):
    page = shop.open()
    response = shop.client.post(f"{buy_path(page)}?lang=fr", {**page.form, "agree": "1"}, 303)
    assert response.headers["Location"].endswith("lang=fr")
    assert shop.ask("SELECT language FROM consents") == "en"
    assert shop.ask("SELECT text FROM consents").startswith("I agree to pay")


def test_a_form_whose_language_was_edited_buys_nothing(shop: Shop):
    page = shop.open()
    shop.press(page, 409, lang="fr")
    assert shop.orders() == 0


def test_two_links_of_one_subscription_never_share_an_order_under_another_address(shop: Shop):
    """A stranger's declined order under his own e-mail must not receive the holder's money or the receipt."""
    first, second = shop.link(), shop.link()
    page = shop.open(first)
    shop.change_email(page, "thief@evil.example")
    mine = shop.open(first)
    shop.press(mine, card=str(shop.card("visa_insufficient_funds", default=False)))
    assert shop.taken() == []
    shop.sql("UPDATE orders SET email = 'thief@evil.example', link_jti = '99-1'")
    shop.press(shop.open(second))
    assert shop.taken() == [500]
    assert {mail["to"] for mail in shop.mails("receipt")} == {"dana@brightwell.example"}
    assert shop.ask("SELECT count(*) FROM orders WHERE state = 'PAID' AND email = 'dana@brightwell.example'") == 1
    assert shop.ask("SELECT count(*) FROM link_uses") == 1


def test_styles_loaded_again_and_again_are_one_person(shop: Shop):
    page = shop.open()
    sheet = next(link for link in re.findall(r'href="(/look/[^"]+)"', page.html))
    for _ in range(5):
        shop.app.test_client().get(sheet, headers={"User-Agent": "Mozilla/5.0 (X11) Firefox/140.0"})
    assert shop.ask("SELECT by_people FROM link_visits") == 1


def test_a_path_with_two_slashes_redirects_nowhere(shop: Shop):
    response = shop.app.test_client().get("/cart//x", headers={"Host": "evil.example"})
    assert response.status_code == 404
    assert "Location" not in response.headers
