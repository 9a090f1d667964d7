from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from stripe import WebhookSignature

from app.gateways.port import Notice, NoticeRefused
from app.gateways.stripe import open_gateway
from app.gateways.stripe.notices import LONGEST, read_notice

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECRET = "whsec_of_today"


def event(about: dict[str, Any], **more: Any) -> str:
    told = {
        "id": "evt_1", "object": "event", "type": "x.y", "created": int(NOW.timestamp()), "livemode": True,
        "data": {"object": about}, **more,
    }  # fmt: skip
    return json.dumps(told)


def heard(body: str, *, secret: str = SECRET, at: datetime = NOW, secrets: tuple[str, ...] = (SECRET,)) -> Any:
    header = WebhookSignature.generate_signature_header(body, secret, int(at.timestamp()))
    return read_notice({"stripe-signature": header}, body.encode(), secrets, NOW, account="quillmark-live")


@pytest.mark.parametrize(
    ("about", "payment", "customer"),
    [
        ({"object": "payment_intent", "id": "pi_1", "customer": "cus_1"}, "pi_1", None),
        ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "pi_1", None),
        ({"object": "charge", "id": "ch_1", "payment_intent": {"id": "pi_1"}}, "pi_1", None),
        ({"object": "charge", "id": "ch_1", "payment_intent": None, "customer": "cus_1"}, None, "cus_1"),
        ({"object": "dispute", "id": "dp_1", "payment_intent": "pi_1"}, "pi_1", None),
        ({"object": "refund", "id": "re_1", "payment_intent": "pi_1"}, "pi_1", None),
        ({"object": "payment_method", "id": "pm_1", "customer": "cus_1"}, None, "cus_1"),
        ({"object": "setup_intent", "id": "seti_1", "customer": "cus_1"}, None, "cus_1"),
        ({"object": "checkout.session", "id": "cs_1", "customer": "cus_1", "payment_intent": "pi_9"}, None, "cus_1"),
        ({"object": "customer", "id": "cus_1"}, None, "cus_1"),
        ({"object": "payout", "id": "po_1"}, None, None),
    ],
)
def test_a_notice_says_where_to_look(about: dict[str, Any], payment: str | None, customer: str | None):
    notice = heard(event(about))
    assert isinstance(notice, Notice)
    assert (notice.payment, notice.customer) == (payment, customer)


def test_a_card_taken_off_a_customer_names_who_had_it():
    body = event(
        {},
        data={"object": {"object": "payment_method", "customer": None}, "previous_attributes": {"customer": "cus_1"}},
    )
    assert heard(body).customer == "cus_1"


def test_a_connected_accounts_notice_names_it_and_our_own_is_the_books():
    assert heard(event({"object": "customer", "id": "cus_1"})).account == "quillmark-live"
    assert heard(event({"object": "customer", "id": "cus_1"}, account="acct_9")).account == "acct_9"


def test_a_notice_of_the_connected_account_of_a_book_is_that_books(tmp_path: Path):
    """With the accounts' file as the documentation shows it, a name stands for a connected account."""
    told = (Path(__file__).parents[4] / "docs" / "stripe.md").read_text().split("```toml\n")[1].split("```")[0]
    told = told.replace("sk_live_…", "sk_live_0123456789").replace("acct_…", "acct_1Abc").replace("whsec_…", SECRET)
    accounts = tmp_path / "accounts.toml"
    accounts.write_text(told)
    opened = open_gateway({"production": True, "secret_key": "sk_live_9876543210", "accounts_file": str(accounts)})
    gateway = opened.at("northpress-live", livemode=True)
    secrets = opened.notice_secrets("northpress-live", livemode=True)
    for named, account in (("acct_1Abc", "northpress-live"), ("acct_other", "acct_other")):
        body = event({"object": "payment_intent", "id": "pi_1"}, account=named)
        header = WebhookSignature.generate_signature_header(body, SECRET, int(NOW.timestamp()))
        notice = gateway.read_notice({"Stripe-Signature": header}, body.encode(), secrets, NOW)
        assert isinstance(notice, Notice)
        assert notice.account == account


@pytest.mark.parametrize("livemode", [True, False])
def test_the_mode_is_the_events(livemode: bool):
    assert heard(event({"object": "customer", "id": "cus_1"}, livemode=livemode)).livemode is livemode


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_within_five_minutes_it_is_taken(seconds: int):
    assert isinstance(heard(event({}), at=NOW + timedelta(seconds=seconds)), Notice)


@pytest.mark.parametrize("seconds", [-301, 301, -86400, 86400])
def test_outside_of_them_it_is_refused_past_or_future(seconds: int):
    assert heard(event({}), at=NOW + timedelta(seconds=seconds)) == NoticeRefused("too_old")


def test_any_of_several_secrets_will_do_and_no_other():
    assert isinstance(heard(event({}), secret="whsec_old", secrets=(SECRET, "whsec_old")), Notice)
    assert heard(event({}), secret="whsec_other", secrets=(SECRET, "whsec_old")) == NoticeRefused("bad_signature")


def test_several_signatures_may_stand_in_one_header_as_while_a_secret_is_rolled():
    body = event({})
    new, old = (
        WebhookSignature.generate_signature_header(body, s, int(NOW.timestamp())) for s in ("whsec_new", SECRET)
    )
    header = f"{new},{old.partition(',')[2]},v0=00"
    assert isinstance(read_notice({"Stripe-Signature": header}, body.encode(), [SECRET], NOW, account="a"), Notice)


def test_the_scheme_for_tests_counts_for_nothing():
    header = WebhookSignature.generate_signature_header("{}", SECRET, int(NOW.timestamp())).replace("v1=", "v0=")
    assert read_notice({"Stripe-Signature": header}, b"{}", [SECRET], NOW, account="a") == NoticeRefused(
        "bad_signature"
    )


@pytest.mark.parametrize(
    "more",
    [{"id": None}, {"type": 3}, {"livemode": "true"}, {"livemode": None}, {"created": "soon"}, {"created": 10**30}, {"data": None},
     {"data": {"object": 1}}, {"object": "v2.core.event"}, {"account": {"id": "x"}}, {"id": "e" * 300}],
)  # fmt: skip
def test_a_signed_event_of_another_shape_is_malformed(more: dict[str, Any]):
    assert heard(event({}, **more)) == NoticeRefused("malformed")


def test_a_body_beyond_measure_is_refused_before_it_is_hashed():
    assert read_notice(
        {"Stripe-Signature": "t=1,v1=00"}, b"x" * (LONGEST + 1), [SECRET], NOW, account="a"
    ) == NoticeRefused("malformed")
