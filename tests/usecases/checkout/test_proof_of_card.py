"""The proof names the card that pays: the one chosen, or the one that will pay what renews."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.links.claims import Discount, WrittenOffer
from app.models.orders import Attempt, Consent
from tests.usecases.checkout.till import Till

FREE_TODAY = WrittenOffer(1, "crm-seat", 2, discount=Discount("percent", 10_000, "once"))
"""Nothing today, 80.00 from January 1, 2027 instead of 40.00."""


def proof(till: Till, order: str) -> dict[str, Any]:
    with till.store.read() as conn:
        return conn.execute(select(Consent.card).where(Consent.order_id == order)).scalar_one()


def marked(till: Till, card: int, mark: str) -> None:
    till.sql("UPDATE stored_cards SET fingerprint = :mark WHERE id = :card", mark=mark, card=card)


def test_the_consent_names_the_mark_of_the_card_that_was_charged(till: Till):
    marked(till, till.seeded.mastercard, "fp-of-mastercard")
    kept = proof(till, till.press(till.look(till.open()), card=till.seeded.mastercard))
    assert (kept["id"], kept["last4"], kept["fingerprint"]) == (till.seeded.mastercard, "5454", "fp-of-mastercard")


def test_with_nothing_due_the_consent_names_the_card_that_will_pay_the_renewal(till: Till):
    """Whatever card the form may carry: none was offered for choice."""
    marked(till, till.seeded.visa, "fp-of-visa")
    cart = till.look(till.open(FREE_TODAY))
    assert (cart.quote.due_now, cart.needs_consent) == (0, True)
    kept = proof(till, till.press(cart, card=till.seeded.mastercard))
    assert (kept["id"], kept["last4"], kept["fingerprint"]) == (till.seeded.visa, "4242", "fp-of-visa")
    assert (till.desk.count(Attempt), till.desk.requests()) == (0, [])


@pytest.mark.parametrize("change", ["UPDATE stored_cards SET blocked = 1", "UPDATE subscriptions SET card_id = NULL"])
def test_with_nothing_due_a_card_that_pays_nothing_is_not_named(till: Till, change: str):
    till.sql(change)
    order = till.press(till.look(till.open(FREE_TODAY)))
    assert proof(till, order) == {}
    assert till.desk.facts(order).state == "PAID"
