"""Tokens at the doors: of another merchant, of another purpose, cut, respelled or flipped; none of them opens anything."""

from __future__ import annotations

import string
from datetime import timedelta

from app.links.links import mint
from app.links.sessions import DoneTicket, sign_cart, sign_done, start_cart
from app.links.signing import ReadLink, SigningKey, sign
from tests.doors.cart.shop import PUBLIC, Shop, local
from tests.factories import (
    create_book,
    create_card,
    create_customer,
    create_merchant,
    create_product,
    create_subscription,
)

BASE64 = string.ascii_letters + string.digits + "-_"


def rival(shop: Shop) -> int:
    with shop.store.write() as conn:
        book = create_book(conn, create_merchant(conn, code="rival", name="Rival", profile={"prefix": "RV"}))
        create_product(conn, book)
        customer = create_customer(conn, book, email="dana@brightwell.example")
        card = create_card(conn, book, customer)
        create_subscription(conn, book, customer, card_id=card)
        from app.accounts.keys import add_key

        add_key(conn, shop.adapters.masters, shop.adapters.randomness, book_id=book, actor="test", at=shop.clock.now())
    shop.adapters.directory.forget()
    return book


def test_quote_and_form_of_another_merchants_cart_are_refused(shop: Shop):
    book = rival(shop)
    theirs = shop.open(local(shop.issue(book=book).url))
    mine = shop.open()
    for fields in ({"quote": theirs.form["quote"]}, {"csrf": theirs.form["csrf"]}, dict(theirs.form)):
        shop.press(mine, 409, **fields)
    assert shop.calls() == 0


def test_a_link_signed_by_another_merchant_opens_only_its_own_book(shop: Shop):
    book = rival(shop)
    page = shop.open(local(shop.issue(book=book).url))
    assert "Rival" in page.html
    assert "QM-" not in page.html


def test_claims_of_one_merchant_under_the_key_of_another_reach_nobody(shop: Shop):
    book = rival(shop)
    shop.sql("UPDATE customers SET number = 7001 WHERE book_id = :b", b=book)
    claims = shop.issue().claims
    url = mint(claims, shop.adapters.directory.key_ring().signing_key(book), PUBLIC)
    moved = shop.client.get(local(url), 303).headers["Location"]
    shop.client.get(moved, 404)


def test_a_live_link_under_a_test_key_and_the_reverse_are_refused(shop: Shop):
    claims = shop.issue().claims
    key = shop.adapters.directory.key_ring().signing_key(shop.seeded.other_book)
    from app.links.format import encode

    shop.client.get(f"/u/{sign(encode(claims), key, 'link')}", 404)


def test_a_link_cut_at_any_length_is_refused(shop: Shop):
    token = shop.link().removeprefix("/u/")
    client = shop.app.test_client()
    codes = {client.get(f"/u/{token[:length]}").status_code for length in range(1, len(token))}
    assert codes == {404}
    assert shop.ask("SELECT count(*) FROM link_visits") == 0


def test_a_cart_and_a_confirmation_cut_at_any_length_are_refused(shop: Shop):
    page = shop.open()
    done = shop.press(page).headers["Location"].removeprefix("/done/")
    client = shop.app.test_client()
    assert {client.get(f"/cart/{page.token[:n]}").status_code for n in range(1, len(page.token), 3)} == {404}
    assert {client.get(f"/done/{done[:n]}").status_code for n in range(1, len(done), 3)} == {404}


def respelled(token: str) -> list[str]:
    """The same bytes in other letters, and letters that look like nothing."""
    kid, payload, mac = token.split(".")
    last = BASE64.index(payload[-1])
    other = {BASE64[last ^ bit] for bit in (1, 2, 3)}
    spellings = [f"{kid}.{payload[:-1]}{letter}.{mac}" for letter in other]
    last = BASE64.index(mac[-1])
    spellings += [f"{kid}.{payload}.{mac[:-1]}{BASE64[last ^ bit]}" for bit in (1, 2, 3)]
    spellings += [f"{kid}.{payload}=.{mac}", f"{kid}.{payload}.{mac}=", f"{kid.upper()}.{payload}.{mac}", f"{token}."]
    spellings += [
        f" {token}",
        f"{token}%20",
        f"{token}%0a",
        f"{token}%00",
        f".{token}",
        token.swapcase(),
        token + token,
    ]
    return spellings


def test_no_second_spelling_of_a_link_opens_it(shop: Shop):
    token = shop.link().removeprefix("/u/")
    client = shop.app.test_client()
    for other in respelled(token):
        if other.strip() != token:
            assert client.get(f"/u/{other}").status_code == 404, other


def test_no_second_spelling_of_a_cart_opens_it(shop: Shop):
    page = shop.open()
    client = shop.app.test_client()
    for other in respelled(page.token):
        if other.strip() != page.token:
            assert client.get(f"/cart/{other}").status_code == 404, other


def test_every_flipped_letter_of_a_link_is_refused(shop: Shop):
    token = shop.link().removeprefix("/u/")
    client = shop.app.test_client()
    for place, letter in enumerate(token):
        wrong = "A" if letter != "A" else "B"
        assert client.get(f"/u/{token[:place]}{wrong}{token[place + 1 :]}").status_code == 404


def test_a_key_of_somebody_else_signs_nothing_here(shop: Shop):
    issued = shop.issue()
    real = shop.adapters.directory.key_ring().signing_key(shop.seeded.book)
    forged = SigningKey(real.kid, real.book, real.mode, b"f" * 32)
    shop.client.get(local(mint(issued.claims, forged, PUBLIC)), 404)
    shop.client.get(local(mint(issued.claims, SigningKey("zzzz", real.book, real.mode, b"f" * 32), PUBLIC)), 404)


def test_a_link_key_makes_no_cart_no_quote_and_no_confirmation(shop: Shop):
    """A merchant's own back end may hold it: it signs links and nothing else."""
    issued = shop.issue()
    key = shop.adapters.directory.key_ring().signing_key(shop.seeded.book)
    now = int(shop.clock.now().timestamp())
    session = start_cart(ReadLink(issued.claims, key), now, shop.adapters.randomness)
    shop.client.get(f"/cart/{sign_cart(session, key)}", 404)
    shop.press(shop.open())
    order = shop.ask("SELECT id FROM orders")
    shop.client.get(f"/done/{sign_done(DoneTicket(order, now + 99), key)}", 404)


def test_no_token_serves_another_purpose(shop: Shop):
    link = shop.link()
    page = shop.open(link)
    done = shop.press(page).headers["Location"].removeprefix("/done/")
    tokens = {"u": link.removeprefix("/u/"), "cart": page.token, "done": done, "quote": page.form["quote"]}
    for purpose, token in tokens.items():
        for door in ("u", "cart", "done", "bank-back", "card-back"):
            if door != purpose:
                assert shop.app.test_client().get(f"/{door}/{token}").status_code == 404, (purpose, door)


def test_a_cart_session_cannot_outlive_its_link(shop: Shop):
    page = shop.open(shop.link(validity=120))
    shop.clock.move(timedelta(seconds=121))
    shop.press(page, 410)
    assert shop.calls() == 0
