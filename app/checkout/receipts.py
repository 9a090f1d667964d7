"""The receipt once more, for a shopper who cannot find it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.charging.reading import OrderFacts
from app.kit.clock import Clock
from app.models.store import Store
from app.models.work import Outbox
from app.outbox.recording import outbox_id, record_once

EVERY = timedelta(minutes=10)


def mail_receipt(store: Store, clock: Clock, order: OrderFacts) -> bool:
    """Records the same mail again, from the row that the payment wrote; at most once in ten minutes. False: not now."""
    now = clock.now()
    slot = int(now.timestamp() // EVERY.total_seconds())
    with store.write() as connection:
        body = connection.scalar(
            select(Outbox.body)
            .where(Outbox.book_id == order.book_id, Outbox.kind == "receipt")
            .where(Outbox.id.startswith(outbox_id("receipt", order.id, ""), autoescape=True))
            .limit(1)
        )
        if body is None:
            return False
        return record_once(connection, order.book_id, "receipt", order.id, f"again-{slot}", "mail", body, now)
