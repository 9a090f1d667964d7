"""The binary payload of a link: one spelling per claims value, every other spelling refused. See docs/link-format.md.

Widths stand in the two bytes of the head, so that one precompiled ``struct`` reads all numbers at once; a varint read
byte by byte in Python would cost more than the signature.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from app.links.claims import (
    LONGEST_VALIDITY,
    CampaignOffer,
    LinkClaims,
    LinkId,
    Mode,
    Offer,
    SavedOffer,
    WrittenOffer,
    new_tuple,
)
from app.links.errors import LinkError
from app.links.texts import join, reference_bytes, reference_text, split
from app.links.written import encode_written, read_alone, read_written

_FORMAT = 1
_MODES: tuple[Mode, Mode] = ("live", "test")
_CAMPAIGN, _SAVED, _WRITTEN = 0, 1, 2
_IP_BYTES = (0, 4, 8)

# Validity: seconds per unit, how many of it make the next unit (0: none), letter, smallest count.
_VALIDITY = (
    (1, 60, "H", 1), (1, 60, "I", 1 << 16), (60, 60, "H", 1), (60, 60, "I", 1 << 16),
    (3600, 24, "B", 1), (3600, 24, "H", 256), (86400, 0, "B", 1), (86400, 0, "H", 256),
)  # fmt: skip
# Batch and position: letter, smallest number.
_WIDTHS = (("B", 0), ("H", 256), ("I", 1 << 16), ("Q", 1 << 32))
# References as numbers share a width of 2, 3 or 4 bytes; 3 + 3 bytes are read as 2 + 4. As texts they stand at the end.
_REFERENCES = ("HH", "HI", "II", "0s0s")
_REFERENCES_LEAST = (0, 1 << 16, 1 << 24)
_TEXTS = 3


class _Plan(NamedTuple):
    """How to read what stands after a head. There are always eight fields, empty bytes for absent ones."""

    pack: Callable[..., bytes]
    unpack: Callable[[bytes, int], tuple[Any, ...]]
    size: int
    mode: Mode
    references: int
    kind: int
    batch_least: int
    position_least: int
    unit: int
    next_unit: int
    count_least: int
    extras: int


# Keyed by a head that passed the checks of _plan, hence bounded whatever is signed.
_plans: dict[int, _Plan] = {}
_packers: dict[int, Callable[..., bytes]] = {}


def _plan(bits: int) -> _Plan:
    mode, references, kind = bits >> 12 & 1, bits >> 10 & 3, bits >> 8 & 3
    batch, position, validity = bits >> 6 & 3, bits >> 4 & 3, bits >> 1 & 7
    if bits >> 13 != _FORMAT or kind > _WRITTEN or batch == 3:
        raise ValueError("unknown bits in the head")
    unit, next_unit, letter, count_least = _VALIDITY[validity]
    number = "H" if kind == _WRITTEN else "I"
    letters = (_REFERENCES[references], "I", letter, _WIDTHS[batch][0], _WIDTHS[position][0], number)
    layout = struct.Struct(">H" + "".join(letters))
    plan = _plans[bits] = _Plan(
        layout.pack, layout.unpack_from, layout.size, _MODES[mode], references, kind,
        _WIDTHS[batch][1], _WIDTHS[position][1], unit, next_unit, count_least, bits & 1,
    )  # fmt: skip
    _packers[bits] = layout.pack
    return plan


def _invalid(field: str, message: str) -> LinkError:
    return LinkError("claims_invalid", f"{field}: {message}", field=field)


@lru_cache(1024)
def _validity_code(seconds: int) -> tuple[int, int]:
    """The code and count of a validity: in the largest unit that divides it, then in the fewest bytes."""
    if not 0 < seconds <= LONGEST_VALIDITY:
        raise _invalid("expires_at", "a link lives from one second to 400 days")
    for code in range(len(_VALIDITY) - 1, -1, -1):
        unit, _, _, least = _VALIDITY[code]
        if seconds % unit == 0 and seconds // unit >= least:
            return code, seconds // unit
    raise AssertionError("every number of seconds has a code")


def encode(claims: LinkClaims) -> bytes:
    """The one payload of these claims. ``claims_invalid`` names a field that does not fit the format."""
    mode, customer, subscription, offer, issued_at, expires_at, (batch, position), ip, uses = claims
    bits, first, second, texts = _FORMAT << 13, customer, subscription, ()
    if not isinstance(customer, int) or not isinstance(subscription, int):
        bits, first, second, texts = bits | _TEXTS << 10, b"", b"", _text_references(customer, subscription)
    elif customer < 1 or subscription < 1:
        raise _invalid("customer" if customer < 1 else "subscription", "a number from 1 to 4294967295")
    elif (larger := customer if customer > subscription else subscription) >= 1 << 24:
        bits |= 2 << 10
    elif larger >= 1 << 16:
        bits, first, second = bits | 1 << 10, customer >> 8, (customer & 255) << 24 | subscription
    if isinstance(offer, WrittenOffer):
        kind = _WRITTEN
        number, tail, codes = encode_written(offer)
        texts += codes
    else:
        kind, number, tail = (_SAVED if isinstance(offer, SavedOffer) else _CAMPAIGN), offer.number, b""
        if number < 1:
            raise _invalid("offer", "a number from 1 to 4294967295")
    if ip is not None or uses != 1:
        bits, tail = bits | 1, _encode_extras(ip, uses) + tail
    validity, count = _validity_code(expires_at - issued_at)
    bits |= (
        validity << 1 | kind << 8
        | (0 if batch < 1 << 8 else 1 << 6 if batch < 1 << 16 else 2 << 6)
        | (0 if position < 1 << 8 else 1 << 4 if position < 1 << 16 else 2 << 4 if position < 1 << 32 else 3 << 4)
    )  # fmt: skip
    if mode == "test":
        bits |= 1 << 12
    pack = _packers.get(bits) or _plan(bits).pack
    try:
        body = pack(bits, first, second, issued_at, count, batch, position, number) + tail
    except struct.error:
        raise _out_of_range(claims) from None
    return body + (texts[0] if len(texts) == 1 else join(texts))


def _out_of_range(claims: LinkClaims) -> LinkError:
    batch, position = claims.link_id
    for field, value, bits in (
        ("customer", claims.customer, 32), ("subscription", claims.subscription, 32),
        ("issued_at", claims.issued_at, 32), ("link_id", batch, 32), ("link_id", position, 64),
    ):  # fmt: skip
        if isinstance(value, int) and not 0 <= value < 1 << bits:
            return _invalid(field, f"does not fit {bits} bits")
    return _invalid("offer", "a number from 1 to 4294967295")


def _text_references(customer: int | str, subscription: int | str) -> tuple[bytes, ...]:
    field = "customer"
    try:
        first = reference_bytes(customer)
        field = "subscription"
        return first, reference_bytes(subscription)
    except ValueError as refused:
        raise _invalid(field, str(refused)) from None


def _encode_extras(ip: bytes | None, uses: int) -> bytes:
    """A byte of flags (1: IPv4, 2: IPv6 network, 4: uses), then what they announce."""
    if ip is not None and len(ip) not in _IP_BYTES[1:]:
        raise _invalid("ip", "4 bytes of IPv4 or the 8 of an IPv6 network")
    if not 0 < uses < 1 << 16:
        raise _invalid("uses", "from 1 to 65535")
    bound = b"" if ip is None else ip
    counted = b"" if uses == 1 else uses.to_bytes(2, "big")
    return bytes((_IP_BYTES.index(len(bound)) | (uses != 1) << 2,)) + bound + counted


def _read_extras(raw: bytes, at: int) -> tuple[int, bytes | None, int]:
    flags = raw[at]
    bound, counted = flags & 3, flags >> 2
    end = at + 1 + (_IP_BYTES[bound] if bound < 3 else 0)
    ip = raw[at + 1 : end] or None
    uses = int.from_bytes(raw[end : end + 2], "big") if counted else 1
    end += 2 * counted
    if not flags or bound == 3 or counted > 1 or end > len(raw) or uses < 1 + counted:
        raise ValueError("unknown or needless extras")
    return end, ip, uses


def decode(raw: bytes) -> LinkClaims:
    """The claims of a payload whose signature was checked. ``link_malformed`` unless ``encode`` writes just this."""
    try:
        bits = raw[0] << 8 | raw[1]
        (
            _, unpack, at, mode, references, kind, batch_least, position_least, unit, next_unit, count_least, extras
        ) = _plans.get(bits) or _plan(bits)  # fmt: skip
        _, customer, subscription, issued_at, count, batch, position, number = unpack(raw, 0)
        validity = count * unit
        if (
            batch < batch_least or position < position_least or count < count_least
            or (next_unit and count % next_unit == 0) or validity > LONGEST_VALIDITY
        ):  # fmt: skip
            raise ValueError("numbers wider than needed, or too large")
        ip, uses, before = None, 1, 0
        if references:
            if references == _TEXTS:
                before = 2
            else:
                customer, subscription = _wide_references(references, customer, subscription)
        if extras:
            at, ip, uses = _read_extras(raw, at)
        if before:
            if kind == _WRITTEN:
                offer, texts = read_written(raw, at, number, before)
            else:
                offer, texts = _numbered(kind, number), split(raw, at, before)
            customer, subscription = _read_references(texts)
        elif not customer or not subscription:
            raise ValueError("no reference")
        elif kind == _WRITTEN:
            offer = read_alone(raw[at:], number)
        elif at == len(raw):
            offer = _numbered(kind, number)
        else:
            raise ValueError("bytes too many")
        link_id = new_tuple(LinkId, (batch, position))
        expires_at = issued_at + validity
        return new_tuple(LinkClaims, (mode, customer, subscription, offer, issued_at, expires_at, link_id, ip, uses))
    except (struct.error, ValueError, IndexError):
        raise LinkError("link_malformed") from None


def _read_references(texts: list[bytes]) -> tuple[int | str, int | str]:
    customer, subscription = reference_text(texts[0]), reference_text(texts[1])
    if not isinstance(customer, str) and not isinstance(subscription, str):
        raise ValueError("numbers written as texts")
    return customer, subscription


def _wide_references(width: int, customer: int, subscription: int) -> tuple[int, int]:
    if width == 1:
        customer, subscription = customer << 8 | subscription >> 24, subscription & 0xFFFFFF
    if max(customer, subscription) < _REFERENCES_LEAST[width]:
        raise ValueError("references wider than needed")
    return customer, subscription


def _numbered(kind: int, number: int) -> Offer:
    if not number:
        raise ValueError("no number of an offer")
    return SavedOffer(number) if kind == _SAVED else CampaignOffer(number)
