"""What mails say of an order, as explicit values taken at the moment it happened: amounts in minor units, days as ISO text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from app.models.work import Outbox
from app.outbox import record_once


def receipt_body(order: RowMapping, consent: RowMapping, outcome: str, at: datetime) -> dict[str, Any]:
    """The receipt and acknowledgement of a paid order; the lines are the quote's own."""
    quote = order["quote"]
    return {
        "to": order["email"],
        "language": order["language"],
        "order": order["id"],
        "number": order["number"],
        "subscription": order["subscription_number"],
        "outcome": outcome,
        "paid_at": at.isoformat(),
        "timezone": quote["timezone"],
        "currency": order["currency"],
        "total": order["total"],
        "tax": quote["tax"],
        "tax_inclusive": quote["tax_rate"]["inclusive"],
        "lines": quote["lines"],
        "renewal": quote["renewal"],
        "card": {name: consent["card"][name] for name in ("brand", "last4") if name in consent["card"]},
        "consent": {"text": consent["text"], "version": consent["version"], "at": consent["at"].isoformat()},
    }


def not_charged_body(order: RowMapping, why: str) -> dict[str, Any]:
    """For a shopper who was told "we are checking": the order ended without money. ``why``: declined or cancelled."""
    return {
        "to": order["email"],
        "language": order["language"],
        "order": order["id"],
        "number": order["number"],
        "subscription": order["subscription_number"],
        "currency": order["currency"],
        "total": order["total"],
        "why": why,
    }


def resend_receipt(conn: Connection, book_id: int, order_id: str, at: datetime) -> bool:
    """The receipt once more, to the address of the order, at most once an hour; False when there is nothing to send.

    Whoever asks is told the same in either case. In the caller's transaction; ring the bell afterwards.
    """
    body: dict[str, Any] | None = conn.execute(
        select(Outbox.body).where(
            Outbox.book_id == book_id, Outbox.kind == "receipt", Outbox.id.startswith(f"receipt:{order_id}:", autoescape=True)
        )
    ).scalar()  # fmt: skip
    if body is None:
        return False
    return record_once(conn, book_id, "receipt_copy", order_id, at.strftime("%Y%m%d%H"), "mail", body, at)
