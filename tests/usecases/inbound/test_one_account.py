"""Two merchants on one key of a gateway: each book has its own name for the account, and both see all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.charging.compare import Compared, compare
from app.charging.drive import driver_name
from app.charging.gate import Account, close_all
from app.charging.leftovers import cancel_leftovers
from app.charging.noticing import NoticeAddress, keep_notice
from app.gateways.port import Gateway, GatewayError, Marks, Notice
from app.models.merchants import Book
from app.models.orders import Attempt, Orphan
from app.models.work import GatewayWatch
from tests.factories import create_book, create_merchant
from tests.usecases.inbound.telling import Ears
from tests.usecases.inbound.test_orphans import GONE

OURS, THEIRS = "quillmark-test", "northpress-test"


class OneKey:
    """The sandbox as one key shows it: every name of test mode leads to one account, whose objects bear the asked name."""

    def __init__(self, ears: Ears, asked: str) -> None:
        self._gateway: Any = ears.gateway
        self.account, self.identity = asked, OURS

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._gateway, name)
        if name in ("read_payment", "cancel_payment", "confirm_payment", "create_payment"):
            return lambda *given, **how: self._answer(found(*given, **how))
        if name == "list_payments":
            return lambda **how: self._listed(found(**how))
        return found

    def _answer(self, answer: Any) -> Any:
        if answer.payment is None:
            return answer
        return replace(answer, payment=replace(answer.payment, account=self.account))

    def _listed(self, reply: Any) -> Any:
        if reply.value is None:
            return reply
        return replace(reply, value=tuple([replace(each, account=self.account) for each in reply.value]))


class Shared:
    """The registry's part, for two merchants on one key."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears

    def of(self, gateway: str, account: str, *, livemode: bool) -> Gateway:
        if livemode:
            raise GatewayError("gateway_misconfigured", "there is no live key")
        gate: Any = OneKey(self._ears, account)
        return gate


@pytest.fixture
def shared(ears: Ears) -> Ears:
    """A second merchant, whose book is as old as the first, and whose policy gives orphans back."""
    desk = ears.desk
    with desk.store.write() as conn:
        merchant = create_merchant(conn, code="northpress", name="North Press")
        create_book(conn, merchant, gateway_account=THEIRS, policy={"orphan_capture": "refund"})
    desk.gateways = Shared(ears)  # pyright: ignore[reportAttributeAccessIssue]
    return ears


def comparing(ears: Ears) -> Compared:
    desk, names = ears.desk, [Account("sandbox", each, False) for each in (OURS, THEIRS)]
    return compare(
        desk.store,
        desk.gateways,
        desk.clock,
        by=driver_name("compare"),
        only=names,
        since=desk.clock.now() - timedelta(days=7),
    )


def their_book(ears: Ears) -> int:
    with ears.desk.store.read() as conn:
        return conn.execute(select(Book.id).where(Book.gateway_account == THEIRS)).scalar_one()


def tell_them(ears: Ears, ref: str) -> None:
    """The notice as it comes to the other merchant's address."""
    desk = ears.desk
    at = NoticeAddress(their_book(ears), "sandbox", THEIRS, False)
    notice = Notice(f"evt_{ref}", "payment.succeeded", THEIRS, False, desk.clock.now(), ref)
    keep_notice(desk.store, desk.clock, at, notice, b"{}")
    ears.hear()


def test_what_one_merchant_was_paid_is_no_orphan_of_the_other(shared: Ears):
    order = shared.desk.buy()
    for _ in range(3):
        done = comparing(shared)
        assert (done.accounts, done.listed, done.differed) == (2, 1, 0), "both names, and one list"
        tell_them(shared, shared.desk.payments()[0]["id"])
        shared.desk.clock.move(timedelta(hours=13))
        shared.look_after()
    assert shared.desk.count(Orphan) == 0
    assert shared.desk.facts(order.id).state == "PAID"
    assert not shared.desk.requests("refund")


