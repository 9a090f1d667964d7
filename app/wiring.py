"""The one place where settings become adapters: for the server, for the worker thread and for the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, cast

import structlog
from flask import Flask, Response, abort
from sqlalchemy import text
from werkzeug.middleware.proxy_fix import ProxyFix

from app import migrations
from app.accounts.directory import Directory
from app.bank import bank_blueprint
from app.cart import cart
from app.cli.commands.demo_clock import demo_clock
from app.config import Settings, SettingsError, master_secrets, read_settings, variable
from app.gateways.port import Gateways, OpenGateway
from app.gateways.registry import OpenGateways, open_gateway
from app.gateways.sandbox import Sandbox
from app.kit.bell import Bell, ThreadBell
from app.kit.clock import Clock, ShiftedClock, SystemClock
from app.kit.ids import Randomness, system_randomness
from app.kit.keys import MasterKeys
from app.models.store import Store
from app.web.assets import Assets, register_assets
from app.web.errors import register_errors
from app.web.headers import register_headers
from app.web.i18n import Languages
from app.web.limits import register_rate_limit
from app.web.logos import Logo, logo_answer
from app.web.pages import Pages
from app.web.services import EXTENSION, Services, merchant_here
from app.web.styles import register_brand

ROOT = Path(__file__).resolve().parents[1]
ADAPTERS = "liftlink.adapters"
"""The key in ``app.extensions`` of everything that was opened, for whoever starts the worker thread."""
LARGEST_FORM = 64 * 1024


@dataclass(frozen=True, slots=True)
class Adapters:
    """Everything of one process that touches the world. Opened once; ``close`` gives it back, as before a fork."""

    settings: Settings
    store: Store
    clock: Clock
    randomness: Randomness
    masters: MasterKeys
    directory: Directory
    bell: Bell
    gateways: Gateways
    gateway: OpenGateway | None
    """The installation's own gateway as it was opened; the sandbox's pages and ledger hang on it."""

    def close(self) -> None:
        self.store.close()
        close = getattr(self.gateway, "close", None)
        if close is not None:
            close()


def open_services(settings: Settings, given: Mapping[str, Any] | None = None) -> Adapters:
    """Opens the adapters without Flask, for commands and the worker. ``given`` are adapters that tests bring along:
    ``clock`` ``randomness`` ``store`` ``bell`` ``gateways``.

    ``SettingsError`` · ``GatewayError`` when the installation is wrong.
    """
    given = given or {}
    masters = MasterKeys(master_secrets(settings))
    clock = given.get("clock") or make_clock(settings)
    randomness = given.get("randomness") or system_randomness
    store = given.get("store") or Store(settings.database)
    gateway = None
    gateways = given.get("gateways")
    if gateways is None:
        gateway = open_gateway(settings.gateway, gateway_settings(settings, clock, randomness))
        gateways = OpenGateways({settings.gateway: gateway})
    return Adapters(
        settings=settings,
        store=store,
        clock=clock,
        randomness=randomness,
        masters=masters,
        directory=Directory(store, masters),
        bell=given.get("bell") or ThreadBell(),
        gateways=gateways,
        gateway=gateway,
    )


def make_clock(settings: Settings) -> Clock:
    """The machine's clock; in development moved to ``start_at``, or by as much as the demo of this folder noted."""
    if settings.start_at is not None:
        return ShiftedClock(settings.start_at)
    noted = None if settings.production else demo_clock(settings.demo_clock)
    return SystemClock() if noted is None else ShiftedClock(noted.now(datetime.now(UTC)))


def gateway_settings(settings: Settings, clock: Clock, randomness: Randomness) -> dict[str, object]:
    """What the gateway is opened with: our own facts, and for a gateway ``x`` every ``LIFTLINK_X_…`` of the environment."""
    prefix = f"{variable(settings.gateway)}_"
    own = {name.removeprefix(prefix).lower(): value for name, value in os.environ.items() if name.startswith(prefix)}
    shared: dict[str, object] = {
        "production": settings.production,
        "public_url": settings.public_url,
        "clock": clock,
        "randomness": randomness,
    }
    if settings.gateway == "sandbox":
        own_settings: dict[str, object] = {
            "path": settings.ledger,
            "slow_seconds": settings.sandbox_slow_seconds,
            "timeout_seconds": settings.sandbox_timeout_seconds,
            "late_seconds": settings.sandbox_late_seconds,
            "processing_seconds": settings.sandbox_processing_seconds,
        }
        return shared | own_settings
    return {**own, **shared}


