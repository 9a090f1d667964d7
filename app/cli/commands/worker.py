"""``liftlink worker``: the work behind the pages in a process of its own, for servers with ``LIFTLINK_JOBS=off``."""

from __future__ import annotations

import signal
import threading

import click

from app.cli.commands.common import note, opened


@click.command()
def worker() -> None:
    """Follow payments up, send mail, expire what is over, until SIGTERM or Ctrl-C; the row in hand is finished first."""
    from app.wiring.jobs import make_runner

    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stopped.set())
    with opened() as adapters:
        runner = make_runner(adapters)
        runner.start()
        note("the worker runs; Ctrl-C stops it")
        stopped.wait()
        runner.stop(adapters.settings.stop_seconds)
