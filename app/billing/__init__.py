"""The pricing room: facts in, a frozen quote out."""

from app.billing.engine import apply_quote, quote, valid_until
from app.billing.standing import standing_renewal

__all__ = ["apply_quote", "quote", "standing_renewal", "valid_until"]
