"""Stripe as an adapter: the port's verbs, each one call of the SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from app.gateways.port import (
    Answer,
    Capabilities,
    CardSetup,
    CreatePayment,
    Dispute,
    FinishedSetup,
    Notice,
    NoticeRefused,
    Payment,
    Refund,
    Reply,
    StoredCard,
)
from app.gateways.stripe import cards, payments, refunds
from app.gateways.stripe.client import Account
from app.gateways.stripe.notices import read_notice
from app.gateways.stripe.settings import NAME
from app.kit.fence import assert_outside_transaction

CAPABILITIES = Capabilities(
    two_phase=True,
    cancel=True,
    read_by_ref=True,
    list_by_customer=True,
    idempotency_ttl=timedelta(hours=24),
    # Stripe states none; its own SDKs wait 80 seconds, after which a request still at work is long over.
    late_effect_max=timedelta(minutes=10),
)


class StripeGateway:
    """One account at Stripe in one mode. Stripe's objects do not name their account: the key decides which it sees."""

    name = NAME
    capabilities = CAPABILITIES

    def __init__(self, at: Account, account: str, *, livemode: bool) -> None:
        self._at = at
        self.account = account
        self.livemode = livemode
        self.identity = at.identity

    def create_customer(self, *, reference: str, key: str) -> Reply[str]:
        return cards.create_customer(self._at, reference=reference, key=key)

    def create_payment(self, request: CreatePayment, *, key: str) -> Answer:
        assert_outside_transaction("create_payment")
        return payments.create(self._at, request, account=self.account, key=key)

    def confirm_payment(self, ref: str, *, key: str, return_url: str | None) -> Answer:
        return payments.confirm(self._at, ref, account=self.account, key=key, return_url=return_url)

    def read_payment(self, ref: str) -> Answer:
        return payments.read(self._at, ref, account=self.account)

    def list_payments(
        self,
        *,
        customer: str | None = None,
        order: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Reply[tuple[Payment, ...]]:
        return payments.listed(self._at, account=self.account, customer=customer, order=order, since=since, until=until)

    def cancel_payment(self, ref: str, *, key: str) -> Answer:
        return payments.cancel(self._at, ref, account=self.account, key=key)

    def refund(self, ref: str, *, amount: int, mark: str, key: str) -> Reply[Refund]:
        assert_outside_transaction("refund")
        return refunds.refund(self._at, self.read_payment(ref), amount=amount, mark=mark, key=key)

    def list_refunds(
        self, payment: str | None = None, *, since: datetime | None = None, until: datetime | None = None
    ) -> Reply[tuple[Refund, ...]]:
        return refunds.list_refunds(self._at, payment=payment, since=since, until=until)

    def list_disputes(
        self, *, payment: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Reply[tuple[Dispute, ...]]:
        return refunds.list_disputes(self._at, payment=payment, since=since, until=until)

    def begin_card_setup(self, *, customer: str, return_url: str, description: str, key: str) -> Reply[CardSetup]:
        return cards.begin_setup(self._at, customer=customer, return_url=return_url, description=description, key=key)

    def finish_card_setup(self, ref: str) -> Reply[FinishedSetup]:
        return cards.finish_setup(self._at, ref)

    def stored_cards(self, customer: str) -> Reply[tuple[StoredCard, ...]]:
        return cards.stored(self._at, customer)

    def read_notice(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
    ) -> Notice | NoticeRefused:
        return read_notice(headers, body, secrets, now, account=self.account, connected=self._at.connected)
