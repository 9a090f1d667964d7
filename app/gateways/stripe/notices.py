"""Stripe's notices ("events"): ``Stripe-Signature: t=<seconds>,v1=<HMAC-SHA256 of "t.body">``, one v1 per secret.

The SDK's own check knows the past only and decodes the body first; here the raw bytes are what is signed, and a notice from
the future is refused like one from the past.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from app.gateways.port import Notice, NoticeRefused

HEADER = "Stripe-Signature"
TOLERANCE = timedelta(seconds=300)
LONGEST = 256 * 1024
_HEADER_LONGEST = 4096
_ABOUT_PAYMENT = frozenset({"charge", "dispute", "refund"})
"""Objects that name their payment; a ``payment_intent`` is one."""


def read_notice(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Sequence[str],
    now: datetime,
    *,
    account: str,
    connected: str = "",
) -> Notice | NoticeRefused:
    """The notice, if any of the secrets signed exactly these bytes within five minutes of ``now``, past or future.

    ``account`` is whose it is where Stripe names none, or the one that it is ``connected`` as: only notices of connected
    accounts carry a name, and it is Stripe's.
    """
    known = [secret.encode() for secret in secrets if secret.strip()]
    if not known:
        return NoticeRefused("no_secret")
    given = next((value for name, value in headers.items() if name.lower() == HEADER.lower()), "")
    if not given:
        return NoticeRefused("unsigned")
    if len(body) > LONGEST or len(given) > _HEADER_LONGEST:
        return NoticeRefused("malformed")
    stamp, macs = _parts(given)
    if stamp is None or not macs:
        return NoticeRefused("bad_signature")
    expected = [hmac.digest(secret, str(stamp).encode() + b"." + body, "sha256").hex() for secret in known]
    if not any(hmac.compare_digest(mac.encode(), right.encode()) for mac in macs for right in expected):
        return NoticeRefused("bad_signature")
    if abs(now.timestamp() - stamp) > TOLERANCE.total_seconds():
        return NoticeRefused("too_old")
    return _parse(body, account, connected)


def _parts(value: str) -> tuple[int | None, list[str]]:
    """The one time and the signatures of the scheme we trust; ``v0`` is Stripe's for tests and counts for nothing."""
    pairs = [part.strip().partition("=") for part in value.split(",")]
    stamps = [text for name, _, text in pairs if name == "t"]
    macs = [text for name, _, text in pairs if name == "v1"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdigit() and len(stamps[0]) <= 11):
        return None, macs
    if str(int(stamps[0])) != stamps[0]:
        return None, macs  # "007" would be signed as "7"
    return int(stamps[0]), macs


def _parse(body: bytes, account: str, connected: str) -> Notice | NoticeRefused:
    try:
        event = _mapping(json.loads(body))
        about = _mapping(_mapping(event["data"])["object"])
        if event["object"] != "event" or not isinstance(event["livemode"], bool):
            return NoticeRefused("malformed")
        payment, named = _payment_of(about), event.get("account")
        return Notice(
            id=_text(event["id"]),
            kind=_text(event["type"]),
            account=account if not named or named == connected else _text(named),
            livemode=event["livemode"],
            sent_at=datetime.fromtimestamp(int(event["created"]), UTC),
            payment=payment,
            customer=None if payment else _customer_of(about, _mapping(event["data"])),
        )
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return NoticeRefused("malformed")


def _payment_of(about: Mapping[str, Any]) -> str | None:
    kind = about.get("object")
    if kind == "payment_intent":
        return _text(about["id"])
    return _id(about.get("payment_intent")) if kind in _ABOUT_PAYMENT else None


def _customer_of(about: Mapping[str, Any], data: Mapping[str, Any]) -> str | None:
    """A card that was taken off its customer names them among its former values only."""
    if about.get("object") == "customer":
        return _text(about["id"])
    before = data.get("previous_attributes")
    former = cast("dict[str, Any]", before).get("customer") if isinstance(before, dict) else None
    return _id(about.get("customer")) or _id(former)


def _id(value: Any) -> str | None:
    """An object's id, whether it came as such or in full."""
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value).get("id")
    return value if isinstance(value, str) and value else None


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return cast("dict[str, Any]", value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 255:
        raise TypeError("not a text")
    return value
