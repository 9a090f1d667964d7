"""Whether what was agreed to still stands as it was stored (I14, I51). Pure: rows in, an answer out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.billing.codec import load_quote
from app.billing.errors import CaseError
from app.models.base import canonical_json

_ORDER: Final = (
    "id", "book_id", "number", "checkout_id", "subscription_id", "subscription_version", "customer_id", "source",
    "link_jti", "claims", "quote", "quote_hash", "quoted_at", "valid_until", "total", "currency", "email", "language",
    "created_at",
)  # fmt: skip
_CONSENT: Final = (
    "attempt_id", "book_id", "order_id", "text", "version", "language", "button", "boxes", "figures", "card",
    "quote_hash", "policy_version", "step_up", "link_jti", "ip", "user_agent", "at",
)  # fmt: skip


def seal_of_order(row: Mapping[str, Any]) -> str:
    """SHA-256 over all of an order that never changes. It stands in the log's row that says the order was placed."""
    return _seal(row, _ORDER)


def seal_of_consent(row: Mapping[str, Any]) -> str:
    """SHA-256 over a consent. It stands in the log's row of what was done on it: the attempt, or the order without one."""
    return _seal(row, _CONSENT)


def _seal(row: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    values = [row[name] for name in columns]
    said = [value.timestamp() if isinstance(value, datetime) else value for value in values]
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()


def order_is_untouched(row: Mapping[str, Any]) -> bool:
    """Whether the row of an order, by column, still holds the quote that was accepted, and charges what that quote says.

    The fingerprint is computed anew from the stored quote, so every amount, quantity, id and date counts. Not covered is
    what no fingerprint holds: names on the lines, and which customer the order belongs to.
    """
    try:
        quote = load_quote(row["quote"])
        fingerprint = quote.fingerprint
    except (CaseError, AttributeError, KeyError, TypeError, ValueError):
        return False  # what cannot be read any more was not stored like this
    return (fingerprint, quote.due_now, quote.currency) == (row["quote_hash"], row["total"], row["currency"])
