"""Accounts that a restored database does not know: what was sold through them after the copy is found before they sell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.merchants import change_book
from app.charging.compare import compare_due
from app.charging.drive import driver_name
from app.charging.gate import Account, is_closed, open_or_close
from app.gateways.port import CreatePayment, Marks
from app.models.orders import Orphan
from tests.factories import create_book, create_merchant
from tests.usecases.charging.desk import Desk

NEW = Account("sandbox", "acct-new", False)


def due(desk: Desk) -> int:
    return compare_due(desk.store, desk.gateways, desk.clock, by=driver_name("compare")).opened


def sold(desk: Desk) -> str:
    """Through the new account, by the database that was lost."""
    gateway, card = desk.sandbox.at(NEW.account, livemode=False), desk.card()
    asked = CreatePayment(500, "USD", card.gateway_customer, card.token, Marks("lost", "lost.1", ""))
    made = gateway.create_payment(asked, key="lost").payment
    assert made is not None
    gateway.confirm_payment(made.ref, key="lost:confirm", return_url="https://pay.quillmark.example")
    return made.ref


def restored(desk: Desk) -> str:
    """The servers ran until the copy was made, sold on, and were put back; what was sold meanwhile."""
    due(desk)
    open_or_close(desk.store, desk.clock, "1")
    desk.clock.move(timedelta(hours=5))
    open_or_close(desk.store, desk.clock, "1", renew=True)
    ref = sold(desk)
    desk.clock.move(timedelta(hours=3))
    assert open_or_close(desk.store, desk.clock, "2") == "restore_epoch"
    return ref


def sells_again(desk: Desk, how: str) -> None:
    if how == "switched":
        change_book(desk.store, "quillmark", "test", gateway_account=NEW.account)
        return
    with desk.store.write() as conn:
        merchant = create_merchant(conn, code="northpress", name="Northpress")
        create_book(conn, merchant, gateway_account=NEW.account, created_at=desk.clock.now())


def shut(desk: Desk) -> bool:
    with desk.store.read() as conn:
        return is_closed(conn, NEW.gateway, NEW.account, NEW.livemode)


def orphans(desk: Desk) -> list[str]:
    with desk.store.read() as conn:
        return list(conn.execute(select(Orphan.gw_ref)).scalars())


@pytest.mark.parametrize("how", ["switched", "made anew"])
def test_an_account_that_the_copy_does_not_know_opens_when_its_lost_payments_were_found(desk: Desk, how: str):
    ref = restored(desk)
    desk.clock.move(timedelta(days=1))
    sells_again(desk, how)
    assert shut(desk), "from the first moment on"
    for _ in range(2):
        due(desk)
        assert shut(desk)
    desk.clock.move(timedelta(hours=1))
    due(desk)
    assert (shut(desk), orphans(desk)) == (False, [ref])


@pytest.mark.parametrize(("days", "begins_closed"), [(29, True), (31, False)])
def test_an_account_that_is_new_long_after_a_restore_sells_at_once(desk: Desk, days: int, begins_closed: bool):
    restored(desk)
    for _ in range(days):
        desk.clock.move(timedelta(days=1))
        due(desk)
    sells_again(desk, "made anew")
    assert shut(desk) is begins_closed
    due(desk)
    assert shut(desk) is begins_closed


def test_a_new_account_of_an_installation_that_was_never_restored_sells_at_once(desk: Desk):
    due(desk)
    open_or_close(desk.store, desk.clock, "1")
    sells_again(desk, "made anew")
    assert not shut(desk)
    due(desk)
    assert not shut(desk)
