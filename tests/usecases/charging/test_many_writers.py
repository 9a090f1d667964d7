"""On PostgreSQL two transactions read at the same time: each pair here is held apart by a row that both of them take first.

The rival starts inside the other's transaction, at the point where it has read what it is going to decide by. SQLite lets
it in only afterwards by itself, so there the same promises hold without these locks; they are tested there too where the
database is not asked how it keeps them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.exc import DBAPIError

from app.accounts.keys import retire_key
from app.accounts.merchants import change_book
from app.charging.attempts import lease
from app.charging.cards import SetupRequest, begin_setup
from app.charging.closing_orders import close_order
from app.charging.errors import ChargingError
from app.charging.tries import take_try
from app.models.customers import BalanceEntry
from app.models.links import LinkBatch, LinkUse
from app.models.merchants import Book
from app.models.orders import Attempt, Order
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.models.work import CardSetup, Outbox
from app.offers.revoke import revoke
from app.outbox import record_once
from app.outbox.delivering import deliver_due
from tests import postgres
from tests.factories import Seeded, create_balance, create_subscription
from tests.usecases.charging.desk import Desk

postgres_only = pytest.mark.skipif(not postgres.on_postgres(), reason="SQLite has one writer at a time by itself")
A_MOMENT = 0.3
pytestmark = pytest.mark.timeout(60)


class Rival:
    """Another transaction in a thread of its own. ``waits``: it has not come through within a moment."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(8)
        self.futures: list[Future[Any]] = []

    def start(self, work: Callable[[], Any]) -> Future[Any]:
        self.futures.append(self._pool.submit(work))
        return self.futures[-1]

    def waits(self, work: Callable[[], Any]) -> None:
        future = self.start(work)
        with pytest.raises(TimeoutError):
            future.result(A_MOMENT)

    def end(self) -> list[Any]:
        return [future.exception(20) or future.result() for future in self.futures]

    def close(self) -> None:
        self._pool.shutdown()


@pytest.fixture
def rival() -> Iterator[Rival]:
    one = Rival()
    yield one
    one.close()


def in_its_own(store: Store, work: Callable[[Connection], Any]) -> Callable[[], Any]:
    def run() -> Any:
        with store.write() as conn:
            return work(conn)

    return run


def close(desk: Desk, order_id: str) -> Callable[[], Any]:
    def work(conn: Connection) -> bool:
        return close_order(
            conn, desk.seeded.book, order_id, "CANCELLED", cause="test", actor="test", at=desk.clock.now()
        )  # fmt: skip

    return in_its_own(desk.store, work)


# What an order rests on stands until the order is written.


def _revoke(desk: Desk) -> None:
    revoke(desk.store, desk.clock, desk.seeded.book, "link", "1-1", reason="test", actor="test")


def _retire(desk: Desk) -> None:
    retire_key(desk.store, desk.clock, desk.seeded.book, "k-old")


def _new_rule(desk: Desk) -> None:
    change_book(desk.store, "quillmark", "test", policy={"basis": "day"})


def _new_price(desk: Desk) -> None:
    with desk.store.write() as conn:
        conn.execute(update(Book).where(Book.id == desk.seeded.book).values(catalog_version=Book.catalog_version + 1))


def _moved(desk: Desk) -> None:
    with desk.store.write() as conn:
        conn.execute(
            update(Subscription)
            .where(Subscription.book_id == desk.seeded.book)
            .values(version=Subscription.version + 1)
        )


@pytest.fixture
def issued(desk: Desk) -> Desk:
    """Link 1-1 can be withdrawn, and there is a key to retire."""
    with desk.store.write() as conn:
        conn.execute(
            LinkBatch.__table__.insert(),
            {
                "book_id": desk.seeded.book, "number": 1, "kind": "issued", "kid": "k-old", "offer": None, "count": 1,
                "source": "test", "actor": "test", "created_at": desk.clock.now(),
            },
        )  # fmt: skip
        from app.models.merchants import SigningKey

        conn.execute(
            SigningKey.__table__.insert(),
            {
                "kid": "k-old", "book_id": desk.seeded.book, "salt": "00", "master_mark": "m", "state": "verify",
                "standing_batch": 9, "created_at": desk.clock.now(),
            },
        )  # fmt: skip
    return desk


@postgres_only
@pytest.mark.parametrize("change", [_revoke, _retire, _new_rule, _new_price, _moved])
def test_what_was_found_good_stays_good_until_the_order_is_written(
    issued: Desk, rival: Rival, change: Callable[[Desk], None]
):
    """I27: from the commit of a withdrawal on nothing starts, so it must not commit between the look and the order."""
    card = issued.card()
    placed = issued.place(card=card, guard=lambda _: rival.waits(lambda: change(issued)))
    assert placed.created
    assert rival.end() == [None]


def test_an_order_is_not_closed_while_its_next_attempt_is_being_written(desk: Desk, rival: Rival):
    order = desk.buy("visa_declined")
    new, card = desk.order(own_order=order.id), desk.card()
    placed = desk.place(new, card, guard=lambda _: rival.start(close(desk, order.id)) and None)
    assert rival.end() == [False]
    assert desk.facts(order.id).state == "OPEN"
    desk.drive(placed.attempt_id)
    assert desk.facts(order.id).state == "PAID"
    desk.check()


def test_no_attempt_begins_on_an_order_that_is_just_being_closed(desk: Desk, rival: Rival):
    order = desk.buy("visa_declined")
    new, card = desk.order(own_order=order.id), desk.card()
    with desk.store.write() as conn:
        assert close_order(
            conn, desk.seeded.book, order.id, "CANCELLED", cause="test", actor="test", at=desk.clock.now()
        )  # fmt: skip
        rival.start(lambda: desk.place(new, card))
        threading.Event().wait(A_MOMENT)
    refused = rival.end()[0]
    assert isinstance(refused, ChargingError)
    assert refused.code == "order_closed"
    assert desk.count(Attempt, order_id=order.id, state="CREATED") == 0
    desk.check()


