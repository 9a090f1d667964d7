"""Where races are run: a real database, a real ledger, and contestants that start at the same moment."""

from __future__ import annotations

import itertools
import os
import pickle
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from app.charging.drive import driver_name
from app.charging.errors import ChargingError
from app.charging.place import ChosenCard, ConsentGiven, place
from app.checkout.cart import Cart, look
from app.checkout.confirm import confirm
from app.checkout.errors import CheckoutRefused
from app.checkout.press import Pressed, Tools
from app.gateways.sandbox import Sandbox, open_gateway
from app.kit.bell import SilentBell
from app.kit.clock import ShiftedClock
from app.kit.ids import system_randomness
from app.links.claims import LinkClaims, LinkId, WrittenOffer
from app.links.sessions import CartSession, start_cart
from app.links.signing import ReadLink, SigningKey
from app.models.merchants import SigningKey as KeyRow
from app.models.store import Store
from tests.conftest import TODAY
from tests.factories import MADE_AT, Seeded, create_card, create_customer, create_subscription, seed
from tests.usecases.charging.desk import CONSENT, Desk

SECOND_SEAT = WrittenOffer(1, "crm-seat", 2)
REFUSED = (ChargingError, CheckoutRefused)
CROWD = 8
"""Threads of one process. SQLite lets writers wait without an order: of a hundred at once one may be kept out too long."""
LEAD = 0.03
"""Seconds between "all are ready" and the start, so that every process has heard of it."""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of one race: ids and numbers."""

    customer: int
    number: int
    subscription: int
    subscription_number: int
    cards: tuple[ChosenCard, ...]


@dataclass
class Arena:
    """``fresh`` gives every process its own connections. ``chance`` is the run's own, from its seed."""

    url: str
    folder: Path
    seed: int = 1
    rounds: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.clock = ShiftedClock(TODAY)
        self._open()
        with self.store.write() as conn:
            self.seeded: Seeded = seed(conn)
        self._meet()

    def _open(self) -> None:
        self.store = Store(self.url)
        settings = {
            "production": False, "path": self.folder / "ledger.sqlite3", "public_url": "https://pay.example",
            "clock": self.clock,
        }  # fmt: skip
        self.sandbox: Sandbox = open_gateway(settings)

    def _meet(self) -> None:
        self.desk = Desk(self.store, self.sandbox, self.clock, self.seeded)  # type: ignore[arg-type]
        self.tools = Tools(self.store, self.desk.gateways, self.clock, SilentBell(), system_randomness)

    def reopen(self) -> None:
        """In a process of its own: no connection of the parent's is used."""
        self._open()
        self._meet()

    def close(self) -> None:
        self.store.close()
        self.sandbox.close()

    def sql(self, statement: str, **values: Any) -> None:
        with self.store.write() as conn:
            conn.execute(text(statement), values)

    def ask(self, statement: str, **values: Any) -> Any:
        with self.store.read() as conn:
            return conn.execute(text(statement), values).scalar()

    def people(self, count: int) -> list[Person]:
        """Customers with a seat and two good cards each."""
        with self.store.write() as conn:
            return [self._person(conn) for _ in range(count)]

    def _person(self, conn: Any) -> Person:
        book = self.seeded.book
        customer = create_customer(conn, book, locale="en")
        visa = create_card(conn, book, customer)
        other = create_card(conn, book, customer, behaviour="mastercard_ok", brand="mastercard", is_default=False)
        bad = create_card(conn, book, customer, behaviour="visa_declined", last4="0002", is_default=False)
        subscription = create_subscription(conn, book, customer, card_id=visa)
        number, owner = conn.execute(
            text("SELECT number, gateway_customer FROM customers WHERE id = :i"), {"i": customer}
        ).one()
        shown = conn.execute(text("SELECT number FROM subscriptions WHERE id = :i"), {"i": subscription}).scalar_one()
        cards = tuple(
            ChosenCard(card, f"pm_sandbox_{how}-{book}-{number}", owner, "visa", "4242", 8, 2028)
            for card, how in ((visa, "visa_ok"), (other, "mastercard_ok"), (bad, "visa_declined"))
        )
        return Person(customer, number, subscription, shown, cards)

    # What a buyer does

    def buy(self, new: Any, card: ChosenCard) -> str:
        """Place and drive, as a press does it."""
        by = driver_name("race")
        attempt = self.place(new, card, by)
        self.desk.drive(attempt, by)
        return new.checkout_id

    def place(self, new: Any, card: ChosenCard, by: str) -> str | None:
        """The order without its payment; its attempt."""
        return place(
            self.store, self.clock, new, CONSENT, card, guard=lambda _: None, return_url="https://shop.example", driver=by
        ).attempt_id  # fmt: skip

    def key(self) -> str:
        """A signing key of one round."""
        kid = f"r{next(self.rounds):03d}"[-4:]
        with self.store.write() as conn:
            conn.execute(
                insert(KeyRow).values(
                    kid=kid, book_id=self.seeded.book, salt="", master_mark="", state="verify", standing_batch=1,
                    created_at=MADE_AT,
                )
            )  # fmt: skip
        return kid

    def open(self, person: Person, kid: str, position: int) -> CartSession:
        now = int(self.clock.now().timestamp())
        claims = LinkClaims(
            "test", person.number, person.subscription_number, SECOND_SEAT, now, now + 86400, LinkId(9, position)
        )
        key = SigningKey(kid, self.seeded.book, "test", b"s" * 32)
        return start_cart(ReadLink(claims, key), now, system_randomness, "en")

    def look(self, session: CartSession) -> Cart:
        return look(self.store, self.clock, system_randomness, self.seeded.book, session)

    def press(self, cart: Cart, card: int, pause: float) -> str:
        """Buy Now; ``pause`` seconds pass between the second look and the transaction."""

        def consent(_: Cart) -> ConsentGiven:
            time.sleep(pause)
            return CONSENT

        return confirm(
            self.tools, self.seeded.book, cart.session, Pressed(cart.ticket, card, agreed=True, start_now=False),
            consent=consent, return_url=lambda order: f"https://shop.example/{order}", language="en",
        )  # fmt: skip

    # What the judge sees

    def taken(self, person: Person) -> list[int]:
        """Amounts that the gateway took from this person's cards, from its own ledger."""
        owner = person.cards[0].gateway_customer
        with self.sandbox.ledger.read() as c:
            rows = c.execute(
                "SELECT captures.amount FROM captures JOIN payments ON payments.id = captures.payment WHERE customer = ?",
                (owner,),
            )
            return [row["amount"] for row in rows]

    def orders_of(self, jti: str) -> int:
        return int(self.ask("SELECT count(*) FROM orders WHERE link_jti = :jti", jti=jti))

    def paid_of(self, jti: str) -> int:
        return int(self.ask("SELECT count(*) FROM orders WHERE link_jti = :jti AND paid_at IS NOT NULL", jti=jti))


