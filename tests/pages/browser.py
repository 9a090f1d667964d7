"""The gallery on a free port of this machine, and the browser that looks at it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server

from tests.browser import CHROMIUM, browsing

__all__ = ["CHROMIUM", "browsing", "serving"]


@contextmanager
def serving(app: Flask) -> Generator[str]:
    """The app on 127.0.0.1 while the block runs; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
