"""A ceiling on requests of one address, counted in this process: slows a guesser and a runaway script down, no more."""

from __future__ import annotations

import math
import time
from typing import Final

from flask import Flask, request
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

_FREE: Final = ("static", "favicon", "brand_css", "logo", "robots", "health")
"""Endpoints that cost next to nothing and come many at a time."""


def register_rate_limit(app: Flask, limit: str) -> None:
    """Answer 429 with the seconds to wait above ``limit`` (such as ``240/minute``). ``ValueError`` when it cannot be read."""
    item = parse(limit)
    counter = FixedWindowRateLimiter(MemoryStorage())

    @app.before_request
    def count() -> None:
        if request.endpoint in _FREE:
            return
        address = request.remote_addr or ""
        if not counter.hit(item, address):
            resets = counter.get_window_stats(item, address).reset_time
            raise TooManyRequests(retry_after=max(1, math.ceil(resets - time.time())))
