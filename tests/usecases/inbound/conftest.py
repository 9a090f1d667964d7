"""A desk that hears notices."""

from __future__ import annotations

import pytest

from app.gateways.sandbox import Sandbox
from app.kit.clock import StoppedClock
from app.models.store import Store
from tests.factories import Seeded
from tests.usecases.charging.desk import Desk
from tests.usecases.inbound.telling import Ears


@pytest.fixture
def desk(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Desk:
    return Desk(store, sandbox, clock, seeded)


@pytest.fixture
def ears(desk: Desk) -> Ears:
    return Ears(desk)
