"""What pricing cannot go on from. Whether a shopper may buy is never an error: it is the quote's ``eligibility``.

LiftlinkError
└── CaseError           a fact is malformed, contradicts another or is missing; ``field`` is its path
    └── NotSupported    a value that the specification knows and this release does not price yet
"""

from __future__ import annotations

from app.kit.errors import LiftlinkError


class CaseError(LiftlinkError):
    """``field`` names the fact by its path in the case (``change.quantity``); ``message`` does not repeat it."""

    def __init__(self, field: str, message: str, code: str = "case_invalid", **details: object) -> None:
        super().__init__(code, message, field=field, **details)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class NotSupported(CaseError):
    """``field`` holds ``value``, which exists in the specification and is refused by name until it is priced."""

    def __init__(self, field: str, value: object) -> None:
        super().__init__(field, f"{value} is not supported yet", "not_supported", value=value)
