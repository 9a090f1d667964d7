"""Processes forked from a warm parent: the real server with its workers, and a worker that repairs, round by round."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask

import app.jobs.runner as runner_module
from app.cli.commands import serve
from app.config import Settings
from app.gateways.sandbox import Sandbox
from app.kit.faults import Plan as Points
from app.kit.faults import install_plan
from app.wiring import Adapters
from app.wiring.jobs import make_runner
from app.wiring.web import ADAPTERS
from tests.faults.board import Board, SharedClock

ROUND_SECONDS = 60.0
MEETING_WAIT = 5.0
EMBEDDED_WAIT = 0.03
"""Real seconds between two looks of an embedded worker; the shared clock does not move while it waits."""


def fork(work: Callable[[], object], log: Path) -> int:
    """A process of its own group that does ``work`` and writes to ``log``; never comes back here."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        _die_with_parent()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(out, 1)
        os.dup2(out, 2)
        work()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _die_with_parent() -> None:
    """Where Linux offers it: whoever stops the harness leaves nothing running."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def end(pid: int) -> None:
    """SIGKILL to the group, as when the machine is switched off; a stopped process dies too."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def crashing(board: Board, crash: str, *, whole: bool) -> Points:
    """SIGKILL at that passing of that point in one process, once in the iteration."""
    name, _, passing = crash.partition(":")
    left = [int(passing or 1)]

    def plan(point: str) -> None:
        board.passed(point)
        if point != name:
            return
        left[0] -= 1
        if left[0] == 0 and board.fire():
            if whole:
                os.killpg(os.getpgrp(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    return plan


def stopping(board: Board, point_of_stop: str) -> Points:
    """SIGSTOP at the first passing: a driver that sleeps on while its lease ends."""

    def plan(point: str) -> None:
        board.passed(point)
        if point == point_of_stop and board.fire():
            board.stopped = os.getpid()
            os.kill(os.getpid(), signal.SIGSTOP)
            while board.stopped:  # the signal stops a process a little after it is sent: go no step further
                time.sleep(0.001)

    return plan


def meeting(point: str, count: int, then: Points) -> Points:
    """Whoever passes there waits until so many came, each in whatever process and thread: they overlap for certain."""
    register = tempfile.TemporaryFile(mode="a+b", buffering=0)  # noqa: SIM115  # appending is atomic, also across processes

    def plan(name: str) -> None:
        if name == point:
            register.write(b".")
            until = time.monotonic() + MEETING_WAIT
            while os.fstat(register.fileno()).st_size < count and time.monotonic() < until:
                time.sleep(0.001)
        then(name)

    return plan


class Server:
    """``liftlink serve`` with two processes of four threads on one port, its application built before the fork."""

    def __init__(self, app: Flask, settings: Settings, port: int, log: Path) -> None:
        self._app, self._settings, self._port, self._log = app, settings, port, log
        self._runner = serve._application(settings)
        type(self._runner).load = lambda _self: app
        self.pid = 0

    def start(self, points: Points | None, *, embedded: bool, skew: int, prepare: Callable[[], None]) -> None:
        """Forks it and waits until the port listens; ``prepare`` runs in the child before gunicorn does."""

        def work() -> None:
            prepare()
            install_plan(points)
            adapters: Any = self._app.extensions[ADAPTERS]
            adapters.clock.skew = timedelta(seconds=skew)
            if isinstance(adapters.gateway, Sandbox):  # the bank's clock is right, whoever's is wrong
                adapters.gateway._host.clock = SharedClock(adapters.clock.board)
            runner_module.WAIT_SECONDS = EMBEDDED_WAIT
            if not embedded:
                serve.begin_work = lambda _worker: None  # type: ignore[assignment]
                self._runner.cfg.set("post_worker_init", serve.begin_work)
            self._runner.run()

        self.pid = fork(work, self._log)
        until = time.monotonic() + 15
        while not self.listens():
            if time.monotonic() > until or not self.is_alive():
                raise RuntimeError(f"the server did not start: {self._log.read_text()[-3000:]}")
            time.sleep(0.004)

    def listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def is_alive(self) -> bool:
        if not self.pid:
            return False
        try:
            done, _ = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            done = self.pid
        if done:
            end(self.pid)
            self.pid = 0
        return bool(self.pid)

    def kill(self) -> None:
        """And wait until the last of its processes has let go of the port, so that nobody reaches one that is dying."""
        if self.pid:
            end(self.pid)
            self.pid = 0
            until = time.monotonic() + 2
            while self.listens() and time.monotonic() < until:
                time.sleep(0.002)


class Repairer:
    """A worker process that does one round when told: sweep, card pages, mail; the rarer passes when told so too."""

    def __init__(self, adapters: Adapters, points: Points | None, log: Path, prepare: Callable[[], None]) -> None:
        ask_read, self._ask = os.pipe()
        self._told, told_write = os.pipe()

        def work() -> None:
            os.close(self._ask)
            os.close(self._told)
            prepare()
            install_plan(points)
            runner = make_runner(adapters)
            while asked := os.read(ask_read, 1):
                for each in (*runner._passes, *runner._long):
                    each.due_at = 0.0 if asked == b"*" else float("inf")
                runner.work()
                os.write(told_write, b".")

        self.pid = fork(work, log)
        os.close(ask_read)
        os.close(told_write)

    def round(self, *, passes: bool = False) -> bool:
        """False when the worker died in it. ``passes``: also what it does only every few minutes or once a day."""
        with suppress(BrokenPipeError):
            os.write(self._ask, b"*" if passes else b".")
        return bool(os.read(self._told, 1))

    def close(self) -> None:
        end(self.pid)
        os.close(self._ask)
        os.close(self._told)
