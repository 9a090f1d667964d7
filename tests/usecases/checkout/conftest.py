"""One till per test."""

from __future__ import annotations

import pytest

from app.gateways.sandbox import Sandbox
from app.kit.clock import StoppedClock
from app.models.store import Store
from tests.factories import Seeded
from tests.usecases.checkout.till import Till


@pytest.fixture
def till(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Till:
    return Till(store, sandbox, clock, seeded)
