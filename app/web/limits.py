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

_FREE: Final = ("static", "favicon", "brand_css", "logo", "robots", "health", "inbound.notice")
"""Endpoints that cost next to nothing and come many at a time. A gateway's notices come in bursts from few addresses, and
one turned away is late by hours: their door counts those that it refuses."""
_POLLS: Final = ("cart.state",)
"""Asked by a page's own script. Counted for themselves, so that they never shut out the page that they wait for."""


class Ceiling:
    """Counts something of one address in this process. ``limit`` such as ``240/minute``; ``ValueError`` if unreadable."""

    def __init__(self, limit: str) -> None:
        self._item = parse(limit)
        self._counter = FixedWindowRateLimiter(MemoryStorage())

    def take(self, address: str) -> int:
        """Count one; the seconds to wait when that is one too many, else 0."""
        return 0 if self._counter.hit(self._item, address) else self._seconds(address)

    def wait_for(self, address: str) -> int:
        """Without counting: seconds until the next one is allowed, 0 when it is allowed now."""
        return 0 if self._counter.test(self._item, address) else self._seconds(address)

    def _seconds(self, address: str) -> int:
        resets = self._counter.get_window_stats(self._item, address).reset_time
        return max(1, math.ceil(resets - time.time()))


def register_rate_limit(app: Flask, limit: str) -> None:
    """Answer 429 with the seconds to wait above ``limit`` (such as ``240/minute``). ``ValueError`` when it cannot be read."""
    ceiling = Ceiling(limit)

    @app.before_request
    def count() -> None:
        if request.endpoint in _FREE:
            return
        address = request.remote_addr or ""
        wait = ceiling.take(f"{address} polls" if request.endpoint in _POLLS else address)
        if wait:
            raise TooManyRequests(retry_after=wait)
