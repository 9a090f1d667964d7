"""Builds the web application: what every answer has in common, and the doors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, abort
from sqlalchemy import text
from werkzeug.middleware.proxy_fix import ProxyFix

from app.bank import bank_blueprint
from app.cart import cart
from app.config import Settings, SettingsError, read_settings, variable
from app.gateways.port import OpenGateway
from app.gateways.registry import OpenGateways
from app.gateways.sandbox import Sandbox
from app.inbound import inbound_blueprint
from app.inbound.door import PREFIX
from app.kit.clock import Clock
from app.kit.faults import install_plan
from app.web.assets import Assets, register_assets
from app.web.errors import register_errors
from app.web.headers import register_headers
from app.web.i18n import Languages
from app.web.limits import Ceiling, register_rate_limit
from app.web.logos import Logo, logo_answer
from app.web.maintenance import register_maintenance
from app.web.pages import Pages
from app.web.services import EXTENSION, Services, merchant_here
from app.web.styles import register_brand
from app.wiring.adapters import GIVEN, Adapters, check_schema, open_services
from app.wiring.faults import dying_at
from app.wiring.gate import check_gate
from app.wiring.log import configure_log

ROOT = Path(__file__).resolve().parents[2]
ADAPTERS = "liftlink.adapters"
"""The key in ``app.extensions`` of everything that was opened, for whoever starts the worker thread."""
LARGEST_FORM = 64 * 1024
MACHINES = (f"{PREFIX}/", "/healthz")
"""Asked by gateways and load balancers."""


def build_app(overrides: Mapping[str, object] | None = None) -> Flask:
    """The web application. ``overrides`` are settings, and adapters as ``open_services`` takes them."""
    values = dict(overrides or {})
    given = {name: values.pop(name) for name in GIVEN if name in values}
    settings = read_settings(values)
    configure_log(settings)
    if settings.fault_plan:
        install_plan(dying_at(settings.fault_plan))
    adapters = open_services(settings, given)
    check_schema(adapters.store)
    check_gate(adapters, renew=True)
    app = Flask("liftlink", root_path=str(ROOT), static_folder=None, template_folder=str(ROOT / "templates"))
    app.config.from_mapping(MAX_CONTENT_LENGTH=LARGEST_FORM, MAX_FORM_MEMORY_SIZE=LARGEST_FORM, MAX_FORM_PARTS=100)
    app.url_map.merge_slashes = False  # its redirect would repeat a token under whatever host was sent
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
        cart_try_limit=settings.cart_try_limit,
        drive_budget=settings.drive_seconds,
    )
    _dress(app, pages, settings, adapters.clock, adapters.gateway)
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


def _dress(app: Flask, pages: Pages, settings: Settings, clock: Clock, gateway: OpenGateway | None) -> None:
    """What every answer has in common: headers, errors in the merchant's look, a ceiling, assets, brand and logo."""
    register_headers(app, gateway_origins=_page_origins(settings, gateway), production=settings.production)
    register_errors(app, pages, merchant_of=merchant_here, machines=lambda path: path.startswith(MACHINES))
    if settings.rate_limit not in ("", "off"):
        try:
            register_rate_limit(app, settings.rate_limit)
        except ValueError as error:
            name = variable("rate_limit")
            raise SettingsError("setting_invalid", f"{name}: {error}", setting=name) from None
    register_maintenance(app, settings.maintenance, clock)
    register_assets(app, pages.assets)
    register_brand(app)


def _page_origins(settings: Settings, gateway: OpenGateway | None) -> tuple[str, ...]:
    """Where the gateway's own pages are: browsers apply ``form-action`` to the redirect after a POST too. The sandbox's
    stand at the public address, which need not be the host that the shopper came by; another gateway names its own."""
    if settings.gateway == "sandbox":
        return (settings.public_url,)
    return tuple(getattr(gateway, "page_origins", ()))


def _register_doors(app: Flask, adapters: Adapters, services: Services) -> None:
    """Each door is registered here and knows no other."""
    app.register_blueprint(cart)
    limit = adapters.settings.rate_limit
    ceiling = Ceiling(limit) if limit not in ("", "off") else None
    app.register_blueprint(inbound_blueprint(_opened(adapters), adapters.store, adapters.clock, adapters.bell, ceiling))
    if isinstance(adapters.gateway, Sandbox):
        pages = services.pages
        app.register_blueprint(bank_blueprint(adapters.gateway.pages, pages.environment(pages.languages.enabled[0])))
    _register_small(app, adapters)


def _opened(adapters: Adapters) -> Callable[[str], OpenGateway | None]:
    """The gateways that are opened here, by name; none when a test brought a registry of its own."""
    gateways = adapters.gateways
    return gateways.opened if isinstance(gateways, OpenGateways) else lambda _name: None


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
