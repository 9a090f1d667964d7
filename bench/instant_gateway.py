"""A gateway that answers at once: for rows whose reference is "gateway answering at once", and that must not pay for its ledger.

It knows the payments of its own process, which is enough: nobody who is answered at once leaves a payment to another.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import Any

from app.gateways.port import Answer, AnswerKind, CreatePayment, Payment, PaymentStatus, Reply
from app.gateways.registry import OpenGateways
from app.gateways.sandbox.adapter import CAPABILITIES


class InstantGateway:
    """One account, under the name of the sandbox, which is what the books of the bench say."""

    name, capabilities = "sandbox", CAPABILITIES

    def __init__(self, account: str, *, livemode: bool) -> None:
        self.account, self.livemode = account, livemode
        self.identity = f"instant:{account}"
        self._numbers = itertools.count(1)
        self._payments: dict[str, Payment] = {}

    def create_payment(self, request: CreatePayment, *, key: str) -> Answer:
        ref = f"pay_{os.getpid()}_{next(self._numbers)}"
        payment = self._payments[ref] = Payment(
            ref, PaymentStatus.REQUIRES_CONFIRMATION, request.amount, request.currency, request.customer,
            request.payment_method, self.account, self.livemode, request.marks,
        )  # fmt: skip
        return Answer(AnswerKind.DEFINITE, payment)

    def read_payment(self, ref: str) -> Answer:
        payment = self._payments.get(ref)
        return Answer(AnswerKind.DEFINITE if payment else AnswerKind.UNKNOWN, payment)

    def confirm_payment(self, ref: str, *, key: str, return_url: str | None) -> Answer:
        payment = self._payments.pop(ref)
        return Answer(
            AnswerKind.DEFINITE, replace(payment, status=PaymentStatus.SUCCEEDED, captured=payment.amount)
        )  # fmt: skip

    def list_payments(self, **_narrowed: object) -> Reply[tuple[Payment, ...]]:
        return Reply(AnswerKind.DEFINITE, ())

    list_refunds = list_disputes = list_payments


class _Opened:
    name, capabilities = InstantGateway.name, InstantGateway.capabilities

    def at(self, account: str, *, livemode: bool) -> InstantGateway:
        return InstantGateway(account, livemode=livemode)

    def notice_secrets(self, account: str, *, livemode: bool) -> list[str]:
        return []


def instant_gateways() -> OpenGateways:
    """What an application of the bench is handed instead of the sandbox."""
    opened: Any = _Opened()
    return OpenGateways({InstantGateway.name: opened})
