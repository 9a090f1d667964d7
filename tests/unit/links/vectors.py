"""Makes docs/link-vectors.json: ``python -m tests.unit.links.vectors`` writes it anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from app.links.claims import CampaignOffer, Discount, LinkClaims, LinkId, SavedOffer, WrittenOffer, pack_ip
from app.links.describe import describe
from app.links.format import encode
from app.links.links import mint
from app.links.signing import SigningKey, encode_base64, salt_of, sign
from tests.unit.links.samples import BASE, CLAIMS, ISSUED, WEEK, token_of

FILE = Path(__file__).parents[3] / "docs" / "link-vectors.json"
KEY = SigningKey("7k2m", 1, "live", bytes(range(32)))
TEST_KEY = SigningKey("t3st", 2, "test", bytes(range(32, 64)))
BOUND_KEY = SigningKey("h0st", 3, "live", bytes(range(64, 96)), audience="pay.example.com")
RETIRED_KEY = SigningKey("0ld1", 1, "live", bytes(range(96, 128)), "retired")
KEYS = (KEY, TEST_KEY, BOUND_KEY, RETIRED_KEY)

PLAIN = CLAIMS._replace(subscription=1001, offer=CampaignOffer(7), link_id=LinkId(1, 0))
GOOD: dict[str, tuple[LinkClaims, SigningKey]] = {
    "a campaign's offer, the smallest payload": (PLAIN, KEY),
    "a saved offer": (PLAIN._replace(offer=SavedOffer(70_000)), KEY),
    "one more seat at 10.00, written out": (CLAIMS, KEY),
    "the same from a merchant's back end: a random position": (CLAIMS._replace(link_id=LinkId(2, 0x9F3C_51D2_7A08_E64B)), KEY),
    "a test link": (PLAIN._replace(mode="test"), TEST_KEY),
    "a key bound to a host": (PLAIN, BOUND_KEY),
    "references as text": (CLAIMS._replace(customer="cus_9fQ2", subscription="LIC-2018-é"), KEY),
    "a number beside a text": (CLAIMS._replace(subscription="LIC-2018-77"), KEY),
    "references of 32 bits": (PLAIN._replace(customer=16_777_216, subscription=4_294_967_295), KEY),
    "an IPv4 address": (PLAIN._replace(ip=pack_ip("192.0.2.7")), KEY),
    "an IPv6 network and three uses": (PLAIN._replace(ip=pack_ip("2001:db8:1:2::9"), uses=3), KEY),
    "a percentage for three periods, options, reset": (
        CLAIMS._replace(offer=WrittenOffer(None, "crm-pro", 1, ("emailsupport", "users=7"), None, Discount("percent", 1250, "periods", 3), "now", "reset")),
        KEY,
    ),
    "an amount off once, at the next billing": (
        CLAIMS._replace(offer=WrittenOffer(15, "crm-pro", 300, (), None, Discount("amount", 500), "next_billing")), KEY,
    ),
    "a discounted price for ever, large numbers, early renewal": (
        CLAIMS._replace(offer=WrittenOffer(65_535, "crm-pro", 70_000, (), None, Discount("unit_price", 2**53, "forever"), "early_renewal")), KEY,
    ),
    "ten seconds": (PLAIN._replace(expires_at=ISSUED + 10), KEY),
    "forty-five minutes": (PLAIN._replace(expires_at=ISSUED + 2700), KEY),
    "three hundred hours": (PLAIN._replace(expires_at=ISSUED + 300 * 3600 + 3600), KEY),
    "a week and a second": (PLAIN._replace(expires_at=ISSUED + WEEK + 1), KEY),
    "four hundred days": (PLAIN._replace(expires_at=ISSUED + 400 * 86400), KEY),
}  # fmt: skip


def resigned(value: bytes, key: SigningKey = KEY) -> str:
    return (value + b"." + key.signer("link").signature(value)).decode()


def _payload(claims: LinkClaims) -> str:
    return encode_base64(encode(claims)).decode()


def refused() -> list[tuple[str, str, str]]:
    """What was done to the token, the token, and its code at ``ISSUED`` (a week later for the expired one)."""
    token = token_of(mint(CLAIMS, KEY, BASE))
    kid, payload, signature = token.split(".")
    raw = encode(PLAIN)
    wide = bytes([raw[0], raw[1] | 0x10]) + raw[2:12] + b"\0\0" + raw[13:]
    texts = CLAIMS._replace(customer="cus_9fQ2", subscription="a@b.c")
    email = encode(texts._replace(subscription="abcde")).replace(b"abcde", b"a@b.c")
    return [
        ("its last character cut off", token[:-1], "link_malformed"),
        ("padding added", token + "=", "link_malformed"),
        ("a dot at its end", token + ".", "link_malformed"),
        ("key id and payload swapped", f"{payload}.{kid}.{signature}", "link_bad_signature"),
        ("all in upper case", token.upper(), "link_bad_signature"),
        ("the signature's unused bits set", token[:-1] + _next(token[-1]), "link_bad_signature"),
        ("one byte of the payload changed", f"{kid}.{payload[:-1]}{_next(payload[-1])}.{signature}", "link_bad_signature"),
        ("another key's id put before it", f"h0st.{payload}.{signature}", "link_bad_signature"),
        ("an unknown key id", f"zzzz.{payload}.{signature}", "link_bad_signature"),
        ("signed for another purpose", sign(encode(CLAIMS), KEY, "cart"), "link_bad_signature"),
        ("signed without the host its key is bound to", token_of(mint(PLAIN, replace(BOUND_KEY, audience=""), BASE)), "link_bad_signature"),
        ("a live link under a test key", sign(encode(PLAIN), TEST_KEY, "link"), "link_malformed"),
        ("signed well, a position wider than needed", sign(wide, KEY, "link"), "link_malformed"),
        ("signed well, a byte too many", sign(raw + b"\0", KEY, "link"), "link_malformed"),
        ("signed well, format 2", sign(bytes([raw[0] ^ 0x60]) + raw[1:], KEY, "link"), "link_malformed"),
        ("signed well, the payload padded", resigned(f"{kid}.{payload}=".encode()), "link_malformed"),
        ("signed well, an e-mail address as reference", sign(email, KEY, "link"), "link_malformed"),
        ("a retired key", sign(encode(CLAIMS), RETIRED_KEY, "link"), "link_key_retired"),
        ("opened on the second it expires", token_of(mint(CLAIMS._replace(issued_at=ISSUED - WEEK, expires_at=ISSUED), KEY, BASE)), "link_expired"),
    ]  # fmt: skip


def _next(letter: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[(alphabet.index(letter) + 1) % 64]


def _claims(claims: LinkClaims) -> dict[str, object]:
    """``describe`` with the plain numbers that another language needs as input."""
    said = describe(claims)
    batch, position = claims.link_id
    return said | {
        "issued_at": claims.issued_at, "expires_at": claims.expires_at, "batch": batch, "position": str(position),
        "ip_hex": claims.ip.hex() if claims.ip else None,
    }  # fmt: skip


def make() -> dict[str, object]:
    return {
        "about": "Test vectors of docs/link-format.md. Times are seconds since 1970; position is text because it has 64 bits.",
        "keys": [
            {"kid": key.kid, "mode": key.mode, "state": key.state, "host": key.audience, "secret_hex": key.secret.hex(),
             "salt": salt_of("link", key.audience), "link_key_hex": key.signer("link").purpose_key.hex()}
            for key in KEYS
        ],
        "links": [
            {"what": what, "kid": key.kid, "claims": _claims(claims), "payload_hex": encode(claims).hex(),
             "token": token_of(mint(claims, key, BASE)), "url": mint(claims, key, BASE)}
            for what, (claims, key) in GOOD.items()
        ],
        "refused": [{"what": what, "at": ISSUED, "token": token, "code": code} for what, token, code in refused()],
    }  # fmt: skip


def text() -> str:
    return json.dumps(make(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
