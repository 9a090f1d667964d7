"""The sockets: one door for Stripe's protocol and one more for control that stays open when the first is shut."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.stripe_server.control import Control
from tests.stripe_server.couriers import Couriers
from tests.stripe_server.engine import Answer, Engine
from tests.stripe_server.pages import open_page
from tests.stripe_server.spec import Description
from tests.stripe_server.state import State
from tests.stripe_server.wire import StripeError

SILENCE = 120.0
"""How long a call that gets no answer is held open at most; normally the caller gives up before."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port: int, server: StripeShaped) -> None:
        self.of = server
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who hung up is no news; anything else is printed by the standard library."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def cut_connections(self) -> None:
        for each in list(self.connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def setup(self) -> None:
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """The journal is the log."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_GET

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if len(body) != length:
            self.close_connection = True
            return
        of = self.server.of
        if path.startswith("/_control/"):
            self._control(path, query, body)
        elif path.startswith("/pages/"):
            status, text, to = open_page(
                of.engine, self.command, path, dict(parse_qsl(body.decode(), keep_blank_values=True)), of.url
            )
            self._send(status, text.encode(), "text/html; charset=utf-8", {"Location": to} if to else {})
        elif not path.startswith("/v1/"):
            self._send(
                404, b"{}", "application/json", {}
            )  # a browser's own wish, such as an icon: no request of Stripe's
        else:
            headers = dict(self.headers.items())
            headers.update({name.title(): value for name, value in self.headers.items()})
            self._leave(of.engine.handle(self.command, path, query, headers, body, of.url))

    def _control(self, path: str, query: str, body: bytes) -> None:
        try:
            given = json.loads(body) if body else dict(parse_qsl(query))
            status, told = 200, self.server.of.control.handle(self.command, path, given)
        except StripeError as error:
            status, told = error.status, error.body
        except (LookupError, ValueError, TypeError) as error:
            status, told = 400, {"error": f"{type(error).__name__}: {error}"}
        self._send(status, json.dumps(told).encode(), "application/json", {})

    def _leave(self, answer: Answer) -> None:
        if answer.ends == "drop":
            self.close_connection = True
            return
        if answer.ends == "hold":
            select.select([self.connection], [], [], SILENCE)  # readable: the caller hung up
            self.close_connection = True
            return
        data = json.dumps(answer.body, indent=2).encode() + b"\n"
        if answer.ends == "unparsable":
            data = b"<html><body><h1>It works!</h1></body></html>"
        self._send(answer.status, data, "application/json", answer.headers, answer.ends)

    def _send(self, status: int, data: bytes, kind: str, headers: dict[str, str], ends: str = "") -> None:
        lines = [
            f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(data)}",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if ends == "cut_headers":
            head, data = head[: len(head) // 2], b""
        elif ends == "cut_body":
            data = data[: len(data) // 2]
        self.close_connection = self.close_connection or bool(ends)
        self.wfile.write(head + data)


class StripeShaped:
    """The whole server on a folder. ``start()`` returns when it answers; ``stop()`` ends its threads and closes the folder."""

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        *,
        strict: bool = True,
        processing_seconds: float = 60.0,
        search_lag: float = 60.0,
    ) -> None:
        self.folder = folder
        self.state = State(folder)
        rules = Description() if strict else None
        self.engine = Engine(self.state, rules, processing_seconds=processing_seconds, search_lag=search_lag)
        self.couriers = Couriers(self.state)
        self.control = Control(self.engine, self.couriers, self)
        self.engine.door = self
        self.engine.ring_early = self.couriers.early
        self._door: _Listener | None = _Listener(port, self)
        self.port: int = self._door.server_address[1]
        self._side = _Listener(0, self)
        self.control_port: int = self._side.server_address[1]
        self._turn = threading.Lock()
        self._timer: threading.Timer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert self._door is not None
        for listener in (self._door, self._side):
            _in_thread(lambda listener=listener: listener.serve_forever(poll_interval=0.02))
        self.couriers.start()
        ready = self.folder / "ports.json.new"
        ready.write_text(json.dumps({"port": self.port, "control_port": self.control_port}))
        ready.replace(self.folder / "ports.json")

    def shut(self, seconds: float = 0.0) -> None:
        """No connection is taken and those that stand are cut, until ``open`` or for so many seconds."""
        with self._turn:
            listener, self._door = self._door, None
            if listener is not None:
                with contextlib.suppress(OSError):
                    listener.socket.shutdown(socket.SHUT_RDWR)  # from now on refused, also before the loop has ended
                listener.shutdown()
                listener.server_close()
                listener.cut_connections()
            if seconds and self._timer is None:
                self._timer = threading.Timer(seconds, self.open)
                self._timer.daemon = True
                self._timer.start()

    def open(self) -> None:
        with self._turn:
            timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            if self._door is None:
                self._door = listener = _Listener(self.port, self)
                _in_thread(lambda: listener.serve_forever(poll_interval=0.02))

    def stop(self) -> None:
        self.shut()
        self._side.shutdown()
        self._side.server_close()
        self._side.cut_connections()
        self.couriers.stop()
        with self.state.lock:
            self.state.close()


def _in_thread(act: Callable[[], None]) -> None:
    threading.Thread(target=act, daemon=True).start()
