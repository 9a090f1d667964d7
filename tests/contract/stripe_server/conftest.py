"""The Stripe-shaped server keeps Stripe's rules, so that what is proved against it is worth something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.stripe_caller import Caller
from tests.stripe_server.client import StripeServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    with StripeServer(tmp_path_factory.mktemp("stripe"), threaded=True) as server:
        yield server


@pytest.fixture
def caller(server: StripeServer) -> Iterator[Caller]:
    yield Caller(server)
    server.open_door()
    server.no_faults()
    server.control("DELETE", "webhooks")
