"""Links: signing, reading and refusing against a bare HMAC with base64, the stock serializer and PyJWT; lengths.

The claims are those of a written offer with integer references. Every call gets another link: of a batch that shares one
offer, as campaigns do, or each with a price of its own (more prices than any cache keeps).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable
from contextlib import suppress

import jwt
from itsdangerous import URLSafeTimedSerializer

from app.links.claims import LinkClaims, LinkId, WrittenOffer
from app.links.errors import LinkError
from app.links.links import mint, read_link
from app.links.signing import KeyRing, SigningKey
from bench.measure import compare

ISSUED = 1_700_000_000
L1 = "L1: hmac.digest and base64url"
BASE = "https://pay.example.com"
KEY = SigningKey("7k2m", 1, "live", bytes(range(32)))
RING = KeyRing([KEY])
SECRET = bytes(range(32))
MESSAGE = bytes(range(60))
PLAIN = {
    "mode": "live", "cus": 1048, "sub": "100482", "item": 1, "prod": "crm-seat", "opt": [], "qty": 2, "price": 1000,
    "eff": "now", "align": "shorten_new", "iat": ISSUED, "exp": ISSUED + 604800 + 10**9, "jti": "3-41",
}  # fmt: skip


SHARED = WrittenOffer(1, "crm-seat", 2, (), 1000, None, "now", "shorten_new")


def _claims(number: int, offer: WrittenOffer) -> LinkClaims:
    return LinkClaims("live", 1048 + number, 100482 - number, offer, ISSUED, ISSUED + 604800, LinkId(3, 41 + number))


def _tokens(claims: list[LinkClaims]) -> list[str]:
    return [mint(each, KEY, BASE).rpartition("/")[2] for each in claims]


CLAIMS = [_claims(number, SHARED) for number in range(512)]
OWN_PRICES = [_claims(number, SHARED._replace(unit_price=1000 + number)) for number in range(4096)]
TOKENS = _tokens(CLAIMS)


def _base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def l1() -> bytes:
    """The reference: one HMAC of 60 bytes, base64url of payload and MAC, joined."""
    return _base64url(MESSAGE) + b"." + _base64url(hmac.digest(SECRET, MESSAGE, "sha256"))


L1_TOKEN = l1()


def l1_verify() -> bytes:
    payload, _, mac = L1_TOKEN.partition(b".")
    message = _decoded(payload)
    if not hmac.compare_digest(hmac.digest(SECRET, message, "sha256"), _decoded(mac)):
        raise ValueError
    return message


def _signing(claims: list[LinkClaims]) -> Callable[[], object]:
    endless = itertools.cycle(claims).__next__
    return lambda: mint(endless(), KEY, BASE)


def _refusing(tokens: list[str]) -> Callable[[], object]:
    endless = itertools.cycle(tokens).__next__

    def read() -> None:
        with suppress(LinkError):
            read_link(endless(), RING, ISSUED)

    return read


def _reading(tokens: list[str]) -> Callable[[], object]:
    endless = itertools.cycle(tokens).__next__
    return lambda: read_link(endless(), RING, ISSUED)


STOCK = URLSafeTimedSerializer(SECRET, signer_kwargs={"digest_method": hashlib.sha256})
STOCK_TOKEN = STOCK.dumps(PLAIN)
JWT_TOKEN = jwt.encode(PLAIN, SECRET, "HS256", headers={"kid": "7k2m"})
_sign, _verify = _signing(CLAIMS), _reading(TOKENS)


def sign_row() -> dict[str, object]:
    return compare(_sign, l1).row("sign: claims → URL", L1, "≤ 1.25 ×")


def verify_row() -> dict[str, object]:
    return compare(_verify, l1_verify).row("verify: token → claims", "L1 verify", "≤ 1.3 ×")


def sign_own_row() -> dict[str, object]:
    return compare(_signing(OWN_PRICES), l1).row("sign, each with its own price", L1, "≤ 1.25 ×")


def verify_own_row() -> dict[str, object]:
    return compare(_reading(_tokens(OWN_PRICES)), l1_verify).row(
        "verify, each with its own price", "L1 verify", "≤ 1.3 ×"
    )


def stock_sign_row() -> dict[str, object]:
    return compare(lambda: STOCK.dumps(PLAIN), _sign).row("URLSafeTimedSerializer.dumps", "sign", "≥ 6 ×")


def jwt_sign_row() -> dict[str, object]:
    job = lambda: jwt.encode(PLAIN, SECRET, "HS256", headers={"kid": "7k2m"})  # noqa: E731
    return compare(job, _sign).row("PyJWT encode", "sign", "≥ 9 ×")


def stock_verify_row() -> dict[str, object]:
    return compare(lambda: STOCK.loads(STOCK_TOKEN), _verify).row("URLSafeTimedSerializer.loads", "verify", "≥ 5 ×")


def jwt_verify_row() -> dict[str, object]:
    options = {"verify_iat": False}
    job = lambda: jwt.decode(JWT_TOKEN, SECRET, ["HS256"], options=options)  # noqa: E731
    return compare(job, _verify).row("PyJWT decode", "verify", "≥ 12 ×")


def _refused(what: str, tokens: list[str]) -> Callable[[], dict[str, object]]:
    def row() -> dict[str, object]:
        return compare(_refusing(tokens), _verify).row(f"refused: {what}", "verify", "≤ 1.5 ×")

    return row


def _length(what: str, claims: LinkClaims, allowed: int) -> Callable[[], dict[str, object]]:
    def row() -> dict[str, object]:
        length = len(mint(claims, KEY, BASE).rpartition("/")[2])
        return {
            "job": f"length: {what}", "reference": "PyJWT of the same claims", "figure": f"{length} characters",
            "reference_figure": f"{len(JWT_TOKEN)} characters", "ratio": round(length / len(JWT_TOKEN), 2),
            "target": f"≤ {allowed} characters", "spread": 0.0,
        }  # fmt: skip

    return row


ROWS: list[Callable[[], dict[str, object]]] = [
    sign_row, sign_own_row, stock_sign_row, jwt_sign_row, verify_row, verify_own_row, stock_verify_row, jwt_verify_row,
    _refused("another signature", [token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1] for token in TOKENS]),
    _refused("cut short", [token[:-9] for token in TOKENS]),
    _refused("unknown key", ["zzzz" + token[4:] for token in TOKENS]),
    _refused("10,000 characters", [token * 110 for token in TOKENS[:8]]),
    _length("integer references", CLAIMS[0], 96),
    _length("text references", CLAIMS[0]._replace(customer="c" * 32, subscription="s" * 32), 170),
]  # fmt: skip
