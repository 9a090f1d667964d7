from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.contract.gateway_contract import GatewayContract
from tests.contract.sandbox_world import SandboxWorld


class TestSandbox(GatewayContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Generator[SandboxWorld]:
        world = SandboxWorld(tmp_path / "ledger.sqlite")
        yield world
        world.sandbox.close()
