"""Stripe, through its official SDK. Importing this package does not load the SDK; opening the gateway does.

opened = open_gateway({"production": True, "secret_key": "sk_live_…", "webhook_secrets": "whsec_…"})
gateway = opened.at("quillmark-live", livemode=True)     # the port

``docs/stripe.md`` says how an account is set up and which settings there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.gateways.stripe.settings import read_settings

if TYPE_CHECKING:
    from app.gateways.stripe.opened import Stripe

__all__ = ["open_gateway"]


def open_gateway(settings: Mapping[str, object]) -> Stripe:
    """Checks the settings and loads the SDK; opens no connection.

    ``GatewayError``: gateway_misconfigured · gateway_refuses_production.
    """
    checked = read_settings(settings)
    from app.gateways.stripe.opened import Stripe  # thirty megabytes, for installations that use it

    return Stripe(checked)
