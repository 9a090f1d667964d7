"""Stripe's objects as the port's: pure translation. ``Unreadable`` for anything that is not what it should be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from app.gateways.port import (
    Decline,
    Dispute,
    DisputeStatus,
    FinishedSetup,
    Marks,
    Payment,
    PaymentStatus,
    Refund,
    SetupStatus,
    StoredCard,
)
from app.gateways.stripe.amounts import AmountError, from_wire
from app.gateways.stripe.table import (
    DISPUTE_STATUS,
    PAYMENT_STATUS,
    REFUND_STATUS,
    SESSION_STATUS,
    advice_of,
    reason_of,
)

APP = "liftlink"
"""Under ``metadata[app]``: marks of the same names that another program wrote are not ours."""

Body = Mapping[str, Any]


class Unreadable(Exception):
    """A whole answer that makes no sense to us; the message names the field and never its value."""


def marks(order: str, attempt: str, use: str) -> dict[str, str]:
    return {"app": APP, "order": order, "attempt": attempt, "use": use}


def payment(body: Body, account: str) -> Payment:
    """A PaymentIntent. Its charge is read where it came along (``expand``)."""
    error = _inner(body, "last_payment_error")
    currency = text(body, "currency").upper()
    refunded = int(_inner(body, "latest_charge").get("amount_refunded") or 0)
    status = _known(PAYMENT_STATUS, body, "status")
    return Payment(
        ref=text(body, "id"),
        status=status,
        amount=_amount(body, "amount", currency),
        currency=currency,
        customer=_ref(body.get("customer")),
        # Stripe takes the card off an intent that was declined, and keeps it in the error.
        payment_method=_ref(body.get("payment_method")) or _ref(error.get("payment_method")),
        account=account,
        livemode=_flag(body, "livemode"),
        metadata=_marks(body),
        captured=_converted(int(body.get("amount_received") or 0), currency, "amount_received"),
        refunded=_converted(refunded, currency, "amount_refunded"),
        action_url=_action_url(body) if status is PaymentStatus.REQUIRES_ACTION else None,
        decline=decline(error) if error and status is not PaymentStatus.SUCCEEDED else None,
        created_at=_instant(body, "created"),
    )


def decline(error: Body) -> Decline:
    """An error of a card, or the last one that an intent remembers."""
    card = _inner(_inner(error, "payment_method"), "card")
    network = _word(error, "network_decline_code")
    return Decline(
        reason_of(_word(error, "decline_code"), _word(error, "code"), network),
        network,
        advice_of(_word(error, "advice_code"), _word(card, "brand"), _word(error, "network_advice_code")),
    )


def refund(body: Body) -> Refund:
    """``status`` may be null for a refund that Stripe has only just taken in."""
    currency = text(body, "currency").upper()
    told = _inner(body, "metadata")
    return Refund(
        ref=text(body, "id"),
        payment=_ref(body.get("payment_intent")),
        amount=_amount(body, "amount", currency),
        currency=currency,
        status=REFUND_STATUS["pending"] if body.get("status") is None else _known(REFUND_STATUS, body, "status"),
        mark=_word(told, "refund") if told.get("app") == APP else "",
        created_at=_instant(body, "created"),
    )


def dispute(body: Body) -> Dispute | None:
    """None for an inquiry, which holds no money back."""
    status: DisputeStatus | None = _known(DISPUTE_STATUS, body, "status")
    if status is None:
        return None
    currency = text(body, "currency").upper()
    return Dispute(
        ref=text(body, "id"),
        payment=_ref(body.get("payment_intent")),
        amount=_amount(body, "amount", currency),
        currency=currency,
        status=status,
        opened_at=_instant(body, "created"),
    )


def card(body: Body) -> StoredCard:
    """A PaymentMethod of type ``card``."""
    told = _inner(body, "card")
    return StoredCard(
        token=text(body, "id"),
        customer=_ref(body.get("customer")),
        brand=text(told, "brand"),
        last4=text(told, "last4"),
        exp_month=_integer(told, "exp_month"),
        exp_year=_integer(told, "exp_year"),
        fingerprint=_word(told, "fingerprint"),
    )


def finished_setup(body: Body) -> FinishedSetup:
    """A Checkout Session in ``setup`` mode, with its SetupIntent and PaymentMethod in full."""
    status, customer = _known(SESSION_STATUS, body, "status"), _ref(body.get("customer"))
    if status is not SetupStatus.COMPLETE:
        return FinishedSetup(text(body, "id"), status, customer)
    intent = _inner(body, "setup_intent")
    if intent.get("status") != "succeeded":  # the bank still looks at the card
        return FinishedSetup(text(body, "id"), SetupStatus.OPEN, customer)
    return FinishedSetup(text(body, "id"), status, customer, card(_inner(intent, "payment_method")))


def _action_url(body: Body) -> str | None:
    """Only a redirect serves a page without scripts; ``use_stripe_sdk`` comes when no ``return_url`` was given."""
    url = _inner(_inner(body, "next_action"), "redirect_to_url").get("url")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None


def _marks(body: Body) -> Marks:
    told = _inner(body, "metadata")
    if told.get("app") != APP:
        return Marks()
    return Marks(_word(told, "order"), _word(told, "attempt"), _word(told, "use"))


def is_ours(body: Body) -> bool:
    """Whether a PaymentIntent, or a refund or dispute with its own in full, bears our marks. Of one that is only named
    nobody knows, so it counts as ours."""
    if _word(body, "payment_intent"):
        return True
    return APP in (_inner(each, "metadata").get("app") for each in (body, _inner(body, "payment_intent")))


def _inner(body: Body, name: str) -> dict[str, Any]:
    value = body.get(name)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _ref(value: Any) -> str:
    """An object's id, whether it came as such or in full; empty for none."""
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value).get("id")
    return value if isinstance(value, str) else ""


def _word(body: Body, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def text(body: Body, name: str) -> str:
    """A word that must be there; ``Unreadable``."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Unreadable(f"{name} is missing")
    return value


def _integer(body: Body, name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(f"{name} is no integer")
    return value


def _flag(body: Body, name: str) -> bool:
    value = body.get(name)
    if not isinstance(value, bool):
        raise Unreadable(f"{name} is neither true nor false")
    return value


def _amount(body: Body, name: str, currency: str) -> int:
    return _converted(_integer(body, name), currency, name)


def _converted(wire: int, currency: str, name: str) -> int:
    try:
        return from_wire(wire, currency)
    except AmountError as error:
        raise Unreadable(f"{name}: {error}") from None


def _instant(body: Body, name: str) -> datetime:
    return datetime.fromtimestamp(_integer(body, name), UTC)


def _known(table: Mapping[str, Any], body: Body, name: str) -> Any:
    value = body.get(name)
    if not isinstance(value, str) or value not in table:
        raise Unreadable(f"{name} is one that this version does not know")
    return table[value]
