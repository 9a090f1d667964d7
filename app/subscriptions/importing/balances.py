"""Balances that customers bring along. What a file says replaces what earlier files said, by one more row of the ledger.

What was used, given back or credited here since stays: importing a file again never brings back what was spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from app.models.base import whole_sum
from app.models.customers import BalanceEntry, Customer
from app.outbox import record
from app.subscriptions.importing.context import LOOKUP, Context, Record, found_in

IMPORTED = "import"


def store_balances(conn: Connection, context: Context, records: Sequence[Record]) -> None:
    """Books, per customer and currency, the difference to what was imported before, and tells of each: so the audit can
    say that nobody else wrote it."""
    said = {record.data["reference"]: record.data["balance"] for record in records if record.data["balance"]}
    if not said:
        return
    book = context.book.id
    owners = {row[0]: row[1] for row in found_in(conn, book, Customer.external_ref, list(said), Customer.id)}
    before = _imported(conn, book, list(owners.values()))
    rows: list[dict[str, Any]] = [
        {
            "book_id": book,
            "customer_id": owners[reference],
            "currency": currency,
            "amount": amount - before.get((owners[reference], currency), 0),
            "cause": IMPORTED,
            "order_id": None,
            "created_at": context.now,
        }
        for reference, amounts in said.items()
        for currency, amount in amounts.items()
    ]
    moved = [row for row in rows if row["amount"]]
    if moved:
        columns = (BalanceEntry.id, BalanceEntry.customer_id, BalanceEntry.currency, BalanceEntry.amount)
        for entry in conn.execute(insert(BalanceEntry).returning(*columns), moved).all():
            body = {"customer": entry.customer_id, "currency": entry.currency, "amount": entry.amount}
            record(conn, book, "balance.imported", str(entry.id), 1, "event", body, context.now)


def _imported(conn: Connection, book: int, customers: Sequence[int]) -> dict[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = {}
    entry = BalanceEntry
    for start in range(0, len(customers), LOOKUP):
        rows = conn.execute(
            select(entry.customer_id, entry.currency, whole_sum(entry.amount))
            .where(
                entry.book_id == book,
                entry.customer_id.in_(customers[start : start + LOOKUP]),
                entry.cause == IMPORTED,
            )
            .group_by(entry.customer_id, entry.currency)
        )
        found |= {(owner, currency): int(total) for owner, currency, total in rows}
    return found
