from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.gateways.declines import DO_NOT_RETRY_ADVICE, RetrySameCard
from app.gateways.port import AnswerKind, DeclineReason, DisputeStatus, PaymentStatus, RefundStatus
from app.gateways.stripe import reading, table
from app.gateways.stripe.client import API_VERSION, Seen

K, R = AnswerKind, DeclineReason
DESCRIPTION = json.loads((Path(__file__).parents[3] / "stripe_server" / "openapi.json").read_text())

_CODES = (
    "approve_with_id authentication_not_handled authentication_required call_issuer card_not_supported card_velocity_exceeded "
    "currency_not_supported do_not_honor do_not_try_again duplicate_transaction expired_card fraudulent generic_decline "
    "highest_risk_level incorrect_address incorrect_cvc incorrect_number incorrect_pin incorrect_zip insufficient_funds invalid_account "
    "invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year invalid_number invalid_pin issuer_not_available lost_card "
    "merchant_blacklist mobile_device_authentication_required new_account_information_available no_action_taken not_permitted "
    "offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded previously_declined_do_not_retry processing_error "
    "reenter_transaction restricted_card revocation_of_all_authorizations revocation_of_authorization security_violation "
    "service_not_allowed stolen_card stop_payment_order testmode_decline transaction_not_allowed try_again_later "
    "withdrawal_count_limit_exceeded"
)  # fmt: skip
PUBLISHED_DECLINE_CODES = _CODES.split()


def values(schema: str) -> set[str]:
    """What the description allows as the status of this object."""
    return set(DESCRIPTION["components"]["schemas"][schema]["properties"]["status"]["enum"])


@pytest.mark.parametrize(
    ("schema", "known"),
    [
        ("payment_intent", table.PAYMENT_STATUS),
        ("dispute", table.DISPUTE_STATUS),
        ("checkout.session", table.SESSION_STATUS),
    ],
)
def test_every_published_status_and_no_other_has_its_meaning(schema: str, known: dict[str, object]):
    assert set(known) == values(schema)


def test_a_refund_is_final_only_as_succeeded_or_failed():
    final = {name for name, status in table.REFUND_STATUS.items() if status is not RefundStatus.PENDING}
    assert final == {"succeeded", "failed", "canceled"}
    assert table.REFUND_STATUS["canceled"] is RefundStatus.FAILED


def test_only_stripes_succeeded_is_money_taken():
    taken = [name for name, status in table.PAYMENT_STATUS.items() if status is PaymentStatus.SUCCEEDED]
    assert taken == ["succeeded"]


def test_every_published_decline_code_has_its_reason():
    assert set(PUBLISHED_DECLINE_CODES) <= set(table.DECLINES)


def test_every_reason_of_ours_can_come_from_stripe():
    assert set(table.DECLINES.values()) == set(R) - {R.CARD_GONE, R.NOT_TAKEN}  # without a payment nothing is declined


@pytest.mark.parametrize(
    ("decline_code", "code", "network", "reason"),
    [
        ("insufficient_funds", "card_declined", "51", R.INSUFFICIENT_FUNDS),
        ("", "expired_card", "54", R.EXPIRED_CARD),
        ("generic_decline", "card_declined", "R0", R.REVOKED),
        ("generic_decline", "card_declined", "51", R.INSUFFICIENT_FUNDS),
        ("generic_decline", "card_declined", "??", R.GENERIC),
        ("do_not_honor", "card_declined", "51", R.DO_NOT_HONOR),
        ("a_code_of_next_year", "card_declined", "", R.GENERIC),
        ("", "a_code_of_next_year", "", R.GENERIC),
        ("authentication_required", "authentication_required", "1A", R.AUTHENTICATION_REQUIRED),
        ("", "payment_intent_authentication_failure", "", R.AUTHENTICATION_FAILED),
    ],
)
def test_the_most_telling_code_gives_the_reason(decline_code: str, code: str, network: str, reason: DeclineReason):
    assert table.reason_of(decline_code, code, network) is reason


@pytest.mark.parametrize(
    ("advice", "brand", "network", "told", "never"),
    [
        ("do_not_try_again", "visa", "", "do_not_try_again", True),
        ("try_again_later", "mastercard", "03", "mastercard_03", True),
        ("try_again_later", "mastercard", "21", "mastercard_21", True),
        ("", "visa", "1", "visa_1", True),
        ("try_again_later", "mastercard", "24", "try_again_later", False),
        ("", "mastercard", "24", "mastercard_24", False),
        ("", "", "03", "", False),
        ("confirm_card_data", "", "", "confirm_card_data", False),
    ],
)
def test_advice_that_forbids_a_repeat_is_never_lost(advice: str, brand: str, network: str, told: str, never: bool):
    assert table.advice_of(advice, brand, network) == told
    assert (told in DO_NOT_RETRY_ADVICE) is never


def test_every_word_of_the_networks_is_one_that_blocks():
    assert set(table.NETWORK_ADVICE.values()) == DO_NOT_RETRY_ADVICE - {"do_not_try_again"}


