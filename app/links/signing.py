"""Signing and checking: one key per purpose and host, one spelling per signature, no work before the MAC is checked.

A token is ``kid.payload.signature``, all base64url without padding. The signature is what a stock itsdangerous ``Signer``
makes with HMAC-SHA256 and ``key_derivation="hmac"``; its base64 has unused bits that itsdangerous ignores, so we compare
the text, not the bytes.
"""

from __future__ import annotations

import hashlib
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, Final, Literal, NamedTuple

from itsdangerous import Signer
from itsdangerous.signer import SigningAlgorithm

from app.kit.ids import Randomness, base32
from app.links.claims import LinkClaims, Mode
from app.links.errors import LinkError

Purpose = Literal["link", "cart", "done", "quote", "return", "form", "visit"]
KeyState = Literal["active", "verify", "retired"]

KID_LENGTH: Final = 4
DIGEST_LENGTH: Final = 32
SIGNATURE_LENGTH: Final = 43
"""Characters of base64url for 32 bytes."""

_KID = re.compile(rb"[0-9A-Za-z]{1,8}")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
# By length modulo 4: the characters that may come last, so that unused low bits are zero, and the padding left out.
_ENDINGS = (
    (frozenset(range(256)), b""), (frozenset[int](), b""), (frozenset(b"AQgw"), b"=="), (frozenset(b"AEIMQUYcgkosw048"), b"="),
)  # fmt: skip
_TAIL = SIGNATURE_LENGTH + 1
_INNER = bytes(value ^ 0x36 for value in range(256))
_OUTER = bytes(value ^ 0x5C for value in range(256))


class PrekeyedSha256(SigningAlgorithm):
    """HMAC-SHA256 with the key's two blocks hashed once: half the work of each short signature."""

    def __init__(self, key: bytes) -> None:
        if len(key) > 64:
            raise ValueError("a derived key is one block at most")
        block = key.ljust(64, b"\0")
        self.inner = hashlib.sha256(block.translate(_INNER)).copy
        self.outer = hashlib.sha256(block.translate(_OUTER)).copy

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        inner, outer = self.inner(), self.outer()
        inner.update(value)
        outer.update(inner.digest())
        return outer.digest()


