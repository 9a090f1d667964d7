"""The texts inside a payload: references and codes, each with one spelling."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

LONGEST_TEXT: Final = 32
"""Bytes of a reference, a product code or an option code."""
LARGEST_NUMBER: Final = (1 << 32) - 1
"""The largest number of a customer, a subscription, an offer or a batch."""

_CODE = re.compile(r"[^\s,]+")
_NOT_EMAIL = re.compile(r"[^@]*|@[^@]*|[^@]*@")


@lru_cache(4096)
def code_bytes(code: str) -> bytes:
    """A product's or option's code as UTF-8. ``ValueError`` unless 1 to 32 bytes, printable, no white space or comma."""
    raw = code.encode()
    if not 0 < len(raw) <= LONGEST_TEXT or not code.isprintable() or not _CODE.fullmatch(code):
        raise ValueError("a code of 1 to 32 bytes without white space and commas")
    return raw


@lru_cache(4096)
def code_text(raw: bytes) -> str:
    """The inverse of ``code_bytes``, with the same refusals."""
    code = raw.decode()
    code_bytes(code)
    return code


def reference_bytes(reference: int | str) -> bytes:
    """Text as UTF-8; a number that stands beside a text as a zero byte and its shortest big-endian bytes."""
    if isinstance(reference, int):
        if not 0 < reference <= LARGEST_NUMBER:
            raise ValueError(f"a number from 1 to {LARGEST_NUMBER}")
        return b"\0" + reference.to_bytes((reference.bit_length() + 7) // 8, "big")
    raw = reference.encode()
    if not 0 < len(raw) <= LONGEST_TEXT:
        raise ValueError(f"1 to {LONGEST_TEXT} bytes of text")
    if not reference.isprintable() or reference != reference.strip():
        raise ValueError("printable text without white space around it")
    if not _NOT_EMAIL.fullmatch(unicodedata.normalize("NFKC", reference)):
        raise ValueError("looks like an e-mail address, which must not travel in a link")
    return raw


def reference_text(raw: bytes) -> int | str:
    """The inverse of ``reference_bytes``, with the same refusals."""
    reference = int.from_bytes(raw[1:], "big") if raw[:1] == b"\0" else raw.decode()
    if reference_bytes(reference) != raw:
        raise ValueError("not the shortest spelling")
    return reference


def join(texts: tuple[bytes, ...]) -> bytes:
    """Each text behind its length, but the last, which runs to the end."""
    if len(texts) < 2:
        return texts[0] if texts else b""
    return b"".join([bytes((len(text),)) + text for text in texts[:-1]]) + texts[-1]


def split(raw: bytes, at: int, count: int) -> list[bytes]:
    """The inverse of ``join`` for ``count`` texts from ``at`` on. ``ValueError`` when they do not fill the rest."""
    found: list[bytes] = []
    for _ in range(count - 1):
        end = at + 1 + raw[at] if at < len(raw) else len(raw) + 1
        if end > len(raw):
            raise ValueError("a text is cut short")
        found.append(raw[at + 1 : end])
        at = end
    if count:
        found.append(raw[at:])
    elif at != len(raw):
        raise ValueError("bytes too many")
    return found
