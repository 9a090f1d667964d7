"""What every test may ask for. Data is made by the functions of ``tests.factories``, not by fixtures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket

from app.gateways.sandbox import Sandbox, open_gateway
from app.kit.clock import StoppedClock
from app.migrations import upgrade
from app.models.store import Store
from tests import postgres
from tests.factories import Seeded, seed

WITHOUT_SOCKETS = ("unit", "usecases", "architecture")
TODAY = datetime(2026, 7, 1, 21, 14, tzinfo=UTC)
"""When the reference case is bought: in Los Angeles it is still the afternoon of July 1."""


def pytest_configure(config: pytest.Config) -> None:
    """One PostgreSQL for all processes of a run that stands on it, started before they are."""
    if postgres.on_postgres() and not hasattr(config, "workerinput"):
        postgres.start_for_all()


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
def standing_database() -> Iterator[postgres.Standing | None]:
    """PostgreSQL only: one database for all tests of this process, to be set back before each."""
    if not postgres.on_postgres():
        yield None
        return
    standing = postgres.Standing(postgres.database(postgres.own_name("tests")))
    yield standing
    standing.close()


@pytest.fixture
def store(empty_database: Path, standing_database: postgres.Standing | None, tmp_path: Path) -> Iterator[Store]:
    """A database of the test's own, with all tables and no rows, of the kind that ``LIFTLINK_TEST_DATABASE`` names."""
    if standing_database is not None:
        standing_database.set_back()
        store = Store(standing_database.url)
        yield store
        store.close()
        return
    path = tmp_path / "liftlink.sqlite3"
    shutil.copyfile(empty_database, path)
    store = Store(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture
def clock() -> StoppedClock:
    """Stands at ``TODAY`` until the test moves it."""
    return StoppedClock(TODAY)


@pytest.fixture
def sandbox(tmp_path: Path, clock: StoppedClock) -> Iterator[Sandbox]:
    """A gateway of the test's own with its ledger; ``sandbox.at("quillmark-test", livemode=False)`` is the book's account."""
    path = tmp_path / "sandbox.sqlite3"
    settings = {"production": False, "path": path, "public_url": "https://pay.liftlink.example", "clock": clock}
    sandbox = open_gateway(settings)
    yield sandbox
    sandbox.close()


@pytest.fixture
def seeded(store: Store) -> Seeded:
    """The reference case: Quillmark's test book with Dana, her three cards and subscription QM-1048."""
    with store.write() as conn:
        return seed(conn)


@pytest.fixture
def seed_with(store: Store) -> Callable[..., Seeded]:
    """The reference case with differences: ``seed_with(timezone="UTC", policy={"basis": "day"})``."""

    def seed_it(**what_matters: object) -> Seeded:
        with store.write() as conn:
            return seed(conn, **what_matters)  # type: ignore[arg-type]

    return seed_it
