"""The database that PostgreSQL's tests share stands as it began, whatever a test did to it."""

from __future__ import annotations

from sqlalchemy import func, select, text, update

from app.models.base import Base
from app.models.merchants import Merchant
from app.models.store import Store
from tests.standing import SEEDED, Kept


def counts(store: Store) -> dict[str, int]:
    with store.read() as conn:
        return {
            table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


def test_a_table_that_grew_takes_no_rows_of_others_with_it(kept: Kept):
    standing = kept.standing(SEEDED)
    with standing.set_back() as store:
        before = counts(store)
    with store.write() as conn:
        for length in range(300):
            conn.execute(update(Merchant).values(profile=Merchant.profile, code=f"q{length}"))
    with store.read() as conn:
        assert conn.scalar(text("SELECT pg_relation_size('merchants')")) > 65536, "large enough to be emptied at once"
    with standing.set_back() as store:
        assert counts(store) == before
    with standing.set_back() as store:
        assert counts(store) == before
