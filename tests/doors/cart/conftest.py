"""One shop per test; ``shop_with`` makes one that differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.kit.clock import StoppedClock
from app.models.store import Store
from tests.doors.cart.shop import Shop, new_shop


@pytest.fixture
def shop_with(store: Store, clock: StoppedClock, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """``shop_with(seeding=..., decline_limit=3)``: settings, and rows other than the reference case's."""
    made: list[Shop] = []

    def make(**what_matters: Any) -> Shop:
        made.append(new_shop(store, clock, tmp_path / "instance", **what_matters))
        return made[-1]

    yield make
    for each in made:
        each.sandbox.close()


@pytest.fixture
def shop(shop_with: Callable[..., Shop]) -> Shop:
    return shop_with()
