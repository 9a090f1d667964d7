"""A desk at which tests press Buy: the reference case, a sandbox, a clock, and the judge's view of the ledger."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from app.billing.facts import Change
from app.charging.drive import drive, driver_name
from app.charging.place import ChosenCard, ConsentGiven, NewOrder, Placed, place
from app.charging.proof import order_is_untouched
from app.charging.reading import OrderFacts, order_facts
from app.charging.repair import sweep
from app.charging.transitions import first_break
from app.gateways.port import Gateway
from app.gateways.sandbox import Sandbox
from app.kit.clock import Clock, StoppedClock
from app.models.customers import StoredCard
from app.models.links import LinkUse
from app.models.orders import Attempt, Fulfilment, Order, Transition
from app.models.store import Store
from app.models.work import Outbox
from app.subscriptions.facts import load
from app.subscriptions.pricing import price
from tests.factories import Seeded, create_card

SECOND_SEAT = Change(quantity=2, unit_price=1000)
"""The reference case: 5.00 today."""
CONSENT = ConsentGiven(
    text="I agree to pay $5.00 now, and $50.00 every year until I cancel.",
    version="en-1",
    language="en",
    button="Buy now",
    boxes={"renewal": True},
    figures={"due": 500, "renewal": 5000},
    ip="198.51.100.7",
    user_agent="test",
)


class OneGateway:
    """The registry's part in tests: every name leads to the sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def of(self, gateway: str, account: str, *, livemode: bool) -> Gateway:
        assert gateway == "sandbox"
        return self._sandbox.at(account, livemode=livemode)


def no_guard(conn: Connection) -> None:
    """Checkout's checks are tested there."""


