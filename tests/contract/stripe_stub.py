"""A socket that says exactly what a test wants, byte by byte: what no well-behaved server would."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

Step = bytes | float | Callable[[socket.socket], None]
"""Bytes to send, seconds to wait, or something to do with the connection."""


@dataclass
class Stub:
    """``requests`` holds each request as it came; ``connections`` how many there were."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0


def whole(body: object, status: str = "200 OK", *headers: str) -> bytes:
    """A complete answer with this JSON."""
    text = json.dumps(body).encode()
    more = "".join(f"{line}\r\n" for line in headers)
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {len(text)}\r\n\r\n".encode()
        + text
    )


def intent(**more: object) -> dict[str, object]:
    return {
        "id": "pi_1", "object": "payment_intent", "status": "requires_confirmation", "amount": 500, "currency": "usd", "livemode": False,
        "created": 1, "customer": "cus_1", "payment_method": "pm_1", "metadata": {}, **more,
    }  # fmt: skip


def close(connection: socket.socket) -> None:
    connection.close()


@contextmanager
def stub(*answers: Sequence[Step]) -> Generator[Stub]:
    """Serves one answer after another, over as many connections as the caller makes."""
    waiting = list(answers)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Stub(f"http://127.0.0.1:{listening.getsockname()[1]}")
        threading.Thread(target=_serve, args=(listening, waiting, served), daemon=True).start()
        yield served


def _serve(listening: socket.socket, waiting: list[Sequence[Step]], served: Stub) -> None:
    while waiting:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        served.connections += 1
        with connection:
            while waiting and (request := _request(connection)):
                served.requests.append(request)
                if not _play(connection, waiting.pop(0)):
                    break
            if not waiting:
                time.sleep(0.05)


def _play(connection: socket.socket, steps: Sequence[Step]) -> bool:
    """False once the connection is closed."""
    for step in steps:
        try:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, float):
                time.sleep(step)
            else:
                step(connection)
        except OSError:
            return False
    return connection.fileno() >= 0


def _request(connection: socket.socket) -> bytes:
    """Head and body; empty when the other side closed."""
    told = b""
    try:
        while b"\r\n\r\n" not in told:
            part = connection.recv(65536)
            if not part:
                return b""
            told += part
        head, _, body = told.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        length = int(lengths[0].partition(b":")[2]) if lengths else 0
        while len(body) < length:
            body += connection.recv(65536)
    except OSError:
        return b""
    return head + b"\r\n\r\n" + body
