"""Refunds and disputes of a PaymentIntent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.gateways.port import Answer, AnswerKind, Dispute, Refund, Reply
from app.gateways.stripe import reading
from app.gateways.stripe.amounts import AmountError, to_wire
from app.gateways.stripe.client import Account
from app.gateways.stripe.listing import created, every, found, readable

if TYPE_CHECKING:
    from stripe.params import DisputeListParams, RefundListParams


EXPAND = ["data.payment_intent"]
"""In a list of a whole account: its payment tells whether an object is ours."""


def refund(at: Account, payment: Answer, *, amount: int, mark: str, key: str) -> Reply[Refund]:
    """Gives back ``amount`` of a payment that was read a moment ago: Stripe takes a count, and its currency tells the unit."""
    if payment.payment is None:
        # Nothing was asked for yet, so not knowing is no more than a reason to come again.
        kind = AnswerKind.BUSY if payment.kind is AnswerKind.UNKNOWN else payment.kind
        return Reply(kind, detail=payment.detail)
    ref, currency = payment.payment.ref, payment.payment.currency
    try:
        wire = to_wire(amount, currency)
    except AmountError as error:
        return Reply(AnswerKind.BUG_OR_GONE, detail=str(error))
    seen = at.ask(
        "refund",
        lambda client: client.v1.refunds.create(
            {"payment_intent": ref, "amount": wire, "metadata": {"app": reading.APP, "refund": mark}},
            {"idempotency_key": key},
        ),
    )
    reply = found(seen).map(reading.refund)
    # "Unexpected state" of a payment says here that nothing was taken: no reading makes that a refund.
    return replace(reply, kind=AnswerKind.BUG_OR_GONE) if reply.kind is AnswerKind.READ else reply


def list_refunds(
    at: Account, *, payment: str | None, since: datetime | None, until: datetime | None
) -> Reply[tuple[Refund, ...]]:
    """One of a charge that has no PaymentIntent names no payment."""
    asked: RefundListParams = {} if payment else {"expand": EXPAND}
    if payment is not None:
        asked["payment_intent"] = payment
    if since is not None or until is not None:
        asked["created"] = cast("Any", created(since, until))
    pages = every(at, "list_refunds", lambda client, page: client.v1.refunds.list({**page, **asked}))
    return pages.map(lambda bodies: readable(reading.refund, bodies))


def list_disputes(
    at: Account, *, payment: str | None, since: datetime | None, until: datetime | None
) -> Reply[tuple[Dispute, ...]]:
    """Inquiries are left out: they hold no money back."""
    asked: DisputeListParams = {} if payment else {"expand": EXPAND}
    if payment is not None:
        asked["payment_intent"] = payment
    if since is not None or until is not None:
        asked["created"] = cast("Any", created(since, until))
    pages = every(at, "list_disputes", lambda client, page: client.v1.disputes.list({**page, **asked}))
    return pages.map(lambda bodies: tuple(each for each in readable(reading.dispute, bodies) if each is not None))
