"""Liftlink: signed links that upgrade a subscription in one click, and the hosted cart they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

__version__ = "0.1.0"


def create_app(overrides: Mapping[str, object] | None = None) -> Flask:
    """Read the settings once, build the adapters, register the doors.

    ``overrides`` maps names of settings to values and wins over the environment. A missing or weak setting stops the
    start with a ``SettingsError`` that names it.
    """
    # Imported here so that pure commands, which import `app.billing`, do not pay for Flask at start.
    from app.wiring import build_app

    return build_app(overrides)
