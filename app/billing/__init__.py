"""The pricing room: facts in, a frozen quote out."""

from app.billing.engine import apply_quote, quote, valid_until

__all__ = ["apply_quote", "quote", "valid_until"]
