"""Commands run in this process, each test in an instance folder of its own."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.wiring.log import OURS


@dataclass(frozen=True)
class Outcome:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Commands:
    """``run("keys", "list")`` as typed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder

    def __call__(self, *words: str) -> Outcome:
        self._capsys.readouterr()
        code = main(words)
        said = self._capsys.readouterr()
        return Outcome(code, said.out, said.err)


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> Iterator[Commands]:
    """Commands over a database that has its tables and no rows."""
    for name in [name for name in os.environ if name.startswith("LIFTLINK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LIFTLINK_INSTANCE_PATH", str(tmp_path))
    shutil.copyfile(empty_database, tmp_path / "liftlink.sqlite3")
    yield Commands(capsys, tmp_path)
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def loaded_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo in it, and what the demo printed in ``told.json``. Copy it; never work in it."""
    folder = tmp_path_factory.mktemp("demo")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIFTLINK_")}
    printed = subprocess.run(
        [Path(sys.executable).with_name("liftlink"), "demo", "--no-serve", "--json"],
        env={**environment, "LIFTLINK_INSTANCE_PATH": str(folder)}, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout  # fmt: skip
    (folder / "told.json").write_text(printed)
    return folder


@pytest.fixture
def merchant(run: Commands) -> Commands:
    """The same with a merchant ``quillmark``."""
    assert run("merchant", "create", "quillmark", "--name", "Quillmark CRM", "--prefix", "QM").code == 0
    return run
