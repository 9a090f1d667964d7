"""Queries that run on the driver itself answer as SQLAlchemy would."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from app.models.base import Instant
from app.models.merchants import Book
from app.models.prepared import Prepared
from app.models.store import Store
from app.models.subscriptions import Subscription
from tests.factories import Seeded

_COLUMNS = (
    Subscription.id,
    Subscription.created_at,
    Subscription.mandate,
    Subscription.auto_renewal,
    Subscription.status,
)
_QUERY = (
    select(*_COLUMNS, Book.id, Book.policy)
    .join(Book, Book.id == Subscription.book_id)
    .where(Subscription.book_id == bindparam("book"), Subscription.created_at > bindparam("since", type_=Instant()))
    .where(Subscription.status != "canceled")
)
SINCE = datetime(2000, 1, 1, tzinfo=UTC)


def test_rows_are_those_of_sqlalchemy_value_by_value(store: Store, seeded: Seeded):
    values = {"book": seeded.book, "since": SINCE}
    with store.read() as connection:
        rows = Prepared(_QUERY).all(connection, values)
        assert rows == [tuple(row) for row in connection.execute(_QUERY, values)]
        assert [type(value) for value in rows[0]] == [type(value) for value in connection.execute(_QUERY, values).one()]
    assert isinstance(rows[0][1], datetime)


def test_no_row_is_none(store: Store, seeded: Seeded):
    with store.read() as connection:
        assert Prepared(_QUERY).first(connection, {"book": seeded.book + 1000, "since": SINCE}) is None


def test_a_query_sees_what_its_own_transaction_wrote(store: Store, seeded: Seeded):
    with store.write() as connection:
        connection.execute(Subscription.__table__.update().values(status="paused"))
        row = Prepared(_QUERY).first(connection, {"book": seeded.book, "since": SINCE})
    assert row is not None
    assert row[4] == "paused"


def test_errors_are_those_of_sqlalchemy(store: Store, seeded: Seeded):
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE revocations RENAME TO elsewhere")
        from app.models.links import withdrawal_of

        with pytest.raises(DBAPIError, match=r"no such table|does not exist"):
            withdrawal_of(connection, seeded.book, link="1-1", batch="1", customer="1", offer="", issued_at=SINCE)
        connection.rollback()


def test_a_database_that_takes_values_by_name_gets_them_by_name():
    text = Prepared(_QUERY)._write(postgresql.dialect())  # pyright: ignore[reportPrivateUsage]
    assert text.order is None
    assert "%(book)s" in text.sql
    assert set(text.usual) >= {"book", "since"}
