"""Pages through the server that people get them from: gunicorn with threads, one worker, one kept connection."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from bench.asking import HOST, installed_app

_TICKS = os.sysconf("SC_CLK_TCK")


def hello() -> Flask:
    """For gunicorn: the least that Flask can answer."""
    app = Flask("hello")
    app.add_url_rule("/", view_func=lambda: "hello")
    return app


def ours(folder: str) -> Flask:
    """For gunicorn: the application on an installation that stands."""
    return installed_app(Path(folder))


class Server:
    """One gunicorn. ``get`` asks over one connection; ``cpu`` is what the worker has computed so far, in seconds."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self._connection = _connected(port)
        worker = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        self._worker = int(worker[0])

    def get(self, path: str) -> bytes:
        """The whole answer, head and body."""
        asked = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: Mozilla/5.0 bench\r\nAccept-Language: en\r\n\r\n"
        self._connection.sendall(asked.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += self._receive()
        return head + body

    def _receive(self) -> bytes:
        received = self._connection.recv(65536)
        if not received:
            raise RuntimeError("the server hung up")
        return received

    def cpu(self) -> float:
        spent = Path(f"/proc/{self._worker}/stat").read_text().rpartition(") ")[2].split()
        return (int(spent[11]) + int(spent[12])) / _TICKS


@contextmanager
def serving(application: str) -> Generator[Server]:
    """Start gunicorn for an expression such as ``bench.served:hello()`` and stop it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [
        sys.executable, "-m", "gunicorn", "-k", "gthread", "-w", "1", "--threads", "4", "--keep-alive", "600",
        "--log-level", "error", "-b", f"127.0.0.1:{port}", application,
    ]  # fmt: skip
    process = subprocess.Popen(command)
    try:
        yield Server(process, port)
    finally:
        process.terminate()
        process.wait(10)


def _connected(port: int) -> socket.socket:
    for _ in range(400):
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        except OSError:
            time.sleep(0.05)
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    raise RuntimeError("gunicorn did not start")
