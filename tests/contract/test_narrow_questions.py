"""What is asked of a gateway about one attempt is asked by customer and time: an account of any size answers it at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import update

from app.charging.abandon import abandon
from app.charging.desk_acts import show
from app.charging.drive import driver_name
from app.charging.observing import Watch
from app.charging.place import ChosenCard
from app.gateways.port import AnswerKind, Gateway, Gateways, Reply
from app.gateways.sandbox import Fault, Sandbox
from app.gateways.stripe import open_gateway
from app.kit.clock import StoppedClock
from app.models.customers import Customer
from app.models.leases import CLOCKS_DIFFER
from app.models.merchants import Book
from app.models.orders import Attempt
from app.models.store import Store
from app.models.work import GatewayWatch
from tests.factories import Seeded, create_card
from tests.stripe_server.client import StripeServer
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.test_gate import shut

ACCOUNT = "acct_quillmark"


@dataclass
class AtStripe:
    """The desk in front of the Stripe-shaped server, whose request log tells what was asked."""

    desk: Desk
    server: StripeServer
    card: ChosenCard

    def asked(self) -> list[dict[str, Any]]:
        return [each["params"] for each in self.server.requests("list_payments")]

    def narrow(self) -> bool:
        """Every list so far was of this customer and of little more than this attempt's life."""
        began = int((self.desk.clock.now() - timedelta(hours=3)).timestamp())
        asked = self.asked()
        return bool(asked) and all(
            each.get("customer") == self.card.gateway_customer and int(each["created"]["gte"]) >= began
            for each in asked
        )

    def place(self, **order: Any) -> str:
        known = {"gateway": "stripe", "account": ACCOUNT, "gateway_customer": self.card.gateway_customer}
        new = self.desk.order(**known, **order)
        placed = self.desk.place(new, self.card)
        assert placed.attempt_id is not None
        return placed.attempt_id


class _Stripe:
    def __init__(self, server: StripeServer) -> None:
        told = {"production": False, "test_secret_key": server.key(ACCOUNT), "api_base": server.url}
        self.opened = open_gateway({**told, "timeout_seconds": "1"})

    def of(self, gateway: str, account: str, *, livemode: bool) -> Gateway:
        assert gateway == "stripe"
        return self.opened.at(account, livemode=livemode)


@pytest.fixture
def desk(store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded) -> Desk:
    return Desk(store, sandbox, clock, seeded)


@pytest.fixture
def stripe(desk: Desk, tmp_path: Path) -> Iterator[AtStripe]:
    with at_stripe(desk, tmp_path) as made:
        yield made


@contextmanager
def at_stripe(desk: Desk, tmp_path: Path) -> Iterator[AtStripe]:
    """The desk's book sells through the Stripe-shaped server from now on."""
    clock, seeded, store = desk.clock, desk.seeded, desk.store
    with StripeServer(tmp_path / "stripe", threaded=True) as server:
        server.move_clock(clock.now().timestamp() - server.now())
        customer = server.add_customer(ACCOUNT)
        token = server.add_card(customer, "approved")
        with store.write() as conn:
            conn.execute(update(Book).values(gateway="stripe", gateway_account=ACCOUNT))
            conn.execute(update(Customer).where(Customer.id == seeded.customer).values(gateway_customer=customer))
            card = create_card(conn, seeded.book, seeded.customer, gateway="stripe", token=token, is_default=False)
        gateways = _Stripe(server)
        desk.gateways = cast(Any, gateways)
        yield AtStripe(desk, server, ChosenCard(card, token, customer, "visa", "4242", 8, 2028))
        gateways.opened.close()


def test_an_object_of_unknown_end_is_looked_for_among_its_customers_own(stripe: AtStripe):
    attempt = stripe.place()
    stripe.server.fault("create_payment", "error_after")
    stripe.desk.drive(attempt)
    assert stripe.desk.attempt(attempt).state == "UNKNOWN"
    stripe.desk.clock.at = stripe.desk.attempt(attempt).next_at
    stripe.desk.work()
    assert stripe.narrow()
    assert stripe.desk.attempt(attempt).state == "SUCCEEDED"
    assert len(stripe.server.ledger().payments) == 1