@dataclass
class Desk:
    """``buy`` is what a request does; ``heal`` is what the workers do afterwards."""

    store: Store
    sandbox: Sandbox
    clock: Clock
    seeded: Seeded

    def __post_init__(self) -> None:
        self.gateways = OneGateway(self.sandbox)
        self._names = itertools.count(1)

    def card(self, behaviour: str = "visa_ok") -> ChosenCard:
        with self.store.write() as conn:
            token = f"pm_sandbox_{behaviour}-{self.seeded.book}-1001"
            known = conn.execute(select(StoredCard.id).where(StoredCard.token == token)).scalar()
            card_id = known or create_card(
                conn, self.seeded.book, self.seeded.customer, behaviour=behaviour, is_default=False
            )
            row = conn.execute(select(StoredCard).where(StoredCard.id == card_id)).one()
        return ChosenCard(row.id, row.token, row.gateway_customer, row.brand, row.last4, row.exp_month, row.exp_year)

    def order(
        self, checkout: str = "checkout-1", *, change: Change = SECOND_SEAT, jti: str | None = "1.1", uses: int = 1,
        own_order: str | None = None, subscription: int = 1048, **other: Any,
    ) -> NewOrder:  # fmt: skip
        now = self.clock.now()
        with self.store.read() as conn:
            held = load(conn, self.seeded.book, subscription)
            assert held is not None
            quote = price(conn, held, change, now, own_order=held.open_order)
        return NewOrder(
            **{
                "book_id": self.seeded.book, "livemode": False, "checkout_id": checkout, "subscription_id": held.id,
                "subscription_version": held.version, "customer_id": held.customer.id, "source": "link", "link_jti": jti,
                "max_uses": uses, "claims": "claims", "quote": quote, "quoted_at": now,
                "valid_until": now + timedelta(hours=1), "email": held.customer.email, "language": "en",
                "gateway": "sandbox", "account": "quillmark-test", "gateway_customer": held.customer.gateway_customer,
                **other,
            }
        )  # fmt: skip

    def place(self, new: NewOrder | None = None, card: ChosenCard | None = None, **how: Any) -> Placed:
        how = {"guard": no_guard, "return_url": "https://shop.example/return", **how}
        return place(self.store, self.clock, new or self.order(), CONSENT, card or self.card(), **how)

    def drive(self, attempt_id: str | None, by: str | None = None, budget: float = 15) -> None:
        if attempt_id is not None:
            by = by or driver_name("test")
            drive(self.store, self.gateways, self.clock, [attempt_id], by=by, budget_seconds=budget)

    def buy(self, behaviour: str = "visa_ok", checkout: str = "checkout-1", **order: Any) -> OrderFacts:
        """What one press of the button does, as checkout does it."""
        by = driver_name("request")
        placed = self.place(self.order(checkout, **order), self.card(behaviour), driver=by)
        self.drive(placed.attempt_id, by)
        return self.facts(placed.order_id)

    def work(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            sweep(self.store, self.gateways, self.clock, by=driver_name("worker"), limit=50)

    def heal(self, hours: float = 2) -> None:
        """Workers at work for that long; the clock is moved to whatever is due next."""
        assert isinstance(self.clock, StoppedClock)
        until = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < until:
            self.work()
            with self.store.read() as conn:
                due = conn.execute(select(func.min(Attempt.next_at))).scalar()
            self.clock.at = min(until, max(due or until, self.clock.now() + timedelta(seconds=1)))

    def facts(self, order_id: str) -> OrderFacts:
        with self.store.read() as conn:
            found = order_facts(conn, self.seeded.book, order_id)
        assert found is not None
        return found

    def facts_of_first(self) -> OrderFacts:
        """The only order of a test, when nobody kept its id."""
        with self.store.read() as conn:
            order_id = conn.execute(select(Order.id).order_by(Order.created_at).limit(1)).scalar_one()
        return self.facts(order_id)

    def captures(self, order_id: str | None = None) -> list[int]:
        """Amounts that the gateway really took, from its own ledger."""
        with self.sandbox.ledger.read() as c:
            where, values = ("WHERE order_mark = ?", (order_id,)) if order_id else ("", ())
            return [row["amount"] for row in c.execute(f"SELECT amount FROM captures {where}", values)]

    def requests(self, verb: str | None = None) -> list[Mapping[str, Any]]:
        """The gateway's own log of changing calls."""
        with self.sandbox.ledger.read() as c:
            rows = [dict(row) for row in c.execute("SELECT * FROM requests ORDER BY seq")]
        return [row for row in rows if verb in (None, row["verb"])]

    def payments(self) -> list[Mapping[str, Any]]:
        with self.sandbox.ledger.read() as c:
            return [dict(row) for row in c.execute("SELECT * FROM payments ORDER BY seq")]

    def count(self, table: Any, **where: Any) -> int:
        with self.store.read() as conn:
            query = select(func.count()).select_from(table).filter_by(**where)
            return int(conn.execute(query).scalar_one())

    def uses(self) -> int:
        return self.count(LinkUse)

    def attempt(self, attempt_id: str) -> Any:
        with self.store.read() as conn:
            return conn.execute(select(Attempt).where(Attempt.id == attempt_id)).one()

    def seats(self) -> int:
        with self.store.read() as conn:
            held = load(conn, self.seeded.book, 1048)
            assert held is not None
            return held.facts.items[0].quantity

    def outbox(self, channel: str = "mail") -> list[str]:
        with self.store.read() as conn:
            return list(conn.execute(select(Outbox.kind).where(Outbox.channel == channel)).scalars())

    def check(self) -> None:
        """The invariants that rows and ledger can show, whatever happened (I1–I4, I7, I9, I14, I15, I17, I18, I25, I26)."""
        with self.store.read() as conn:
            orders = conn.execute(select(Order)).all()
            for order in orders:
                taken = self.captures(order.id)
                assert taken in ([], [order.total]), (order.state, taken)
                assert order_is_untouched(order._mapping)
                paid = order.state == "PAID"
                assert paid == (taken == [order.total]) or order.total == 0 or self._undecided(conn, order.id)
                assert not (paid and order.total and not taken), "paid without a capture"
                assert self.count(Fulfilment, order_id=order.id) == int(paid)
                assert self.count(LinkUse, order_id=order.id) == int(
                    order.link_jti is not None and order.state in ("OPEN", "PAID")
                )
                receipts = conn.execute(
                    select(func.count()).select_from(Outbox).where(Outbox.id.like(f"receipt:{order.id}:%"))
                ).scalar()
                assert receipts == int(paid)
                assert first_break(conn, order.book_id, "order", order.id) is None
            for attempt in conn.execute(select(Attempt)).all():
                assert first_break(conn, attempt.book_id, "attempt", attempt.id) is None
                last = conn.execute(
                    select(Transition.to_state)
                    .where(Transition.kind == "attempt", Transition.object == attempt.id)
                    .order_by(Transition.seq.desc())
                    .limit(1)
                ).scalar()
                assert last == attempt.state
        keys: dict[str, str] = {}
        for request in self.requests():
            assert request["key"], "a changing call without a key"
            assert keys.setdefault(request["key"], request["params_hash"]) == request["params_hash"]

    @staticmethod
    def _undecided(conn: Connection, order_id: str) -> bool:
        states = set(conn.execute(select(Attempt.state).where(Attempt.order_id == order_id)).scalars())
        return bool(states - {"SUCCEEDED", "DECLINED", "CANCELLED"})
