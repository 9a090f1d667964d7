from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.contract.gateway_contract import GatewayContract
from tests.contract.stripe_world import StripeWorld, open_server
from tests.stripe_server.client import StripeServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[StripeServer]:
    with open_server(tmp_path_factory.mktemp("stripe")) as server:
        yield server


class TestStripe(GatewayContract):
    @pytest.fixture
    def world(self, server: StripeServer) -> Generator[StripeWorld]:
        world = StripeWorld(server)
        yield world
        world.close()
