"""The opened gateway: its keys, one transport for all accounts, and the way to each account."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.gateways.port import Capabilities, Gateway
from app.gateways.stripe.adapter import CAPABILITIES, StripeGateway
from app.gateways.stripe.client import Account, quieten
from app.gateways.stripe.settings import API_BASE, NAME, StripeSettings
from app.gateways.stripe.transport import Transport


class Stripe:
    """Stripe as this installation uses it."""

    name: str = NAME
    capabilities: Capabilities = CAPABILITIES

    def __init__(self, settings: StripeSettings) -> None:
        quieten()
        self._settings = settings
        self._transport = Transport(settings.timeout)

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Where the gateway's own pages are; those of a server for tests are at its own address."""
        if self._settings.api_base == API_BASE:
            return self._settings.page_origins
        parts = urlsplit(self._settings.api_base)
        return (*self._settings.page_origins, f"{parts.scheme}://{parts.netloc}")

    def at(self, account: str, *, livemode: bool) -> Gateway:
        """``GatewayError`` (gateway_misconfigured) where there is no key of that mode for the account."""
        credentials = self._settings.of(account, livemode=livemode)
        return StripeGateway(Account(credentials, self._transport, self._settings.api_base), account, livemode=livemode)

    def notice_secrets(self, account: str, *, livemode: bool) -> tuple[str, ...]:
        """The signing secrets of the account's entry, or of its mode; empty where none is set."""
        credentials = self._settings.find(account, livemode=livemode)
        return credentials.secrets if credentials else ()

    def close(self) -> None:
        """Gives the kept connections back, as before a fork."""
        self._transport.close()
