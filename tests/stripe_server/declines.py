"""How a refused card reads: Stripe's 402."""

from __future__ import annotations

from typing import Any

from tests.stripe_server.cards import OWN_ERROR_CODES, Card
from tests.stripe_server.wire import StripeError

MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "card_not_supported": "Your card is not supported.",
    "currency_not_supported": "Your card does not support this type of purchase.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def card_error(card: Card, code: str = "", **more: Any) -> StripeError:
    """``more`` sets or (with None) takes away fields of the error."""
    why = code or card.decline_code
    says = why if why in OWN_ERROR_CODES else "card_declined"
    fields: dict[str, Any] = {"decline_code": why}
    if card.network_decline_code and not code:
        fields["network_decline_code"] = card.network_decline_code
    if card.network_advice_code and not code:
        fields["network_advice_code"] = card.network_advice_code
    if card.advice_code and not code:
        fields["advice_code"] = card.advice_code
    fields.update(more)
    return StripeError(402, "card_error", MESSAGES.get(why, "Your card was declined."), says, executed=True, **fields)
