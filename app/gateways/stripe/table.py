"""Everything Stripe says, in our words: statuses, decline codes, advice, error codes. The one table of this adapter.

Sources: the enumerations of Stripe's OpenAPI description and of the SDK; https://docs.stripe.com/declines/codes,
https://docs.stripe.com/error-codes and https://docs.stripe.com/error-low-level.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.gateways.answers import ALREADY_FINAL, KEY_MISMATCH, LOCK_TIMEOUT
from app.gateways.port import DeclineReason, DisputeStatus, PaymentStatus, RefundStatus, SetupStatus

R = DeclineReason

PAYMENT_STATUS: dict[str, PaymentStatus] = {
    "requires_payment_method": PaymentStatus.REQUIRES_PAYMENT_METHOD,
    "requires_confirmation": PaymentStatus.REQUIRES_CONFIRMATION,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "processing": PaymentStatus.PROCESSING,
    # Held, not taken. Ours are captured at once, so this is another program's object: nothing final can be said of it.
    "requires_capture": PaymentStatus.PROCESSING,
    "succeeded": PaymentStatus.SUCCEEDED,
    "canceled": PaymentStatus.CANCELED,
}

REFUND_STATUS: dict[str, RefundStatus] = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}

DISPUTE_STATUS: dict[str, DisputeStatus | None] = {
    # An inquiry ("warning") holds no money back, and one that is closed or prevented never became a dispute.
    "warning_needs_response": None,
    "warning_under_review": None,
    "warning_closed": None,
    "prevented": None,
    "needs_response": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}
"""None: no dispute in our sense."""

SESSION_STATUS: dict[str, SetupStatus] = {
    "open": SetupStatus.OPEN,
    "complete": SetupStatus.COMPLETE,
    "expired": SetupStatus.EXPIRED,
}

DECLINES: dict[str, DeclineReason] = {
    # Stripe's published decline codes
    "approve_with_id": R.ISSUER_UNAVAILABLE,
    "authentication_not_handled": R.AUTHENTICATION_REQUIRED,
    "authentication_required": R.AUTHENTICATION_REQUIRED,
    "call_issuer": R.DO_NOT_HONOR,
    "card_not_supported": R.CARD_NOT_SUPPORTED,
    "card_velocity_exceeded": R.CARD_VELOCITY_EXCEEDED,
    "currency_not_supported": R.CURRENCY_NOT_SUPPORTED,
    "do_not_honor": R.DO_NOT_HONOR,
    "do_not_try_again": R.DO_NOT_RETRY,
    "duplicate_transaction": R.GENERIC,
    "expired_card": R.EXPIRED_CARD,
    "fraudulent": R.FRAUDULENT,
    "generic_decline": R.GENERIC,
    "highest_risk_level": R.FRAUDULENT,
    "incorrect_address": R.GENERIC,
    "incorrect_cvc": R.INCORRECT_CVC,
    "incorrect_number": R.INCORRECT_NUMBER,
    "incorrect_pin": R.GENERIC,
    "incorrect_zip": R.GENERIC,
    "insufficient_funds": R.INSUFFICIENT_FUNDS,
    "invalid_account": R.CLOSED_ACCOUNT,
    "invalid_amount": R.AMOUNT_LIMIT,
    "invalid_cvc": R.INCORRECT_CVC,
    "invalid_expiry_month": R.EXPIRED_CARD,
    "invalid_expiry_year": R.EXPIRED_CARD,
    "invalid_number": R.INCORRECT_NUMBER,
    "invalid_pin": R.GENERIC,
    "issuer_not_available": R.ISSUER_UNAVAILABLE,
    "live_mode_test_card": R.CARD_NOT_SUPPORTED,
    "lost_card": R.LOST,
    "merchant_blacklist": R.FRAUDULENT,
    "mobile_device_authentication_required": R.AUTHENTICATION_REQUIRED,
    "new_account_information_available": R.NEW_ACCOUNT_INFORMATION,
    "no_action_taken": R.DO_NOT_HONOR,
    "not_permitted": R.CARD_NOT_SUPPORTED,
    "offline_pin_required": R.AUTHENTICATION_REQUIRED,
    "online_or_offline_pin_required": R.AUTHENTICATION_REQUIRED,
    "pickup_card": R.PICK_UP,
    "pin_try_exceeded": R.GENERIC,
    "previously_declined_do_not_retry": R.DO_NOT_RETRY,
    "processing_error": R.PROCESSING_ERROR,
    "reenter_transaction": R.PROCESSING_ERROR,
    "requested_block_on_incorrect_cvc": R.INCORRECT_CVC,
    "restricted_card": R.PICK_UP,
    "revocation_of_all_authorizations": R.REVOKED,
    "revocation_of_authorization": R.REVOKED,
    "security_violation": R.DO_NOT_HONOR,
    "service_not_allowed": R.CARD_NOT_SUPPORTED,
    "stolen_card": R.STOLEN,
    "stop_payment_order": R.REVOKED,
    "testmode_decline": R.GENERIC,
    "transaction_not_allowed": R.CARD_NOT_SUPPORTED,
    "try_again_later": R.ISSUER_UNAVAILABLE,
    "withdrawal_count_limit_exceeded": R.AMOUNT_LIMIT,
    # Error codes that stand where there is no decline code
    "authentication_failed": R.AUTHENTICATION_FAILED,
    "payment_intent_authentication_failure": R.AUTHENTICATION_FAILED,
    "setup_intent_authentication_failure": R.AUTHENTICATION_FAILED,
    "card_declined": R.GENERIC,
    "card_decline_rate_limit_exceeded": R.CARD_VELOCITY_EXCEEDED,
    "payment_intent_payment_attempt_failed": R.GENERIC,
    "payment_intent_payment_attempt_expired": R.AUTHENTICATION_FAILED,
    "payment_method_customer_decline": R.GENERIC,
    "payment_method_provider_decline": R.GENERIC,
    "payment_method_provider_timeout": R.ISSUER_UNAVAILABLE,
}

NETWORK_DECLINES: dict[str, DeclineReason] = {
    # Visa's and Mastercard's response codes (ISO 8583 field 39); asked only where Stripe's own word is a general one
    "04": R.PICK_UP,
    "07": R.PICK_UP,
    "14": R.INCORRECT_NUMBER,
    "15": R.INCORRECT_NUMBER,
    "41": R.LOST,
    "43": R.STOLEN,
    "46": R.CLOSED_ACCOUNT,
    "51": R.INSUFFICIENT_FUNDS,
    "54": R.EXPIRED_CARD,
    "61": R.AMOUNT_LIMIT,
    "65": R.CARD_VELOCITY_EXCEEDED,
    "91": R.ISSUER_UNAVAILABLE,
    "R0": R.REVOKED,
    "R1": R.REVOKED,
    "R3": R.REVOKED,
}

NETWORK_ADVICE: dict[tuple[str, str], str] = {
    ("mastercard", "03"): "mastercard_03",
    ("mastercard", "21"): "mastercard_21",
    ("visa", "1"): "visa_1",
    ("visa", "01"): "visa_1",
}
"""(brand, ``network_advice_code``): advice that forbids a repeat, in the words of ``DO_NOT_RETRY_ADVICE``."""

STATE_CODES = frozenset({"payment_intent_unexpected_state", "intent_invalid_state", "charge_already_captured"})
"""The object was already where no such call leads: read it."""
BUSY_CODES = frozenset({"idempotency_key_in_use", "lock_timeout", "rate_limit"})
"""Nothing happened, whatever the status beside it."""
CREDENTIAL_CODES = frozenset(
    {
        "account_closed", "account_invalid", "api_key_expired", "livemode_mismatch", "platform_account_required",
        "platform_api_key_expired", "secret_key_required", "testmode_charges_only", "tls_version_unsupported",
    }
)  # fmt: skip
"""The merchant's account or key, even where the status is 400."""
CARD_GONE_CODE = "payment_method_unexpected_state"
"""A PaymentMethod that was detached from its customer may not be used again."""
IDEMPOTENCY_ERROR = "idempotency_error"
CARD_ERROR = "card_error"


