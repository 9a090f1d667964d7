"""Secrets are derived, not stored: a database dump or a log never holds one.

One master secret per installation (a ring of them while it is being changed); everything else is HMAC-SHA256 of a
purpose and a context under it, in the shape of HKDF's expand step (RFC 5869, section 2.3, one block).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence


class MasterKeys:
    """The newest master derives for new things; the listed older ones still open what they made."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(secret) < 16 for secret in secrets):
            raise ValueError("a master secret holds at least 16 bytes")
        self._by_mark = {self._mark(secret): secret for secret in secrets}
        self.newest_mark = self._mark(secrets[0])

    @property
    def marks(self) -> tuple[str, ...]:
        """The marks of all listed masters, the newest first. A mark tells nothing of its secret."""
        return tuple(self._by_mark)

    @staticmethod
    def _mark(secret: bytes) -> str:
        return hmac.digest(secret, b"liftlink master mark", "sha256").hex()[:8]

    def derive(self, purpose: str, context: str, mark: str | None = None) -> bytes:
        """32 bytes for this purpose and context, under the newest master or the one that ``mark`` names.

        ``KeyError`` when no listed master has that mark.
        """
        secret = self._by_mark[mark or self.newest_mark]
        info = purpose.encode() + b"\0" + context.encode() + b"\x01"
        return hmac.digest(secret, info, hashlib.sha256)
