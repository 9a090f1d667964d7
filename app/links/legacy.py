"""Old upgrade addresses: ``/order/upgrade?LICENSE=…&UPGRADEPROD=…&UPGRADEOPT=a,b&TOKEN=…``. The token decides.

What stands beside the token is compared with it and never used: an address that says something else was edited.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from app.links.claims import LinkClaims, WrittenOffer
from app.links.errors import LinkError


class LegacyParameters(NamedTuple):
    """The known parameters of an old address; None for one that is absent."""

    license: str | None = None
    product: str | None = None
    options: frozenset[str] | None = None
    token: str | None = None


def parse_legacy(pairs: Iterable[tuple[str, str]]) -> LegacyParameters:
    """The known ones among query parameters, others ignored. A repeated one is ``link_malformed``: which would count?"""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in {"LICENSE", "UPGRADEPROD", "UPGRADEOPT", "TOKEN"}:
            if name in found:
                raise LinkError("link_malformed", parameter=name)
            found[name] = value
    return LegacyParameters(
        found.get("LICENSE"), found.get("UPGRADEPROD"), _options(found.get("UPGRADEOPT")), found.get("TOKEN") or None
    )


def _options(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    codes = text.split(",") if text else []
    if len(set(codes)) != len(codes) or "" in codes:
        raise LinkError("link_malformed", parameter="UPGRADEOPT")
    return frozenset(codes)


def check_legacy(
    parameters: LegacyParameters,
    claims: LinkClaims,
    *,
    also_named: Collection[str] = (),
    product: str | None = None,
    options: Collection[str] | None = None,
) -> None:
    """``link_malformed``, naming the parameter, when one says something else than the token.

    ``also_named`` are further spellings of the token's subscription (the merchant's reference, the delivered code).
    ``product`` and ``options`` are what a campaign or saved offer resolves to; a written offer brings its own.
    """
    offer = claims.offer
    if isinstance(offer, WrittenOffer):
        product, options = offer.product, offer.options
    if parameters.license is not None and parameters.license not in {str(claims.subscription), *also_named}:
        raise LinkError("link_malformed", parameter="LICENSE")
    if parameters.product is not None and parameters.product != product:
        raise LinkError("link_malformed", parameter="UPGRADEPROD")
    if parameters.options is not None and (options is None or parameters.options != frozenset(options)):
        raise LinkError("link_malformed", parameter="UPGRADEOPT")