def error(status: int | None, kind: str = "invalid_request_error", code: str = "", **more: Any) -> Seen:
    return Seen(status=status, body={"error": {"type": kind, "code": code, **more}})


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (Seen(sent=False), K.NOT_SENT),
        (Seen(), K.UNKNOWN),
        (Seen(status=200, body={"id": "pi_1"}), K.DEFINITE),
        (Seen(status=200), K.UNKNOWN),
        (Seen(status=403, body={"message": "from a proxy"}), K.UNKNOWN),
        (error(400, code="parameter_invalid_integer"), K.BUG_OR_GONE),
        (error(400, code="amount_too_small"), K.BUG_OR_GONE),
        (error(400, code="payment_intent_unexpected_state"), K.READ),
        (error(400, code="charge_already_refunded"), K.BUG_OR_GONE),
        (error(400, "idempotency_error"), K.BUG),
        (error(409, "idempotency_error", "idempotency_key_in_use"), K.BUSY),
        (error(409, "invalid_request_error", "idempotency_key_in_use"), K.BUSY),
        (error(409), K.BUSY),
        (error(429, "invalid_request_error", "lock_timeout"), K.BUSY),
        (error(400, "invalid_request_error", "lock_timeout"), K.BUSY),
        (error(400, "invalid_request_error", "rate_limit"), K.BUSY),
        (error(429, "invalid_request_error", "rate_limit"), K.BUSY),
        (error(401), K.MERCHANT_FAULT),
        (error(401, code="api_key_expired"), K.MERCHANT_FAULT),
        (error(400, code="testmode_charges_only"), K.MERCHANT_FAULT),
        (error(400, code="livemode_mismatch"), K.MERCHANT_FAULT),
        (error(403, code="account_invalid"), K.MERCHANT_FAULT),
        (error(402, "card_error", "card_declined"), K.DECLINE),
        (error(404, code="resource_missing"), K.BUG_OR_GONE),
        (error(424), K.UNKNOWN),
        *[(error(status, "api_error"), K.UNKNOWN) for status in (500, 502, 503, 504)],
        (error(500, "api_error", "account_invalid"), K.UNKNOWN),
    ],
)
def test_each_error_of_stripes_has_its_class(seen: Seen, kind: AnswerKind):
    assert seen.kind() is kind


@pytest.mark.parametrize(
    ("code", "param", "gone"),
    [
        ("resource_missing", "payment_method", True),
        ("payment_method_unexpected_state", "", True),
        ("", "payment_method", True),
        ("resource_missing", "customer", False),
        ("amount_too_small", "amount", False),
        ("", "", False),
    ],
)
def test_a_refusal_that_is_about_the_card_says_that_it_is_gone(code: str, param: str, gone: bool):
    assert table.is_card_gone({"type": "invalid_request_error", "code": code, "param": param}) is gone


def test_a_status_of_a_later_version_is_unreadable_and_never_guessed():
    with pytest.raises(reading.Unreadable, match="status"):
        reading.refund({"id": "re_1", "currency": "usd", "amount": 1, "status": "reversed"})


@pytest.mark.parametrize(
    ("status", "meant"),
    [("needs_response", DisputeStatus.OPEN), ("warning_needs_response", None), ("lost", DisputeStatus.LOST)],
)
def test_an_inquiry_is_no_dispute(status: str, meant: DisputeStatus | None):
    told = {"id": "dp_1", "payment_intent": "pi_1", "amount": 500, "currency": "usd", "created": 1, "status": status}
    found = reading.dispute(told)
    assert (found.status if found else None) is meant


def test_a_card_that_was_taken_off_a_declined_intent_is_found_in_its_error():
    failed = {
        "code": "card_declined",
        "decline_code": "generic_decline",
        "network_advice_code": "03",
        "payment_method": {"id": "pm_1", "card": {"brand": "mastercard"}},
    }
    payment = reading.payment(intent(status="requires_payment_method", last_payment_error=failed), "a")
    assert payment.payment_method == "pm_1"
    assert payment.decline
    assert payment.decline.retry_same_card is RetrySameCard.NEVER


def test_another_programs_marks_are_not_ours():
    payment = reading.payment(intent(metadata={"order": "o", "attempt": "o.1", "use": "u"}), "a")
    assert (payment.metadata.order, payment.metadata.attempt) == ("", "")


@pytest.mark.parametrize(
    "action",
    [None, {"type": "use_stripe_sdk"}, {"type": "redirect_to_url", "redirect_to_url": {"url": "javascript:alert(1)"}}],
)
def test_only_an_address_of_the_web_is_where_the_bank_asks(action: object):
    assert reading.payment(intent(status="requires_action", next_action=action), "a").action_url is None


def test_the_version_is_the_sdks_own():
    from stripe._api_version import _ApiVersion

    assert API_VERSION == _ApiVersion.CURRENT


def intent(**more: object) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": "pi_1", "status": "requires_confirmation", "amount": 500, "currency": "usd", "livemode": False, "created": 1,
        "customer": "cus_1", "payment_method": None, "metadata": {},
    }  # fmt: skip
    return given | more