def test_what_one_merchant_began_is_cancelled_by_nobody_else(shared: Ears):
    order = shared.desk.buy("visa_3ds")
    ref = shared.desk.attempt(order.last.id).gw_ref
    with shared.desk.store.write() as conn:
        conn.execute(update(Attempt).values(deadline_at=shared.desk.clock.now() + timedelta(days=9)))
    tell_them(shared, ref)
    shared.desk.clock.move(timedelta(hours=30))
    comparing(shared)
    shared.look_after()
    assert cancel_leftovers(shared.desk.store, shared.desk.gateways, shared.desk.clock) == 0
    assert shared.desk.payments()[0]["status"] == "requires_action"
    assert shared.desk.count(Orphan) == 0


def test_money_of_nobody_s_is_one_orphan_and_returned_only_if_every_book_of_the_account_says_so(shared: Ears):
    ref = shared.pay_behind(GONE)
    tell_them(shared, ref)
    comparing(shared)
    shared.tell_of(ref)
    shared.hear()
    assert shared.desk.count(Orphan) == 1
    assert shared.orphan(ref).account == OURS, "the name of the eldest book, whoever was told first"
    shared.desk.clock.move(timedelta(hours=25))
    shared.look_after()
    assert shared.orphan_state(ref) == "PERSON"
    assert not shared.desk.requests("refund")


def test_an_orphan_from_before_is_given_up_for_the_attempt_that_has_it(shared: Ears):
    order = shared.desk.buy()
    ref, now = shared.desk.payments()[0]["id"], shared.desk.clock.now()
    facts = {"livemode": False, "order": order.id, "attempt": order.last.id}
    row = {"gateway": "sandbox", "account": THEIRS, "gw_ref": ref, "book_id": their_book(shared),
           "facts": facts, "state": "FOUND", "found_at": now - timedelta(days=2), "next_at": now}  # fmt: skip
    with shared.desk.store.write() as conn:
        conn.execute(insert(Orphan).values(row))
    shared.look_after()
    assert shared.orphan_state(ref) == "ADOPTED"
    assert not shared.desk.requests("refund")


def test_a_payment_of_a_name_that_leads_to_another_account_is_an_orphan_where_it_was_seen(ears: Ears):
    """The book changed its account: what bears its mark in the new one is not the attempt's own payment."""
    order = ears.desk.buy()
    with ears.desk.store.write() as conn:
        conn.execute(update(Attempt).values(account="another-account"))
    ref = ears.pay_behind(Marks(order.id, order.last.id))
    ears.tell_of(ref)
    ears.hear()
    assert ears.orphan_state(ref) == "FOUND"


@pytest.mark.parametrize("used", [False, True])
def test_an_account_that_cannot_be_reached_is_told_of_only_where_something_was_charged(shared: Ears, used: bool):
    """A merchant has a live book from the start, and an installation may have a test key only."""
    desk = shared.desk
    desk.buy()
    if used:
        with desk.store.write() as conn:
            conn.execute(update(Attempt).values(livemode=True, account="quillmark-live"))
    live = Account("sandbox", "quillmark-live", True)
    done = compare(desk.store, desk.gateways, desk.clock, by=driver_name("compare"), only=[live])
    assert (done.accounts, done.unread, done.busy) == (int(used), int(used), 0)


def test_the_gates_of_both_names_open_by_the_same_two_lists(shared: Ears):
    desk = shared.desk
    with desk.store.write() as conn:
        close_all(conn, desk.clock.now())
    opened = [comparing(shared).opened]
    desk.clock.move(timedelta(minutes=20))
    opened.append(comparing(shared).opened)
    assert opened == [0, 2]
    with desk.store.read() as conn:
        gates = conn.execute(select(GatewayWatch.gate).where(GatewayWatch.account.in_((OURS, THEIRS)))).scalars()
        assert set(gates) == {"OPEN"}
