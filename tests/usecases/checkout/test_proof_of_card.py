"""The proof names the card that pays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.models.orders import Consent
from tests.usecases.checkout.till import Till


def proof(till: Till, order: str) -> dict[str, Any]:
    with till.store.read() as conn:
        return conn.execute(select(Consent.card).where(Consent.order_id == order)).scalar_one()


def marked(till: Till, card: int, mark: str) -> None:
    till.sql("UPDATE stored_cards SET fingerprint = :mark WHERE id = :card", mark=mark, card=card)


def test_the_consent_names_the_mark_of_the_card_that_was_charged(till: Till):
    marked(till, till.seeded.mastercard, "fp-of-mastercard")
    kept = proof(till, till.press(till.look(till.open()), card=till.seeded.mastercard))
    assert (kept["id"], kept["last4"], kept["fingerprint"]) == (till.seeded.mastercard, "5454", "fp-of-mastercard")
