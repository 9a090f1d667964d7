"""Test cards: Stripe's published tokens and numbers, and of our own one for each decline code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Does(StrEnum):
    """What a charge of the card does."""

    APPROVED = "approved"
    DECLINED = "declined"
    CHALLENGE = "challenge"
    """The bank asks every time; off session it is a decline."""
    CHALLENGE_UNLESS_SET_UP = "challenge_unless_set_up"
    OFF_SESSION_REFUSED = "off_session_refused"
    """Approved while the shopper is here."""
    CHALLENGE_THEN_DECLINED = "challenge_then_declined"
    PROCESSING = "processing"
    PROCESSING_DECLINED = "processing_declined"
    DISPUTED = "disputed"
    """Approved, and contested at once."""
    REFUND_PENDING = "refund_pending"
    REFUND_FAILS = "refund_fails"


@dataclass(frozen=True, slots=True)
class Card:
    """``at_attach``: Stripe asks the bank already when the card is kept, and this bank says no."""

    does: Does = Does.APPROVED
    number: str = "4242424242424242"
    brand: str = "visa"
    decline_code: str = ""
    network_decline_code: str = ""
    advice_code: str = ""
    network_advice_code: str = ""
    at_attach: bool = False
    exp_month: int = 8
    exp_year: int = 2034


DECLINE_CODES: dict[str, tuple[str, str]] = {
    # published code: what the network says (its decline code), Stripe's advice
    "approve_with_id": ("01", "try_again_later"),
    "authentication_not_handled": ("", "confirm_card_data"),
    "authentication_required": ("1A", "try_again_later"),
    "call_issuer": ("01", "try_again_later"),
    "card_not_supported": ("57", "do_not_try_again"),
    "card_velocity_exceeded": ("65", "try_again_later"),
    "currency_not_supported": ("", "do_not_try_again"),
    "do_not_honor": ("05", "try_again_later"),
    "do_not_try_again": ("05", "do_not_try_again"),
    "duplicate_transaction": ("94", ""),
    "expired_card": ("54", "confirm_card_data"),
    "fraudulent": ("59", "do_not_try_again"),
    "generic_decline": ("05", "try_again_later"),
    "highest_risk_level": ("", "do_not_try_again"),
    "incorrect_address": ("", "confirm_card_data"),
    "incorrect_cvc": ("82", "confirm_card_data"),
    "incorrect_number": ("14", "confirm_card_data"),
    "incorrect_pin": ("55", "try_again_later"),
    "incorrect_zip": ("", "confirm_card_data"),
    "insufficient_funds": ("51", "try_again_later"),
    "invalid_account": ("46", "do_not_try_again"),
    "invalid_amount": ("13", ""),
    "invalid_cvc": ("82", "confirm_card_data"),
    "invalid_expiry_month": ("54", "confirm_card_data"),
    "invalid_expiry_year": ("54", "confirm_card_data"),
    "invalid_number": ("14", "confirm_card_data"),
    "invalid_pin": ("55", "try_again_later"),
    "issuer_not_available": ("91", "try_again_later"),
    "lost_card": ("41", "do_not_try_again"),
    "merchant_blacklist": ("", "do_not_try_again"),
    "mobile_device_authentication_required": ("", "try_again_later"),
    "new_account_information_available": ("05", "confirm_card_data"),
    "no_action_taken": ("21", "try_again_later"),
    "not_permitted": ("57", "do_not_try_again"),
    "offline_pin_required": ("70", ""),
    "online_or_offline_pin_required": ("70", ""),
    "pickup_card": ("04", "do_not_try_again"),
    "pin_try_exceeded": ("75", "do_not_try_again"),
    "previously_declined_do_not_retry": ("", "do_not_try_again"),
    "processing_error": ("06", "try_again_later"),
    "reenter_transaction": ("19", "try_again_later"),
    "restricted_card": ("62", "do_not_try_again"),
    "revocation_of_all_authorizations": ("R1", "do_not_try_again"),
    "revocation_of_authorization": ("R0", "do_not_try_again"),
    "security_violation": ("63", "do_not_try_again"),
    "service_not_allowed": ("57", "do_not_try_again"),
    "stolen_card": ("43", "do_not_try_again"),
    "stop_payment_order": ("R0", "do_not_try_again"),
    "testmode_decline": ("", ""),
    "transaction_not_allowed": ("57", "do_not_try_again"),
    "try_again_later": ("19", "try_again_later"),
    "withdrawal_count_limit_exceeded": ("65", "try_again_later"),
}
"""Stripe's published decline codes."""