def word(status: int, kind: str, code: str) -> tuple[int, str]:
    """The status and word that ``classify`` is told for an error of this HTTP status, type and code."""
    if kind == IDEMPOTENCY_ERROR and code not in BUSY_CODES:
        return (400, KEY_MISMATCH)
    if code in BUSY_CODES:
        return (429, LOCK_TIMEOUT)
    if status == 400 and code in STATE_CODES:
        return (400, ALREADY_FINAL)
    if code in CREDENTIAL_CODES and 400 <= status < 500:
        return (403, code)
    return (status, code)


def is_card_gone(error: Mapping[str, Any]) -> bool:
    """Whether a refused create is about the PaymentMethod: deleted, detached, or another customer's."""
    return error.get("param") == "payment_method" or error.get("code") == CARD_GONE_CODE


def reason_of(decline_code: str, code: str, network_code: str) -> DeclineReason:
    """The most telling of the three; ``GENERIC`` for what nobody knows."""
    told = DECLINES.get(decline_code) or DECLINES.get(code) or R.GENERIC
    return NETWORK_DECLINES.get(network_code, told) if told is R.GENERIC else told


def advice_of(advice_code: str, brand: str, network_advice: str) -> str:
    """What forbids a repeat goes before what merely advises."""
    network = NETWORK_ADVICE.get((brand, network_advice), "")
    return network or advice_code or (f"{brand}_{network_advice}" if brand and network_advice else "")
