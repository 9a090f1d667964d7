"""What each test card does: one table for tokens, numbers and outcomes.

A token may carry a suffix after a hyphen (``pm_sandbox_visa_ok-1048``), so that an import can give each customer a token
of its own; the sandbox then keeps that card for the customer who first uses it. Off session, every card whose bank asks
is declined with ``authentication_required``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.gateways.declines import Decline, DeclineReason


class Effect(StrEnum):
    """What confirming does at the gateway."""

    APPROVED = "approved"
    DECLINED = "declined"
    CHALLENGE = "challenge"
    """The bank asks; its page decides."""
    CHALLENGE_FAILS = "challenge_fails"
    """The bank asks and refuses whatever is answered."""
    CHALLENGE_SILENT = "challenge_silent"
    """The bank asks and takes no answer: the check is abandoned."""
    CHALLENGE_THEN_DECLINED = "challenge_then_declined"
    OFF_SESSION_REFUSED = "off_session_refused"
    """Passes while the shopper is here, asks for them otherwise."""
    PROCESSING = "processing"
    PROCESSING_THEN_DECLINED = "processing_then_declined"


class Fault(StrEnum):
    """What happens to the call itself, whatever it does at the gateway."""

    REFUSED = "refused"
    """No connection: nothing was sent."""
    TIMEOUT_BEFORE = "timeout_before"
    """It arrived, did not act, and no answer came."""
    TIMEOUT_AFTER = "timeout_after"
    """It acted, and no answer came."""
    LATE = "late"
    """No answer came, and it acts after the caller gave up."""
    CUT_BODY = "cut_body"
    """It acted; the answer's body was cut."""
    SLOW = "slow"
    ERROR_UNSAVED = "error_unsaved"
    """500 before anything was saved: the same key may still act."""
    ERROR_BEFORE = "error_before"
    """500 without acting, saved under the key: that key is poisoned."""
    ERROR_AFTER = "error_after"
    """500 after acting, saved under the key."""
    RATE_LIMITED = "rate_limited"
    KEY_IN_USE = "key_in_use"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class TestCard:
    """``fault`` befalls the first call of ``fault_at`` for an attempt; every one of them when ``fault_always``."""

    __test__ = False

    behaviour: str
    brand: str
    number: str
    shows: str
    effect: Effect = Effect.APPROVED
    decline: Decline | None = None
    fault: Fault | None = None
    fault_at: str = "confirm_payment"
    fault_always: bool = False
    exp_month: int = 12
    exp_year: int = 2034

    @property
    def token(self) -> str:
        return TOKEN_PREFIX + self.behaviour

    @property
    def last4(self) -> str:
        return self.number[-4:]


TOKEN_PREFIX = "pm_sandbox_"  # noqa: S105 - the public beginning of every test token

_R = DeclineReason


def _declined(
    behaviour: str, number: str, reason: DeclineReason, shows: str, network: str = "", advice: str = ""
) -> TestCard:
    return TestCard(behaviour, "visa", number, shows, Effect.DECLINED, Decline(reason, network, advice))


def _faulty(
    behaviour: str, number: str, shows: str, fault: Fault, at: str = "confirm_payment", always: bool = False
) -> TestCard:
    return TestCard(behaviour, "visa", number, shows, fault=fault, fault_at=at, fault_always=always)


_EXPIRED = TestCard(
    "visa_expired", "visa", "4000000000000069", "Declined: the card has expired",
    Effect.DECLINED, Decline(_R.EXPIRED_CARD, "54"), exp_month=5, exp_year=2016,
)  # fmt: skip