def check_schema(store: Store) -> None:
    """``SettingsError`` (schema_old) unless the database is at the newest step: a server must not guess at its tables."""
    at = migrations.current(store.engine)
    if at != migrations.newest():
        raise SettingsError(
            "schema_old",
            f"the database is at step {at or 'none'}, this version needs {migrations.newest()}: run liftlink db upgrade",
            setting=variable("database_url"),
        )


def build_app(overrides: Mapping[str, object] | None = None) -> Flask:
    """The web application. ``overrides`` are settings, and adapters as ``open_services`` takes them."""
    values = dict(overrides or {})
    given = {name: values.pop(name) for name in ("clock", "randomness", "store", "bell", "gateways") if name in values}
    settings = read_settings(values)
    configure_log(settings)
    adapters = open_services(settings, given)
    check_schema(adapters.store)
    app = Flask("liftlink", root_path=str(ROOT), static_folder=None, template_folder=str(ROOT / "templates"))
    app.config.from_mapping(MAX_CONTENT_LENGTH=LARGEST_FORM, MAX_FORM_MEMORY_SIZE=LARGEST_FORM, MAX_FORM_PARTS=100)
    app.extensions[ADAPTERS] = adapters
    pages = _pages(settings)
    services = app.extensions[EXTENSION] = Services(
        store=adapters.store,
        clock=adapters.clock,
        randomness=adapters.randomness,
        gateways=adapters.gateways,
        bell=adapters.bell,
        directory=adapters.directory,
        public_url=settings.public_url,
        pages=pages,
        sandbox=settings.gateway == "sandbox",
        development=not settings.production,
        decline_limit=settings.decline_limit,
        drive_budget=settings.drive_seconds,
    )
    _dress(app, pages, settings)
    _register_doors(app, adapters, services)
    if settings.trusted_proxies:
        # Assigned as Flask's documentation asks; only the sender's address and scheme are believed, never the host.
        proxied = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies)
        app.wsgi_app = cast(Any, proxied)
    return app


def _pages(settings: Settings) -> Pages:
    try:
        languages = Languages(settings.languages)
    except ValueError as error:
        name = variable("languages")
        raise SettingsError("setting_invalid", f"{name}: {error}", setting=name) from None
    return Pages(ROOT / "templates", Assets(ROOT / "static"), languages, reload=not settings.production)


def _dress(app: Flask, pages: Pages, settings: Settings) -> None:
    """What every answer has in common: headers, errors in the merchant's look, a ceiling, assets, brand and logo."""
    register_headers(app, production=settings.production)
    register_errors(app, pages, merchant_of=merchant_here)
    if settings.rate_limit:
        try:
            register_rate_limit(app, settings.rate_limit)
        except ValueError as error:
            name = variable("rate_limit")
            raise SettingsError("setting_invalid", f"{name}: {error}", setting=name) from None
    register_assets(app, pages.assets)
    register_brand(app)


def _register_doors(app: Flask, adapters: Adapters, services: Services) -> None:
    """Each door is registered here and knows no other."""
    app.register_blueprint(cart)
    if isinstance(adapters.gateway, Sandbox):
        pages = services.pages
        app.register_blueprint(bank_blueprint(adapters.gateway.pages, pages.environment(pages.languages.enabled[0])))
    _register_small(app, adapters)


def _register_small(app: Flask, adapters: Adapters) -> None:
    """A merchant's logo, and what a load balancer asks."""
    directory = adapters.directory

    @app.get("/logo/<code>/<name>", endpoint="logo")
    def logo(code: str, name: str) -> Response:
        facts = directory.merchant_named(code)
        if facts is None or facts.logo is None or facts.logo.file_name != name:
            abort(404)
        return logo_answer(Logo(facts.logo.kind, facts.logo.content))

    @app.get("/healthz", endpoint="health")
    def health() -> Response:
        with adapters.store.read() as connection:
            connection.execute(text("SELECT 1"))
        return Response("ok\n", mimetype="text/plain")


class Jobs(Protocol):
    """The worker thread of this process."""

    def stop(self) -> None:
        """Finish the row in hand and end; returns when it has."""
        ...


def start_jobs(app: Flask) -> Jobs | None:
    """Starts the worker thread beside this app; None when ``LIFTLINK_JOBS`` is off. Call it after the fork."""
    return None


def configure_log(settings: Settings) -> None:
    """One line an event on the standard error; a token, secret or card never belongs in an event."""
    import logging

    level = {"debug": 10, "info": 20, "warning": 30, "error": 40}[settings.log_level]
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info if settings.log_format == "json" else _keep,
                render,
            ],
        )
    )
    ours = logging.getLogger("liftlink")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(level)


def _keep(_logger: object, _name: str, event: Any) -> Any:
    return event
