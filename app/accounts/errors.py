"""What can be wrong with a merchant, a profile or a key.

LiftlinkError
└── AccountError    merchant_unknown · merchant_exists · merchant_needed · merchant_incomplete (missing) · book_unknown · mode_unknown
                    profile_invalid (field, reason) · policy_invalid (field, reason)
                    key_unknown · key_signs · key_retired · key_master_missing
"""

from __future__ import annotations

from app.kit.errors import LiftlinkError


class AccountError(LiftlinkError):
    """``code`` says what is wrong; details name the merchant, field or key."""


def invalid(field: str, reason: str) -> AccountError:
    """A profile's field that cannot be taken as it is."""
    return AccountError("profile_invalid", f"{field}: {reason}", field=field, reason=reason)
