"""The worker thread beside a server process, or alone in a process of its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from app.jobs import EmbeddedRunner
from app.mail import Composer
from app.web.i18n import tongue_of
from app.wiring.adapters import Adapters
from app.wiring.gate import check_gate

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "mail"


def make_runner(adapters: Adapters) -> EmbeddedRunner:
    """The runner over these adapters, not started."""
    return EmbeddedRunner(
        adapters.store,
        adapters.gateways,
        adapters.clock,
        adapters.bell,
        adapters.mailer,
        Composer(TEMPLATES, tongue_of, adapters.directory.codes.code_of),
        adapters.directory,
        gate=lambda: check_gate(adapters, renew=True),
        keep_notices=timedelta(days=adapters.settings.notice_days),
    )


def start_jobs(adapters: Adapters) -> EmbeddedRunner | None:
    """Starts the worker thread; None when ``LIFTLINK_JOBS`` is off. Call it in the process that serves, after the fork."""
    if adapters.settings.jobs == "off":
        return None
    runner = make_runner(adapters)
    runner.start()
    return runner