_TABLE = (
    TestCard("visa_ok", "visa", "4242424242424242", "Approved"),
    TestCard("mastercard_ok", "mastercard", "5454545454545454", "Approved"),
    TestCard("amex_ok", "amex", "378282246310005", "Approved"),
    _declined("visa_declined", "4000000000000002", _R.GENERIC, "Declined without a reason"),
    _declined("visa_do_not_honor", "4000000000001018", _R.DO_NOT_HONOR, "Declined: do not honor", "05"),
    _declined("visa_insufficient_funds", "4000000000009995", _R.INSUFFICIENT_FUNDS, "Declined: insufficient funds", "51"),
    _declined("visa_velocity", "4000000000006975", _R.CARD_VELOCITY_EXCEEDED, "Declined: too many payments", "65"),
    _declined("visa_amount_limit", "4000000000001026", _R.AMOUNT_LIMIT, "Declined: above the card's limit", "61"),
    _declined("visa_processing_error", "4000000000000119", _R.PROCESSING_ERROR, "Declined: processing error", "06"),
    _declined("visa_issuer_down", "4000000000001034", _R.ISSUER_UNAVAILABLE, "Declined: the bank is not answering", "91"),
    _EXPIRED,
    _declined("visa_incorrect_number", "4000000000001042", _R.INCORRECT_NUMBER, "Declined: wrong number", "14"),
    _declined("visa_incorrect_cvc", "4000000000000127", _R.INCORRECT_CVC, "Declined: wrong security code", "82"),
    _declined("visa_closed_account", "4000000000001059", _R.CLOSED_ACCOUNT, "Declined: closed account", "46"),
    _declined("visa_new_account", "4000000000001067", _R.NEW_ACCOUNT_INFORMATION, "Declined: the card was replaced", "05"),
    _declined("visa_not_supported", "4000000000001075", _R.CARD_NOT_SUPPORTED, "Declined: card type not supported", "57"),
    _declined("visa_currency", "4000000000001083", _R.CURRENCY_NOT_SUPPORTED, "Declined: currency not supported"),
    _declined("visa_lost", "4000000000009987", _R.LOST, "Declined: reported lost", "41"),
    _declined("visa_stolen", "4000000000009979", _R.STOLEN, "Declined: reported stolen", "43"),
    _declined("visa_pick_up", "4000000000001091", _R.PICK_UP, "Declined: pick up card", "04"),
    _declined("visa_fraudulent", "4100000000000019", _R.FRAUDULENT, "Declined: suspected fraud", "59"),
    _declined("visa_revoked", "4000000000001109", _R.REVOKED, "Declined for ever: authorization revoked", "R1", "mastercard_21"),
    _declined("visa_do_not_retry", "4000000000001117", _R.DO_NOT_RETRY, "Declined for ever: never try this card again", "15", "visa_1"),
    _declined("visa_advice_03", "4000000000001125", _R.DO_NOT_HONOR, "Declined with the advice never to try again", "05", "mastercard_03"),
    _declined("visa_auth_required", "4000000000001133", _R.AUTHENTICATION_REQUIRED, "Declined: the bank wants a check", "1A"),
    TestCard("visa_3ds", "visa", "4000000000003220", "The bank asks: you approve, refuse or leave", Effect.CHALLENGE),
    TestCard("visa_3ds_fails", "visa", "4000000000001141", "The bank asks and refuses", Effect.CHALLENGE_FAILS),
    TestCard("visa_3ds_silent", "visa", "4000000000001158", "The bank asks and never answers", Effect.CHALLENGE_SILENT),
    TestCard(
        "visa_3ds_then_declined", "visa", "4000000000001166", "The bank asks, then declines: insufficient funds",
        Effect.CHALLENGE_THEN_DECLINED, Decline(_R.INSUFFICIENT_FUNDS, "51"),
    ),
    TestCard("visa_off_session_refused", "visa", "4000002760003184", "Approved here, refused at renewals", Effect.OFF_SESSION_REFUSED),
    TestCard("visa_processing", "visa", "4000000000001174", "Pending, then approved", Effect.PROCESSING),
    TestCard(
        "visa_processing_declined", "visa", "4000000000001182", "Pending, then declined",
        Effect.PROCESSING_THEN_DECLINED, Decline(_R.GENERIC),
    ),
    _faulty("visa_slow", "4000000000001190", "Approved after a while", Fault.SLOW, always=True),
    _faulty("visa_timeout_acted", "4000000000001208", "No answer, and it was charged", Fault.TIMEOUT_AFTER),
    _faulty("visa_timeout_not_acted", "4000000000001216", "No answer, nothing was charged; the next try passes", Fault.TIMEOUT_BEFORE),
    _faulty("visa_timeout_always", "4000000000001224", "Never an answer, never charged", Fault.TIMEOUT_BEFORE, always=True),
    _faulty("visa_late", "4000000000001232", "No answer, charged some seconds later", Fault.LATE),
    _faulty("visa_cut_body", "4000000000001240", "Charged, but the answer is cut short", Fault.CUT_BODY),
    _faulty("visa_error_unsaved", "4000000000001257", "Error 500, nothing saved; the next try passes", Fault.ERROR_UNSAVED),
    _faulty("visa_error_before", "4000000000001265", "Error 500 saved, nothing was charged", Fault.ERROR_BEFORE),
    _faulty("visa_error_after", "4000000000001273", "Error 500 saved, and it was charged", Fault.ERROR_AFTER),
    _faulty("visa_busy", "4000000000001281", "Too many requests; the next try passes", Fault.RATE_LIMITED),
    _faulty("visa_unreachable", "4000000000001299", "The gateway cannot be reached", Fault.REFUSED, "create_payment", True),
    _faulty("visa_create_timeout_acted", "4000000000001307", "No answer to the first step, which was taken", Fault.TIMEOUT_AFTER, "create_payment"),
    _faulty("visa_create_timeout_not_acted", "4000000000001315", "No answer to the first step, which was not taken", Fault.TIMEOUT_BEFORE, "create_payment"),
    _faulty("visa_create_error", "4000000000001323", "Error 500 at the first step", Fault.ERROR_BEFORE, "create_payment"),
)  # fmt: skip

CARDS: dict[str, TestCard] = {card.behaviour: card for card in _TABLE}
"""Every test card by its behaviour: ``CARDS["visa_ok"].token`` is ``pm_sandbox_visa_ok``."""

_BY_NUMBER = {card.number: card for card in _TABLE}


def card_of_token(token: str) -> TestCard | None:
    """The behaviour that a ready-made token names, with or without a suffix; None for any other token."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    return CARDS.get(token.removeprefix(TOKEN_PREFIX).partition("-")[0])


def card_of_number(number: str) -> TestCard | None:
    """The test card with these digits; no other number is ever accepted."""
    return _BY_NUMBER.get(number)
