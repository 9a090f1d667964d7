"""The database under test, seen from outside: set back between iterations, read past the application, hurt on purpose."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

DISK = "48m"


@dataclass(frozen=True, slots=True)
class Guard:
    """How one constraint is taken off."""

    sqlite: tuple[str, ...]
    postgres: tuple[str, ...]
    put_back: tuple[str, ...]
    """On PostgreSQL, once the rows are gone."""


_ONE_OPEN = "CREATE UNIQUE INDEX one_open ON attempts (order_id) WHERE state NOT IN ('DECLINED', 'CANCELLED')"
GUARDS = {
    "one_open": Guard(("DROP INDEX one_open",), ("DROP INDEX one_open",), (_ONE_OPEN,)),
    "one_fulfilment": Guard(
        (
            "CREATE TABLE loose AS SELECT * FROM fulfilments",
            "DROP TABLE fulfilments",
            "ALTER TABLE loose RENAME TO fulfilments",
        ),
        ("ALTER TABLE fulfilments DROP CONSTRAINT pk_fulfilments",),
        ("ALTER TABLE fulfilments ADD CONSTRAINT pk_fulfilments PRIMARY KEY (order_id)",),
    ),
}


class Database(Protocol):
    """One database for a whole run."""

    name: str
    url: str

    def freeze(self) -> None:
        """What is there now is the beginning of every iteration. Nobody may be connected."""
        ...

    def reset(self) -> None:
        """Back to the beginning. Nobody may be connected."""
        ...

    def rows(self, *statements: str) -> list[list[dict[str, Any]]]:
        """Read past the application: the rows of each statement, all of one moment."""
        ...

    def change(self, what: Sequence[str]) -> None:
        """Take guards off for a mutant (names of ``GUARDS``), right after ``reset``; the next ``reset`` puts them back."""
        ...

    def hold_lock(self, milliseconds: int, last: Callable[[], None]) -> int | None:
        """Starts a process that keeps everybody else from writing; its id, or None where that is no fault.

        ``last`` is what it does while it still holds the lock.
        """
        ...

    def fill_disk(self) -> bool:
        """Not a byte more can be written until ``free_disk``; False where the run may mount no disk of its own."""
        ...

    def free_disk(self) -> None:
        """It can be written again, whatever was done to it."""
        ...

    def seal_disk(self) -> bool:
        """Its file system turns read-only until ``free_disk``; False where the run may mount no disk of its own."""
        ...

    def copy(self) -> None:
        """Keep a copy of everything that is committed now."""
        ...

    def put_back(self) -> None:
        """The copy takes the database's place. Nobody may be connected."""
        ...

    def restart(self) -> bool:
        """In immediate mode, as after a power cut; False where there is no server."""
        ...

    def faults(self) -> list[str]:
        """What the database's own check finds."""
        ...


class SqliteDatabase:
    """A file, and the copy of it that every iteration starts from."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        """The file lies on a small disk of its own, where one may be mounted; ``close`` takes it away."""
        self._disk = folder / "disk"
        self._disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(self._disk)], capture_output=True, check=False
        )
        self.has_disk = mounted.returncode == 0
        self.path = self._disk / "liftlink.sqlite3"
        self.url = f"sqlite:///{self.path}"
        self._frozen = folder / "liftlink.frozen"
        self._copied = folder / "liftlink.copied"
        self._sealed = False

    def freeze(self) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        shutil.copyfile(self.path, self._frozen)

    def reset(self) -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self._frozen, self.path)

    def rows(self, *statements: str) -> list[list[dict[str, Any]]]:
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            return [[dict(row) for row in connection.execute(statement)] for statement in statements]
        finally:
            connection.close()

    def change(self, what: Sequence[str]) -> None:
        connection = sqlite3.connect(self.path)
        for name in what:
            for statement in GUARDS[name].sqlite:
                connection.execute(statement)
        connection.commit()
        connection.close()

    def hold_lock(self, milliseconds: int, last: Callable[[], None]) -> int | None:
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                connection = sqlite3.connect(self.path, isolation_level=None, timeout=20)
                connection.execute("BEGIN IMMEDIATE")
                os.write(go, b"x")
                time.sleep(milliseconds / 1000)
                last()
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        os.close(go)
        os.read(ready, 1)
        os.close(ready)
        return pid

    def fill_disk(self) -> bool:
        if not self.has_disk:
            return False
        filler = os.open(self._disk / "filler", os.O_WRONLY | os.O_CREAT)
        try:
            for size in (65536, 4096):
                with suppress(OSError):
                    while True:
                        os.write(filler, b"x" * size)
        finally:
            os.close(filler)
        return True

    def free_disk(self) -> None:
        if self._sealed:
            self._mount("remount,rw")
            self._sealed = False
        (self._disk / "filler").unlink(missing_ok=True)

    def seal_disk(self) -> bool:
        """Linux refuses it while anybody has a file there open for writing: until the last of those that were killed is gone."""
        until = time.monotonic() + 2
        while self.has_disk and not self._sealed and time.monotonic() < until:
            self._sealed = self._mount("remount,ro")
            time.sleep(0.01)
        return self._sealed

    def _mount(self, how: str) -> bool:
        done = subprocess.run(["mount", "-o", how, str(self._disk)], capture_output=True, check=False)
        return done.returncode == 0

    def copy(self) -> None:
        connection = sqlite3.connect(self.path, timeout=20)
        copied = sqlite3.connect(self._copied)
        connection.backup(copied)
        connection.close()
        copied.close()

    def put_back(self) -> None:
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(self._copied, self.path)

    def close(self) -> None:
        if self.has_disk:
            subprocess.run(["umount", "-l", str(self._disk)], check=False)

    def restart(self) -> bool:
        return False

    def faults(self) -> list[str]:
        checked, keys = self.rows("PRAGMA integrity_check", "PRAGMA foreign_key_check")
        found = [str(row["integrity_check"]) for row in checked if row["integrity_check"] != "ok"]
        return found + [f"foreign key: {row}" for row in keys]
