"""Why a card was declined: a closed list, what the shopper may read, and whether the same card may be tried again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RetrySameCard(StrEnum):
    """``NO``: this card cannot pass, another may. ``NEVER``: the scheme fines repeats; blocked until the card changes."""

    YES = "yes"
    NO = "no"
    NEVER = "never"


class DeclineText(StrEnum):
    """The shopper's text; doors own the words. A stolen card reads exactly like any refusal."""

    GENERIC = "generic"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CARD_UNUSABLE = "card_unusable"
    BANK_CHECK = "bank_check"
    NOT_TAKEN = "not_taken"


class DeclineReason(StrEnum):
    """Every adapter translates its gateway's codes into these and nothing else; what it does not know is ``GENERIC``."""

    GENERIC = "generic"
    DO_NOT_HONOR = "do_not_honor"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CARD_VELOCITY_EXCEEDED = "card_velocity_exceeded"
    AMOUNT_LIMIT = "amount_limit"
    PROCESSING_ERROR = "processing_error"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    EXPIRED_CARD = "expired_card"
    INCORRECT_NUMBER = "incorrect_number"
    INCORRECT_CVC = "incorrect_cvc"
    CLOSED_ACCOUNT = "closed_account"
    NEW_ACCOUNT_INFORMATION = "new_account_information"
    CARD_NOT_SUPPORTED = "card_not_supported"
    CURRENCY_NOT_SUPPORTED = "currency_not_supported"
    LOST = "lost"
    STOLEN = "stolen"
    PICK_UP = "pick_up"
    FRAUDULENT = "fraudulent"
    AUTHENTICATION_REQUIRED = "authentication_required"
    AUTHENTICATION_FAILED = "authentication_failed"
    REVOKED = "revoked"
    DO_NOT_RETRY = "do_not_retry"
    CARD_GONE = "card_gone"
    """The gateway does not have this card any more: no bank was asked, and none ever will be."""
    NOT_TAKEN = "not_taken"
    """The gateway would not have this payment at all (an amount, a currency, a customer of its own): no bank was asked."""

    @property
    def retry_same_card(self) -> RetrySameCard:
        return _RULES[self][0]

    @property
    def text(self) -> DeclineText:
        return _RULES[self][1]


_YES, _NO, _NEVER = RetrySameCard.YES, RetrySameCard.NO, RetrySameCard.NEVER
_GENERIC, _UNUSABLE, _CHECK = DeclineText.GENERIC, DeclineText.CARD_UNUSABLE, DeclineText.BANK_CHECK

_RULES: dict[DeclineReason, tuple[RetrySameCard, DeclineText]] = {
    DeclineReason.GENERIC: (_YES, _GENERIC),
    DeclineReason.DO_NOT_HONOR: (_YES, _GENERIC),
    DeclineReason.INSUFFICIENT_FUNDS: (_YES, DeclineText.INSUFFICIENT_FUNDS),
    DeclineReason.CARD_VELOCITY_EXCEEDED: (_YES, _GENERIC),
    DeclineReason.AMOUNT_LIMIT: (_YES, DeclineText.INSUFFICIENT_FUNDS),
    DeclineReason.PROCESSING_ERROR: (_YES, _GENERIC),
    DeclineReason.ISSUER_UNAVAILABLE: (_YES, _GENERIC),
    DeclineReason.EXPIRED_CARD: (_NO, _UNUSABLE),
    DeclineReason.INCORRECT_NUMBER: (_NO, _UNUSABLE),
    DeclineReason.INCORRECT_CVC: (_NO, _UNUSABLE),
    DeclineReason.CLOSED_ACCOUNT: (_NO, _UNUSABLE),
    DeclineReason.NEW_ACCOUNT_INFORMATION: (_NO, _UNUSABLE),
    DeclineReason.CARD_NOT_SUPPORTED: (_NO, _UNUSABLE),
    DeclineReason.CURRENCY_NOT_SUPPORTED: (_NO, _UNUSABLE),
    DeclineReason.LOST: (_NO, _GENERIC),
    DeclineReason.STOLEN: (_NO, _GENERIC),
    DeclineReason.PICK_UP: (_NO, _GENERIC),
    DeclineReason.FRAUDULENT: (_NO, _GENERIC),
    DeclineReason.AUTHENTICATION_REQUIRED: (_YES, _CHECK),
    DeclineReason.AUTHENTICATION_FAILED: (_YES, _CHECK),
    DeclineReason.REVOKED: (_NEVER, _GENERIC),
    DeclineReason.DO_NOT_RETRY: (_NEVER, _GENERIC),
    DeclineReason.CARD_GONE: (_NEVER, _UNUSABLE),
    DeclineReason.NOT_TAKEN: (_NO, DeclineText.NOT_TAKEN),
}

DO_NOT_RETRY_ADVICE = frozenset({"visa_1", "mastercard_03", "mastercard_21", "do_not_try_again"})
"""Advice under which a repeat costs a scheme penalty, whatever the reason beside it says."""


@dataclass(frozen=True, slots=True)
class Decline:
    """A definite refusal. ``network_code`` and ``advice_code`` are kept for the merchant, never shown to the shopper."""

    reason: DeclineReason
    network_code: str = ""
    advice_code: str = ""

    @property
    def retry_same_card(self) -> RetrySameCard:
        if self.advice_code in DO_NOT_RETRY_ADVICE:
            return RetrySameCard.NEVER
        return self.reason.retry_same_card

    @property
    def text(self) -> DeclineText:
        return self.reason.text if self.advice_code not in DO_NOT_RETRY_ADVICE else DeclineText.GENERIC
