"""Closed for maintenance: no cart opens and nothing new is bought; orders that are under way go on to their end.

The switch is a file, so that every server process sees it at once and no restart is needed.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flask import Flask, request
from werkzeug.exceptions import ServiceUnavailable

from app.kit.clock import Clock

CLOSED: Final = ("/u/", "/cart/", "/order/")
"""Pages before the payment step. Who asks for one may have bought before: nothing is said of the money."""


def close_until(switch: Path, until: datetime) -> None:
    """From now on shoppers read when it opens again. ``until`` is told, it does not open by itself."""
    switch.write_text(until.astimezone(UTC).isoformat() + "\n")


def open_again(switch: Path) -> bool:
    """False when it was open."""
    try:
        switch.unlink()
    except FileNotFoundError:
        return False
    return True


def closed_until(switch: Path) -> datetime | None:
    """When it is expected to open again; None while it is open. A file that cannot be read means closed, for an hour."""
    # Asked on every page; opening a file that is not there costs ten times as much.
    if not os.path.exists(switch):
        return None
    try:
        return datetime.fromisoformat(switch.read_text().strip())
    except FileNotFoundError:
        return None
    except (ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)


def register_maintenance(app: Flask, switch: Path, clock: Clock) -> None:
    """Answer 503 with the time to wait while the switch is there (S-35)."""

    @app.before_request
    def closed() -> None:
        if not request.path.startswith(CLOSED):
            return
        until = closed_until(switch)
        if until is not None:
            seconds = (until - clock.now()).total_seconds()
            raise ServiceUnavailable(retry_after=int(min(max(seconds, 60), 3600)))
