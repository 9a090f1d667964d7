"""One desk per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.gateways.sandbox import Sandbox
from app.kit.clock import StoppedClock
from app.models.store import Store
from tests.factories import Seeded
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.rivals import Rival


@pytest.fixture
def desk(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Desk:
    return Desk(store, sandbox, clock, seeded)


@pytest.fixture
def rival() -> Iterator[Rival]:
    one = Rival()
    yield one
    one.close()