def test_a_cancel_without_a_reference_asks_for_its_customers_own(stripe: AtStripe):
    attempt = stripe.place()
    abandon(stripe.desk.store, stripe.desk.clock, stripe.desk.seeded.book, attempt.rpartition(".")[0])
    stripe.desk.drive(attempt)
    assert stripe.narrow()
    assert stripe.desk.attempt(attempt).state == "CANCELLED"


def test_behind_a_closed_gate_an_object_is_looked_for_among_its_customers_own(stripe: AtStripe):
    attempt = stripe.place()
    stripe.server.fault("create_payment", "error_after")
    stripe.desk.drive(attempt)
    stripe.desk.clock.move(timedelta(hours=2))
    shut(stripe.desk)
    stripe.desk.work()
    assert stripe.narrow()
    assert stripe.desk.attempt(attempt).gw_ref is not None


def test_a_person_who_looks_asks_for_its_customers_own(stripe: AtStripe):
    attempt = stripe.place()
    with stripe.desk.store.write() as conn:
        conn.execute(update(Attempt).values(state="QUARANTINED", next_at=None))
    gateways = cast(Gateways, stripe.desk.gateways)
    watch = Watch(stripe.desk.store, gateways, stripe.desk.clock, driver_name("person"))
    assert show(watch, f"attempt:{attempt}")["gateway_says"] == "no such payment"
    assert stripe.narrow()


def opened_again(desk: Desk) -> datetime:
    """The gate was closed for half an hour; when it was closed."""
    closed_at = desk.clock.now()
    shut(desk)
    with desk.store.write() as conn:
        conn.execute(update(GatewayWatch).values(gate="OPEN"))
    desk.clock.move(timedelta(minutes=30))
    return closed_at


def test_a_page_of_after_a_restore_is_bought_by_its_customers_own_payments_alone(stripe: AtStripe):
    """Nobody can have pressed its button before."""
    opened_again(stripe.desk)
    attempt = stripe.place()
    stripe.desk.drive(attempt)
    assert stripe.narrow()
    assert stripe.desk.attempt(attempt).state == "SUCCEEDED"


def test_a_button_that_may_have_been_pressed_before_a_restore_is_looked_for_in_the_time_when_it_may(stripe: AtStripe):
    """With whatever card it was: the lost press is not bound to the customer of this one's."""
    quoted_at = stripe.desk.clock.now()
    closed_at = opened_again(stripe.desk)
    attempt = stripe.place(quoted_at=quoted_at)
    stripe.desk.drive(attempt)
    own, anybodys = stripe.asked()
    assert own["customer"] == stripe.card.gateway_customer
    assert "customer" not in anybodys
    since, until = (datetime.fromtimestamp(int(anybodys["created"][name]), UTC) for name in ("gte", "lt"))
    assert since == quoted_at - CLOCKS_DIFFER
    late = stripe.desk.gateways.of("stripe", ACCOUNT, livemode=False).capabilities.late_effect_max
    assert until == closed_at + late + CLOCKS_DIFFER
    assert stripe.desk.attempt(attempt).state == "SUCCEEDED"


def test_the_objects_of_a_customer_that_is_gone_there_are_found_by_their_time(desk: Desk):
    desk.sandbox.controls.fail_next("create_payment", Fault.ERROR_AFTER)
    order = desk.buy()
    gateway = _WithoutCustomers(desk.sandbox.at("quillmark-test", livemode=False))
    desk.gateways = cast(Any, gateway)
    desk.clock.at = desk.attempt(order.last.id).next_at
    desk.work()
    assert desk.facts(order.id).state == "PAID"
    assert [each["since"] for each in gateway.asked] == [order.last.created_at - CLOCKS_DIFFER] * 2
    assert len(desk.payments()) == 1


class _WithoutCustomers:
    """A gateway that knows the payments and not whose they are."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.asked: list[dict[str, Any]] = []

    def of(self, gateway: str, account: str, *, livemode: bool) -> Gateway:
        return cast(Gateway, self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def list_payments(self, **what: Any) -> Reply[Any]:
        self.asked.append(what)
        if what.get("customer") is not None:
            return Reply(AnswerKind.BUG_OR_GONE, detail="no such customer")
        return self._gateway.list_payments(**what)
