"""Whether what was agreed to still stands as it was stored (I14). Pure: rows in, an answer out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.billing.codec import load_quote
from app.billing.errors import CaseError


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
