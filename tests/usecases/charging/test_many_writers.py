"""Two transactions that read at the same time: each pair here is held apart by a row that both of them take first.

The rival starts inside the other's transaction, at the point where it has read what it is going to decide by. On PostgreSQL
only that row makes it wait; SQLite lets it in afterwards by itself, and the same promises hold. What PostgreSQL alone can
do is in ``test_many_writers_on_postgres``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import DBAPIError

from app.accounts.keys import retire_key
from app.accounts.merchants import change_book
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
from tests.factories import Seeded, create_balance, create_subscription
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.rivals import A_MOMENT, Rival, in_its_own

pytestmark = pytest.mark.timeout(60)


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