Contestant = Callable[[], Any]


def together(arena: Arena, contestants: Sequence[Contestant], *, processes: int = 0) -> list[Any]:
    """What each gave, in any order: all start at the same moment, in threads here or spread over processes.

    A refusal is a result (its code); anything else that is raised is raised here.
    """
    if not processes:
        return _checked(_in_threads(contestants, time.monotonic() + LEAD))
    children = [_fork(arena, contestants[n::processes]) for n in range(processes)]
    for _, answers, _ in children:
        assert os.read(answers, 1) == b"r"
    start = pickle.dumps(time.monotonic() + LEAD)
    for _, _, gate in children:
        os.write(gate, start)
        os.close(gate)
    found: list[Any] = []
    for pid, answers, _ in children:
        with os.fdopen(answers, "rb") as pipe:
            found += pickle.loads(pipe.read())
        os.waitpid(pid, 0)
    return _checked(found)


def _checked(found: list[Any]) -> list[Any]:
    for each in found:
        if isinstance(each, _Failed):
            raise AssertionError(each.why)
    return found


@dataclass
class _Failed:
    why: str


def _one(contestant: Contestant) -> Any:
    try:
        return contestant()
    except REFUSED as refused:
        return refused.code
    except Exception as error:
        return _Failed(f"{type(error).__name__}: {error}")


def _in_threads(contestants: Sequence[Contestant], start: float) -> list[Any]:
    found: list[Any] = []

    def run(contestant: Contestant) -> None:
        time.sleep(max(0.0, start - time.monotonic()))
        found.append(_one(contestant))

    with ThreadPoolExecutor(min(len(contestants), CROWD)) as pool:
        for done in [pool.submit(run, each) for each in contestants]:
            done.result()
    return found


def _fork(arena: Arena, contestants: Sequence[Contestant]) -> tuple[int, int, int]:
    """A child that reads when to start and answers with what it found: its id, and our ends of both pipes."""
    answers, say = os.pipe()
    hear, gate = os.pipe()
    pid = os.fork()
    if pid:
        os.close(say)
        os.close(hear)
        return pid, answers, gate
    try:
        os.close(gate)
        arena.reopen()
        os.write(say, b"r")
        found = _in_threads(contestants, pickle.loads(os.read(hear, 100)))
        with os.fdopen(say, "wb") as pipe:
            pipe.write(pickle.dumps(found))
    finally:
        os._exit(0)
