"""One shop per test. The reference case's own is wired once and set back to its first day for every test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.kit.clock import StoppedClock
from app.models.store import Store
from app.subscriptions import catalog
from tests.conftest import TODAY
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


class _Standing:
    """A shop whose two files are copied back before each test: wiring and compiled templates are the dear part."""

    def __init__(self, folder: Path, empty: Path) -> None:
        self._database, self._instance = folder / "liftlink.sqlite3", folder / "instance"
        shutil.copyfile(empty, self._database)
        self.shop = new_shop(Store(f"sqlite:///{self._database}"), StoppedClock(TODAY), self._instance)
        self._close()
        self._files = {path: path.read_bytes() for path in (self._database, self._instance / "sandbox.sqlite3")}

    def _close(self) -> None:
        self.shop.store.close()
        self.shop.sandbox.close()

    def set_back(self) -> Shop:
        self._close()
        for path, content in self._files.items():
            for leftover in path.parent.glob(f"{path.name}-*"):
                leftover.unlink()
            path.write_bytes(content)
        self.shop.clock.at = TODAY
        self.shop.bell.rings, self.shop.bell.awake = 0, False
        self.shop.adapters.directory.forget()
        catalog._catalogs.clear()  # known by engine and version, and here versions go back
        return self.shop


@pytest.fixture(scope="session")
def _standing(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[_Standing]:
    standing = _Standing(tmp_path_factory.mktemp("shop"), empty_database)
    yield standing
    standing._close()


@pytest.fixture
def shop(_standing: _Standing) -> Shop:
    return _standing.set_back()
