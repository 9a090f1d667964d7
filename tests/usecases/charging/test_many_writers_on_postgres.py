"""What PostgreSQL promises and SQLite has no need of: rows that are passed over, transactions that are done again, lost connections."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update

from app.charging.attempts import lease
from app.models.merchants import Book
from app.models.orders import Attempt
from app.models.store import Store
from tests.factories import Seeded
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.rivals import Rival, in_its_own

pytestmark = pytest.mark.timeout(60)


def test_a_row_that_somebody_is_writing_is_not_waited_for(desk: Desk, rival: Rival):
    placed = desk.place()
    assert placed.attempt_id is not None
    with desk.store.write() as conn:
        conn.execute(update(Attempt).where(Attempt.id == placed.attempt_id).values(tries=1))
        taken = rival.start(
            in_its_own(desk.store, lambda c: lease(c, placed.attempt_id or "", "other", desk.clock.now()))
        )
        assert taken.result(5) is False
    with desk.store.write() as conn:
        assert lease(conn, placed.attempt_id, "other", desk.clock.now())


def test_a_transaction_that_the_database_took_back_is_done_again(store: Store, seeded: Seeded):
    """Two books in opposite order: the database ends one of the two, and it succeeds the second time."""
    both, runs = threading.Barrier(2), []

    def cross(first: int, second: int) -> None:
        def work(conn: Connection) -> None:
            runs.append(first)
            conn.execute(update(Book).where(Book.id == first).values(next_offer=Book.next_offer + 1))
            if len(runs) <= 2:
                both.wait()
            conn.execute(update(Book).where(Book.id == second).values(next_offer=Book.next_offer + 1))

        store.writing(work)

    with ThreadPoolExecutor(2) as pool:
        ends = [
            pool.submit(cross, seeded.book, seeded.other_book),
            pool.submit(cross, seeded.other_book, seeded.book),
        ]
        assert [end.result(20) for end in ends] == [None, None]
    assert len(runs) == 3
    with store.read() as conn:
        assert set(conn.execute(select(Book.next_offer)).scalars()) == {3}


def test_after_the_server_closed_every_connection_nobody_notices(store: Store, seeded: Seeded):
    def ask() -> tuple[Any, Any]:
        with store.read() as conn:
            version = conn.execute(select(Book.catalog_version).where(Book.id == seeded.book)).scalar()
        with store.write() as conn:
            conn.execute(update(Book).values(next_offer=Book.next_offer + 1))
        return version, None

    before = ask()
    with store.read() as conn:
        conn.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'liftlink'"
            )
        )
    threading.Event().wait(0.1)
    assert ask() == before


def test_money_is_on_the_disk_when_it_is_committed_whatever_the_server_says(store: Store):
    with store.write() as conn:
        conn.exec_driver_sql(f"ALTER DATABASE {store.url.database} SET synchronous_commit = off")
    store.close()
    try:
        with store.read() as conn:
            assert conn.exec_driver_sql("SHOW synchronous_commit").scalar() == "off"
        with store.write() as conn:
            assert conn.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
            assert conn.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
    finally:
        with store.write() as conn:
            conn.exec_driver_sql(f"ALTER DATABASE {store.url.database} RESET synchronous_commit")


def test_a_counter_gives_up_soon_where_somebody_else_holds_its_row(store: Store, seeded: Seeded):
    with store.write() as conn:
        conn.execute(update(Book).values(next_offer=5))
        with ThreadPoolExecutor(1) as pool:
            refused = pool.submit(_impatient, store).exception(5)
    assert getattr(getattr(refused, "orig", None), "sqlstate", None) == "55P03"


def _impatient(store: Store) -> None:
    with store.write_if_free() as conn:
        conn.execute(update(Book).values(next_offer=6))
