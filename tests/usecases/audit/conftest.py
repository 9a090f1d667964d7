"""A book in which everything has happened, made once and set back for each test, which damages it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from app.billing.facts import Change
from app.charging.repair import expire
from app.gateways.sandbox import Sandbox, open_gateway
from app.gateways.sandbox.cards import Fault
from app.kit.clock import StoppedClock
from app.models.customers import BalanceEntry
from app.models.merchants import Book
from app.models.store import Store
from app.models.subscriptions import Entitlement, Subscription, SubscriptionChange
from app.models.work import Outbox
from app.outbox import record
from app.subscriptions.apply import write_history
from app.subscriptions.holdings import held_items
from tests import postgres
from tests.conftest import TODAY
from tests.factories import Seeded, create_balance, create_subscription, seed
from tests.standing import Image, forget_rules
from tests.usecases.audit.busy import Busy, Names
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import ask, drive, give_back


def happen(desk: Desk) -> Names:
    """Paid, declined, abandoned, expired, free, by balance, credited, refunded in part and in full, one after a fault."""
    store, clock, seeded = desk.store, desk.clock, desk.seeded
    assert isinstance(clock, StoppedClock)
    with store.write() as conn:
        for _ in range(8):
            create_subscription(conn, seeded.book, seeded.customer, card_id=seeded.visa)
        tell_imports(conn)
    paid = desk.buy()
    desk.buy("visa_declined", checkout="c2", subscription=1049, jti="1.2")
    retried = desk.buy(checkout="c2", subscription=1049, jti="1.2")
    desk.buy("visa_declined", checkout="c3", subscription=1050, jti="1.3")
    left = desk.buy("visa_3ds", checkout="c4", subscription=1051, jti="1.4")
    clock.at += timedelta(hours=3)
    expire(store, clock)
    desk.work(3)
    expire(store, clock)
    with store.write() as conn:
        create_balance(conn, seeded.book, seeded.customer, 700)
        tell_imports(conn)
        conn.execute(update(Book).values(policy={"negative": "credit"}, policy_version=Book.policy_version + 1))
    desk.buy(checkout="c5", subscription=1052, jti=None)
    desk.buy(checkout="c6", subscription=1053, jti=None)
    desk.buy(checkout="c7", subscription=1053, jti=None, change=Change(quantity=1))
    later = Change(quantity=3, effective="next_billing")
    waits = desk.place(desk.order("c8", change=later, changes=(later,), subscription=1054, jti=None))
    give_back(desk, paid.id, 200)
    give_back(desk, retried.id)
    desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_AFTER)
    ask(desk, paid.id, 100)
    drive(desk)
    clock.at += timedelta(minutes=10)
    drive(desk)
    return Names(paid.id, retried.id, left.id, waits.order_id)


def tell_imports(conn: Connection) -> None:
    """What an import leaves behind beside the rows that the factories make."""
    known = select(SubscriptionChange.subscription_id)
    for one in conn.execute(select(Subscription).where(Subscription.id.not_in(known))).mappings().all():
        ledger = select(
            Entitlement.item, Entitlement.lot, Entitlement.span_start, Entitlement.span_end, Entitlement.amount
        )
        paid = [
            [item, lot, start.isoformat(), end.isoformat(), amount]
            for item, lot, start, end, amount in conn.execute(ledger.where(Entitlement.subscription_id == one["id"]))
        ]
        items = held_items(conn, one["book_id"], one["id"])
        told = {"cause": "import", "order_id": None, "at": one["created_at"], "status": one["status"], "paid": paid}
        write_history(conn, one["book_id"], one["id"], 1, (), items, **told)
    conn.execute(update(BalanceEntry).where(BalanceEntry.cause == "test").values(cause="import"))
    told_of = {
        name.split(":")[1]
        for name in conn.execute(select(Outbox.id).where(Outbox.kind == "balance.imported")).scalars()
    }
    for entry in conn.execute(select(BalanceEntry).where(BalanceEntry.cause == "import")).mappings().all():
        if str(entry["id"]) not in told_of:
            body = {"customer": entry["customer_id"], "currency": entry["currency"], "amount": entry["amount"]}
            record(conn, entry["book_id"], "balance.imported", str(entry["id"]), 1, "event", body, entry["created_at"])


def _gateway(folder: Path, clock: StoppedClock) -> Sandbox:
    path = folder / "sandbox.sqlite3"
    return open_gateway({"production": False, "path": path, "public_url": "https://pay.example", "clock": clock})


class Happened:
    """The busy book's database and ledger, and how they are set back."""

    def __init__(self, folder: Path, empty: Path) -> None:
        self.folder, self.clock = folder, StoppedClock(TODAY)
        self._database: postgres.Standing | None = None
        files = [folder / "sandbox.sqlite3"]
        if postgres.on_postgres():
            self._database = postgres.Standing(postgres.database(postgres.own_name("busy")))
            self.store = Store(self._database.url)
        else:
            files.append(shutil.copyfile(empty, folder / "liftlink.sqlite3"))
            self.store = Store(f"sqlite:///{files[-1]}")
        with self.store.write() as conn:
            self.seeded = seed(conn)
            tell_imports(conn)
        sandbox = _gateway(folder, self.clock)
        self.names = happen(Desk(self.store, sandbox, self.clock, self.seeded))
        self.store.close()
        sandbox.close()
        if self._database is not None:
            self._database.keep()
        self._image = Image(*files)

    def set_back(self) -> None:
        self.store.close()
        self._image.put_back()
        if self._database is not None:
            self._database.set_back()
        forget_rules()

    def close(self) -> None:
        self.store.close()
        if self._database is not None:
            self._database.close()


@pytest.fixture(scope="session")
def happened(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Happened]:
    happened = Happened(tmp_path_factory.mktemp("busy"), empty_database)
    yield happened
    happened.close()


@pytest.fixture
def busy(happened: Happened) -> Iterator[Busy]:
    happened.set_back()
    clock = StoppedClock(happened.clock.at)
    sandbox = _gateway(happened.folder, clock)
    busy = Busy(Desk(happened.store, sandbox, clock, happened.seeded), *happened.names)
    yield busy
    sandbox.close()
    if busy.taken_off:
        happened.set_back()
        busy.put_on_again()


@pytest.fixture
def desk(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Desk:
    """A book of its own, as an import leaves it, in which nothing has happened yet."""
    with store.write() as conn:
        tell_imports(conn)
    return Desk(store, sandbox, clock, seeded)
