"""What every test may ask for. Data is made by the functions of ``tests.factories``, not by fixtures."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_socket import disable_socket, enable_socket

from app.gateways.sandbox import Sandbox, open_gateway
from app.kit.clock import StoppedClock
from app.migrations import upgrade
from app.models.store import Store
from tests import postgres
from tests.factories import Seeded, seed
from tests.standing import EMPTY, SEEDED, Kept

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PUBLIC = "https://pay.liftlink.example"
LONGEST_FIRST = (
    "journeys/test_pages.py", "journeys/test_once.py", "journeys/test_postgres_stories.py",
    "journeys/test_stripe_journeys.py", "pages/test_bank_pages.py", "journeys/test_scanners.py",
    "doors/test_gallery.py", "usecases/audit/test_damages.py", "usecases/audit/test_audit.py",
    "doors/commands/test_demo.py", "contract/test_large_accounts.py", "doors/cart/test_outages.py",
    "usecases/charging/test_compare.py", "usecases/audit/test_long_story.py", "usecases/charging/test_refunds_faults.py",
    "doors/cli/test_mixed_cases.py", "doors/cart/test_door_security.py", "doors/cart/test_outcomes.py",
)  # fmt: skip
"""Modules that the processes of a run take up before all others, or one of them would still be at work when all is done."""
WITHOUT_SOCKETS = ("unit", "usecases", "architecture")
TODAY = datetime(2026, 7, 1, 21, 14, tzinfo=UTC)
"""When the reference case is bought: in Los Angeles it is still the afternoon of July 1."""


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL for all processes of a run that stands on it, started before they are."""
    if postgres.on_postgres() and not hasattr(config, "workerinput"):
        postgres.start_for_all()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """What only PostgreSQL can do is in modules that say so, and those are there only for runs that stand on it."""
    return True if collection_path.stem.endswith("_on_postgres") and not postgres.on_postgres() else None


@pytest.hookimpl(trylast=True)  # after the order was mixed
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    first = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: first.get(item.path, len(first)))


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> Generator[None]:
    """Pure tests and use cases reach nothing outside: a test that opens a socket fails by name."""
    rooms = request.path.relative_to(Path(__file__).parent).parts
    if rooms[0] not in WITHOUT_SOCKETS:
        yield
        return
    disable_socket(allow_unix_socket=True)
    try:
        yield
    finally:
        enable_socket()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database at the newest step, made once by the real migrations and copied for every test."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite3"
    store = Store(f"sqlite:///{path}")
    upgrade(store.engine)
    store.close()  # the last connection folds the write-ahead log into the file
    return path


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Kept]:
    """The databases of this process: made once, set back before each test that asks for one."""
    kept = Kept(tmp_path_factory.mktemp("kept"), empty_database)
    yield kept
    kept.close()


@pytest.fixture
def store(kept: Kept, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A database with all tables, of the kind that ``LIFTLINK_TEST_DATABASE`` names, and the test's own while it runs.

    It has no rows, or those of ``seeded`` where the test asks for that too.
    """
    with kept.standing(SEEDED if "seeded" in request.fixturenames else EMPTY).set_back() as store:
        yield store


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this process. Tests open contexts of their own in it, which know nothing of each other."""
    from tests.browser import browsing  # only who asks for a browser loads what drives it

    with browsing() as browser:
        yield browser


@pytest.fixture
def clock() -> StoppedClock:
    """Stands at ``TODAY`` until the test moves it."""
    return StoppedClock(TODAY)


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sandbox's ledger before its first payment: making one costs more than most tests ask of it."""
    path = tmp_path_factory.mktemp("ledger") / "sandbox.sqlite3"
    open_gateway({"production": False, "path": path, "public_url": PUBLIC, "clock": StoppedClock(TODAY)}).close()
    return path.read_bytes()


@pytest.fixture
def sandbox(empty_ledger: bytes, tmp_path: Path, clock: StoppedClock) -> Iterator[Sandbox]:
    """A gateway of the test's own with its ledger; ``sandbox.at("quillmark-test", livemode=False)`` is the book's account."""
    path = tmp_path / "sandbox.sqlite3"
    path.write_bytes(empty_ledger)
    sandbox = open_gateway({"production": False, "path": path, "public_url": PUBLIC, "clock": clock})
    yield sandbox
    sandbox.close()


@pytest.fixture
def seeded(kept: Kept, store: Store) -> Seeded:
    """The reference case: Quillmark's test book with Dana, her three cards and subscription QM-1048."""
    standing = kept.standing(SEEDED)
    assert standing.store is store, "named by the test or one of its fixtures, not asked for while it runs"
    assert isinstance(standing.rows, Seeded)
    return standing.rows


@pytest.fixture
def seed_with(store: Store) -> Callable[..., Seeded]:
    """The reference case with differences: ``seed_with(timezone="UTC", policy={"basis": "day"})``."""

    def seed_it(**what_matters: object) -> Seeded:
        with store.write() as conn:
            return seed(conn, **what_matters)  # type: ignore[arg-type]

    return seed_it
