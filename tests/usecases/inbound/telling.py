"""The sandbox's side of a notice: what happened there, signed and told, once or again, in any order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.charging.drive import driver_name
from app.charging.heard import hear
from app.charging.noticing import Kept, keep_notice, notice_address
from app.charging.orphaned import look_after_orphans
from app.gateways.port import CreatePayment, Gateway, Marks, Notice, PaymentStatus
from app.gateways.sandbox.notices import HEADER, sign_notice
from app.models.orders import Orphan
from app.models.work import Inbox
from tests.usecases.charging.desk import Desk

ACCOUNT = "quillmark-test"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the gateway's own log."""

    id: str
    kind: str
    payment: str | None
    customer: str | None = None
    account: str = ACCOUNT
    livemode: bool = False
    at: int = 0

    @property
    def body(self) -> bytes:
        names = ("id", "kind", "account", "livemode", "at", "payment", "customer")
        return json.dumps({name: getattr(self, name) for name in names}).encode()


def events(desk: Desk) -> list[Event]:
    """Everything that the gateway has to tell so far, oldest first."""
    with desk.sandbox.ledger.read() as c:
        rows = c.execute("SELECT * FROM events ORDER BY seq").fetchall()
    return [
        Event(row["id"], row["kind"], row["payment"], None, row["account"], bool(row["livemode"]), row["at"])
        for row in rows
    ]


@dataclass
class Ears:
    """A desk that hears. ``tell`` is what the door does with a genuine notice, ``hear`` what the worker does."""

    desk: Desk

    @property
    def gateway(self) -> Gateway:
        return self.desk.sandbox.at(ACCOUNT, livemode=False)

    def tell(self, event: Event) -> Kept:
        (secret,) = self.desk.sandbox.notice_secrets(ACCOUNT, livemode=False)
        now = self.desk.clock.now()
        headers = {HEADER: sign_notice(event.body, secret, now)}
        notice = self.gateway.read_notice(headers, event.body, [secret], now)
        assert isinstance(notice, Notice), notice
        with self.desk.store.read() as conn:
            at = notice_address(conn, "sandbox", "quillmark", "test")
        assert at is not None
        return keep_notice(self.desk.store, self.desk.clock, at, notice, event.body)

    def tell_all(self) -> None:
        for event in events(self.desk):
            self.tell(event)

    def tell_of(self, payment: str | None, customer: str | None = None) -> None:
        """Any notice about this payment or this customer's cards."""
        told = self.desk.count(Inbox)
        self.tell(Event(f"evt_{told}", "something.happened", payment, customer))

    def hear(self, *, rung: bool = False, limit: int = 50) -> list[str]:
        desk = self.desk
        return list(
            hear(desk.store, desk.gateways, desk.clock, by=driver_name("worker"), rung=rung, limit=limit)
        )  # fmt: skip

    def look_after(self, limit: int = 50) -> int:
        desk = self.desk
        return look_after_orphans(desk.store, desk.gateways, desk.clock, by=driver_name("worker"), limit=limit)

    def settle_down(self, hours: float = 2) -> None:
        """Workers hear, drive and look after orphans until then; the clock is moved to whatever is due next."""
        clock: Any = self.desk.clock
        until = clock.now() + timedelta(hours=hours)
        while clock.now() < until:
            self.hear()
            self.look_after()
            self.desk.work()
            with self.desk.store.read() as conn:
                due = [conn.execute(select(func.min(table.next_at))).scalar() for table in (Inbox, Orphan)]
            nearest = min([each for each in due if each is not None], default=until)
            clock.at = min(until, max(nearest, clock.now() + timedelta(minutes=1)))

    def inbox(self) -> dict[str, str]:
        with self.desk.store.read() as conn:
            return {row.event_id: row.state for row in conn.execute(select(Inbox.event_id, Inbox.state))}

    def orphan(self, ref: str) -> Any:
        with self.desk.store.read() as conn:
            return conn.execute(select(Orphan).where(Orphan.gw_ref == ref)).one_or_none()

    def orphan_state(self, ref: str) -> str | None:
        row = self.orphan(ref)
        return None if row is None else row.state

    def pay_behind(
        self, marks: Marks, *, amount: int = 500, behaviour: str = "visa_ok", confirm: bool = True, key: str = ""
    ) -> str:
        """A payment under our marks that no driver of ours knows of; its reference."""
        book = self.desk.seeded.book
        token = f"pm_sandbox_{behaviour}-{book}-1001"
        request = CreatePayment(amount, "USD", f"cus_sandbox_{book}_1001", token, marks)
        key = key or f"behind:{marks.attempt}:{len(self.desk.payments())}"
        payment = self.gateway.create_payment(request, key=key).payment
        assert payment is not None
        if confirm:
            answer = self.gateway.confirm_payment(payment.ref, key=f"{key}:confirm", return_url="https://x.example")
            assert answer.payment is not None
            assert answer.payment.status is not PaymentStatus.REQUIRES_CONFIRMATION
        return payment.ref
