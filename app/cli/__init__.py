"""The command ``liftlink``.

Pure commands (no database, no settings) run on argparse and the pure rooms before click or Flask is imported; every other
command is a click command of ``app.cli.commands``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

Command = Callable[[list[str]], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``liftlink`` with these arguments (the process's own by default): 0 done, 2 bad usage or a bad case."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for words, run_pure in PURE.items():
        if tuple(arguments[: len(words)]) == words:
            return run_pure(arguments[len(words) :])
    from app.cli.commands import run

    return run(arguments)


def _quote(arguments: list[str]) -> int:
    from app.cli.pure import quote

    return quote(arguments)


def _schedule(arguments: list[str]) -> int:
    from app.cli.pure import schedule

    return schedule(arguments)


def _inspect(arguments: list[str]) -> int:
    from app.cli.pure_link import inspect

    return inspect(arguments)


PURE: dict[tuple[str, ...], Command] = {
    ("quote",): _quote,
    ("schedule",): _schedule,
    ("link", "inspect"): _inspect,
}
"""The pure commands by their words. Each takes the remaining arguments and returns the exit code."""
