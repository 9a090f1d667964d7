"""Damages that PostgreSQL alone allows: a rule taken off a table that stands."""

from __future__ import annotations

from sqlalchemy import text

from tests.usecases.audit.busy import Busy
from tests.usecases.audit.test_damages import named


def test_rules_that_are_switched_off_or_gone_are_named(busy: Busy):
    check = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_orders_total'"
    with busy.desk.store.write() as conn:
        said = conn.execute(text(check)).scalar_one()
        conn.execute(text("ALTER TABLE attempts DISABLE TRIGGER ALL"))
        conn.execute(text("ALTER TABLE orders DROP CONSTRAINT ck_orders_total"))
    busy.taken_off += [
        "ALTER TABLE attempts ENABLE TRIGGER ALL",
        f"ALTER TABLE orders ADD CONSTRAINT ck_orders_total {said}",
    ]
    found = named(busy.audit())
    assert "I42 table attempts: has its keys and triggers switched off" in found
    assert any(each.startswith("I42 constraint ck_orders_total") for each in found)
