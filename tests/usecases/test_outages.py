"""A database that is away is told from a statement that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from app.models.outages import is_outage, outage_code
from app.models.store import Store


def raised(store: Store, *statements: str) -> Exception:
    try:
        with store.write() as conn:
            for statement in statements or ("SELECT 1",):
                conn.execute(text(statement))
    except Exception as error:
        return error
    finally:
        store.close()
    pytest.fail("nothing was raised")


def test_a_server_that_does_not_listen_is_an_outage_and_its_code_names_no_password():
    error = raised(Store("postgresql://liftlink:hunter2@127.0.0.1:1/liftlink"))
    assert is_outage(error)
    assert outage_code(error) == "OperationalError"


def test_a_file_that_cannot_be_opened_is_an_outage(tmp_path: Path):
    (tmp_path / "folder.sqlite3").mkdir()
    error = raised(Store(f"sqlite:///{tmp_path / 'folder.sqlite3'}"))
    assert is_outage(error)
    assert outage_code(error) == "OperationalError SQLITE_CANTOPEN"


def test_a_statement_that_the_database_refuses_is_ours(store: Store):
    assert not is_outage(raised(store, "SELECT nothing FROM nowhere"))


def test_other_errors_are_ours():
    assert not is_outage(RuntimeError("the database is away"))
    assert not is_outage(None)


def test_a_database_that_may_only_be_read_is_an_outage(store: Store):
    """A standby, or the primary of before a fail-over; a file on a disk that was mounted read-only after a fault of its own.

    It answers, and nothing can be written until somebody turns it round.
    """
    turned, code = "SET TRANSACTION READ ONLY", "ReadOnlySqlTransaction 25006"
    if store.is_sqlite:
        turned, code = "PRAGMA query_only = ON", "OperationalError SQLITE_READONLY"
    error = raised(store, turned, "CREATE TABLE nowhere (id integer)")
    assert is_outage(error)
    assert outage_code(error) == code
