"""An account with more objects than one answer lists is compared whole, in one run or in several, and nothing is left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from app.charging.abandon import abandon
from app.charging.compare import Compared, compare
from app.charging.drive import driver_name
from app.charging.gate import Account, close_all
from app.charging.place import order_id_of
from app.gateways.port import AnswerKind, CreatePayment, Marks, Reply
from app.gateways.sandbox import Sandbox
from app.gateways.stripe import listing
from app.gateways.stripe.adapter import StripeGateway
from app.kit.clock import StoppedClock
from app.models.orders import Attempt, Orphan, Refund
from app.models.store import Store
from app.models.work import GatewayWatch
from tests.contract.test_narrow_questions import ACCOUNT, AtStripe, at_stripe
from tests.factories import Seeded
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting

MOST = 8
DAYS = 6


@pytest.fixture
def stripe(
    store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AtStripe]:
    """Eight objects at most in one answer."""
    monkeypatch.setattr(listing, "PAGE", 4)
    monkeypatch.setattr(listing, "MOST_PAGES", MOST // 4)
    with at_stripe(Desk(store, sandbox, clock, seeded), tmp_path) as made:
        yield made


def later(stripe: AtStripe, time: timedelta) -> None:
    stripe.desk.clock.at += time  # type: ignore[attr-defined]
    stripe.server.move_clock(time.total_seconds())


def sold_elsewhere(stripe: AtStripe, name: str) -> str:
    """A payment under our marks that no row here knows."""
    gateway = stripe.desk.gateways.of("stripe", ACCOUNT, livemode=False)
    card = stripe.card
    asked = CreatePayment(500, "USD", card.gateway_customer, card.token, Marks(name, f"{name}.1", ""))
    made = gateway.create_payment(asked, key=f"{name}:create").payment
    assert made is not None
    gateway.confirm_payment(made.ref, key=f"{name}:confirm", return_url="https://shop.example/return")
    return made.ref


def fill(stripe: AtStripe) -> list[str]:
    """Days of business that one answer could never list."""
    refs: list[str] = []
    for number in range(DAYS * 4):
        later(stripe, timedelta(hours=6))
        refs.append(sold_elsewhere(stripe, f"order-{number}"))
    later(stripe, timedelta(hours=1))
    return refs


def comparing(stripe: AtStripe) -> Compared:
    desk = stripe.desk
    account = Account("stripe", ACCOUNT, False)
    return compare(desk.store, cast(Any, desk.gateways), desk.clock, by=driver_name("compare"), only=[account])


def orphans(stripe: AtStripe) -> list[str]:
    with stripe.desk.store.read() as conn:
        return sorted(conn.execute(select(Orphan.gw_ref)).scalars())


def watermark(stripe: AtStripe) -> datetime | None:
    with stripe.desk.store.read() as conn:
        return conn.execute(
            select(GatewayWatch.compared_until).where(GatewayWatch.account == ACCOUNT, GatewayWatch.gateway == "stripe")
        ).scalar()


def test_a_large_account_is_compared_whole_in_one_run(stripe: AtStripe):
    refs = fill(stripe)
    found = comparing(stripe)
    assert (found.unread, found.listed) == (0, len(refs))
    assert orphans(stripe) == sorted(refs)
    assert watermark(stripe) == stripe.desk.clock.now()


def test_a_run_that_ends_half_way_is_taken_up_where_it_was(stripe: AtStripe, monkeypatch: pytest.MonkeyPatch):
    refs, told, marks = fill(stripe), list[dict[str, Any]](), list[datetime | None]()
    lists = StripeGateway.list_payments

    def two_at_most(gateway: StripeGateway, **what: Any) -> Reply[Any]:
        if sum(1 for each in told if not each["too_long"]) >= 2:
            return Reply(AnswerKind.NOT_SENT)
        reply = lists(gateway, **what)
        told.append(what | {"too_long": reply.is_too_long})
        return reply

    monkeypatch.setattr(StripeGateway, "list_payments", two_at_most)
    while comparing(stripe).unread:
        told.clear()
        marks.append(watermark(stripe))
        assert len(marks) < 12
        later(stripe, timedelta(minutes=16))
    assert len(marks) > 1
    assert marks == sorted(marks, key=str), "each run begins further on"
    assert orphans(stripe) == sorted(refs)


def test_while_charging_is_closed_each_reading_is_whole_and_from_the_same_time(stripe: AtStripe):
    refs = fill(stripe)
    with stripe.desk.store.write() as conn:
        close_all(conn, stripe.desk.clock.now())
    first = comparing(stripe)
    assert (first.unread, first.listed, first.closed, watermark(stripe)) == (0, len(refs), 1, None)
    later(stripe, timedelta(minutes=30))
    second = comparing(stripe)
    assert (second.unread, second.listed, second.opened) == (0, len(refs), 1)


def test_more_refunds_by_hand_than_one_answer_lists_are_all_taken_in(stripe: AtStripe):
    desk = stripe.desk
    new = desk.order(gateway="stripe", account=ACCOUNT, gateway_customer=stripe.card.gateway_customer)
    placed = desk.place(new, stripe.card)
    desk.drive(placed.attempt_id)
    (payment,) = stripe.server.ledger().payments
    for _ in range(MOST * 2):
        later(stripe, timedelta(hours=3))
        stripe.server.refund_by_hand(payment["id"], 10)
    found = comparing(stripe)
    assert found.unread == 0
    assert desk.count(Refund, order_id=placed.order_id) == MOST * 2
    assert desk.facts(placed.order_id).state == "PART_REFUNDED"


class TestAfterARestore:
    """Purchases of the day that follows, in an account that sells more within an hour than one answer lists."""

    def restored(self, stripe: AtStripe, lost: str = "") -> datetime:
        """When the page was shown that is pressed afterwards, and before as well with ``lost``, the order's id."""
        quoted_at = stripe.desk.clock.now()
        for minute in range(4 * MOST):
            later(stripe, timedelta(minutes=1))
            sold_elsewhere(stripe, f"order-{minute}")
        if lost:
            self.pressed_before(stripe, lost)
        with stripe.desk.store.write() as conn:
            close_all(conn, stripe.desk.clock.now())
        comparing(stripe)
        later(stripe, timedelta(minutes=21))
        assert comparing(stripe).opened == 1
        return quoted_at

    def pressed_before(self, stripe: AtStripe, order: str) -> None:
        """Paid with a card of another of the holder's customers."""
        customer = stripe.server.add_customer(ACCOUNT)
        token = stripe.server.add_card(customer, "approved")
        gateway = stripe.desk.gateways.of("stripe", ACCOUNT, livemode=False)
        asked = CreatePayment(500, "USD", customer, token, Marks(order, f"{order}.1", ""))
        made = gateway.create_payment(asked, key="of an attempt that is lost").payment
        assert made is not None
        gateway.confirm_payment(made.ref, key="of it as well", return_url="https://shop.example/return")

    def taken(self, stripe: AtStripe, attempt: str) -> int:
        order = attempt.rpartition(".")[0]
        marked = [each["metadata"].get("order") for each in stripe.server.ledger().payments]
        return marked.count(order)

    def test_a_page_of_before_it_is_bought_at_the_first_press(self, stripe: AtStripe):
        attempt = stripe.place(quoted_at=self.restored(stripe))
        stripe.desk.drive(attempt)
        assert stripe.desk.attempt(attempt).state == "SUCCEEDED"

    def test_a_button_whose_press_was_lost_takes_no_money_twice(self, stripe: AtStripe):
        order = order_id_of(stripe.desk.seeded.book, "checkout-1")
        attempt = stripe.place(quoted_at=self.restored(stripe, lost=order))
        stripe.desk.drive(attempt)
        assert self.taken(stripe, attempt) == 1
        assert stripe.desk.attempt(attempt).state == "QUARANTINED", "a person sees whose card it was"

    def test_nobody_takes_the_attempt_over_while_it_is_looked_for(
        self, stripe: AtStripe, monkeypatch: pytest.MonkeyPatch
    ):
        desk, lists, seen = stripe.desk, StripeGateway.list_payments, list[bool]()
        attempt = stripe.place(quoted_at=self.restored(stripe))

        def slow(gateway: StripeGateway, **what: Any) -> Reply[Any]:
            desk.clock.at += timedelta(seconds=25)  # type: ignore[attr-defined]
            seen.append(desk.attempt(attempt).lease_until > desk.clock.now())
            return lists(gateway, **what)

        monkeypatch.setattr(StripeGateway, "list_payments", slow)
        desk.drive(attempt)
        assert len(seen) > 3
        assert all(seen)

    def test_what_never_had_an_answer_ends_by_a_person_s_release(self, stripe: AtStripe):
        attempt = stripe.place(quoted_at=self.restored(stripe))
        with stripe.desk.store.write() as conn:
            away = {"state": "UNKNOWN", "next_at": stripe.desk.clock.now() + timedelta(days=9), "create_try": 1}
            conn.execute(update(Attempt).where(Attempt.id == attempt).values(**away))
        later(stripe, timedelta(hours=25))
        (matter,) = [each for each in waiting(stripe.desk) if each.kind == "undecided"]
        decide(stripe.desk, matter, "release")
        assert stripe.desk.attempt(attempt).state == "CANCELLED"


def test_of_a_customer_that_is_gone_there_nothing_is_left_open(stripe: AtStripe, monkeypatch: pytest.MonkeyPatch):
    attempt, lists = stripe.place(), StripeGateway.list_payments

    def of_the_account_alone(gateway: StripeGateway, **what: Any) -> Reply[Any]:
        if what.get("customer") is not None:
            return Reply(AnswerKind.BUG_OR_GONE, detail="no such customer")
        return lists(gateway, **what)

    for minute in range(4 * MOST):
        later(stripe, timedelta(minutes=1))
        sold_elsewhere(stripe, f"order-{minute}")
    monkeypatch.setattr(StripeGateway, "list_payments", of_the_account_alone)
    abandon(stripe.desk.store, stripe.desk.clock, stripe.desk.seeded.book, attempt.rpartition(".")[0])
    stripe.desk.drive(attempt)
    assert stripe.desk.attempt(attempt).state == "CANCELLED"
