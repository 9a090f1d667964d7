"""How bytes reach Stripe: one try, a time-out over the whole call, and the certainty whether anything was sent.

The SDK's own transports tell a refused connection and a lost answer by one exception, and that difference decides whether a
payment may be asked for again under the same key.
"""

from __future__ import annotations

import http.client
import os
import re
import select
import ssl
import time
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe
from stripe import APIConnectionError, HTTPClient

_IDLE_SECONDS = 10.0
"""A kept connection older than this is not used again: the other side may close it just when we write."""
_CONNECT_SECONDS = 5.0
_LARGEST = 16 * 1024 * 1024
_KEPT = 8
_CLIENT_SECRET = re.compile(rb'"client_secret"(\s*:\s*)"[^"]*"')


class NotSent(APIConnectionError):
    """No connection: not a byte of the request left us."""


class NoAnswer(APIConnectionError):
    """The request was, or may have been, received; no whole answer came back."""


class Transport(HTTPClient):
    """Keeps a few connections of this process open. Never retries; ``timeout`` seconds span connect, send and answer."""

    name = "liftlink"

    def __init__(self, timeout: float) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - a hook for the SDK's own tests
        self._timeout = timeout
        self._idle: deque[tuple[float, tuple[str, str, int | None], http.client.HTTPConnection]] = deque(maxlen=_KEPT)
        self._owner = os.getpid()
        self._tls: ssl.SSLContext | None = None

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        """The body, the status and the headers. ``NotSent`` · ``NoAnswer``."""
        until = time.monotonic() + self._timeout
        parts = urlsplit(url)
        where = (parts.scheme, parts.hostname or "", parts.port)
        connection = self._kept(where) or self._connected(where)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            _limit(connection, until)
            connection.request(method.upper(), path, body=post_data, headers=dict(headers or {}))
            _limit(connection, until)
            answer = connection.getresponse()
            body = _whole(connection, answer, until)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NoAnswer(f"no answer: {type(error).__name__}") from None
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self._idle.append((time.monotonic(), where, connection))
        del answer.headers["Stripe-Notice"]  # the SDK turns it into a Python warning
        return _CLIENT_SECRET.sub(rb'"client_secret"\1null', body), answer.status, _Headers(answer.headers.items())

    def close(self) -> None:
        """Closes what is kept, as before a fork. The transport may be used again."""
        while self._idle:
            self._idle.popleft()[2].close()

    def _kept(self, where: tuple[str, str, int | None]) -> http.client.HTTPConnection | None:
        """The youngest kept connection that is still good; those of a parent process are not ours."""
        if self._owner != os.getpid():
            self._idle, self._owner = deque(maxlen=_KEPT), os.getpid()
        while True:
            try:
                kept_at, to, connection = self._idle.pop()
            except IndexError:
                return None
            if to == where and time.monotonic() - kept_at < _IDLE_SECONDS and not _is_gone(connection):
                return connection
            connection.close()

    def _connected(self, where: tuple[str, str, int | None]) -> http.client.HTTPConnection:
        scheme, host, port = where
        timeout = min(self._timeout, _CONNECT_SECONDS)
        if scheme == "https":
            self._tls = self._tls or ssl.create_default_context(cafile=stripe.ca_bundle_path)
            connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        try:
            connection.connect()
        except (OSError, http.client.HTTPException) as error:  # also a name that is not found, and TLS that fails
            connection.close()
            raise NotSent(f"no connection: {type(error).__name__}") from None
        return connection


class _Headers(dict[str, str]):
    """Read without regard to case, as the SDK expects."""

    def __init__(self, pairs: Any) -> None:
        super().__init__({name.lower(): value for name, value in pairs})

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def _limit(connection: http.client.HTTPConnection, until: float) -> None:
    """What is left of the time for the next step on the socket."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.sock.settimeout(left)


def _whole(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, until: float) -> bytes:
    """The whole body; one that breaks off raises ``IncompleteRead``."""
    chunks: list[bytes] = []
    expected, size = answer.length, 0
    while expected is None or size < expected:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:  # given away to the answer when the server closes after it
            connection.sock.settimeout(left)
        chunk = answer.read1(65536)
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
        if size > _LARGEST:
            raise http.client.HTTPException("too long an answer")
    if expected is not None and size < expected:
        raise http.client.IncompleteRead(b"", expected - size)
    answer.close()
    return b"".join(chunks)


def _is_gone(connection: http.client.HTTPConnection) -> bool:
    """Readable while nothing was asked: the other side has closed, or talks out of turn."""
    if connection.sock is None:
        return True
    try:
        poller = select.poll()
        poller.register(connection.sock, select.POLLIN)
        return bool(poller.poll(0))
    except (OSError, ValueError):
        return True
