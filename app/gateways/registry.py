"""Finds gateways by entry point, so that anybody can ship an adapter, and hands out one adapter per account and mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from app.gateways.port import Gateway, GatewayError, OpenGateway

GROUP = "liftlink.gateways"

Opener = Callable[[Mapping[str, object]], OpenGateway]


def known_gateways() -> list[str]:
    """The names of all installed adapters, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def open_gateway(name: str, settings: Mapping[str, object]) -> OpenGateway:
    """Loads and opens the adapter called ``name``. ``GatewayError``: gateway_unknown · gateway_misconfigured."""
    return _load(name)(settings)


class OpenGateways:
    """The opened gateways of this installation, by name."""

    def __init__(self, opened: Mapping[str, OpenGateway]) -> None:
        self._opened = dict(opened)
        self._adapters: dict[tuple[str, str, bool], Gateway] = {}

    def of(self, gateway: str, account: str, *, livemode: bool) -> Gateway:
        """The adapter of that account. ``GatewayError`` (gateway_unknown) when the gateway is not opened here."""
        where = (gateway, account, livemode)
        found = self._adapters.get(where)
        if found is None:
            if gateway not in self._opened:
                raise _unknown(gateway, sorted(self._opened), "opened here")
            found = self._adapters[where] = self._opened[gateway].at(account, livemode=livemode)
        return found

    def opened(self, gateway: str) -> OpenGateway | None:
        return self._opened.get(gateway)


def _load(name: str) -> Opener:
    points: list[EntryPoint] = [point for point in entry_points(group=GROUP) if point.name == name]
    if not points:
        raise _unknown(name, known_gateways(), "installed")
    try:
        return cast("Opener", points[0].load())
    except (ImportError, AttributeError) as error:
        raise GatewayError(
            "gateway_misconfigured",
            f"the gateway {name!r} cannot be loaded from {points[0].value}: {error}",
            gateway=name,
        ) from error


def _unknown(name: str, known: list[str], how: str) -> GatewayError:
    listed = ", ".join(known) or "none"
    return GatewayError("gateway_unknown", f"no gateway {name!r}; {how}: {listed}", gateway=name, known=known)
