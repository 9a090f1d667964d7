"""The command ``liftlink``.

Pure commands (no database, no settings) run on argparse and the pure rooms before click or Flask is imported; every other
command is a click command of ``app.cli.commands``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

Command = Callable[[list[str]], int]

PURE = {
    ("quote",): "app.cli.pure:quote",
    ("schedule",): "app.cli.pure:schedule",
    ("link", "inspect"): "app.cli.pure_link:inspect",
}
"""Each pure command and the function that runs it with the remaining arguments and returns the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``liftlink`` with these arguments (the process's own by default): 0 done, 2 bad usage or a bad case."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for words, target in PURE.items():
        if tuple(arguments[: len(words)]) == words:
            return _load(target)(arguments[len(words) :])
    from app.cli.commands import run

    return run(arguments)


def _load(target: str) -> Command:
    from importlib import import_module

    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
