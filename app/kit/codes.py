"""One-time codes of six digits that no row holds: derived from a seed for the mail, kept as a keyed hash for the check."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from app.kit.ids import Randomness
from app.kit.keys import MasterKeys

DIGITS: Final = 6
_SEED_BYTES: Final = 16


class Codes:
    """Whoever reads the rows learns no code: both the seed and the hash are worth nothing without the master secret."""

    def __init__(self, masters: MasterKeys) -> None:
        self._masters = masters

    def new_seed(self, randomness: Randomness) -> str:
        """What a row to be mailed holds instead of the code."""
        return f"{self._masters.newest_mark}.{randomness(_SEED_BYTES).hex()}"

    def code_of(self, seed: str) -> str:
        """The six digits of a seed. ``KeyError`` when its master secret is no longer listed."""
        mark, _, salt = seed.partition(".")
        number = int.from_bytes(self._masters.derive("one-time code", salt, mark))
        return f"{number % 10**DIGITS:0{DIGITS}d}"

    def sealed(self, context: str, code: str) -> str:
        """The keyed hash of a code that is good in this context only."""
        mark = self._masters.newest_mark
        return f"{mark}.{self._hash(context, code, mark)}"

    def fits(self, sealed: str, context: str, code: str) -> bool:
        """Whether the hash is that of this code in this context; takes as long whichever digit is wrong."""
        mark, _, kept = sealed.partition(".")
        try:
            given = self._hash(context, code, mark)
        except KeyError:
            return False
        return hmac.compare_digest(kept.encode(), given.encode())

    def _hash(self, context: str, code: str, mark: str) -> str:
        key = self._masters.derive("one-time code hash", context, mark)
        return hmac.digest(key, code.encode(), hashlib.sha256).hex()
