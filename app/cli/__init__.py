"""The command ``liftlink``.

Pure commands (no database, no settings) run on argparse and the pure rooms before click or Flask is imported; every other
command is a click command of ``app.cli.commands``.
"""

from __future__ import annotations

import os
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
    """What a link says needs no database; where there is one, its state and price are told too."""
    alone = {"--offline", "--key", "--host", "-h", "--help"}
    if not alone & {argument.partition("=")[0] for argument in arguments} and _has_database():
        from app.cli.commands import run

        return run(["link", "inspect", *arguments])
    from app.cli.pure_link import inspect

    return inspect(arguments)


def _has_database() -> bool:
    """Whether this folder or the environment names an installation; settings are not read for that."""
    folder = os.environ.get("LIFTLINK_INSTANCE_PATH", "instance")
    return "LIFTLINK_DATABASE_URL" in os.environ or os.path.exists(os.path.join(folder, "liftlink.sqlite3"))


PURE: dict[tuple[str, ...], Command] = {
    ("quote",): _quote,
    ("schedule",): _schedule,
    ("link", "inspect"): _inspect,
}
"""The pure commands by their words. Each takes the remaining arguments and returns the exit code."""
