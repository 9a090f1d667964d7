"""Nothing that opens an account gets into a log, an answer or an exception (I50)."""

from __future__ import annotations

import io
import logging

import pytest
import stripe
from stripe import InvalidRequestError

from app.gateways.stripe.client import Account, Seen, quieten
from app.gateways.stripe.settings import Credentials
from app.gateways.stripe.transport import Transport
from app.kit.redaction import without_secrets

KEY = "sk_live_51HxAAAAcanary"
SECRETS = [KEY, "rk_test_51HxBBBBcanary", "whsec_canary0123/+=", "pi_3Nabc_secret_canary99", "Bearer canary-token-1", "cs_test_a1_secret_canary%2F"]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_taken_out_wherever_it_stands(secret: str):
    for text in (
        secret,
        f"Invalid API Key provided: {secret}",
        f'{{"a": "{secret}"}}',
        f"u?client_secret={secret}&b=1",
    ):
        assert "canary" not in without_secrets(text)


@pytest.mark.parametrize("text", ["pi_3Nabc requires_action", "task_live", "acct_1 cus_2 pm_3", "a secret_key of sk_"])
def test_what_is_no_secret_stays(text: str):
    assert without_secrets(text) == text


def test_an_answers_detail_holds_no_secret_and_of_a_decline_no_sentence():
    seen = Seen(
        status=401, body={"error": {"type": "invalid_request_error", "message": f"Invalid API Key provided: {KEY}"}}
    )
    assert "canary" not in seen.detail
    declined = Seen(
        status=402, body={"error": {"type": "card_error", "code": "card_declined", "message": "Jane's card"}}
    )
    assert declined.detail == "402 card_error card_declined"
    assert "error" not in repr(declined)


def test_whatever_the_sdk_raises_is_seen_and_not_told():
    at = Account(Credentials(KEY), Transport(1.0), "http://127.0.0.1:9")

    def fail(_client: object) -> None:
        raise InvalidRequestError(
            f"no {KEY}", None, http_status=400, json_body={"error": {"type": "t", "message": KEY}}
        )

    def break_down(_client: object) -> None:
        raise ValueError(f"cannot read {KEY}")

    for call in (fail, break_down):
        seen = at.ask("read_payment", call)
        assert "canary" not in f"{seen!r} {seen.detail}"
    assert KEY not in repr(at)


def test_the_sdks_own_log_is_scrubbed_and_never_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("stripe._util.STRIPE_LOG", "debug")
    monkeypatch.setattr(stripe, "log", "debug")
    quieten()
    written = io.StringIO()
    logger, handler = logging.getLogger("stripe"), logging.StreamHandler(written)
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        stripe._util.log_debug("API response body", body=f'{{"client_secret": "pi_1_secret_canary", "key": "{KEY}"}}')
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
    assert "API response body" in written.getvalue()
    assert "canary" not in written.getvalue() + "".join(capfd.readouterr())


def test_no_telemetry_is_kept_or_sent():
    quieten()
    assert stripe.enable_telemetry is False
