"""``liftlink link inspect`` in its pure form: what a token says, without a database. See docs/link-format.md."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

from app.links.claims import LinkClaims
from app.links.describe import describe
from app.links.errors import LinkError
from app.links.format import decode
from app.links.legacy import parse_legacy
from app.links.links import read_even_expired_link
from app.links.signing import KeyRing, SigningKey, payload_of

UNREADABLE = 1
"""Exit status for a link that is refused; 2 is a wrong call."""


def token_of(text: str) -> str:
    """The token in a token, a link's URL or an old upgrade address. ``link_malformed`` when there is none."""
    text = text.strip()
    if "/" not in text and "?" not in text:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        raise LinkError("link_malformed", "no token in this address") from None
    token = parse_legacy(parse_qsl(parts.query, keep_blank_values=True)).token
    if token is None:
        before, _, after = parts.path.rpartition("/u/")
        token = unquote(after) if before or parts.path.startswith("/u/") else ""
    if not token:
        raise LinkError("link_malformed", "no token in this address")
    return token


def explain(text: str, key: str | None, host: str, now: int) -> dict[str, object]:
    """Claims, key id, whether the signature was checked, and whether the time is over."""
    token = token_of(text)
    if key is None:
        kid, payload = payload_of(token)
        claims, checked = decode(payload), False
    else:
        claims, kid = _checked(token, key, host)
        checked = True
    return {
        **describe(claims),
        "key": kid,
        "signature": "good" if checked else "not checked here",
        "in_time": now < claims.expires_at,
        "length": len(token),
    }


def _checked(token: str, secret: str, host: str) -> tuple[LinkClaims, str]:
    kid, payload = payload_of(token)
    ring = KeyRing([SigningKey(kid, 0, decode(payload).mode, bytes.fromhex(secret), audience=host)])
    return read_even_expired_link(token, ring).claims, kid


def lines(found: dict[str, object]) -> list[str]:
    """The explanation for a person, one fact a line."""
    offer = cast("dict[str, object]", found["offer"])
    facts = {name: value for name, value in found.items() if name != "offer"}
    facts |= {f"offer {name}": value for name, value in offer.items()}
    width = max(map(len, facts))
    return [f"{name.replace('_', ' '):<{width}}  {_value(value)}" for name, value in facts.items()]


def _value(value: object) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="liftlink link inspect", description="Explain what a link says.")
    parser.add_argument("link", metavar="TOKEN_OR_URL")
    parser.add_argument(
        "--key", metavar="HEX", help="check the signature with this secret; - reads it from standard input"
    )
    parser.add_argument("--host", default="", help="the host the key is bound to, if it is")
    parser.add_argument("--offline", action="store_true", help="do not ask the database, even where there is one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def inspect(args: list[str]) -> int:
    """Prints what a link says; 0 when it can be read, 1 with the refusal's code when not."""
    options = _parser().parse_args(args)
    secret: str | None = sys.stdin.readline().strip() if options.key == "-" else options.key
    try:
        bytes.fromhex(secret or "")
    except ValueError:
        print("--key: a secret in hexadecimal digits", file=sys.stderr)
        return 2
    try:
        found = explain(options.link, secret, options.host, int(datetime.now(UTC).timestamp()))
    except LinkError as refused:
        if options.json:
            print(json.dumps({"error": {"code": refused.code, "message": refused.message}}))
        else:
            print(f"{refused.code}: {refused.message}", file=sys.stderr)
        return UNREADABLE
    print(json.dumps(found, ensure_ascii=False) if options.json else "\n".join(lines(found)))
    return 0
