"""Accounts that no book sells through any more, and accounts without a key."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from app.charging.compare import Compared, compare, compare_due, still_closed
from app.charging.drive import driver_name
from app.charging.gate import Account, closed_accounts, open_or_close
from app.gateways.port import Gateway, GatewayError
from app.models.merchants import Book
from app.models.work import GatewayWatch
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import waiting
from tests.usecases.charging.refunds import by_hand

LEFT = Account("sandbox", "quillmark-test", False)


class Keyless:
    """As the desk's gateways, without a key for one account."""

    def __init__(self, desk: Desk, missing: str) -> None:
        self._of, self._missing = desk.gateways.of, missing

    def of(self, gateway: str, account: str, *, livemode: bool) -> Gateway:
        if account == self._missing:
            raise GatewayError("gateway_not_configured", "no key")
        return self._of(gateway, account, livemode=livemode)


def leave(desk: Desk) -> None:
    with desk.store.write() as conn:
        conn.execute(update(Book).where(Book.gateway_account == LEFT.account).values(gateway_account="elsewhere"))


def restored(desk: Desk) -> None:
    """Every account's gate is closed."""
    due(desk)
    open_or_close(desk.store, desk.clock, "")
    assert open_or_close(desk.store, desk.clock, "2") == "restore_epoch"


def due(desk: Desk) -> Compared:
    return compare_due(desk.store, desk.gateways, desk.clock, by=driver_name("compare"))


def watched(desk: Desk) -> set[str]:
    with desk.store.read() as conn:
        return set(conn.execute(select(GatewayWatch.account)).scalars())


def test_a_refund_by_hand_at_an_account_that_its_book_has_left_is_found(desk: Desk):
    order = desk.buy()
    due(desk)
    leave(desk)
    by_hand(desk, order.id, 200)
    desk.clock.move(timedelta(days=1, minutes=1))
    done = due(desk)
    assert (done.busy, done.unread) == (0, 0)
    assert desk.facts(order.id).state == "PART_REFUNDED"


def test_a_paid_order_whose_payment_is_gone_at_an_account_that_its_book_has_left_raises_the_alarm(desk: Desk):
    desk.buy()
    due(desk)
    leave(desk)
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE payments SET account = 'gone'")
    desk.clock.move(timedelta(days=1, minutes=1))
    due(desk)
    assert [each.why for each in waiting(desk)] == ["the gateway does not have this payment"]


def test_the_gate_of_an_account_that_its_book_has_left_opens_like_any_other(desk: Desk):
    desk.buy()
    due(desk)
    leave(desk)
    open_or_close(desk.store, desk.clock, "")
    open_or_close(desk.store, desk.clock, "2")
    for _ in range(3):
        desk.clock.move(timedelta(minutes=20))
        due(desk)
    with desk.store.read() as conn:
        assert LEFT not in closed_accounts(conn)


def test_an_account_that_its_book_left_unused_is_none_of_ours(desk: Desk):
    due(desk)
    assert LEFT.account in watched(desk)
    leave(desk)
    desk.clock.move(timedelta(days=2))
    assert due(desk).busy == 0
    assert "elsewhere" in watched(desk), "its new account is watched all the same"


def test_an_account_without_a_key_that_was_never_used_keeps_its_gate_and_holds_nobody_up(desk: Desk):
    restored(desk)
    keyless = Keyless(desk, LEFT.account)
    done = compare(desk.store, keyless, desk.clock, by=driver_name("compare"), only=[LEFT])
    assert done == Compared()
    with desk.store.read() as conn:
        assert LEFT in closed_accounts(conn)
        assert LEFT not in still_closed(conn, keyless)
        assert LEFT in still_closed(conn, desk.gateways), "once there is a key, it waits for its two readings"


def test_an_account_that_was_never_used_is_compared_and_opens_as_soon_as_it_has_a_key(desk: Desk):
    restored(desk)
    keyless = Keyless(desk, LEFT.account)
    compare_due(desk.store, keyless, desk.clock, by=driver_name("compare"))
    assert due(desk).closed == 1, "at once: nobody put it off while it had none"
    desk.clock.move(timedelta(minutes=20))
    due(desk)
    with desk.store.read() as conn:
        assert closed_accounts(conn) == []


def test_an_account_without_a_key_that_was_used_is_told_as_unread(desk: Desk):
    desk.buy()
    restored(desk)
    done = compare(desk.store, Keyless(desk, LEFT.account), desk.clock, by=driver_name("compare"), only=[LEFT])
    assert (done.unread, done.closed) == (1, 1)
