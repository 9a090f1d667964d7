"""Guards that nothing else notices when they are gone: each test here fails without one line of the protocol."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from app.billing.facts import Change
from app.charging.compare import Compared, compare
from app.charging.drive import driver_name
from app.charging.gate import Account, closed_accounts, open_or_close
from app.charging.leftovers import cancel_leftovers
from app.charging.refunding import ask_refund, drive_refunds, state_of
from app.charging.watching import begin_watching, take
from app.gateways.port import CreatePayment, Marks
from app.gateways.sandbox.cards import Fault
from app.jobs.reconciling import Tools, reconcile
from app.mail import FileMailer
from app.models.leases import CLOCKS_DIFFER
from app.models.orders import Attempt, Dispute, Order, Refund
from app.models.work import GatewayWatch
from app.subscriptions.refundable import refundable, shares
from tests.usecases.charging.desk import Desk

ACCOUNT = Account("sandbox", "quillmark-test", False)


def shut(desk: Desk) -> None:
    open_or_close(desk.store, desk.clock, "")
    assert open_or_close(desk.store, desk.clock, "2") == "restore_epoch"


def compared(desk: Desk) -> Compared:
    return compare(desk.store, desk.gateways, desk.clock, by=driver_name("test"), only=[ACCOUNT])


def is_closed(desk: Desk) -> bool:
    with desk.store.read() as conn:
        return ACCOUNT in closed_accounts(conn)


class TestGate:
    """A call that was lost with the restore may still act: the second reading must come later than that (I49)."""

    def late(self, desk: Desk) -> timedelta:
        """By the clocks of two who compare."""
        return desk.sandbox.at("quillmark-test", livemode=False).capabilities.late_effect_max + CLOCKS_DIFFER

    def test_a_second_comparison_too_soon_does_not_open_it(self, desk: Desk):
        shut(desk)
        assert compared(desk).closed == 1
        desk.clock.move(self.late(desk) - timedelta(seconds=1))
        assert (compared(desk).opened, is_closed(desk)) == (0, True)

    def test_one_after_the_last_late_effect_opens_it(self, desk: Desk):
        shut(desk)
        compared(desk)
        desk.clock.move(self.late(desk))
        assert (compared(desk).opened, is_closed(desk)) == (1, False)

    def test_the_wait_counts_from_the_first_comparison_and_not_from_one_before_the_restore(self, desk: Desk):
        compared(desk)
        desk.clock.move(timedelta(hours=3))
        shut(desk)
        assert compared(desk).opened == 0

    def test_behind_it_no_leftover_is_cancelled(self, desk: Desk):
        card = desk.card()
        gateway = desk.sandbox.at("quillmark-test", livemode=False)
        asked = CreatePayment(500, "USD", card.gateway_customer, card.token, Marks("lost", "lost.1", ""))
        assert gateway.create_payment(asked, key="lost.1:create:0").payment is not None
        desk.clock.move(timedelta(hours=25))
        shut(desk)
        assert cancel_leftovers(desk.store, desk.gateways, desk.clock) == 0
        assert desk.payments()[0]["status"] == "requires_confirmation"
        with desk.store.write() as conn:
            conn.execute(update(GatewayWatch).values(gate="OPEN"))
        assert cancel_leftovers(desk.store, desk.gateways, desk.clock) == 1


class TestRefunds:
    def test_one_of_unknown_end_is_not_sent_again_before_the_last_try_can_no_longer_act(self, desk: Desk):
        order = desk.buy()
        refund = ask_refund(desk.store, desk.clock, desk.seeded.book, order.id, 200, reason="", actor="test")
        desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_BEFORE)
        drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
        late = desk.sandbox.at("quillmark-test", livemode=False).capabilities.late_effect_max
        sent_at = state_of(desk.store, refund).lease_until
        assert sent_at is not None
        for wait in (timedelta(minutes=1), late, late + CLOCKS_DIFFER - timedelta(seconds=1)):
            desk.clock.at = max(desk.clock.at, sent_at + wait)  # type: ignore[attr-defined]
            self.make_due(desk, refund)
            drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
            assert len(desk.requests("refund")) == 1
        desk.clock.at = sent_at + late + CLOCKS_DIFFER  # type: ignore[attr-defined]
        self.make_due(desk, refund)
        drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
        assert (len(desk.requests("refund")), state_of(desk.store, refund).state) == (2, "SUCCEEDED")

    def make_due(self, desk: Desk, refund: str) -> None:
        with desk.store.write() as conn:
            conn.execute(update(Refund).where(Refund.id == refund).values(next_at=desk.clock.now()))


class TestRefundable:
    """Two captures of one subscription, 500 each: an older and a newer one."""

    @pytest.fixture
    def captured(self, desk: Desk) -> tuple[str, str]:
        older = desk.buy()
        desk.clock.move(timedelta(days=1))
        newer = desk.buy(checkout="c2", change=Change(quantity=3, unit_price=800), jti=None)
        return older.id, newer.id

    def found(self, desk: Desk) -> list[str]:
        with desk.store.read() as conn:
            return [one.order_id for one in refundable(conn, desk.seeded.book, desk.seeded.subscription, "USD")]

    def test_a_part_goes_to_the_newest_capture_alone(self, desk: Desk, captured: tuple[str, str]):
        older, newer = captured
        with desk.store.read() as conn:
            found = refundable(conn, desk.seeded.book, desk.seeded.subscription, "USD")
        assert [one.order_id for one in found] == [newer, older]
        assert [(share.capture.order_id, share.amount) for share in shares(found, 100)] == [(newer, 100)]

    def test_the_newest_is_by_when_it_was_paid_whatever_the_ids_say(self, desk: Desk, captured: tuple[str, str]):
        older, newer = captured
        with desk.store.write() as conn:
            at: dict[str, datetime] = {
                row.id: row.paid_at for row in conn.execute(select(Order.id, Order.paid_at)).all()
            }
            conn.execute(update(Order).where(Order.id == older).values(paid_at=at[newer]))
            conn.execute(update(Order).where(Order.id == newer).values(paid_at=at[older]))
        assert self.found(desk) == [older, newer]

    @pytest.mark.parametrize(("state", "gives"), [("OPEN", False), ("LOST", False), ("WON", True)])
    def test_a_capture_in_a_dispute_or_lost_in_one_gives_nothing_back(
        self, desk: Desk, captured: tuple[str, str], state: str, gives: bool
    ):
        older, newer = captured
        with desk.store.write() as conn:
            attempt = conn.execute(select(Attempt).where(Attempt.order_id == newer)).mappings().one()
            conn.execute(
                insert(Dispute),
                {
                    "gateway": "sandbox", "account": "quillmark-test", "gw_ref": "dp_1", "book_id": desk.seeded.book,
                    "order_id": newer, "attempt_id": attempt["id"], "amount": 500, "currency": "USD", "state": state,
                    "opened_at": desk.clock.now(),
                },
            )  # fmt: skip
        assert self.found(desk) == ([newer, older] if gives else [older])


def test_an_account_that_somebody_else_compares_is_not_done(desk: Desk, tmp_path: Path):
    tools = Tools(desk.store, desk.gateways, desk.clock, FileMailer(tmp_path, desk.clock), lambda _row: None)  # type: ignore[arg-type,return-value]
    with desk.store.write() as conn:
        begin_watching(conn, desk.clock.now())
        assert take(conn, ACCOUNT, "another-1", desk.clock.now()) is not None
    done = reconcile(tools, seconds=60)
    assert (done.unread, done.is_done) == (1, False)
    desk.clock.move(timedelta(minutes=16))
    again = reconcile(tools, seconds=60)
    assert (again.unread, again.is_done) == (0, True)
