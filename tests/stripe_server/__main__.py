"""``python -m tests.stripe_server --port N --folder DIR``: serve until killed."""

from __future__ import annotations

import argparse
import signal
import threading
from pathlib import Path

from tests.stripe_server.server import StripeShaped


def main() -> None:
    asked = argparse.ArgumentParser(
        prog="python -m tests.stripe_server", description="A Stripe-shaped server for tests."
    )
    asked.add_argument("--port", type=int, default=0, help="0: any free one, named in DIR/ports.json")
    asked.add_argument(
        "--folder", type=Path, required=True, help="where the journal lies; an existing one is gone on from"
    )
    asked.add_argument("--lenient", action="store_true", help="take parameters that Stripe does not have")
    asked.add_argument("--processing-seconds", type=float, default=60.0, help="how long a payment stays processing")
    asked.add_argument("--search-lag", type=float, default=60.0, help="how long search does not see a new object")
    given = asked.parse_args()
    server = StripeShaped(
        given.folder,
        given.port,
        strict=not given.lenient,
        processing_seconds=given.processing_seconds,
        search_lag=given.search_lag,
    )
    server.start()
    print(server.url, flush=True)
    over = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: over.set())
    over.wait()
    server.stop()


main()
