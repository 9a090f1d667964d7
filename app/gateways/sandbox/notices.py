"""How the sandbox signs its notices: ``Sandbox-Signature: t=<seconds>,v1=<HMAC-SHA256 of "t.body">``, one v1 per secret."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from app.gateways.port import Notice, NoticeRefused

HEADER = "Sandbox-Signature"
TOLERANCE = timedelta(seconds=300)
_LONGEST = 64 * 1024


def sign_notice(body: bytes, secret: str, at: datetime) -> str:
    """The header's value for these raw bytes."""
    stamp = int(at.timestamp())
    return f"t={stamp},v1={_mac(secret, stamp, body)}"


def read_notice(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
) -> Notice | NoticeRefused:
    """The notice, if any of the secrets signed exactly these bytes within five minutes of ``now``, past or future."""
    if not any(secret.strip() for secret in secrets):
        return NoticeRefused("no_secret")
    given = next((value for name, value in headers.items() if name.lower() == HEADER.lower()), None)
    if given is None:
        return NoticeRefused("unsigned")
    if len(body) > _LONGEST:
        return NoticeRefused("malformed")
    stamp, macs = _parts(given)
    if stamp is None:
        return NoticeRefused("bad_signature")
    expected = [_mac(secret, stamp, body) for secret in secrets if secret.strip()]
    if not any(hmac.compare_digest(mac.encode(), right.encode()) for mac in macs for right in expected):
        return NoticeRefused("bad_signature")
    if abs(now - datetime.fromtimestamp(stamp, UTC)) > TOLERANCE:
        return NoticeRefused("too_old")
    return _parse(body)


def _mac(secret: str, stamp: int, body: bytes) -> str:
    return hmac.digest(secret.encode(), str(stamp).encode() + b"." + body, "sha256").hex()


def _parts(value: str) -> tuple[int | None, list[str]]:
    pairs = [part.strip().partition("=") for part in value.split(",")]
    stamps = [text for name, _, text in pairs if name == "t"]
    macs = [text for name, _, text in pairs if name == "v1"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdigit() and len(stamps[0]) <= 11):
        return None, macs
    return int(stamps[0]), macs


def _parse(body: bytes) -> Notice | NoticeRefused:
    try:
        told = json.loads(body)
        fields = cast("dict[str, Any]", told) if isinstance(told, dict) else {}
        return Notice(
            id=str(fields["id"]),
            kind=str(fields["kind"]),
            account=str(fields["account"]),
            livemode=fields["livemode"] is True,
            sent_at=datetime.fromtimestamp(int(fields["at"]) / 1_000_000, UTC),
            payment=str(fields["payment"]) if fields.get("payment") else None,
            customer=str(fields["customer"]) if fields.get("customer") else None,
        )
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return NoticeRefused("malformed")
