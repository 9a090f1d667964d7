"""The base of every error that a caller may handle.

    LiftlinkError               code, details
    ├── MoneyError              money_malformed, currency_unknown, currency_mixed        (kit.money)
    └── …                       each room draws its own tree at the top of its module

An error carries data: a code from a closed list and details for the door that words it. Doors own status and text.
"""

from __future__ import annotations


class LiftlinkError(Exception):
    """Something a caller cannot go on from. ``code`` is stable; ``details`` holds plain values for the message."""

    def __init__(self, code: str, message: str = "", **details: object) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.details = details
