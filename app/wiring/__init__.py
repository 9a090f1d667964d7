"""The one place where settings become adapters: for the server, for the worker thread and for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.wiring.adapters import Adapters, check_schema, open_services

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Adapters", "build_app", "check_schema", "open_services"]


def build_app(overrides: Mapping[str, object] | None = None) -> Flask:
    """The web application. ``overrides`` are settings, and adapters by the names in ``adapters.GIVEN``.

    ``SettingsError`` names what is wrong, an old schema included; nothing is served then.
    """
    # Imported here so that commands which serve nothing do not load the doors.
    from app.wiring.web import build_app

    return build_app(overrides)