def test_two_subscriptions_of_a_customer_spend_the_balance_once(desk: Desk, rival: Rival):
    with desk.store.write() as conn:
        create_balance(conn, desk.seeded.book, desk.seeded.customer, 300)
        create_subscription(conn, desk.seeded.book, desk.seeded.customer, number=1049)
    orders = [desk.order("one"), desk.order("two", subscription=1049, jti="1.2")]
    card = desk.card()
    both = threading.Barrier(2)

    def press(new: Any) -> Any:
        both.wait()
        return desk.place(new, card)

    for new in orders:
        rival.start(lambda new=new: press(new))
    ends = rival.end()
    assert sorted(type(end).__name__ for end in ends) == ["ChargingError", "Placed"]
    with desk.store.read() as conn:
        assert conn.execute(select(func.sum(BalanceEntry.amount))).scalar_one() == 0
    assert desk.count(Order) == 1


@pytest.mark.parametrize("uses", [1, 3])
def test_many_carts_at_once_make_one_order_and_take_one_use(desk: Desk, rival: Rival, uses: int):
    orders = [desk.order(f"tab-{n}", uses=uses) for n in range(8)]
    card = desk.card()
    all_at_once = threading.Barrier(len(orders))

    def press(new: Any) -> Any:
        all_at_once.wait()
        return desk.place(new, card)

    for new in orders:
        rival.start(lambda new=new: press(new))
    ends = rival.end()
    assert {end.order_id for end in ends} == {ends[0].order_id}
    assert (desk.count(Order), desk.count(Attempt), desk.count(LinkUse)) == (1, 1, 1)


def test_of_many_tries_at_once_only_as_many_as_allowed_are_counted(desk: Desk, rival: Rival):
    with desk.store.read() as conn:
        subscription: int = conn.execute(select(Subscription.id)).scalar_one()
    all_at_once = threading.Barrier(8)

    def attempt() -> None:
        all_at_once.wait()
        with desk.store.write() as conn:
            take_try(conn, desk.seeded.book, subscription, "card", desk.clock.now(), 3)

    for _ in range(8):
        rival.start(attempt)
    assert sum(end is None for end in rival.end()) == 3


def test_card_pages_begun_at_once_in_one_cart_have_a_row_each(desk: Desk, rival: Rival):
    request = SetupRequest(
        desk.seeded.book, False, desk.seeded.customer, "cart", True, "sandbox", "quillmark-test", "cus_1", "test"
    )
    all_at_once = threading.Barrier(4)

    def begin() -> str:
        all_at_once.wait()
        return begin_setup(desk.store, desk.gateways, desk.clock, request, return_url=lambda one: f"https://x/{one}").id

    for _ in range(4):
        rival.start(begin)
    assert len(set(rival.end())) == 4
    assert desk.count(CardSetup) == 4


def test_the_same_news_from_two_passes_is_recorded_once(store: Store, seeded: Seeded, desk: Desk, rival: Rival):
    def tell(conn: Connection) -> bool:
        return record_once(conn, seeded.book, "attempt.undecided", "a", 1, "event", {}, desk.clock.now())

    with store.write() as conn:
        assert tell(conn)
        rival.start(in_its_own(store, tell))
        threading.Event().wait(A_MOMENT)
    assert rival.end() == [False]
    assert desk.count(Outbox) == 1


# Leases


@postgres_only
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


def test_workers_at_once_send_each_mail_once(desk: Desk, store: Store, seeded: Seeded, rival: Rival):
    with store.write() as conn:
        for n in range(40):
            record_once(conn, seeded.book, "receipt", f"order{n}", 1, "mail", {}, desk.clock.now())
    sent: list[str] = []

    class Post:
        def send(self, mail: Any) -> None:
            sent.append(mail)

    all_at_once = threading.Barrier(4)

    def work(name: str) -> int:
        all_at_once.wait()
        done = 0
        while count := deliver_due(store, Post(), desk.clock, compose=lambda row: row.id, by=name, limit=5):  # type: ignore[arg-type,return-value]
            done += count
        return done

    for name in ("a", "b", "c", "d"):
        rival.start(lambda name=name: work(name))
    ends = rival.end()
    deliver_due(store, Post(), desk.clock, compose=lambda row: row.id, by="last", limit=50)  # type: ignore[arg-type,return-value]
    assert len(sent) == len(set(sent)) == 40, ends


# The store


@postgres_only
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


@pytest.mark.parametrize("code", ["23505", "57014", None])
def test_what_is_no_such_failure_is_not_done_again(store: Store, code: str | None):
    class Failure(Exception):
        sqlstate = code

    runs: list[int] = []

    def work(_: Connection) -> None:
        runs.append(1)
        raise DBAPIError("statement", {}, Failure())

    with pytest.raises(DBAPIError):
        store.writing(work)
    assert len(runs) == 1


@postgres_only
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


@postgres_only
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


@postgres_only
def test_a_counter_gives_up_soon_where_somebody_else_holds_its_row(store: Store, seeded: Seeded):
    with store.write() as conn:
        conn.execute(update(Book).values(next_offer=5))
        with ThreadPoolExecutor(1) as pool:
            refused = pool.submit(_impatient, store).exception(5)
    assert getattr(getattr(refused, "orig", None), "sqlstate", None) == "55P03"


def _impatient(store: Store) -> None:
    with store.write_if_free() as conn:
        conn.execute(update(Book).values(next_offer=6))
