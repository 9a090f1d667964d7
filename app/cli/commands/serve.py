"""``liftlink serve``: gunicorn with threads, as a library. Each process brings its own worker thread for jobs."""

from __future__ import annotations

import errno
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.commands.common import note
from app.kit.errors import LiftlinkError

if TYPE_CHECKING:
    from app.config import Settings

REQUEST_SECONDS = 60
"""A process that answers nothing at all for so long is replaced."""


class ServeError(LiftlinkError):
    """``port_taken`` · ``address_unusable``; details name host and port."""


@click.command()
@click.option("--host", help="The address to listen on. [LIFTLINK_HOST]")
@click.option("--port", type=int, help="The port to listen on. [LIFTLINK_PORT]")
@click.option("--workers", type=int, help="Server processes. [LIFTLINK_WORKERS]")
@click.option("--threads", type=int, help="Requests at the same time in each. [LIFTLINK_THREADS]")
def serve(host: str | None, port: int | None, workers: int | None, threads: int | None) -> None:
    """Serve the shoppers' pages and do the work behind them. Stop it with Ctrl-C or SIGTERM: what runs is finished first."""
    from app.config import read_settings

    start(read_settings({"host": host, "port": port, "workers": workers, "threads": threads}))


def start(settings: Settings) -> None:
    """Serves until told to stop. ``ServeError`` · ``SettingsError`` before anything listens."""
    from app.config import warnings_for
    from app.wiring import check_schema, open_services
    from app.wiring.log import configure_log

    configure_log(settings)
    check_port(settings.host, settings.port)
    for warning in warnings_for(settings):
        note(f"warning: {warning}")
    adapters = open_services(settings)  # what is wrong is said here, once, and not by each process
    try:
        check_schema(adapters.store)
        moved = _moved(adapters.clock.now())
    finally:
        adapters.close()  # nothing that is open may cross the fork
    if moved:
        note(f"warning: the clock is moved; here it is {moved}")
    note(
        f"Liftlink listens on http://{settings.host}:{settings.port} ({settings.workers} × {settings.threads}), Ctrl-C stops it"
    )
    _application(settings).run()


def _moved(now: Any) -> str:
    from datetime import UTC, datetime

    return "" if abs((now - datetime.now(UTC)).total_seconds()) < 5 else now.strftime("%B %-d, %Y, %H:%M UTC")


def check_port(host: str, port: int) -> None:
    """``port_taken`` when something listens there; ``address_unusable`` for an address that is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            code = "port_taken" if error.errno == errno.EADDRINUSE else "address_unusable"
            words = (
                "something listens there already; choose another with --port"
                if code == "port_taken"
                else error.strerror
            )
            raise ServeError(code, f"{host}:{port}: {words}", host=host, port=port) from None


def server_options(settings: Settings) -> dict[str, Any]:
    """What gunicorn is told. Access logs stay off: a link's token stands in its path."""
    from app.wiring.log import ServerLogger

    memory = Path("/dev/shm")  # noqa: S108 - gunicorn's heartbeat only; on a disk a slow fsync would look like a dead process
    return {
        "bind": f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}",
        "workers": settings.workers,
        "worker_class": "gthread",
        "threads": settings.threads,
        "timeout": REQUEST_SECONDS,
        "graceful_timeout": settings.stop_seconds,
        "keepalive": 5,
        "accesslog": None,
        "loglevel": "warning",
        "logger_class": ServerLogger,
        # Nothing that a client sends decides scheme, path or address: `LIFTLINK_TRUSTED_PROXIES` alone says who may.
        "forwarder_headers": "",
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "proc_name": "liftlink",
        "worker_tmp_dir": str(memory) if memory.is_dir() else None,
        "control_socket_disable": True,
        "when_ready": outlive_the_terminal,
        "post_worker_init": begin_work,
        "worker_exit": end_work,
    }


def outlive_the_terminal(_server: Any) -> None:
    """A closed terminal hangs up on its whole process group. That is no reason to stop, nor to start every process anew."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def begin_work(worker: Any) -> None:
    """In a new server process, after its application is there: start its worker thread."""
    from app.wiring.jobs import start_jobs
    from app.wiring.web import ADAPTERS

    outlive_the_terminal(None)  # gunicorn gave this process the default again
    worker.liftlink_jobs = start_jobs(worker.wsgi.extensions[ADAPTERS])


def end_work(_server: Any, worker: Any) -> None:
    """In a server process that has answered its last request: let the worker thread finish its row, then close."""
    from app.wiring.web import ADAPTERS

    jobs = getattr(worker, "liftlink_jobs", None)
    if jobs is not None:
        jobs.stop()
    app = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions[ADAPTERS].close()


def _application(settings: Settings) -> Any:
    # gunicorn brings no types.
    from gunicorn.app.base import BaseApplication  # pyright: ignore[reportMissingTypeStubs]

    # Loaded before the fork, so that a process that takes the place of one that died answers sooner.
    from app.wiring.web import build_app

    class Server(BaseApplication):
        def load_config(self) -> None:
            config: Any = self.cfg
            for name, value in server_options(settings).items():
                config.set(name, value)

        def load(self) -> Any:
            return build_app(settings.model_dump())

    return Server()
