"""Claims and keys that the tests of links share."""

from __future__ import annotations

from app.links.claims import LinkClaims, LinkId, WrittenOffer
from app.links.signing import KeyRing, SigningKey

ISSUED = 1_700_000_000
WEEK = 7 * 86400
BASE = "https://pay.example.com"
SEAT = WrittenOffer(1, "crm-seat", 2, (), 1000)
CLAIMS = LinkClaims("live", 1048, 100482, SEAT, ISSUED, ISSUED + WEEK, LinkId(3, 41))
KEY = SigningKey("7k2m", 1, "live", b"the secret of merchant A, book 1")
OTHER = SigningKey("b0b1", 2, "live", b"the secret of merchant B, book 2")
RING = KeyRing([KEY, OTHER])


def token_of(url: str) -> str:
    return url.rpartition("/")[2]
