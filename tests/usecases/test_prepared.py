"""Queries that run on the driver itself answer as SQLAlchemy would."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.models.base import Instant
from app.models.merchants import Book
from app.models.prepared import Prepared, PreparedWrite, inserting
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.models.work import Outbox
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
    text, _ = Prepared(_QUERY)._write(postgresql.dialect())  # pyright: ignore[reportPrivateUsage]
    assert text.order is None
    assert "%(book)s" in text.sql
    assert text.needed == {"book", "since"}
    assert set(text.usual) == {"status_1"}


def test_a_row_by_the_names_of_its_columns(store: Store, seeded: Seeded):
    with store.read() as connection:
        (row,) = Prepared(select(Book.id, Book.mode).where(Book.id == bindparam("book"))).named(
            connection, {"book": seeded.book}
        )
    assert row == {"id": seeded.book, "mode": "test"}


def test_a_list_among_the_values_is_refused_before_anything_is_asked(store: Store, seeded: Seeded):
    query = Prepared(select(Book.id).where(Book.mode.in_(("test", "live"))))
    with store.read() as connection, pytest.raises(ValueError, match="a list"):
        query.all(connection, {})


def _news(book: int, name: str) -> dict[str, object]:
    return {
        "id": name, "book_id": book, "channel": "mail", "kind": "receipt", "body": {"to": "dana", "sum": 5},
        "state": "READY", "next_at": SINCE, "created_at": SINCE,
    }  # fmt: skip


def test_rows_are_written_as_sqlalchemy_would_with_the_columns_own_defaults(store: Store, seeded: Seeded):
    with store.write() as connection:
        insert = inserting(Outbox)
        assert insert.run(connection, _news(seeded.book, "one")) == 1
        insert.run_all(connection, [_news(seeded.book, "two"), _news(seeded.book, "three")])
        insert.run_all(connection, [])
    with store.read() as connection:
        rows = connection.execute(
            select(Outbox.id, Outbox.body, Outbox.next_at, Outbox.tries).order_by(Outbox.id)
        ).all()
    body = {"to": "dana", "sum": 5}
    assert [tuple(row) for row in rows] == [(name, body, SINCE, 0) for name in ("one", "three", "two")]


def test_a_change_says_how_many_rows_it_found(store: Store, seeded: Seeded):
    mine = Outbox.book_id == bindparam("book")
    change = PreparedWrite(update(Outbox).where(mine).values(next_at=bindparam("at", type_=Instant())))
    with store.write() as connection:
        inserting(Outbox).run_all(connection, [_news(seeded.book, "one"), _news(seeded.book, "two")])
        assert change.run(connection, {"book": seeded.book, "at": None}) == 2
        assert change.run(connection, {"book": seeded.book + 1000, "at": None}) == 0
        assert PreparedWrite(delete(Outbox).where(mine)).run(connection, {"book": seeded.book}) == 2


def test_a_constraint_that_is_broken_is_an_integrity_error_and_nothing_stays(store: Store, seeded: Seeded):
    insert = inserting(Outbox)

    def twice() -> None:
        with store.write() as connection:
            insert.run(connection, _news(seeded.book, "one"))
            insert.run(connection, _news(seeded.book, "one"))

    with pytest.raises(IntegrityError) as told:
        twice()
    assert "dana" not in str(told.value)  # values are customers' data
    with store.read() as connection:
        assert connection.execute(select(Outbox.id)).all() == []


def test_a_value_that_is_not_given_is_refused_and_nothing_is_written(store: Store, seeded: Seeded):
    """SQLAlchemy refuses it too; the driver alone would write nothing in its place."""
    change = (
        update(Subscription).where(Subscription.book_id == bindparam("book")).values(delivered_code=bindparam("code"))
    )
    with store.write() as connection:
        with pytest.raises(ValueError, match="no value for code: UPDATE subscriptions"):
            PreparedWrite(change).run(connection, {"book": seeded.book})
        assert PreparedWrite(change).run(connection, {"book": seeded.book, "code": None}) == 1


def test_a_query_without_one_of_its_values_is_refused(store: Store, seeded: Seeded):
    with store.read() as connection, pytest.raises(ValueError, match="no value for since"):
        Prepared(_QUERY).all(connection, {"book": seeded.book})


def test_a_row_with_fewer_columns_than_the_first_is_refused(store: Store, seeded: Seeded):
    facts = {
        "book_id": seeded.book,
        "kind": "event",
        "channel": "event",
        "body": {},
        "state": "KEPT",
        "created_at": SINCE,
    }
    less = {name: facts[name] for name in facts if name != "body"}
    rows = [{"id": "event:1", **facts}, {"id": "event:2", **less}]
    with store.write() as connection, pytest.raises(ValueError, match="no value for body"):
        inserting(Outbox).run_all(connection, rows)
