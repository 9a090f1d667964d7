"""Every value that the specification knows, field by field, and which of them are priced so far."""

from __future__ import annotations

from app.billing.errors import CaseError, NotSupported

KNOWN: dict[str, tuple[str, ...]] = {
    "policy.basis": ("month", "day", "thirty", "second", "none"),
    "policy.change_day": ("new", "old"),
    "policy.rounding": ("half_up", "half_even", "down"),
    "policy.negative": ("refuse", "zero", "credit", "refund"),
    "policy.minimum_charge.below": ("waive", "defer", "charge"),
    "change.effective": ("now", "next_billing", "early_renewal"),
    "change.alignment": ("shorten_new", "extend_existing", "reset", "keep_day"),
    "change.price_rule": ("prorated_difference", "list", "fixed", "difference"),
    "change.action": ("upgrade", "downgrade", "update"),
    "change.discount.scope": ("once", "forever", "periods"),
    "path.trial": ("forbid", "end_trial", "keep_trial"),
    "campaign.state": ("open", "closed", "exhausted"),
    "subscription.status": ("trialing", "active", "past_due", "paused", "canceled", "expired"),
}

PRICED: dict[str, frozenset[str]] = {"policy.negative": frozenset(KNOWN["policy.negative"])}
"""Fields left out here are priced whatever their known value."""


def check_known(field: str, value: str, path: str | None = None) -> str:
    """The value, if the specification knows it; else a ``CaseError`` that names ``path`` and lists what there is."""
    known = KNOWN[field]
    if value not in known:
        # Anything but a text ends here as well.
        raise CaseError(path or field, f"{value!r} is none of {', '.join(known)}")
    return value


def check_priced(field: str, value: str) -> None:
    """Refuse by name what is known and not priced yet, and what nobody knows."""
    if value not in PRICED[field]:
        check_known(field, value)
        raise NotSupported(field, value)
