"""An older copy of the database, kept and put back: what a merchant's backup does, without files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Table, select

from app.charging.compare import compare
from app.charging.drive import driver_name
from app.charging.gate import closed_accounts, open_or_close
from app.charging.orphaned import look_after_orphans
from app.gateways.port import Gateways
from app.kit.clock import StoppedClock
from app.models.base import Base
from app.models.store import Store
from tests.standing import forget_rules

Copy = Mapping[Table, Sequence[Mapping[str, Any]]]


def copy_of(store: Store) -> Copy:
    """Every row of every table, as they are now."""
    with store.read() as conn:
        return {
            table: [dict(row) for row in conn.execute(select(table)).mappings()]
            for table in Base.metadata.sorted_tables
        }


def put_back(store: Store, copy: Copy) -> None:
    """All rows are those of the copy again. Who uses the store finds out by itself, or by another restore epoch."""
    with store.write() as conn:
        for table in reversed(copy):
            conn.execute(table.delete())
        for table, rows in copy.items():
            if rows:
                conn.execute(table.insert(), rows)
    forget_rules()


def reopened(store: Store, gateways: Gateways, clock: StoppedClock) -> None:
    """Another epoch after a copy was put back; the workers compare until charging is open again."""
    assert open_or_close(store, clock, "2") == "restore_epoch"
    for _ in range(2):
        clock.move(timedelta(minutes=20))
        compare(store, gateways, clock, by=driver_name("compare"))
        look_after_orphans(store, gateways, clock, by=driver_name("worker"))
    with store.read() as conn:
        assert closed_accounts(conn) == []
