"""The pricing room: facts in, a frozen quote out."""

from app.billing.engine import apply_quote, quote, standing_renewal, valid_until

__all__ = ["apply_quote", "quote", "standing_renewal", "valid_until"]
