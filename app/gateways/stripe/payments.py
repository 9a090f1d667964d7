"""PaymentIntents: create, confirm, read, list, cancel. Each function is one verb of the port on one account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.gateways.port import (
    Answer,
    AnswerKind,
    CreatePayment,
    Decline,
    DeclineReason,
    Payment,
    PaymentStatus,
    Reply,
)
from app.gateways.stripe import reading
from app.gateways.stripe.amounts import AmountError, to_wire
from app.gateways.stripe.client import Account, Seen
from app.gateways.stripe.listing import created, every, readable
from app.gateways.stripe.reading import Unreadable
from app.gateways.stripe.table import is_card_gone

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams, PaymentIntentListParams

EXPAND = ["latest_charge"]
_NO_MONEY = (PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION, PaymentStatus.CANCELED)


def create(at: Account, request: CreatePayment, *, account: str, key: str) -> Answer:
    """``confirm=false``: no money moves. Cards alone, so that no other means of payment can ask for a page of its own."""
    try:
        amount = to_wire(request.amount, request.currency)
    except AmountError as error:
        return Answer(AnswerKind.BUG_OR_GONE, detail=str(error))
    marks = request.marks
    asked: PaymentIntentCreateParams = {
        "amount": amount,
        "currency": request.currency.lower(),
        "customer": request.customer,
        "payment_method": request.payment_method,
        "allowed_payment_method_types": ["card"],
        "capture_method": "automatic",
        "confirm": False,
        "metadata": reading.marks(marks.order, marks.attempt, marks.use),
        "expand": EXPAND,
    }
    if request.description:
        asked["description"] = request.description
    seen = at.ask("create_payment", lambda client: client.v1.payment_intents.create(asked, {"idempotency_key": key}))
    found = answer(seen, account)
    if found.kind is AnswerKind.BUG_OR_GONE and is_card_gone(seen.error):
        return replace(found, decline=Decline(DeclineReason.CARD_GONE))
    return found


def confirm(at: Account, ref: str, *, account: str, key: str, return_url: str | None) -> Answer:
    """On session the bank may ask, by a redirect; off session its question is a decline."""
    if return_url is None:
        seen = at.ask(
            "confirm_payment",
            lambda client: client.v1.payment_intents.confirm(
                ref, {"off_session": True, "expand": EXPAND}, {"idempotency_key": key}
            ),
        )
        return _off_session(answer(seen, account))
    seen = at.ask(
        "confirm_payment",
        lambda client: client.v1.payment_intents.confirm(
            ref, {"return_url": return_url, "expand": EXPAND}, {"idempotency_key": key}
        ),
    )
    return answer(seen, account)


def read(at: Account, ref: str, *, account: str) -> Answer:
    seen = at.ask("read_payment", lambda client: client.v1.payment_intents.retrieve(ref, {"expand": EXPAND}))
    return answer(seen, account)


def cancel(at: Account, ref: str, *, account: str, key: str) -> Answer:
    seen = at.ask(
        "cancel_payment",
        lambda client: client.v1.payment_intents.cancel(ref, {"expand": EXPAND}, {"idempotency_key": key}),
    )
    return answer(seen, account)


def listed(
    at: Account,
    *,
    account: str,
    customer: str | None,
    order: str | None,
    since: datetime | None,
    until: datetime | None,
) -> Reply[tuple[Payment, ...]]:
    """By customer and time at Stripe, by order here: Stripe's search would do it, but runs up to a minute behind."""
    asked: PaymentIntentListParams = {"expand": [f"data.{name}" for name in EXPAND]}
    if customer is not None:
        asked["customer"] = customer
    if since is not None or until is not None:
        asked["created"] = cast("Any", created(since, until))
    found = every(at, "list_payments", lambda client, page: client.v1.payment_intents.list({**asked, **page}))
    return found.map(
        lambda bodies: tuple(
            payment
            for payment in readable(lambda body: reading.payment(body, account), bodies)
            if order is None or payment.metadata.order == order
        )
    )


def answer(seen: Seen, account: str) -> Answer:
    """What was seen, with the object wherever Stripe sent one: alone, or within the error of a decline."""
    body: Mapping[str, Any] | None = seen.body if seen.ok else _object_of(seen.error)
    try:
        payment = reading.payment(body, account) if body else None
    except Unreadable as error:
        if seen.ok or seen.status == 402:
            return Answer(AnswerKind.UNKNOWN, detail=f"unreadable object: {error}")
        payment = None
    kind = seen.kind(payment.status if payment else None)
    if kind is not AnswerKind.DECLINE:
        retry_after = seen.retry_after if kind is AnswerKind.BUSY else None
        return Answer(kind, payment if kind in _WITH_OBJECT else None, None, seen.detail, retry_after)
    if payment is not None and payment.status not in _NO_MONEY:
        # Refused, and yet the object stands where money may move: only reading tells.
        return Answer(AnswerKind.UNKNOWN, detail=seen.detail)
    return Answer(kind, payment, reading.decline(seen.error), seen.detail)


_WITH_OBJECT = (AnswerKind.DEFINITE, AnswerKind.PENDING)


def _object_of(error: Mapping[str, Any]) -> Mapping[str, Any] | None:
    body = error.get("payment_intent")
    return cast("dict[str, Any]", body) if isinstance(body, dict) else None


def _off_session(found: Answer) -> Answer:
    """Nobody is there to be asked. Stripe refuses by itself; should it ask all the same, that is the decline it means."""
    payment = found.payment
    if found.kind is not AnswerKind.DEFINITE or payment is None or payment.status is not PaymentStatus.REQUIRES_ACTION:
        return found
    return Answer(
        AnswerKind.DECLINE, payment, Decline(DeclineReason.AUTHENTICATION_REQUIRED), "the bank asks off session"
    )
