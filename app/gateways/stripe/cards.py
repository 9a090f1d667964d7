"""Customers, their cards, and Stripe's own card page: a Checkout Session in ``setup`` mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gateways.port import AnswerKind, CardSetup, FinishedSetup, Reply, StoredCard
from app.gateways.stripe import reading
from app.gateways.stripe.client import Account
from app.gateways.stripe.listing import every, found

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

_LONGEST_TEXT = 1200
"""What Checkout shows beside its button, at most."""


def create_customer(at: Account, *, reference: str, key: str) -> Reply[str]:
    """Only the reference is sent: no name, no address."""
    seen = at.ask(
        "create_customer",
        lambda client: client.v1.customers.create(
            {"description": reference, "metadata": {"app": reading.APP, "reference": reference}},
            {"idempotency_key": key},
        ),
    )
    return found(seen).map(lambda body: reading.text(body, "id"))


def begin_setup(at: Account, *, customer: str, return_url: str, description: str, key: str) -> Reply[CardSetup]:
    """Whether the shopper finishes or turns back, they come to ``return_url``; the session itself tells which it was."""
    text = description[:_LONGEST_TEXT]
    asked: SessionCreateParams = {
        "mode": "setup",
        "customer": customer,
        "allowed_payment_method_types": ["card"],
        "success_url": return_url,
        "cancel_url": return_url,
        "metadata": {"app": reading.APP},
    }
    if text:
        asked["custom_text"] = {"submit": {"message": text}}
    seen = at.ask(
        "begin_card_setup", lambda client: client.v1.checkout.sessions.create(asked, {"idempotency_key": key})
    )
    return found(seen).map(lambda body: CardSetup(reading.text(body, "id"), reading.text(body, "url")))


def finish_setup(at: Account, ref: str) -> Reply[FinishedSetup]:
    seen = at.ask(
        "finish_card_setup",
        lambda client: client.v1.checkout.sessions.retrieve(ref, {"expand": ["setup_intent.payment_method"]}),
    )
    return found(seen).map(reading.finished_setup)


def stored(at: Account, customer: str) -> Reply[tuple[StoredCard, ...]]:
    pages = every(
        at,
        "stored_cards",
        lambda client, page: client.v1.customers.payment_methods.list(customer, {**page, "type": "card"}),
    )
    if pages.kind is AnswerKind.BUG_OR_GONE and _is_deleted(at, customer):
        return Reply(AnswerKind.DEFINITE, ())
    return pages.map(lambda bodies: tuple(reading.card(body) for body in bodies))


def _is_deleted(at: Account, customer: str) -> bool:
    """Stripe goes on telling of a customer who was deleted. One it does not know at all may be another account's."""
    seen = at.ask("stored_cards", lambda client: client.v1.customers.retrieve(customer))
    return seen.ok and seen.body is not None and seen.body.get("deleted") is True
