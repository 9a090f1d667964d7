"""The sandbox: a gateway in the box, with a ledger of its own, every outcome scripted by card. It refuses production.

sandbox = open_gateway({"production": False, "path": ..., "public_url": ..., "clock": clock})
gateway = sandbox.at("acct_1", livemode=False)     # the port
sandbox.pages                                      # for the door ``bank``
sandbox.ledger, sandbox.controls                   # for the judge and the fault harness
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import cast

from app.gateways.port import Capabilities, Gateway, GatewayError
from app.gateways.sandbox.adapter import CAPABILITIES, NAME, SandboxGateway
from app.gateways.sandbox.cards import CARDS, Effect, Fault, TestCard
from app.gateways.sandbox.controls import SandboxControls
from app.gateways.sandbox.host import Delays, Host
from app.gateways.sandbox.ledger import Ledger
from app.gateways.sandbox.pages import SandboxPages
from app.gateways.sandbox.payments import Surroundings
from app.kit.clock import Clock, SystemClock
from app.kit.ids import Randomness, system_randomness

__all__ = ["CARDS", "Effect", "Fault", "Sandbox", "SandboxGateway", "TestCard", "open_gateway"]


class Sandbox:
    """The opened sandbox: accounts on one side, its pages, ledger and controls on the other."""

    name: str = NAME
    capabilities: Capabilities = CAPABILITIES

    def __init__(self, ledger: Ledger, clock: Clock, around: Surroundings, delays: Delays) -> None:
        host = Host(ledger, clock, around, delays)
        self._host = host
        self.public_url = around.public_url
        self.ledger = ledger
        self.pages = SandboxPages(host)
        self.controls = SandboxControls(host)

    def at(self, account: str, *, livemode: bool) -> Gateway:
        """One account in one mode. Any name is an account; nothing of one is seen from another."""
        return SandboxGateway(self._host, account, livemode=livemode)

    def notice_secrets(self, account: str, *, livemode: bool) -> tuple[str, ...]:
        """The ledger's own, one for all accounts: whoever can read it could change the ledger as well."""
        return (self.ledger.secret("notice").hex(),)

    def close(self) -> None:
        """Closes the ledger's idle connections."""
        self.ledger.close()


def open_gateway(settings: Mapping[str, object]) -> Sandbox:
    """Opens or makes the ledger at ``path``.

    Needed: ``path``, ``public_url`` (where the sandbox's pages are served, no slash at the end), ``production`` (bool).
    Optional: ``clock``, ``randomness``, and in seconds of that clock ``slow_seconds`` (1.5), ``timeout_seconds`` (1),
    ``late_seconds`` (5), ``processing_seconds`` (5). ``GatewayError``: gateway_refuses_production · gateway_misconfigured.
    """
    if settings.get("production") is not False:  # whoever forgets to say so is refused as well
        raise GatewayError("gateway_refuses_production", "the sandbox moves no money and does not open in production")
    for name in ("path", "public_url"):
        if not settings.get(name):
            raise GatewayError("gateway_misconfigured", f"the sandbox needs {name!r}", gateway=NAME, setting=name)
    clock = cast("Clock", settings.get("clock") or SystemClock())
    randomness = cast("Randomness", settings.get("randomness") or system_randomness)
    delays = Delays(
        _seconds(settings, "slow_seconds", 1.5),
        _seconds(settings, "timeout_seconds", 1.0),
        _seconds(settings, "late_seconds", 5.0),
    )
    if timedelta(seconds=delays.timeout + delays.late) > CAPABILITIES.late_effect_max:
        raise GatewayError("gateway_misconfigured", "'late_seconds' is beyond what the sandbox declares", gateway=NAME)
    processing = timedelta(seconds=_seconds(settings, "processing_seconds", 5.0))
    around = Surroundings(str(settings["public_url"]).rstrip("/"), randomness, processing)
    return Sandbox(Ledger(Path(str(settings["path"])), randomness), clock, around, delays)


def _seconds(settings: Mapping[str, object], name: str, default: float) -> float:
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise GatewayError("gateway_misconfigured", f"{name!r} is a number of seconds", gateway=NAME, setting=name)
    return float(value)
