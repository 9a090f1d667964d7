"""The reference case can really be charged, and use cases really reach no network."""

from __future__ import annotations

import socket

import pytest
from pytest_socket import SocketBlockedError

from app.gateways.port import CreatePayment, Marks, PaymentStatus
from app.gateways.sandbox import Sandbox
from app.models.store import Store
from app.subscriptions.facts import load
from tests.factories import Seeded


def test_danas_default_card_is_approved_by_the_sandbox(store: Store, seeded: Seeded, sandbox: Sandbox):
    with store.read() as conn:
        held = load(conn, seeded.book, 1048)
    assert held is not None
    account = sandbox.at(held.book.gateway_account, livemode=False)
    card = held.cards[0]
    made = account.create_payment(
        CreatePayment(500, "USD", card.gateway_customer, card.token, Marks("o", "o.1", "u")), key="k1"
    )
    assert made.payment is not None, made
    done = account.confirm_payment(made.payment.ref, key="k2", return_url="https://pay.liftlink.example/r")
    assert done.payment is not None
    assert done.payment.status == PaymentStatus.SUCCEEDED


def test_a_use_case_that_opens_a_socket_fails():
    with pytest.raises((SocketBlockedError, UserWarning)):  # the plugin warns first, and warnings are errors
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)
