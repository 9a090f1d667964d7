"""Databases that serve many tests: set back before each instead of made anew.

A new database costs a test its rows, its connections and, most of all, SQLAlchemy's compiled statements, which live as long
as an engine does. Kept, all three are there from the second test on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from app.models.store import Store
from app.subscriptions import catalog, facts
from tests import postgres
from tests.factories import seed

EMPTY, SEEDED = "empty", "seeded"
BEGINNINGS: Mapping[str, Callable[[Connection], Any]] = {EMPTY: lambda _: None, SEEDED: seed}


class Image:
    """Files as they were when this was made; ``put_back`` while nobody has them open for writing."""

    def __init__(self, *paths: Path) -> None:
        self._files = {path: path.read_bytes() for path in paths}

    def put_back(self) -> None:
        for path, content in self._files.items():
            for old in (path, *path.parent.glob(f"{path.name}-*")):
                with suppress(FileNotFoundError):
                    old.unlink()  # what a test has left open goes on in a file that is nobody's any more
            path.write_bytes(content)


def forget_rules() -> None:
    """What the process knows by engine and version: here versions go back."""
    catalog._catalogs.clear()
    facts._rules.clear()


class Standing:
    """One database with one beginning: ``rows`` is what made it gave back, such as the ids of the reference case."""

    def __init__(self, name: str, folder: Path, empty: Path) -> None:
        self._database: postgres.Standing | None = None
        self._image: Image | None = None
        path = folder / f"{name}.sqlite3"
        if postgres.on_postgres():
            self._database = postgres.Standing(postgres.database(postgres.own_name(f"standing_{name}")))
            self.store = Store(self._database.url)
        else:
            shutil.copyfile(empty, path)
            self.store = Store(f"sqlite:///{path}")
        with self.store.write() as conn:
            self.rows = BEGINNINGS[name](conn)
        self.store.close()
        if self._database is None:
            self._image = Image(path)
        elif self.rows is not None:
            self._database.keep()

    @contextmanager
    def set_back(self) -> Iterator[Store]:
        """The store as it began. On PostgreSQL its connections stay; those that a test forgot in a transaction are ended."""
        if self._image is not None:
            self.store.close()
            self._image.put_back()
        if self._database is not None:
            self._database.set_back()
        forget_rules()
        yield self.store
        if self._image is None and self.store.engine.pool.checkedout():  # type: ignore[attr-defined]
            self.store.close()

    def close(self) -> None:
        self.store.close()
        if self._database is not None:
            self._database.close()


class Kept:
    """The databases of one process, each made when first asked for."""

    def __init__(self, folder: Path, empty: Path) -> None:
        self._folder, self._empty = folder, empty
        self._standing: dict[str, Standing] = {}

    def standing(self, name: str) -> Standing:
        if name not in self._standing:
            self._standing[name] = Standing(name, self._folder, self._empty)
        return self._standing[name]

    def close(self) -> None:
        for each in self._standing.values():
            each.close()