OWN_ERROR_CODES = frozenset(
    {
        "authentication_required", "expired_card", "incorrect_cvc", "incorrect_number", "incorrect_zip", "incorrect_address",
        "processing_error", "invalid_cvc", "invalid_expiry_month", "invalid_expiry_year", "invalid_number",
    }
)  # fmt: skip
"""Declines whose ``code`` says it itself; every other decline has the code ``card_declined``."""


def declined(code: str, number: str = "4000000000000002", *, at_attach: bool = False) -> Card:
    network, advice = DECLINE_CODES[code]
    return Card(
        Does.DECLINED, number, decline_code=code, network_decline_code=network, advice_code=advice, at_attach=at_attach
    )


_BY_TOKEN: dict[str, Card] = {
    "visa": Card(),
    "visa_debit": Card(number="4000056655665556"),
    "mastercard": Card(number="5555555555554444", brand="mastercard"),
    "mastercard_debit": Card(number="5200828282828210", brand="mastercard"),
    "amex": Card(number="378282246310005", brand="amex"),
    "discover": Card(number="6011111111111117", brand="discover"),
    "visa_chargeDeclined": declined("generic_decline", at_attach=True),
    "chargeDeclined": declined("generic_decline", at_attach=True),
    "visa_chargeDeclinedInsufficientFunds": declined("insufficient_funds", "4000000000009995", at_attach=True),
    "visa_chargeDeclinedLostCard": declined("lost_card", "4000000000009987", at_attach=True),
    "visa_chargeDeclinedStolenCard": declined("stolen_card", "4000000000009979", at_attach=True),
    "visa_chargeDeclinedVelocityLimitExceeded": declined("card_velocity_exceeded", "4000000000006975", at_attach=True),
    "chargeDeclinedExpiredCard": declined("expired_card", "4000000000000069", at_attach=True),
    "chargeDeclinedIncorrectCvc": declined("incorrect_cvc", "4000000000000127", at_attach=True),
    "chargeDeclinedProcessingError": declined("processing_error", "4000000000000119", at_attach=True),
    "chargeDeclinedFraudulent": declined("fraudulent", "4100000000000019", at_attach=True),
    "radarBlock": declined("highest_risk_level", "4100000000000019"),
    "chargeCustomerFail": declined("generic_decline", "4000000000000341"),
    "authenticationRequired": Card(Does.CHALLENGE, "4000002760003184"),
    "authenticationRequiredOnSetup": Card(Does.CHALLENGE_UNLESS_SET_UP, "4000002500003155"),
    "authenticationRequiredChargeDeclinedInsufficientFunds": replace(
        declined("insufficient_funds", "4000008260003178"), does=Does.CHALLENGE_THEN_DECLINED
    ),
    "threeDSecure2Required": Card(Does.CHALLENGE, "4000000000003220"),
    "threeDSecureRequired": Card(Does.CHALLENGE, "4000000000003063"),
    "threeDSecureRequiredChargeDeclined": replace(
        declined("generic_decline", "4000008400001629"), does=Does.CHALLENGE_THEN_DECLINED
    ),
    "createDispute": Card(Does.DISPUTED, "4000000000000259"),
    "pendingRefund": Card(Does.REFUND_PENDING, "4000000000007726"),
    "refundFail": Card(Does.REFUND_FAILS, "4000000000005126"),
    "offSessionRefused": Card(Does.OFF_SESSION_REFUSED, "4000000000003097"),
    "processing": Card(Does.PROCESSING, "4000000000003089"),
    "processing_declined": replace(declined("generic_decline", "4000000000003071"), does=Does.PROCESSING_DECLINED),
}

_BY_NUMBER: dict[str, Card] = {card.number: card for card in reversed(_BY_TOKEN.values())}
_BY_NUMBER["4100000000000019"] = _BY_TOKEN["radarBlock"]
_BY_NUMBER["4000000000000002"] = _BY_TOKEN["chargeDeclined"]


def card_of_token(token: str) -> Card | None:
    """``pm_card_visa``, ``tok_visa``, ``pm_card_decline_do_not_honor``; None for any other word."""
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix):
            name = token.removeprefix(prefix)
            code = name.removeprefix("decline_")
            if code != name and code in DECLINE_CODES:
                return declined(code, "4000000000000341")
            return _BY_TOKEN.get(name)
    return None


def card_of_number(number: str) -> Card | None:
    return _BY_NUMBER.get("".join(number.split()))


TOKENS = tuple(f"pm_card_{name}" for name in _BY_TOKEN)
NUMBERS = tuple(_BY_NUMBER)
