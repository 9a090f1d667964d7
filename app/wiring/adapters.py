"""Opens what one process needs of the world: database, clock, keys, gateway, mail."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, column, inspect, select, table

from app import migrations
from app.accounts.directory import Directory
from app.cli.commands.demo_clock import demo_clock
from app.config import Settings, SettingsError, master_secrets, variable
from app.gateways.port import Gateways, OpenGateway
from app.gateways.registry import OpenGateways, open_gateway
from app.kit.bell import ThreadBell
from app.kit.clock import Clock, ShiftedClock, SystemClock
from app.kit.ids import Randomness, system_randomness
from app.kit.keys import MasterKeys
from app.mail import FileMailer, Mailer
from app.models.store import Store

GIVEN = ("clock", "randomness", "store", "bell", "gateways", "mailer")
"""Adapters that a test may bring along."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """Everything of one process that touches the world. Opened once; ``close`` gives it back, as before a fork."""

    settings: Settings
    store: Store
    clock: Clock
    randomness: Randomness
    masters: MasterKeys
    directory: Directory
    bell: ThreadBell
    mailer: Mailer
    gateways: Gateways
    gateway: OpenGateway | None
    """The installation's own gateway as it was opened; the sandbox's pages and ledger hang on it."""

    def close(self) -> None:
        self.store.close()
        close = getattr(self.gateway, "close", None)
        if close is not None:
            close()


def open_services(settings: Settings, given: Mapping[str, Any] | None = None) -> Adapters:
    """Opens the adapters without Flask, for commands and the worker. ``given``: adapters by the names in ``GIVEN``.

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
        mailer=given.get("mailer") or FileMailer(settings.outbox, clock, address=settings.sender),
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
    at = _step(store)
    if at != migrations.newest():
        raise SettingsError(
            "schema_old",
            f"the database is at step {at or 'none'}, this version needs {migrations.newest()}: run liftlink db upgrade",
            setting=variable("database_url"),
        )


def _step(store: Store) -> str | None:
    """What ``migrations.current`` gives, without loading Alembic: ten megabytes that no server needs."""
    with store.read() as connection:
        if not inspect(connection).has_table(migrations.VERSION_TABLE):
            return None
        return connection.scalar(select(column("version_num", String)).select_from(table(migrations.VERSION_TABLE)))
