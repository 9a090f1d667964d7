"""A link in plain words and values, for commands, pages and APIs. No token goes in or out."""

from __future__ import annotations

from datetime import UTC, datetime

from app.links.claims import Discount, LinkClaims, WrittenOffer, ip_text


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _discount(discount: Discount) -> dict[str, object]:
    """Amounts stay minor units: the link does not say the currency, the subscription does."""
    if discount.kind == "percent":
        whole, part = divmod(discount.value, 100)
        value: object = f"{whole}.{part:02d}".rstrip("0").rstrip(".")
    else:
        value = discount.value
    name = discount.kind if discount.kind == "percent" else f"{discount.kind}_minor"
    scope: object = {"periods": discount.periods} if discount.scope == "periods" else discount.scope
    return {name: value, "scope": scope}


def _offer(claims: LinkClaims) -> dict[str, object]:
    offer = claims.offer
    if not isinstance(offer, WrittenOffer):
        return {"kind": offer.kind, "number": offer.number}
    return {
        "kind": offer.kind,
        "item": offer.item,
        "product": offer.product,
        "options": list(offer.options),
        "quantity": offer.quantity,
        "unit_price_minor": offer.unit_price,
        "discount": None if offer.discount is None else _discount(offer.discount),
        "effective": offer.effective,
        "alignment": offer.alignment,
    }


def describe(claims: LinkClaims) -> dict[str, object]:
    """What a link says, ready for JSON: instants as text in UTC, prices in minor units of the subscription's currency."""
    return {
        "link_id": claims.link_id.text,
        "code": claims.link_id.short_code,
        "mode": claims.mode,
        "customer": claims.customer,
        "subscription": claims.subscription,
        "offer": _offer(claims),
        "issued_at": _instant(claims.issued_at),
        "expires_at": _instant(claims.expires_at),
        "valid_seconds": claims.expires_at - claims.issued_at,
        "ip": None if claims.ip is None else ip_text(claims.ip),
        "uses": claims.uses,
    }
