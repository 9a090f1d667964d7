from __future__ import annotations

import pytest

from app.gateways.answers import ALREADY_FINAL, KEY_MISMATCH, LOCK_TIMEOUT, Observation, classify
from app.gateways.declines import Decline, DeclineReason, DeclineText, RetrySameCard
from app.gateways.port import AnswerKind, PaymentStatus

K = AnswerKind


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (Observation(sent=False), K.NOT_SENT),
        (Observation(status=200, payment_status=PaymentStatus.SUCCEEDED), K.DEFINITE),
        (Observation(status=201, payment_status=PaymentStatus.REQUIRES_ACTION), K.DEFINITE),
        (Observation(status=200, payment_status=PaymentStatus.PROCESSING), K.PENDING),
        (Observation(status=402), K.DECLINE),
        (Observation(status=400, code="amount_invalid"), K.BUG_OR_GONE),
        (Observation(status=404), K.BUG_OR_GONE),
        (Observation(status=400, code=ALREADY_FINAL), K.READ),
        (Observation(status=400, code=KEY_MISMATCH), K.BUG),
        (Observation(status=401), K.MERCHANT_FAULT),
        (Observation(status=403), K.MERCHANT_FAULT),
        (Observation(status=409), K.BUSY),
        (Observation(status=429), K.BUSY),
        (Observation(status=400, code=LOCK_TIMEOUT), K.BUSY),
        *[(Observation(status=status), K.UNKNOWN) for status in (500, 502, 503, 504)],
        (Observation(), K.UNKNOWN),
        (Observation(status=200, parsed=False), K.UNKNOWN),
        (Observation(status=402, parsed=False), K.UNKNOWN),
        *[(Observation(status=status), K.UNKNOWN) for status in (100, 302, 405, 418, 422, 501, 599)],
    ],
)
def test_each_observation_has_its_class(seen: Observation, kind: AnswerKind):
    assert classify(seen) is kind


@pytest.mark.parametrize(
    "reason", [DeclineReason.LOST, DeclineReason.STOLEN, DeclineReason.PICK_UP, DeclineReason.FRAUDULENT]
)
def test_a_stolen_card_reads_like_any_refusal(reason: DeclineReason):
    assert reason.text is DeclineReason.DO_NOT_HONOR.text is DeclineText.GENERIC
    assert reason.retry_same_card is RetrySameCard.NO


def test_every_reason_has_its_rule():
    assert all(reason.text and reason.retry_same_card for reason in DeclineReason)


@pytest.mark.parametrize("advice", ["visa_1", "mastercard_03", "mastercard_21"])
def test_the_schemes_advice_blocks_the_card_whatever_the_reason(advice: str):
    decline = Decline(DeclineReason.INSUFFICIENT_FUNDS, "51", advice)
    assert decline.retry_same_card is RetrySameCard.NEVER
    assert decline.text is DeclineText.GENERIC
