"""The commands that need the application, one module a noun. Pure commands never come here."""

from __future__ import annotations

from collections.abc import Sequence


def run(argv: Sequence[str]) -> int:
    """Runs one command and gives its exit code: 0 done, 1 refused, 2 asked wrongly, 130 interrupted."""
    # Imported here: this package is also where other modules of rank 9 find small helpers.
    from app.cli.commands.root import run_group

    return run_group(argv)
