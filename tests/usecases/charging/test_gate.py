"""An older copy of the database takes no money until the gateway's books were read twice (I49)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from app.charging.drive import driver_name
from app.charging.errors import ChargingError
from app.charging.gate import Account, closed_accounts, open_or_close
from app.charging.place import order_id_of
from app.charging.refunding import RefundRefused, ask_refund, drive_refunds
from app.gateways.port import CreatePayment, Marks
from app.models.orders import Attempt, Refund, Transition
from app.models.work import GatewayWatch, InstallationFact
from tests.older_copy import copy_of, put_back, reopened
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.refunds import at_gateway, give_back

ACCOUNT = Account("sandbox", "quillmark-test", False)


def closed(desk: Desk) -> list[Account]:
    with desk.store.read() as conn:
        return closed_accounts(conn)


def shut(desk: Desk) -> None:
    open_or_close(desk.store, desk.clock, "")
    assert open_or_close(desk.store, desk.clock, "2") == "restore_epoch"


def test_the_first_start_notes_its_epoch_and_closes_nothing(desk: Desk):
    assert open_or_close(desk.store, desk.clock, "7") == ""
    assert open_or_close(desk.store, desk.clock, "7") == ""
    assert closed(desk) == []


def test_another_epoch_closes_every_account_once(desk: Desk):
    open_or_close(desk.store, desk.clock, "")
    assert open_or_close(desk.store, desk.clock, "2") == "restore_epoch"
    assert ACCOUNT in closed(desk)
    assert open_or_close(desk.store, desk.clock, "2") == ""


def test_no_epoch_says_nothing_about_the_one_that_is_noted(desk: Desk):
    open_or_close(desk.store, desk.clock, "2")
    assert open_or_close(desk.store, desk.clock, "") == ""
    assert open_or_close(desk.store, desk.clock, "2") == ""
    assert closed(desk) == []


def test_behind_a_closed_gate_no_order_is_placed_and_nothing_is_asked(desk: Desk):
    shut(desk)
    with pytest.raises(ChargingError) as refused:
        desk.place()
    assert refused.value.code == "charging_closed"
    assert (desk.requests(), desk.uses()) == ([], 0)


def test_behind_a_closed_gate_an_open_attempt_is_only_read(desk: Desk):
    placed = desk.place()
    shut(desk)
    desk.heal(hours=3)
    assert desk.requests() == []
    assert desk.facts(placed.order_id).last.state in ("CREATED", "CANCELLING")


def test_money_that_is_there_is_settled_behind_a_closed_gate(desk: Desk):
    order = desk.buy("visa_3ds")
    desk.sandbox.pages.answer_check(desk.payments()[-1]["challenge"], approve=True)
    shut(desk)
    made = len(desk.requests())
    desk.clock.move(timedelta(minutes=1))
    desk.work()
    assert desk.facts(order.id).state == "PAID"
    assert len(desk.requests()) == made
    desk.check()


def test_an_attempt_from_before_the_restore_lists_before_it_creates(desk: Desk):
    """TX2 and TX3 are lost with the backup, and the gateway forgot the key: the object is found all the same."""
    order = desk.buy("visa_3ds")
    desk.sandbox.pages.answer_check(desk.payments()[-1]["challenge"], approve=True)
    desk.sandbox.controls.expire_keys()
    with desk.store.write() as conn:
        lost = {"state": "CREATED", "gw_ref": None, "lease_by": None, "lease_until": None, "next_at": desk.clock.now()}
        conn.execute(update(Attempt).values(**lost))
        conn.execute(delete(Transition).where(Transition.kind == "attempt", Transition.to_state != "CREATED"))
    shut(desk)
    with desk.store.write() as conn:
        conn.execute(update(GatewayWatch).values(gate="OPEN"))
    desk.work()
    assert desk.facts(order.id).state == "PAID"
    assert (desk.captures(), len(desk.payments())) == ([500], 1)
    desk.check()


def test_a_button_from_before_the_restore_takes_no_money_twice(desk: Desk):
    """It was pressed and paid for; order and attempt are lost with the backup, and the gateway forgot the key."""
    order = order_id_of(desk.seeded.book, "checkout-1")
    card, gateway = desk.card(), desk.sandbox.at("quillmark-test", livemode=False)
    asked = CreatePayment(500, "USD", card.gateway_customer, card.token, Marks(order, f"{order}.1", ""))
    made = gateway.create_payment(asked, key=f"{order}.1:create:0").payment
    assert made is not None
    gateway.confirm_payment(made.ref, key=f"{order}.1:confirm:0", return_url="https://shop.example/return")
    desk.sandbox.controls.expire_keys()
    shut(desk)
    with desk.store.write() as conn:
        conn.execute(update(GatewayWatch).values(gate="OPEN"))
    desk.clock.move(timedelta(minutes=5))
    assert desk.buy(checkout="checkout-1").state == "PAID"
    assert (desk.captures(), len(desk.payments())) == ([500], 1)
    desk.check()


class TestRefunds:
    """A refund that was sent after the copy was made must not be sent twice."""

    def test_behind_a_closed_gate_no_refund_is_sent(self, desk: Desk):
        order = desk.buy()
        ask_refund(desk.store, desk.clock, desk.seeded.book, order.id, 200, reason="", actor="test")
        shut(desk)
        drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
        assert desk.requests("refund") == []

    def test_one_from_before_the_restore_is_looked_for_before_it_is_sent(self, desk: Desk):
        order = desk.buy()
        refund = ask_refund(desk.store, desk.clock, desk.seeded.book, order.id, 200, reason="", actor="test")
        ref = desk.payments()[0]["id"]
        desk.sandbox.at("quillmark-test", livemode=False).refund(ref, amount=200, mark=refund, key="forgotten")
        shut(desk)
        with desk.store.write() as conn:
            conn.execute(update(GatewayWatch).values(gate="OPEN"))
        drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
        assert desk.facts(order.id).state == "PART_REFUNDED"
        assert len(desk.requests("refund")) == 1

    def test_one_written_under_a_clock_that_is_ahead_is_looked_for_as_well(self, desk: Desk):
        order = desk.buy()
        refund = ask_refund(desk.store, desk.clock, desk.seeded.book, order.id, 200, reason="", actor="test")
        desk.sandbox.at("quillmark-test", livemode=False).refund(
            desk.payments()[0]["id"], amount=200, mark=refund, key="forgotten"
        )
        shut(desk)
        with desk.store.write() as conn:
            conn.execute(update(GatewayWatch).values(gate="OPEN", closed_at=desk.clock.now() - timedelta(minutes=9)))
        drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
        assert desk.facts(order.id).state == "PART_REFUNDED"
        assert len(desk.requests("refund")) == 1

    def test_behind_a_closed_gate_none_is_promised(self, desk: Desk):
        order = desk.buy()
        shut(desk)
        with pytest.raises(RefundRefused) as refused:
            ask_refund(desk.store, desk.clock, desk.seeded.book, order.id, 200, reason="", actor="test")
        assert (refused.value.code, desk.count(Refund)) == ("charging_closed", 0)

    def test_what_was_given_back_before_the_restore_is_known_before_anybody_can_ask_again(self, desk: Desk):
        order = desk.buy()
        open_or_close(desk.store, desk.clock, "")
        older = copy_of(desk.store)
        lost = give_back(desk, order.id, 200).id
        put_back(desk.store, older)
        desk.sandbox.controls.expire_keys()
        reopened(desk.store, desk.gateways, desk.clock)
        assert give_back(desk, order.id, 300).state == "SUCCEEDED"
        assert at_gateway(desk) == [(lost, 200), (f"{order.id}.r2", 300)]
        assert desk.facts(order.id).state == "REFUNDED"

    @pytest.mark.parametrize("amount", [200, 300])
    def test_one_of_a_payment_from_before_the_restore_is_looked_for_however_late_it_was_written(
        self, desk: Desk, amount: int
    ):
        """What was lost has the id that the new one was given."""
        order = desk.buy()
        refund, payment = f"{order.id}.r1", desk.payments()[0]["id"]
        desk.sandbox.at("quillmark-test", livemode=False).refund(payment, amount=200, mark=refund, key="forgotten")
        shut(desk)
        with desk.store.write() as conn:
            conn.execute(update(GatewayWatch).values(gate="OPEN"))
        desk.clock.move(timedelta(hours=1))
        assert ask_refund(desk.store, desk.clock, desk.seeded.book, order.id, amount, reason="", actor="test") == refund
        drive_refunds(desk.store, desk.gateways, desk.clock, by=driver_name("test"))
        assert at_gateway(desk) == [(refund, 200)]


class TestMarks:
    """SQLite has no timeline: a file beside it says which marks the database may hold."""

    def start(self, desk: Desk, file: Path) -> str:
        return open_or_close(desk.store, desk.clock, mark_file=file, renew=True)

    def restore(self, desk: Desk, mark: str) -> None:
        with desk.store.write() as conn:
            of = InstallationFact.name == "database_mark"
            conn.execute(update(InstallationFact).where(of).values(value=mark))

    def mark(self, desk: Desk) -> str:
        with desk.store.read() as conn:
            return conn.execute(
                select(InstallationFact.value).where(InstallationFact.name == "database_mark")
            ).scalar_one()

    def test_start_after_start_closes_nothing(self, desk: Desk, tmp_path: Path):
        assert [self.start(desk, tmp_path / "mark") for _ in range(4)] == [""] * 4
        assert closed(desk) == []

    def test_an_older_copy_is_noticed(self, desk: Desk, tmp_path: Path):
        self.start(desk, tmp_path / "mark")
        old = self.mark(desk)
        self.start(desk, tmp_path / "mark")
        self.start(desk, tmp_path / "mark")
        self.restore(desk, old)
        assert self.start(desk, tmp_path / "mark") == "database_mark"
        assert ACCOUNT in closed(desk)
        assert self.start(desk, tmp_path / "mark") == ""

    def test_a_copy_laid_into_an_empty_folder_is_noticed(self, desk: Desk, tmp_path: Path):
        self.start(desk, tmp_path / "mark")
        (tmp_path / "mark").unlink()
        assert self.start(desk, tmp_path / "mark") == "database_mark"

    def test_a_death_between_file_and_commit_is_no_restore(self, desk: Desk, tmp_path: Path):
        self.start(desk, tmp_path / "mark")
        old = self.mark(desk)
        self.start(desk, tmp_path / "mark")
        self.restore(desk, old)  # the file was written, the commit was not
        assert self.start(desk, tmp_path / "mark") == ""
