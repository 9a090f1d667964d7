"""An account with more objects than one answer lists is compared whole, in one run or in several, and nothing is left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from app.charging.compare import Compared, compare
from app.charging.drive import driver_name
from app.charging.gate import Account, close_all
from app.gateways.port import AnswerKind, CreatePayment, Marks, Reply
from app.gateways.sandbox import Sandbox
from app.gateways.stripe import listing
from app.gateways.stripe.adapter import StripeGateway
from app.kit.clock import StoppedClock
from app.models.orders import Orphan, Refund
from app.models.store import Store
from app.models.work import GatewayWatch
from tests.contract.test_narrow_questions import ACCOUNT, AtStripe, at_stripe
from tests.factories import Seeded
from tests.usecases.charging.desk import Desk

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
