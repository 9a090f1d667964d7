"""The shopper left the bank's check, or does not want to wait any longer."""

from __future__ import annotations

from app.kit.clock import Clock
from app.models.store import Store


def abandon(store: Store, clock: Clock, book_id: int, order_id: str, *, actor: str = "shopper") -> bool:
    """The order's open attempt goes to ``CANCELLING``; ring the bell afterwards, a driver cancels it at the gateway.

    False when there is nothing to cancel (paid, closed, or its end is not known yet). It may still turn out paid.
    """
    raise NotImplementedError