class PurposeSigner(Signer):
    """A stock ``Signer`` for one purpose of one key, with its key derived once."""

    def __init__(self, kid: str, secret: bytes, salt: str) -> None:
        super().__init__(secret, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
        self._kid = kid.encode() + b"."
        self.purpose_key = super().derive_key()
        self.algorithm = prekeyed = PrekeyedSha256(self.purpose_key)
        self._inner, self._outer = prekeyed.inner, prekeyed.outer

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        return self.purpose_key

    def signature(self, value: bytes) -> bytes:
        """The one spelling of this value's signature: ``get_signature`` without its calls, which cost as much again."""
        inner, outer = self._inner(), self._outer()
        inner.update(value)
        outer.update(inner.digest())
        return b2a_base64(outer.digest(), newline=False).translate(_TO_URL)[:-1]

    def token(self, payload: bytes) -> str:
        """``kid.payload.signature``: ``sign`` of the key id and the payload's base64."""
        value = self._kid + b2a_base64(payload, newline=False).translate(_TO_URL).rstrip(b"=")
        inner, outer = self._inner(), self._outer()
        inner.update(value)
        outer.update(inner.digest())
        return (value + b"." + b2a_base64(outer.digest(), newline=False).translate(_TO_URL)[:-1]).decode()


def salt_of(purpose: Purpose, audience: str) -> str:
    """The salt of a purpose's key: ``liftlink.1.link``, or ``liftlink.1.link@host`` for a key bound to a host."""
    return f"liftlink.1.{purpose}@{audience}" if audience else f"liftlink.1.{purpose}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of one book. ``active`` signs and verifies, ``verify`` only verifies, ``retired`` refuses by name.

    ``audience`` is the host its tokens are for, empty for any. ``repr`` never shows the secret.
    """

    kid: str
    book: int
    mode: Mode
    secret: bytes = field(repr=False)
    state: KeyState = "active"
    audience: str = ""
    signers: dict[str, PurposeSigner] = field(
        default_factory=dict[str, PurposeSigner], init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not _KID.fullmatch(self.kid.encode()) or len(self.secret) < 16:
            raise LinkError(
                "key_invalid", "a key has an id of 1 to 8 letters and digits and at least 16 bytes of secret"
            )

    def signer(self, purpose: Purpose) -> PurposeSigner:
        found = self.signers.get(purpose)
        if found is None:
            found = self.signers[purpose] = PurposeSigner(self.kid, self.secret, salt_of(purpose, self.audience))
        return found


def new_kid(randomness: Randomness) -> str:
    """A key id: four lower-case letters and digits. The store's constraint finds the rare double; then ask again."""
    return base32(int.from_bytes(randomness(4), "big"), KID_LENGTH).lower()


class KeyRing:
    """Keys of any number of books by id, in the order they were made: the newest active key of a book signs.

    ``find`` is asked for an id that is not here, so that a process may start with an empty ring; what it gives is not
    kept, because only its owner knows when a key was retired.
    """

    def __init__(self, keys: Iterable[SigningKey] = (), find: Callable[[str], SigningKey | None] | None = None) -> None:
        self.keys: dict[bytes, SigningKey] = {}
        self._signing: dict[int, SigningKey] = {}
        self._find = find
        for key in keys:
            if key.kid.encode() in self.keys:
                raise LinkError("key_invalid", "two keys share an id", kid=key.kid)
            self.keys[key.kid.encode()] = key
            if key.state == "active":
                self._signing[key.book] = key

    def key(self, kid: str) -> SigningKey | None:
        """The key of this id, of whatever state and book; None when there is none."""
        return self.key_of(kid.encode())

    def key_of(self, kid: bytes) -> SigningKey | None:
        """As ``key``, for the id as it stands in a token."""
        found = self.keys.get(kid)
        if found is None and self._find is not None and _KID.fullmatch(kid):
            return self._find(kid.decode())
        return found

    def signing_key(self, book: int) -> SigningKey:
        """The newest active key of a book; ``key_invalid`` when it has none."""
        try:
            return self._signing[book]
        except KeyError:
            raise LinkError("key_invalid", "this book has no active key", book=book) from None


class ReadLink(NamedTuple):
    """What a good signature vouches for: the claims, and the key whose book they belong to."""

    claims: LinkClaims
    key: SigningKey

    @property
    def book(self) -> int:
        return self.key.book


def encode_base64(raw: bytes) -> bytes:
    """base64url without padding."""
    return b2a_base64(raw, newline=False).translate(_TO_URL, b"=")


def decode_base64(text: bytes) -> bytes:
    """The bytes of the one spelling ``encode_base64`` gives. ``ValueError`` for any other."""
    last, padding = _ENDINGS[len(text) & 3]
    if text and text[-1] not in last:
        raise ValueError("not the canonical spelling")
    return a2b_base64(text.translate(_FROM_URL) + padding, strict_mode=True)


def sign(payload: bytes, key: SigningKey, purpose: Purpose) -> str:
    """The token of a payload: ``kid.payload.signature``."""
    return key.signer(purpose).token(payload)


def unsign(
    token: str, ring: KeyRing, purpose: Purpose, longest: int, family: str = "token"
) -> tuple[SigningKey, bytes]:
    """The key and payload of a token whose signature is good; the key may be retired, which the caller must ask.

    ``<family>_malformed`` when it has not the shape of a token, ``<family>_bad_signature`` when no key of ours made it.
    """
    if len(token) > longest or token[-_TAIL : 1 - _TAIL] != ".":
        raise _refusal(family, "malformed", purpose)
    try:
        raw = token.encode("ascii")
    except UnicodeEncodeError:
        raise _refusal(family, "malformed", purpose) from None
    signed = raw[:-_TAIL]
    kid, _, payload = signed.partition(b".")
    if not payload:
        raise _refusal(family, "malformed", purpose)
    key = ring.keys.get(kid) or ring.key_of(kid)
    if key is None:
        raise _refusal(family, "bad_signature", purpose)
    signer = key.signers.get(purpose) or key.signer(purpose)
    if not compare_digest(signer.signature(signed), raw[-SIGNATURE_LENGTH:]):
        raise _refusal(family, "bad_signature", purpose)
    last, padding = _ENDINGS[len(payload) & 3]
    if payload[-1] not in last:
        raise _refusal(family, "malformed", purpose)
    try:
        return key, a2b_base64(payload.translate(_FROM_URL) + padding, strict_mode=True)
    except ValueError:
        raise _refusal(family, "malformed", purpose) from None


def payload_of(token: str) -> tuple[str, bytes]:
    """Key id and payload of a token whose signature nobody checked: for explaining it, never for acting on it."""
    kid, _, rest = token.partition(".")
    payload, _, signature = rest.rpartition(".")
    try:
        if _KID.fullmatch(kid.encode()) and len(decode_base64(signature.encode("ascii"))) == DIGEST_LENGTH:
            return kid, decode_base64(payload.encode("ascii"))
    except ValueError:
        pass
    raise LinkError("link_malformed")


def _refusal(family: str, what: str, purpose: Purpose, **details: Any) -> LinkError:
    return LinkError(f"{family}_{what}", purpose=purpose, **details)
