"""The database that PostgreSQL's tests share stands as it began, whatever a test did to it."""

from __future__ import annotations

from sqlalchemy import Table, func, select, text, update

from app.models.base import Base
from app.models.store import Store
from tests.standing import SEEDED, Kept
from tests.usecases.charging.desk import Desk


def counts(store: Store) -> dict[str, int]:
    with store.read() as conn:
        return {
            table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


def grow(store: Store, table: Table) -> None:
    """So large that it is emptied at once, and not row by row."""
    column = next(iter(table.primary_key))
    with store.write() as conn:
        while conn.execute(text(f"SELECT pg_relation_size('{table.name}')")).scalar_one() <= 65536:
            conn.execute(update(table).values({column: column}))


def test_a_table_that_grew_takes_no_rows_of_others_with_it(kept: Kept, desk: Desk):
    standing = kept.standing(SEEDED)
    with standing.set_back() as store:
        before = counts(store)
    for table in Base.metadata.sorted_tables:
        if before[table.name]:
            desk.buy()  # more tables than the server looks at in one go
            grow(store, table)
            with standing.set_back() as store:
                assert counts(store) == before, f"after {table.name} grew"
