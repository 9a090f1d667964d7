"""What an order says of the link that it came from and of what renews. Nothing here raises for what a row holds."""

from __future__ import annotations

from datetime import datetime

from app.charging.audit.rows import Row
from app.charging.audit.scene import Page
from app.links.claims import LinkClaims
from app.links.errors import LinkError
from app.links.format import decode
from app.links.signing import decode_base64


def claims_of(stored: str | None) -> LinkClaims | None:
    """What the link of an order said; None where the order does not hold it."""
    try:
        return decode(decode_base64((stored or "").partition(".")[0].encode()))
    except (LinkError, ValueError, IndexError):
        return None


def uses_of(stored: str | None) -> int:
    """How often the link of an order may be used; 1 where the order does not hold what the link said."""
    claims = claims_of(stored)
    return 1 if claims is None else claims.uses


def issued_at(stored: str | None) -> datetime | None:
    claims = claims_of(stored)
    return None if claims is None else claims.issued


def renewal_of(order: Row) -> int:
    """What the next renewal comes to by the order's quote, in minor units; 0 where it cannot be read."""
    try:
        return int(order["quote"]["renewal"]["amount"])
    except (KeyError, TypeError, ValueError):
        return 0


def seals_of(page: Page) -> dict[tuple[str, str, str], str]:
    """The hashes that the log keeps, by kind, object and the state that it came to."""
    return {
        (row["kind"], row["object"], row["to_state"]): row["cause"].rpartition(" ")[2]
        for row in page.rows.transitions
        if row["from_state"] in ("", "OPEN")
    }
