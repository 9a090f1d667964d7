"""``liftlink serve`` on an installation that stands: ``python -m bench.shop_server FOLDER``, whose ``shop.json`` says the rest.

Two differences from service: the clock begins on the day of the reference case, in all processes alike, and templates are
compiled once although the sandbox gateway, which refuses production, is at work.
"""

from __future__ import annotations

import ctypes
import json
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.cli.commands import serve
from app.config import Settings, read_settings
from app.kit.clock import ShiftedClock
from app.wiring import build_app
from bench.asking import as_in_service
from bench.instant_gateway import instant_gateways

FILE = "shop.json"


def settings_of(folder: Path) -> tuple[Settings, dict[str, Any]]:
    """What every process of the installation reads, and the adapters that it is given: its clock, and a gateway."""
    said: dict[str, Any] = json.loads((folder / FILE).read_text())
    ahead = timedelta(seconds=said.pop("seconds_ahead"))
    given: dict[str, Any] = {"gateways": instant_gateways()} if said.pop("instant") else {}
    return read_settings(said), {"clock": ShiftedClock(datetime.now(UTC) + ahead), **given}


def main(folder: Path) -> None:
    settings, given = settings_of(folder)
    server = serve._application(settings)
    type(server).load = lambda _self: as_in_service(build_app({**settings.model_dump(), **given}))
    server.run()


def die_with_parent() -> None:
    """Where Linux offers it: a bench that is stopped leaves no server behind."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


if __name__ == "__main__":
    die_with_parent()
    main(Path(sys.argv[1]))
