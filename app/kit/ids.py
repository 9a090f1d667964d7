"""Identifiers: derived ones for whatever must come out the same twice, random ones for what the shopper holds."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

Randomness = Callable[[int], bytes]
"""``randomness(n)`` gives n unpredictable bytes; ``secrets.token_bytes`` outside tests."""

system_randomness: Randomness = secrets.token_bytes

# Crockford's alphabet: no I, L, O, U, so that a code can be read over the phone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def base32(value: int, length: int) -> str:
    """The low ``5 × length`` bits of ``value`` in Crockford's alphabet."""
    letters: list[str] = []
    for _ in range(length):
        value, low = value >> 5, value & 31
        letters.append(_ALPHABET[low])
    return "".join(reversed(letters))


def derive(*parts: str | int, length: int = 20) -> str:
    """The same parts always give the same identifier: lower-case, ``length`` characters of 5 bits.

    Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = str(part).encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return base32(int.from_bytes(digest.digest(), "big"), length).lower()


def short_code(prefix: str, *parts: str | int) -> str:
    """A reference a shopper may read out, such as ``LK-58T2-9QKD``: derived, and good for nothing but finding a row."""
    code = derive("code", prefix, *parts, length=8).upper()
    return f"{prefix}-{code[:4]}-{code[4:]}"
