"""The notices' door: what it keeps, what it refuses and how, and that nothing else than a row comes of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from app.gateways.sandbox import Sandbox
from app.gateways.sandbox.notices import HEADER, sign_notice
from app.inbound.door import LARGEST_NOTICE
from app.models.work import Inbox
from tests.doors.cart.shop import Shop

PATH = "/notices/sandbox/quillmark/test"


def notice(**what_matters: Any) -> bytes:
    told = {
        "id": "evt_1", "kind": "payment.succeeded", "account": "quillmark-test", "livemode": False,
        "at": 1_750_000_000_000_000, "payment": "pay_1", **what_matters,
    }  # fmt: skip
    return json.dumps(told).encode()


def signature(shop: Shop, body: bytes, *, late: timedelta = timedelta(0), secret: str = "") -> dict[str, str]:
    secret = secret or shop.sandbox.notice_secrets("quillmark-test", livemode=False)[0]
    return {HEADER: sign_notice(body, secret, shop.clock.now() - late)}


def send(shop: Shop, body: bytes, headers: dict[str, str] | None = None, path: str = PATH) -> TestResponse:
    given = signature(shop, body) if headers is None else headers
    return shop.app.test_client().post(path, data=body, headers=given, content_type="application/json")


def code_of(response: TestResponse) -> tuple[int, str]:
    assert response.mimetype == "application/problem+json"
    said = json.loads(response.data)
    assert said["status"] == response.status_code
    assert said["title"]
    return response.status_code, said["code"]


def kept(shop: Shop) -> list[Any]:
    with shop.store.read() as conn:
        return list(conn.execute(select(Inbox)).all())


def test_a_genuine_notice_is_kept_as_it_came_and_the_worker_is_rung(shop: Shop):
    body, rings = notice(), shop.bell.rings
    response = send(shop, body)
    assert (response.status_code, response.json) == (200, {"received": True})
    (row,) = kept(shop)
    assert (row.book_id, row.account, row.event_id, row.payment) == (
        shop.seeded.book,
        "quillmark-test",
        "evt_1",
        "pay_1",
    )
    assert (row.body, row.state, row.next_at, row.livemode) == (body.decode(), "READY", shop.clock.now(), False)
    assert shop.bell.rings == rings + 1


def test_the_same_notice_again_is_accepted_and_kept_once(shop: Shop):
    rings = shop.bell.rings
    assert [send(shop, notice()).status_code for _ in range(3)] == [200, 200, 200]
    assert len(kept(shop)) == 1
    assert shop.bell.rings == rings + 1


def test_another_content_under_the_same_id_leaves_the_first(shop: Shop):
    assert send(shop, notice()).status_code == 200
    assert send(shop, notice(payment="pay_2")).status_code == 200
    assert [row.payment for row in kept(shop)] == ["pay_1"]


def test_nothing_but_the_inbox_changes(shop: Shop):
    before = shop.dump()
    send(shop, notice())
    after = shop.dump()
    assert {name for name in after if after[name] != before[name]} == {"inbox"}


def test_an_unsigned_notice_is_refused(shop: Shop):
    assert code_of(send(shop, notice(), {})) == (400, "unsigned")
    assert not kept(shop)


@pytest.mark.parametrize(
    "header", ["", "t=", "nonsense", "t=1,t=2,v1=00", "v1=00", "t=9999999999999999999,v1=00", "t=²,v1=00", "t=1;v1=é"]
)
def test_a_malformed_signature_is_refused_and_never_an_error(shop: Shop, header: str):
    response = send(shop, notice(), {HEADER: header.encode().decode("latin-1")})
    assert response.status_code == 400
    assert json.loads(response.data)["code"] in ("bad_signature", "unsigned")
    assert not kept(shop)


def test_a_notice_signed_with_another_secret_is_refused(shop: Shop):
    body = notice()
    assert code_of(send(shop, body, signature(shop, body, secret="another"))) == (400, "bad_signature")


def test_one_changed_byte_is_refused(shop: Shop):
    body = notice()
    assert code_of(send(shop, body + b" ", signature(shop, body))) == (400, "bad_signature")


@pytest.mark.parametrize("late", [timedelta(seconds=301), timedelta(seconds=-301), timedelta(days=400)])
def test_a_stale_or_future_notice_is_refused(shop: Shop, late: timedelta):
    body = notice()
    assert code_of(send(shop, body, signature(shop, body, late=late))) == (400, "too_old")
    assert not kept(shop)


@pytest.mark.parametrize("late", [timedelta(seconds=299), timedelta(seconds=-299)])
def test_a_clock_that_differs_by_less_than_five_minutes_is_tolerated(shop: Shop, late: timedelta):
    body = notice()
    assert send(shop, body, signature(shop, body, late=late)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"id":"evt_1"}', b"[" * 20_000, '{"id":"évt'.encode("utf-16"),
        notice(id=""), notice(id="evt\0"), notice(id="e" * 256), notice(payment="pay\n1"), notice(kind="\ud800"),
        notice(at="soon"), notice(at=10**30),
    ],
)  # fmt: skip
def test_a_signed_body_that_is_no_notice_is_refused(shop: Shop, body: bytes):
    assert code_of(send(shop, body)) == (400, "malformed")
    assert not kept(shop)


def test_a_body_in_another_encoding_is_kept_without_breaking_the_database(shop: Shop):
    assert send(shop, notice().decode().encode("utf-16")).status_code == 200
    assert "\0" not in kept(shop)[0].body


def test_a_notice_of_another_account_or_mode_is_refused(shop: Shop):
    assert code_of(send(shop, notice(account="acct_of_another"))) == (400, "wrong_account")
    assert code_of(send(shop, notice(livemode=True))) == (400, "wrong_mode")
    assert not kept(shop)


@pytest.mark.parametrize(
    "path",
    [
        "/notices/sandbox/nobody/test", "/notices/sandbox/quillmark/both", "/notices/stripe/quillmark/test",
        "/notices/sandbox/QUILLMARK/test",
    ],
)  # fmt: skip
def test_an_address_that_is_nobody_s_is_not_there(shop: Shop, path: str):
    assert code_of(send(shop, notice(), path=path)) == (404, "not_found")


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_without_a_secret_the_address_is_not_there(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, secrets: tuple[str, ...]
):
    """Signed with the empty secret, as somebody would who hopes that none is checked."""
    body = notice()
    headers = signature(shop, body)
    monkeypatch.setattr(Sandbox, "notice_secrets", lambda *_args, **_more: secrets)
    assert code_of(send(shop, body, headers)) == (404, "not_found")
    assert code_of(send(shop, body, {HEADER: sign_notice(body, "", shop.clock.now())})) == (404, "not_found")
    assert not kept(shop)


def test_while_a_secret_is_replaced_both_count(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Sandbox, "notice_secrets", lambda *_args, **_more: ("the newest", "the one before"))
    for number, secret in enumerate(("the newest", "the one before")):
        body = notice(id=f"evt_{number}")
        assert send(shop, body, signature(shop, body, secret=secret)).status_code == 200
    assert len(kept(shop)) == 2


def test_the_secret_of_one_mode_opens_no_door_of_the_other(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        Sandbox, "notice_secrets", lambda _self, _account, *, livemode: ("live" if livemode else "test",)
    )
    body = notice()
    assert code_of(send(shop, body, signature(shop, body, secret="live"))) == (400, "bad_signature")


def test_a_body_above_the_cap_is_refused_before_it_is_looked_at(shop: Shop):
    body = b" " * (LARGEST_NOTICE + 1)
    assert code_of(send(shop, body, {})) == (413, "too_large")


def test_a_body_without_a_length_is_read_up_to_the_cap_and_no_further(shop: Shop):
    class Endless(io.RawIOBase):
        read_bytes = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            Endless.read_bytes += len(buffer)
            buffer[:] = b" " * len(buffer)
            return len(buffer)

    environ = EnvironBuilder(path=PATH, method="POST").get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": Endless(), "wsgi.input_terminated": True}
    assert run_wsgi_app(shop.app, environ)[1] == "413 REQUEST ENTITY TOO LARGE"
    assert Endless.read_bytes <= 2 * LARGEST_NOTICE


def test_a_notice_larger_than_a_form_is_taken(shop: Shop):
    """The cap of this door is its own; the sandbox itself takes up to 64 KiB."""
    assert shop.app.config["MAX_CONTENT_LENGTH"] < LARGEST_NOTICE
    assert send(shop, notice(padding="x" * 60_000)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_any_other_method_is_refused_and_changes_nothing(shop: Shop, method: str):
    before = shop.dump()
    response = shop.app.test_client().open(PATH, method=method)
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert shop.dump() == before


def test_no_answer_sets_a_cookie(shop: Shop):
    for response in (send(shop, notice()), send(shop, notice(), {}), shop.app.test_client().get(PATH)):
        assert "Set-Cookie" not in response.headers


def test_genuine_notices_in_a_burst_are_all_taken_and_guesses_are_slowed_down(shop_with: Callable[..., Shop]):
    shop = shop_with(rate_limit="3/minute")
    assert {send(shop, notice(id=f"evt_{n}")).status_code for n in range(8)} == {200}
    body = notice()
    guesses = [send(shop, body, signature(shop, body, secret=f"guess {n}")) for n in range(5)]
    assert [each.status_code for each in guesses] == [400, 400, 400, 429, 429]
    assert code_of(guesses[-1]) == (429, "too_many_refused")
    assert 1 <= int(guesses[-1].headers["Retry-After"]) <= 60
    assert send(shop, notice(id="evt_genuine")).status_code == 200, "from the same address: a proxy's, for instance"
    assert send(shop, notice(), path="/notices/sandbox/nobody/test").status_code == 404, "counted by address"


def test_a_refusal_says_nothing_of_what_is_expected(shop: Shop):
    secret = shop.sandbox.notice_secrets("quillmark-test", livemode=False)[0]
    answers = [send(shop, notice(), headers).data for headers in ({}, {HEADER: "t=1,v1=00"})]
    assert not any(secret.encode() in each or b"quillmark" in each for each in answers)


def test_a_payment_is_settled_by_its_notice(shop: Shop):
    """The whole way: the door keeps it, the worker reads the gateway, the order is paid."""
    from app.charging.drive import driver_name
    from app.charging.heard import hear

    shop.card("visa_3ds")
    page = shop.buy()
    bank = page.text.split("/sandbox/check/")[1].split('"')[0].split("?")[0]
    shop.sandbox.pages.answer_check(bank, approve=True)  # the shopper closes the window and never comes back
    with shop.sandbox.ledger.read() as c:
        event = dict(c.execute("SELECT * FROM events").fetchone())
    told = {name: event[name] for name in ("id", "kind", "account", "at", "payment")}
    assert send(shop, notice(**told)).status_code == 200
    shop.clock.move(timedelta(seconds=2))
    hear(shop.store, shop.adapters.gateways, shop.clock, by=driver_name("worker"))
    assert shop.ask("SELECT state FROM orders") == "PAID"
    assert shop.taken() == [500]
