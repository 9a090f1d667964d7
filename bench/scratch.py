"""Folders that go when the process ends."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path


def scratch(where: Path | None = None) -> Path:
    """A new folder, on the disk of temporary files unless told."""
    folder = tempfile.mkdtemp(prefix="liftlink-bench-", dir=where)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def in_memory() -> Path | None:
    """Where a file costs no disk: for a gateway's ledger, whose disk is not ours to measure."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None
