"""What happens to a call on the wire: sent or not, whole or not, in time or not, and never twice."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from typing import Any

import pytest

from app.gateways.port import AnswerKind, CreatePayment, Gateway, Marks, PaymentStatus
from app.gateways.stripe import open_gateway
from tests.contract.stripe_stub import Stub, close, intent, stub, whole

K = AnswerKind
KEY = "sk_test_transport"
REQUEST = CreatePayment(500, "USD", "cus_1", "pm_1", Marks("o", "o.1", "u"), "QUILLMARK")


_opened: list[Any] = []


@pytest.fixture(autouse=True)
def close_what_is_kept() -> Generator[None]:
    yield
    while _opened:
        _opened.pop().close()


def opened(url: str, **more: str) -> Any:
    given = {"production": False, "test_secret_key": KEY, "api_base": url, "timeout_seconds": "1", **more}
    _opened.append(open_gateway(given))
    return _opened[-1]


def gateway(served: Stub, account: str = "q-test") -> Gateway:
    return opened(served.url).at(account, livemode=False)


def test_a_call_carries_our_key_the_pinned_version_and_the_account():
    with stub([whole(intent())]) as served:
        assert gateway(served, "acct_9").create_payment(REQUEST, key="o.1:create:0").kind is K.DEFINITE
    head, _, body = served.requests[0].decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    assert lines[0] == "POST /v1/payment_intents HTTP/1.1"
    for line in ("Idempotency-Key: o.1:create:0", "Stripe-Version: 2026-10-28.endive", "Stripe-Account: acct_9", f"Authorization: Bearer {KEY}"):  # fmt: skip
        assert line in lines
    for pair in ("amount=500", "currency=usd", "confirm=false", "customer=cus_1", "payment_method=pm_1", "metadata[attempt]=o.1"):  # fmt: skip
        assert pair in body.split("&")


def test_our_own_account_is_not_named_in_a_header():
    with stub([whole(intent())]) as served:
        gateway(served).read_payment("pi_1")
    assert b"Stripe-Account" not in served.requests[0]


@pytest.mark.parametrize(
    ("return_url", "has", "has_not"),
    [("https://shop.example/r?a=1", b"return_url=https%3A%2F%2Fshop.example", b"off_session"), (None, b"off_session=true", b"return_url")],
)  # fmt: skip
def test_on_session_the_bank_knows_the_way_back_and_off_session_nobody_is_asked(
    return_url: str | None, has: bytes, has_not: bytes
):
    with stub([whole(intent(status="succeeded", amount_received=500))]) as served:
        gateway(served).confirm_payment("pi_1", key="k", return_url=return_url)
    assert has in served.requests[0]
    assert has_not not in served.requests[0]


def test_should_stripe_ask_off_session_all_the_same_that_is_a_decline():
    with stub([whole(intent(status="requires_action"))]) as served:
        answer = gateway(served).confirm_payment("pi_1", key="k", return_url=None)
    assert answer.kind is K.DECLINE
    assert answer.decline
    assert answer.decline.reason == "authentication_required"


@pytest.mark.parametrize(
    ("status", "kind"),
    [("500 Oops", K.UNKNOWN), ("503 Busy", K.UNKNOWN), ("409 Conflict", K.BUSY), ("429 Slow", K.BUSY), ("401 No", K.MERCHANT_FAULT)],
)  # fmt: skip
def test_an_error_is_told_and_never_tried_again(status: str, kind: AnswerKind):
    told = whole(
        {"error": {"type": "api_error", "message": "m"}}, status, "Stripe-Should-Retry: true", "Retry-After: 2"
    )
    with stub([told], [whole(intent())]) as served:
        answer = gateway(served).create_payment(REQUEST, key="k")
        time.sleep(0.05)
        assert len(served.requests) == 1
    assert answer.kind is kind
    assert answer.retry_after == (2.0 if kind is K.BUSY else None)


HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id": "pi_1"'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "steps",
    [
        [close],
        [b"HTTP/1.1 200", close],
        [b"HTTP/1.1 200 OK\r\nContent-Le", close],
        [HALF, close],
        [HALF, 3.0],
        [3.0],
        [CHUNKED + b"100\r\n{", close],
        [CHUNKED + b"zz\r\n{", close],
        [b"HTTP/1.1 200 OK\r\n\r\n{", close],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe"],
        [b"HTTP/1.1 403 Proxy\r\nContent-Length: 6\r\n\r\n<html>"],
        [b"nonsense\r\n\r\n", close],
        [whole({"object": "payment_intent"})],
        [whole(intent(status="a_later_status"))],
        [whole(intent(amount="500"))],
        [whole(intent(currency="zzz"))],
        [whole({"error": "invalid_grant"}, "400 Bad")],
    ],
    ids=range(19),
)
def test_anything_but_a_whole_sound_answer_is_unknown(steps: list[Any]):
    with stub(steps) as served:
        begun = time.monotonic()
        answer = gateway(served).create_payment(REQUEST, key="k")
        assert answer.kind is K.UNKNOWN, answer
        assert answer.payment is None
        assert time.monotonic() - begun < 2


def test_an_answer_in_drops_is_given_up_when_the_time_is_over():
    drops: list[Any] = [HALF] + [0.15, b" "] * 20
    with stub(drops) as served:
        begun = time.monotonic()
        assert gateway(served).read_payment("pi_1").kind is K.UNKNOWN
        assert time.monotonic() - begun < 1.5


def test_an_answer_in_chunks_is_a_whole_answer():
    body = whole(intent()).partition(b"\r\n\r\n")[2]
    chunk = b"%x\r\n%s\r\n" % (len(body), body)
    with stub([CHUNKED + chunk + b"0\r\n\r\n"]) as served:
        assert gateway(served).read_payment("pi_1").kind is K.DEFINITE


def test_where_nobody_listens_nothing_was_sent():
    with stub() as served:
        pass
    assert gateway(served).create_payment(REQUEST, key="k").kind is K.NOT_SENT


def test_where_encryption_fails_nothing_was_sent():
    with stub([b"HTTP/1.1 400 Plain\r\n\r\n", close]) as served:
        plain = opened(served.url.replace("http:", "https:")).at("q-test", livemode=False)
        assert plain.create_payment(REQUEST, key="k").kind is K.NOT_SENT


def test_a_connection_is_kept_and_one_that_the_other_side_closed_is_not_used():
    with stub([whole(intent())], [whole(intent()), close], [whole(intent())]) as served:
        at = gateway(served)
        assert [at.read_payment("pi_1").kind for _ in range(2)] == [K.DEFINITE] * 2
        assert served.connections == 1
        time.sleep(0.05)
        assert at.create_payment(REQUEST, key="k").kind is K.DEFINITE
        assert served.connections == 2


def test_a_child_process_never_speaks_on_its_parents_connection():
    with stub([whole(intent())], [whole(intent())]) as served:
        at = gateway(served)
        at.read_payment("pi_1")
        transport: Any = vars(at)["_at"].client._requestor._client
        transport._owner = os.getpid() + 1  # as a forked child finds it
        ((_, where, connection),) = transport._idle
        assert transport._kept(where) is None
        connection.close()


def test_closing_gives_the_kept_connections_back_and_the_gateway_goes_on():
    with stub([whole(intent())], [whole(intent())]) as served:
        stripe = opened(served.url)
        at = stripe.at("q-test", livemode=False)
        at.read_payment("pi_1")
        stripe.close()
        assert at.read_payment("pi_1").kind is K.DEFINITE
        assert served.connections == 2


def test_a_client_secret_does_not_get_past_the_wire_but_the_banks_address_does():
    url = "https://hooks.stripe.com/3d_secure_2/hosted?payment_intent_client_secret=pi_1_secret_x"
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": "https://shop.example"}}
    told = intent(status="requires_action", next_action=action, client_secret="pi_1_secret_canary")
    with stub([whole(told, "200 OK", "Stripe-Notice: upgrade")]) as served:
        stripe = opened(served.url)
        seen = vars(stripe.at("q-test", livemode=False))["_at"].ask(
            "read_payment", lambda client: client.v1.payment_intents.retrieve("pi_1")
        )
    assert "canary" not in str(seen.body)
    assert seen.body["next_action"]["redirect_to_url"]["url"] == url


def test_a_refusal_beside_an_object_that_moves_money_is_unknown():
    error = {"error": {"type": "card_error", "code": "card_declined", "payment_intent": intent(status="processing")}}
    with stub([whole(error, "402 Declined")]) as served:
        assert gateway(served).confirm_payment("pi_1", key="k", return_url=None).kind is K.UNKNOWN


def test_a_refund_whose_payment_cannot_be_read_was_not_asked_for():
    with stub([close]) as served:
        assert gateway(served).refund("pi_1", amount=100, mark="r", key="k").kind is K.BUSY
        assert len(served.requests) == 1


def test_an_amount_that_stripe_cannot_hold_is_never_sent():
    with stub() as served:
        asked = CreatePayment(5124, "KWD", "cus_1", "pm_1", Marks("o", "o.1"))
        assert gateway(served).create_payment(asked, key="k").kind is K.BUG_OR_GONE
    assert served.connections == 0


def test_amounts_of_stripes_own_units_come_back_as_ours():
    with stub([whole(intent(amount=500, amount_received=500, currency="isk", status="succeeded"))]) as served:
        payment = gateway(served).read_payment("pi_1").payment
    assert payment
    assert (payment.amount, payment.captured, payment.currency, payment.status) == (
        5,
        5,
        "ISK",
        PaymentStatus.SUCCEEDED,
    )


def test_a_list_is_followed_to_its_end_and_told_oldest_first():
    first = {
        "object": "list",
        "has_more": True,
        "data": [intent(id="pi_3"), intent(id="pi_2")],
        "url": "/v1/payment_intents",
    }
    last = {"object": "list", "has_more": False, "data": [intent(id="pi_1")], "url": "/v1/payment_intents"}
    with stub([whole(first)], [whole(last)]) as served:
        found = gateway(served).list_payments(customer="cus_1").value or ()
    assert [payment.ref for payment in found] == ["pi_1", "pi_2", "pi_3"]
    assert b"starting_after=pi_2" in served.requests[1]


def test_half_a_list_is_no_list():
    first = {"object": "list", "has_more": True, "data": [intent(id="pi_2")], "url": "/v1/payment_intents"}
    with stub([whole(first)], [close]) as served:
        reply = gateway(served).list_payments()
    assert (reply.kind, reply.value) == (K.UNKNOWN, None)


@pytest.mark.parametrize(
    ("customer", "kind", "cards"),
    [
        (whole({"id": "cus_1", "object": "customer", "deleted": True}), K.DEFINITE, ()),
        (whole({"error": {"type": "invalid_request_error", "code": "resource_missing"}}, "404 Not Found"), K.BUG_OR_GONE, None),
        (whole({"error": {"type": "api_error"}}, "500 Internal Server Error"), K.BUG_OR_GONE, None),
    ],
)  # fmt: skip
def test_only_of_a_customer_who_was_deleted_there_it_is_said_that_no_card_is_left(
    customer: bytes, kind: AnswerKind, cards: tuple[()] | None
):
    missing = whole({"error": {"type": "invalid_request_error", "code": "resource_missing"}}, "404 Not Found")
    with stub([missing], [customer], [customer], [customer]) as served:
        reply = gateway(served).stored_cards("cus_1")
    assert (reply.kind, reply.value) == (kind, cards)
