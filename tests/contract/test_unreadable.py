"""Objects that make no sense to us, such as one in a currency that we do not know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from stripe import StripeClient

from app.gateways.port import AnswerKind, Gateway
from app.gateways.sandbox import Sandbox
from app.gateways.stripe.reading import marks
from app.kit.clock import StoppedClock
from app.models.store import Store
from tests.contract.test_large_accounts import comparing, orphans, sold_elsewhere
from tests.contract.test_narrow_questions import ACCOUNT, AtStripe, at_stripe
from tests.factories import Seeded
from tests.usecases.charging.desk import Desk


@pytest.fixture
def stripe(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded, tmp_path: Path) -> Iterator[AtStripe]:
    with at_stripe(Desk(store, sandbox, clock, seeded), tmp_path) as made:
        yield made


def gateway_of(stripe: AtStripe) -> Gateway:
    return cast(Gateway, stripe.desk.gateways.of("stripe", ACCOUNT, livemode=False))


def pay(stripe: AtStripe, currency: str, metadata: dict[str, str]) -> str:
    """Made by another program through the merchant's own account, given back in part and contested."""
    client: StripeClient = cast(Any, gateway_of(stripe))._at.client
    asked: Any = {
        "amount": 1050, "currency": currency, "customer": stripe.card.gateway_customer, "payment_method": stripe.card.token,
        "allowed_payment_method_types": ["card"], "confirm": True, "metadata": metadata,
        "return_url": "https://elsewhere.example",
    }  # fmt: skip
    made = client.v1.payment_intents.create(asked, {"idempotency_key": "elsewhere"}).id
    stripe.server.refund_by_hand(made, 50)
    stripe.server.dispute(made)
    return made


@pytest.mark.parametrize("currency", ["ang", "bgn", "std"])
def test_the_merchants_other_business_in_a_currency_unknown_to_us_keeps_nothing_from_being_compared(
    stripe: AtStripe, currency: str
):
    pay(stripe, currency, {})
    ours = sold_elsewhere(stripe, "lost-order")
    assert comparing(stripe).unread == 0
    assert orphans(stripe) == [ours]


def test_what_bears_our_marks_is_never_left_out(stripe: AtStripe):
    pay(stripe, "ang", marks("lost", "lost.1", ""))
    gateway = gateway_of(stripe)
    assert gateway.list_payments().kind is AnswerKind.UNKNOWN
    assert gateway.list_refunds().kind is AnswerKind.UNKNOWN
    assert gateway.list_disputes().kind is AnswerKind.UNKNOWN


def test_what_is_asked_about_one_payment_of_ours_is_never_left_out(stripe: AtStripe):
    paid = pay(stripe, "ang", {})
    assert gateway_of(stripe).list_refunds(paid).kind is AnswerKind.UNKNOWN
    assert gateway_of(stripe).list_disputes(payment=paid).kind is AnswerKind.UNKNOWN
