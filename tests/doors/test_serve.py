"""``liftlink serve`` as a process: it names a taken port, survives a hang-up, and stops cleanly when told to."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

LIFTLINK = Path(sys.executable).with_name("liftlink")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server in a process group of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.port = free_port()
        self.log = folder / "server.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LIFTLINK_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [LIFTLINK, "serve", "--port", str(self.port), *words],
                env={**environment, "LIFTLINK_INSTANCE_PATH": str(folder)},
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def status(self) -> int:
        with urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=10) as answer:
            return answer.status

    def wait_until_it_answers(self) -> None:
        for _ in range(300):
            try:
                self.status()
            except (URLError, OSError):
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
            else:
                return
        pytest.fail(f"no answer: {self.log.read_text()}")

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def folder(tmp_path: Path, empty_database: Path) -> Path:
    shutil.copyfile(empty_database, tmp_path / "liftlink.sqlite3")
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    server = Server(folder, "--workers", "1", "--threads", "2")
    try:
        server.wait_until_it_answers()
        yield server
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()


def test_it_survives_a_hang_up_and_stops_cleanly_on_sigterm(server: Server):
    os.killpg(server.process.pid, signal.SIGHUP)  # what a closed terminal sends to everybody in it
    time.sleep(1.5)
    assert server.status() == 200
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0, "nothing listens any more"


def test_a_taken_port_is_named_before_anything_starts(server: Server, folder: Path):
    second = subprocess.run(
        [LIFTLINK, "serve", "--port", str(server.port)],
        env={**os.environ, "LIFTLINK_INSTANCE_PATH": str(folder)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert second.returncode == 1
    assert f"127.0.0.1:{server.port}" in second.stderr
    assert "[port_taken]" in second.stderr
    assert server.status() == 200


def test_an_old_schema_is_named_instead_of_served(tmp_path: Path):
    refused = subprocess.run(
        [LIFTLINK, "serve", "--port", str(free_port())],
        env={**os.environ, "LIFTLINK_INSTANCE_PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "[schema_old]" in refused.stderr
