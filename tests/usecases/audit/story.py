"""A year of a merchant's in an hour: nearly everything that may happen, through the real use cases, at one gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from app.billing.facts import Change
from app.charging import heard
from app.charging.abandon import abandon
from app.charging.compare import compare
from app.charging.gate import closed_accounts, open_or_close
from app.charging.repair import expire
from app.gateways.port import Answer, AnswerKind, Marks, Reply
from app.gateways.sandbox.adapter import SandboxGateway
from app.gateways.sandbox.cards import Fault
from app.mail import MailError
from app.models.merchants import Book
from app.models.subscriptions import Subscription
from app.offers.revoke import revoke
from app.outbox import deliver_due
from app.subscriptions.undoing import undo_change
from tests.factories import (
    Seeded,
    create_balance,
    create_book,
    create_card,
    create_customer,
    create_merchant,
    create_product,
    create_subscription,
)
from tests.late_capture import take_all_the_same
from tests.older_copy import copy_of, put_back
from tests.usecases.audit.conftest import tell_imports
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.refunds import ask, drive, give_back, heal
from tests.usecases.charging.test_clocks import WrongClock
from tests.usecases.charging.test_compare import comparing
from tests.usecases.inbound.telling import Ears, Event
from tests.usecases.outbox.test_delivering import ListMailer, compose

LESS = Change(quantity=1)
LATER = Change(quantity=3, effective="next_billing")
OLDER_COPY = "an older copy of the database"


@dataclass
class Story:
    """``ahead`` is a second server, whose clock is four minutes ahead. Every order has a subscription of its own."""

    desk: Desk
    patch: pytest.MonkeyPatch
    number: int = 1048

    def __post_init__(self) -> None:
        self.ahead = replace(self.desk, clock=WrongClock(self.desk.clock, timedelta(minutes=4)))
        self.ears = Ears(self.desk)
        with self.desk.store.write() as conn:
            for _ in range(40):
                create_subscription(
                    conn, self.desk.seeded.book, self.desk.seeded.customer, card_id=self.desk.seeded.visa
                )
            tell_imports(conn)
        open_or_close(self.desk.store, self.desk.clock, "")

    def next(self) -> dict[str, Any]:
        """What names one more order: a cart, a link and a subscription."""
        self.number += 1
        return {"checkout": f"c{self.number}", "jti": f"1.{self.number}", "subscription": self.number}

    def buy(self, behaviour: str = "visa_ok", *, at: Desk | None = None, **order: Any) -> Any:
        return (at or self.desk).buy(behaviour, **{**self.next(), **order})

    def move(self, **time: float) -> None:
        self.desk.clock.move(timedelta(**time))  # type: ignore[attr-defined]

    def policy(self, **policy: Any) -> None:
        with self.desk.store.write() as conn:
            conn.execute(update(Book).values(policy=policy, policy_version=Book.policy_version + 1))

    def ref(self, order_id: str, n: int = 1) -> str:
        return self.desk.attempt(f"{order_id}.{n}").gw_ref

    def decide(self, act: str) -> None:
        """The one thing that waits for a person is decided so; it must have been the only one."""
        self.move(minutes=1)
        (matter,) = waiting(self.desk)
        decide(self.desk, matter, act)

    # Chapters, each at one go.

    def purchases(self) -> None:
        self.buy()
        self.buy(at=self.ahead)
        again = self.next()
        self.desk.buy("visa_declined", **again)
        self.ahead.buy(**again)
        asked = self.buy("visa_3ds")
        (challenge,) = [row["challenge"] for row in self.desk.payments() if row["challenge"]]
        self.desk.sandbox.pages.answer_check(challenge, approve=True)
        self.move(minutes=1)
        self.desk.work()
        assert self.desk.facts(asked.id).state == "PAID"
        self.desk.sandbox.controls.fail_next("confirm", Fault.TIMEOUT_AFTER)
        self.buy()
        self.desk.heal(hours=1)

    def abandoned_and_expired(self) -> None:
        left = self.buy("visa_3ds")
        assert abandon(self.desk.store, self.desk.clock, self.desk.seeded.book, left.id)
        self.desk.work()
        late = self.buy("visa_3ds", at=self.ahead)
        self.move(hours=3)
        expire(self.desk.store, self.desk.clock)
        self.desk.work(3)
        expire(self.desk.store, self.desk.clock)
        assert [self.desk.facts(each.id).state for each in (left, late)] == ["EXPIRED", "EXPIRED"]

    def refunds(self) -> None:
        whole, part = self.buy(), self.buy(at=self.ahead)
        give_back(self.desk, whole.id)
        for teller, amount in ((self.desk, 101), (self.ahead, 99), (self.desk, 33)):
            ask(teller, part.id, amount)
        self.desk.sandbox.controls.fail_next("refund", Fault.TIMEOUT_AFTER)
        heal(self.desk, 0.5)
        gateway = self.desk.gateways.of("sandbox", "quillmark-test", livemode=False)
        gateway.refund(self.ref(part.id), amount=7, mark="", key="by-hand")
        comparing(self.desk)
        assert [self.desk.facts(each.id).state for each in (whole, part)] == ["REFUNDED", "PART_REFUNDED"]

    def balances(self) -> None:
        """A change below zero goes back to the card, or to the balance where the card does not take it or policy says so."""
        self.policy(negative="refund")
        closed: Reply[Any] = Reply(AnswerKind.DECLINE, detail="the account is closed")
        for reply in (None, closed):
            self.buy()
            self.less()
            with self.patch.context() as bank:
                if reply is not None:
                    bank.setattr(SandboxGateway, "refund", lambda *_of, told=reply, **_how: told)
                drive(self.desk)
        self.decide("cancel")
        self.policy(negative="credit")
        with self.desk.store.write() as conn:
            create_balance(conn, self.desk.seeded.book, self.desk.seeded.customer, 700)
            tell_imports(conn)
        once = self.buy()
        self.less()
        assert self.desk.facts(once.id).state == "PAID"

    def less(self) -> None:
        self.desk.buy(checkout=f"less{self.number}", change=LESS, subscription=self.number, jti=None)

    def disputes(self) -> None:
        for won in (True, False):
            order = self.buy()
            give_back(self.desk, order.id, 100)
            dispute = self.desk.sandbox.controls.open_dispute(self.ref(order.id))
            comparing(self.desk)
            self.decide("release")
            self.move(days=3)
            self.desk.sandbox.controls.close_dispute(dispute, won=won)
            comparing(self.desk)
            if won:
                give_back(self.desk, order.id, 50)
            assert self.desk.facts(order.id).state == ("PART_REFUNDED" if won else "LOST")

    def orphans(self) -> None:
        order = self.buy("visa_3ds")
        abandon(self.desk.store, self.desk.clock, self.desk.seeded.book, order.id)
        self.desk.work()
        take_all_the_same(self.desk.sandbox, self.ref(order.id))
        comparing(self.desk)
        self.ears.look_after()
        assert self.desk.facts(order.id).state == "PAID"
        self.orphan(Marks("gone", "gone.1"))
        self.decide("release")
        self.ears.look_after()
        self.decide("refund")
        self.ears.pay_behind(Marks("lost", "lost.1"), confirm=False)
        self.policy(orphan_capture="refund")
        self.orphan(Marks("gone", "gone.2"))
        self.ears.settle_down(hours=26)
        assert waiting(self.desk) == []

    def orphan(self, marks: Marks) -> None:
        self.ears.tell_of(self.ears.pay_behind(marks))
        self.ears.hear()
        self.ears.look_after()

    def waiting_attempts(self) -> None:
        for act in ("adopt", "refund"):
            placed = self.desk.place(self.desk.order(**self.next()))
            with self.desk.store.write() as conn:
                self._bump(conn, 1)
            self.desk.drive(placed.attempt_id)
            with self.desk.store.write() as conn:
                self._bump(conn, -1)
            self.decide(act)
        self.buy("visa_3ds")
        self.move(seconds=30)
        with self.patch.context() as gateway:
            gateway.setattr(SandboxGateway, "read_payment", lambda *_: Answer(AnswerKind.BUG, detail="no such field"))
            self.desk.work()
        self.decide("cancel")
        with self.patch.context() as gateway:
            for verb in ("confirm_payment", "read_payment", "cancel_payment"):
                gateway.setattr(SandboxGateway, verb, lambda *_a, **_k: Answer(AnswerKind.UNKNOWN))
            self.buy()
            self.desk.heal(hours=26)
            expire(self.desk.store, self.desk.clock)
        self.decide("release")
        with self.patch.context() as gateway:
            gateway.setattr(SandboxGateway, "create_payment", lambda *_a, **_k: Answer(AnswerKind.BUG_OR_GONE))
            self.buy()
        self.decide("cancel")

    def _bump(self, conn: Connection, by: int) -> None:
        """Somebody else changes the subscription of the last order while its bank answers, and back."""
        mine = (Subscription.book_id == self.desk.seeded.book) & (Subscription.number == self.number)
        conn.execute(update(Subscription).where(mine).values(version=Subscription.version + by))

    def waiting_refunds(self) -> None:
        for kind, act in ((AnswerKind.BUG, "release"), (AnswerKind.DECLINE, "refund"), (AnswerKind.DECLINE, "cancel")):
            order = self.buy()
            with self.patch.context() as gateway:
                answer: Reply[Any] = Reply(kind, detail="the account is closed")
                gateway.setattr(SandboxGateway, "refund", lambda *_of, told=answer, **_how: told)
                ask(self.desk, order.id, 200)
                drive(self.desk)
            self.decide(act)
            heal(self.desk, 0.5)
        order = self.buy()
        give_back(self.desk, order.id, 200)

    def mails_and_notices(self) -> None:
        self.buy()
        for act in ("release", "cancel"):
            refusing = ListMailer(MailError("mail_refused", "no such mailbox"))
            deliver_due(self.desk.store, refusing, self.desk.clock, compose=compose, by="worker")
            self.decide(act)
            deliver_due(self.desk.store, ListMailer(), self.desk.clock, compose=compose, by="worker", limit=500)
            if act == "release":
                self.buy()
        for act in ("release", "cancel"):
            with self.patch.context() as ill:
                ill.setattr(heard, "look_at_payment", _raises)
                self.ears.tell(Event(f"evt_{act}", "payment.succeeded", "pay_poison"))
                for _ in range(len(heard.STEPS) + 2):
                    self.ears.hear()
                    self.move(days=2)
            self.decide(act)
            self.ears.hear()
        self.ears.tell_all()
        self.ears.settle_down(hours=1)

    def scheduled_and_undone(self) -> None:
        for undone in (True, False):
            name = self.next() | {"jti": None}
            placed = self.desk.place(self.desk.order(**name, change=LATER, changes=(LATER,)))
            if undone:
                with self.desk.store.read() as conn:
                    which = select(Subscription.id).where(Subscription.number == self.number)
                    subscription = conn.execute(which).scalar_one()
                book = self.desk.seeded.book
                assert undo_change(self.desk.store, self.ahead.clock, book, subscription, actor="dana")
            assert self.desk.facts(placed.order_id).outcome == "registered"

    def revoked(self) -> None:
        book = self.desk.seeded.book
        assert revoke(self.desk.store, self.desk.clock, book, "customer", "1001", reason="asked", actor="maria")

    def another_merchant(self) -> None:
        with self.desk.store.write() as conn:
            merchant = create_merchant(conn, code="northpress", name="North Press")
            book = create_book(conn, merchant, gateway_account="northpress-test")
            create_product(conn, book)
            customer = create_customer(conn, book)
            card = create_card(conn, book, customer)
            subscription = create_subscription(conn, book, customer, card_id=card)
            tell_imports(conn)
        theirs = Seeded(merchant, book, book, customer, card, card, card, subscription)
        north = replace(self.desk, seeded=theirs)
        order = north.buy(account="northpress-test")
        give_back(north, order.id, 200)
        assert north.facts(order.id).state == "PART_REFUNDED"

    def restored(self) -> None:
        """What came after the copy is at the gateway alone: an end, an order, a refund."""
        desk = self.desk
        refunded, begun = self.buy(), desk.place(desk.order(**self.next()))
        copy = copy_of(desk.store)
        desk.drive(begun.attempt_id)
        give_back(desk, refunded.id, 123)
        lost = self.buy()
        assert [desk.facts(each).state for each in (begun.order_id, lost.id)] == ["PAID", "PAID"]
        put_back(desk.store, copy)
        assert open_or_close(desk.store, desk.clock, "2") == "restore_epoch"
        for _ in range(4):
            self.move(minutes=20)
            desk.work()
            compare(desk.store, desk.gateways, desk.clock, by="worker")
            self.ears.look_after()
            drive(desk)
        with desk.store.read() as conn:
            assert closed_accounts(conn) == []
        assert [desk.facts(each).state for each in (begun.order_id, refunded.id)] == ["PAID", "PART_REFUNDED"]
        self.ears.settle_down(hours=26)


def _raises(*_: object) -> str:
    raise RuntimeError("a handler's bug")


CHAPTERS: tuple[Callable[[Story], None], ...] = (
    Story.purchases, Story.abandoned_and_expired, Story.refunds, Story.disputes, Story.waiting_attempts,
    Story.waiting_refunds, Story.orphans, Story.mails_and_notices, Story.scheduled_and_undone, Story.another_merchant,
    Story.restored, Story.balances, Story.revoked,
)  # fmt: skip
