"""An installation as the command makes it, made once; each test works in a copy of its folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.accounts.keys import add_key
from app.cli import main
from app.config import read_settings
from app.wiring import open_services
from tests.factories import seed

START = datetime(2026, 7, 1, 21, tzinfo=UTC)


def stand_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """From here on commands find their installation there, on July 1."""
    patch.setenv("LIFTLINK_INSTANCE_PATH", str(folder))
    patch.setenv("LIFTLINK_START_AT", START.isoformat())


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Upgraded, with the reference case and a signing key. Copy it; never work in it."""
    folder = tmp_path_factory.mktemp("installation")
    with pytest.MonkeyPatch.context() as patch:
        stand_in(folder, patch)
        assert main(["db", "upgrade"]) == 0
        adapters = open_services(read_settings(None))
        with adapters.store.write() as connection:
            book = seed(connection).book
            add_key(
                connection, adapters.masters, adapters.randomness, book_id=book, actor="test", at=adapters.clock.now()
            )  # fmt: skip
        adapters.close()
    return folder
