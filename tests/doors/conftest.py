"""One shop per test. The reference case's own is wired once and set back to its first day for every test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.kit.clock import StoppedClock
from app.models.store import Store
from tests import postgres
from tests.conftest import TODAY
from tests.doors.cart.shop import Shop, new_shop
from tests.standing import Image, forget_rules


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
    """A shop whose two files (or database and file) are put back before each test: wiring and compiled templates are the dear part."""

    def __init__(self, folder: Path, empty: Path, standing: postgres.Standing | None) -> None:
        self._standing, instance = standing, folder / "instance"
        files = [instance / "sandbox.sqlite3"]
        url = "" if standing is None else standing.url
        if standing is None:
            files.append(folder / "liftlink.sqlite3")
            shutil.copyfile(empty, files[-1])
            url = f"sqlite:///{files[-1]}"
        self.shop = new_shop(Store(url), StoppedClock(TODAY), instance)
        self._close()
        if standing is not None:
            standing.keep()
        self._image = Image(*files)

    def _close(self) -> None:
        self.shop.store.close()
        self.shop.sandbox.close()

    def set_back(self) -> Shop:
        self._close()
        self._image.put_back()
        if self._standing is not None:
            self._standing.set_back()
        self.shop.clock.at = TODAY
        self.shop.bell.rings, self.shop.bell.awake = 0, False
        self.shop.adapters.directory.forget()
        forget_rules()
        return self.shop


@pytest.fixture(scope="session")
def _standing(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[_Standing]:
    database = postgres.Standing(postgres.database(postgres.own_name("shop"))) if postgres.on_postgres() else None
    standing = _Standing(tmp_path_factory.mktemp("shop"), empty_database, database)
    yield standing
    standing._close()
    if database is not None:
        database.close()


@pytest.fixture
def shop(_standing: _Standing) -> Shop:
    return _standing.set_back()
