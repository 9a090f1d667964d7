"""Section 9 of the protocol, cell by cell: our row × the gateway's object → what comparing both does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from app.charging.compare import Compared, compare, compare_due
from app.charging.compare_disputes import compare_disputes
from app.charging.desk import matters
from app.charging.desk_acts import resolve
from app.charging.drive import driver_name
from app.charging.gate import Account
from app.charging.observing import Watch
from app.charging.orphaned import look_after_orphans
from app.gateways.port import PaymentStatus
from app.gateways.sandbox import Fault
from app.kit.faults import install_plan
from app.models.links import LinkUse
from app.models.orders import Attempt, Consent, Order, Orphan, Transition
from app.models.work import GatewayWatch, Outbox
from tests.usecases.charging.desk import Desk

ACCOUNT = Account("sandbox", "quillmark-test", False)
STATUSES = [*PaymentStatus, None]
OPEN = ("CREATED", "INTENT", "UNKNOWN", "REQUIRES_ACTION", "CANCELLING")
NOTHING = "nothing"


class Killed(BaseException):
    """Stands for SIGKILL."""


def comparing(desk: Desk, **how: Any) -> Compared:
    return compare(desk.store, desk.gateways, desk.clock, by=driver_name("compare"), only=[ACCOUNT], **how)


def began(desk: Desk, behaviour: str) -> str:
    """An order whose driver died before it confirmed: an object without money, and a row that knows it."""

    def die(name: str) -> None:
        if name == "C5":
            raise Killed

    install_plan(die)
    try:
        with pytest.raises(Killed):
            desk.buy(behaviour)
    finally:
        install_plan(None)
    desk.clock.move(timedelta(seconds=61))
    return desk.facts_of_first().id


def gateway_says(desk: Desk, status: PaymentStatus | None) -> None:
    """The object as the cell has it, with the capture that belongs to it."""
    with desk.sandbox.ledger.write() as c:
        row = c.execute("SELECT * FROM payments").fetchone()
        if status is None:
            c.execute("UPDATE payments SET account = 'gone'")
            return
        c.execute("UPDATE payments SET status = ?", (status.value,))
        if status is PaymentStatus.SUCCEEDED:
            c.execute(
                "INSERT INTO captures (id, payment, amount, currency, order_mark, attempt, at) VALUES ('cap_1',?,?,?,?,?,?)",
                (row["id"], row["amount"], row["currency"], row["order_mark"], row["attempt"], row["created_at"]),
            )
        if status is PaymentStatus.REQUIRES_ACTION:
            c.execute("UPDATE payments SET challenge = 'check_1', return_url = 'https://shop.example/return'")
        if status is PaymentStatus.PROCESSING:
            later = (desk.clock.now() + timedelta(days=2)).timestamp() * 1_000_000
            c.execute("UPDATE payments SET resolves_at = ?", (int(later),))


def row_is(desk: Desk, state: str | None) -> None:
    """Our side as the cell has it, as if it had come there by itself."""
    now = desk.clock.now()
    with desk.store.write() as conn:
        if state is None:
            for table in (Consent, Attempt, LinkUse, Transition, Order):
                conn.execute(delete(table))
            return
        values: dict[str, Any] = {"state": state, "next_at": now + timedelta(hours=1), "lease_by": None}
        if state == "CREATED":
            values["gw_ref"] = None
        if state in ("DECLINED", "CANCELLED", "SUCCEEDED"):
            values |= {"next_at": None, "settled_at": now}
        conn.execute(update(Attempt).values(values))
        conn.execute(
            update(Transition)
            .where(Transition.kind == "attempt", Transition.to_state == "INTENT")
            .values(to_state=state)
        )
        if state == "SUCCEEDED":
            conn.execute(update(Order).values(state="PAID", outcome="paid", paid_at=now))


def outcome(desk: Desk) -> str:
    """What is there afterwards, in one word for each side."""
    with desk.store.read() as conn:
        ours = conn.execute(select(Attempt.state)).scalar() or "none"
        orphan = conn.execute(select(Orphan.state)).scalar()
        alarms = conn.execute(
            select(Outbox.kind).where(Outbox.kind.in_(("attempt.contradicted", "orphan.found", "attempt.quarantined")))
        ).scalars()
        alarm = " alarm" if list(alarms) else ""
    with desk.sandbox.ledger.read() as c:
        theirs = c.execute("SELECT status, account FROM payments").fetchone()
    status = "none" if theirs["account"] == "gone" else theirs["status"]
    return f"{ours} {status}" + (f" orphan {orphan}" if orphan else "") + alarm


S = PaymentStatus
CONFIRM, ACTION, METHOD, PROCESSING, SUCCEEDED, CANCELED = (
    S.REQUIRES_CONFIRMATION, S.REQUIRES_ACTION, S.REQUIRES_PAYMENT_METHOD, S.PROCESSING, S.SUCCEEDED, S.CANCELED,
)  # fmt: skip
SETTLED, DECLINED, CANCELLED = "SUCCEEDED succeeded", "DECLINED canceled", "CANCELLED canceled"
DONE_WITHOUT = "CANCELLED canceled"
CELLS: dict[tuple[str | None, PaymentStatus | None], str] = {
    # A lost commit: nobody has this object any more. Unconfirmed ones are cancelled an hour later (next test).
    (None, None): "none none",
    (None, CONFIRM): "none requires_confirmation orphan FOUND alarm",
    (None, ACTION): "none requires_action orphan FOUND alarm",
    (None, METHOD): "none requires_payment_method orphan FOUND alarm",
    (None, PROCESSING): "none processing orphan FOUND alarm",
    (None, SUCCEEDED): "none succeeded orphan FOUND alarm",
    (None, CANCELED): "none canceled",
    # Without a reference: the driver finds it, by its key or by the list.
    ("CREATED", CONFIRM): SETTLED,
    ("CREATED", ACTION): "REQUIRES_ACTION requires_action",
    ("CREATED", METHOD): DECLINED,
    ("CREATED", PROCESSING): "INTENT processing",
    ("CREATED", SUCCEEDED): SETTLED,
    ("CREATED", CANCELED): CANCELLED,
    **{
        (state, status): found
        for state in ("INTENT", "UNKNOWN")
        for status, found in {
            None: "QUARANTINED none alarm", CONFIRM: SETTLED, ACTION: "REQUIRES_ACTION requires_action",
            METHOD: DECLINED, PROCESSING: f"{state} processing", SUCCEEDED: SETTLED, CANCELED: CANCELLED,
        }.items()
    },
    ("REQUIRES_ACTION", None): "QUARANTINED none alarm",
    ("REQUIRES_ACTION", CONFIRM): SETTLED,
    ("REQUIRES_ACTION", ACTION): "REQUIRES_ACTION requires_action",
    ("REQUIRES_ACTION", METHOD): DECLINED,
    ("REQUIRES_ACTION", PROCESSING): "REQUIRES_ACTION processing",
    ("REQUIRES_ACTION", SUCCEEDED): SETTLED,
    ("REQUIRES_ACTION", CANCELED): CANCELLED,
    ("CANCELLING", None): "CANCELLED none",
    ("CANCELLING", CONFIRM): DONE_WITHOUT,
    ("CANCELLING", ACTION): DONE_WITHOUT,
    ("CANCELLING", METHOD): DONE_WITHOUT,
    ("CANCELLING", PROCESSING): "CANCELLING processing",
    ("CANCELLING", SUCCEEDED): SETTLED,
    ("CANCELLING", CANCELED): DONE_WITHOUT,
    **{
        (state, status): found
        for state in ("DECLINED", "CANCELLED")
        for status, found in {
            None: f"{state} none", CONFIRM: f"{state} requires_confirmation orphan FOUND alarm",
            ACTION: f"{state} requires_action orphan FOUND alarm", METHOD: f"{state} requires_payment_method",
            PROCESSING: f"{state} processing orphan FOUND alarm", SUCCEEDED: f"{state} succeeded orphan FOUND alarm",
            CANCELED: f"{state} canceled",
        }.items()
    },
    **{("SUCCEEDED", status): f"SUCCEEDED {status.value} alarm" for status in PaymentStatus},
    ("SUCCEEDED", SUCCEEDED): SETTLED,
    ("SUCCEEDED", None): "SUCCEEDED none alarm",
    **{("QUARANTINED", status): f"QUARANTINED {status.value}" for status in PaymentStatus},
    ("QUARANTINED", None): "QUARANTINED none",
}  # fmt: skip


@pytest.mark.parametrize(("cell", "found"), CELLS.items(), ids=lambda value: str(value))
def test_each_cell_of_the_recovery_table(desk: Desk, cell: tuple[str | None, PaymentStatus | None], found: str):
    state, status = cell
    began(desk, "visa_ok")
    gateway_says(desk, status)
    row_is(desk, state)
    comparing(desk)
    assert outcome(desk) == found
    again = comparing(desk)
    assert outcome(desk) == found, "a second comparison changes nothing more"
    assert again.unread == 0


def test_the_table_has_every_cell():
    states = (None, *OPEN, "DECLINED", "CANCELLED", "SUCCEEDED", "QUARANTINED")
    missing = {(state, status) for state in states for status in STATUSES} - set(CELLS)
    assert missing == {("CREATED", None)}  # not a difference: the object is yet to be made, the sweep makes it


# An object that waits for another card is harmless where it stands, once its attempt is closed.
@pytest.mark.parametrize(
    ("state", "status"),
    [(None, METHOD), *[(state, status) for state in (None, "DECLINED", "CANCELLED") for status in (CONFIRM, ACTION)]],
)
def test_what_nobody_will_confirm_is_cancelled_at_the_gateway(desk: Desk, state: str | None, status: PaymentStatus):
    began(desk, "visa_ok")
    gateway_says(desk, status)
    row_is(desk, state)
    comparing(desk)
    desk.clock.move(timedelta(hours=2))
    look_after_orphans(desk.store, desk.gateways, desk.clock, by="test")
    assert outcome(desk).split()[1:4] == ["canceled", "orphan", "CANCELLED"]


@pytest.mark.parametrize("state", ["DECLINED", "CANCELLED"])
def test_money_under_a_closed_attempt_of_an_open_order_is_adopted(desk: Desk, state: str):
    began(desk, "visa_ok")
    gateway_says(desk, SUCCEEDED)
    row_is(desk, state)
    comparing(desk)
    look_after_orphans(desk.store, desk.gateways, desk.clock, by="test")
    assert outcome(desk) == "SUCCEEDED succeeded orphan ADOPTED alarm"
    assert desk.facts_of_first().state == "PAID"


def test_money_under_a_closed_attempt_of_a_closed_order_goes_to_a_person(desk: Desk):
    began(desk, "visa_ok")
    gateway_says(desk, SUCCEEDED)
    row_is(desk, "CANCELLED")
    with desk.store.write() as conn:
        conn.execute(update(Order).values(state="EXPIRED"))
    comparing(desk)
    look_after_orphans(desk.store, desk.gateways, desk.clock, by="test")
    assert outcome(desk) == "CANCELLED succeeded orphan PERSON alarm"


@pytest.mark.parametrize(
    "change", ["amount = 499", "currency = 'EUR'", "customer = 'cus_sandbox_other'", "payment_method = 'pm_other'"]
)
def test_an_open_attempt_whose_object_is_about_other_money_is_quarantined(desk: Desk, change: str):
    began(desk, "visa_ok")
    with desk.sandbox.ledger.write() as c:
        c.execute(f"UPDATE payments SET {change}")
    comparing(desk)
    assert outcome(desk).startswith("QUARANTINED requires_confirmation")


def test_a_paid_attempt_whose_object_is_about_other_money_raises_the_alarm(desk: Desk):
    desk.buy()
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE payments SET customer = 'cus_sandbox_other'")
    comparing(desk)
    assert outcome(desk) == "SUCCEEDED succeeded alarm"


def test_an_attempt_made_after_the_watermark_on_an_older_order_is_looked_at(desk: Desk):
    order = desk.buy("visa_declined")
    desk.clock.move(timedelta(days=2))
    comparing(desk)
    desk.clock.move(timedelta(hours=3))
    with desk.store.write() as conn:  # as a renewal is tried again under its order
        conn.execute(update(Order).values(valid_until=desk.clock.now() + timedelta(hours=1)))
        made = desk.clock.now()
        values = {"state": "SUCCEEDED", "gw_ref": "pay_sandbox_vanished", "created_at": made, "settled_at": made}
        conn.execute(update(Attempt).values(**values))
        conn.execute(update(Order).values(state="PAID", outcome="paid", paid_at=made))
    desk.clock.move(timedelta(hours=1))
    assert comparing(desk).differed == 1
    assert desk.outbox("event").count("attempt.contradicted") == 1
    assert desk.facts(order.id).state == "PAID"  # that is for a person


def test_each_different_contradiction_of_a_paid_attempt_comes_before_a_person_once(desk: Desk):
    desk.buy()

    def differ(what: str) -> list[str]:
        with desk.sandbox.ledger.write() as c:
            c.execute(f"UPDATE payments SET {what}")
        comparing(desk)
        comparing(desk)
        with desk.store.read() as conn:
            return [each.why for each in matters(conn, desk.clock.now())]

    (first,) = differ("customer = 'cus_sandbox_other'")
    assert "customer is cus_sandbox_other" in first
    resolving = Watch(desk.store, desk.gateways, desk.clock, driver_name("person"))
    with desk.store.read() as conn:
        (matter,) = matters(conn, desk.clock.now())
    resolve(resolving, matter.id, "cancel", actor="maria", reason="asked the gateway: a merge of customers")
    assert differ("customer = 'cus_sandbox_other'") == []  # it is decided
    (second,) = differ("account = 'gone'")
    assert second == "the gateway does not have this payment"


def test_payments_that_are_not_ours_are_left_alone(desk: Desk):
    began(desk, "visa_ok")
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE payments SET order_mark = '', attempt = ''")
    row_is(desk, None)
    comparing(desk)
    assert outcome(desk) == "none requires_confirmation"


def test_a_refund_made_by_hand_at_the_gateway_is_found(desk: Desk):
    order = desk.buy()
    ref = desk.payments()[0]["id"]
    desk.sandbox.at("quillmark-test", livemode=False).refund(ref, amount=200, mark="", key="by hand")
    assert comparing(desk).refunds == 1
    assert desk.facts(order.id).state == "PART_REFUNDED"
    assert comparing(desk).refunds == 0


def test_a_dispute_nobody_told_us_of_is_found_and_its_end_too(desk: Desk):
    order = desk.buy()
    dispute = desk.sandbox.controls.open_dispute(desk.payments()[0]["id"])
    comparing(desk)
    assert desk.facts(order.id).state == "DISPUTED"
    desk.clock.move(timedelta(days=10))
    comparing(desk)
    desk.sandbox.controls.close_dispute(dispute, won=False)
    desk.clock.move(timedelta(days=10))
    comparing(desk)
    assert desk.facts(order.id).state == "LOST"


def test_an_inquiry_that_becomes_a_dispute_long_after_it_was_opened_is_found(desk: Desk):
    """Gateways list it by when it was opened, and leave it out until then."""
    order = desk.buy()
    ref = desk.payments()[0]["id"]
    desk.clock.move(timedelta(days=1))
    opened = desk.clock.now()
    for _ in range(50):
        desk.clock.move(timedelta(days=2))
        comparing(desk)
    desk.sandbox.controls.open_dispute(ref)
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE disputes SET opened_at = ?", (int(opened.timestamp() * 1_000_000),))
    comparing(desk)
    assert desk.facts(order.id).state == "DISPUTED"


class TestWatermark:
    def until(self, desk: Desk) -> Any:
        with desk.store.read() as conn:
            query = select(GatewayWatch.compared_until).where(GatewayWatch.account == ACCOUNT.account)
            return conn.execute(query).scalar()

    def test_it_moves_to_when_the_list_was_read(self, desk: Desk):
        comparing(desk)
        assert self.until(desk) == desk.clock.now()

    @pytest.mark.parametrize("verb", ["list_payments", "list_disputes"])
    @pytest.mark.parametrize("fault", [Fault.TIMEOUT_BEFORE, Fault.ERROR_BEFORE, Fault.UNAUTHORIZED, Fault.CUT_BODY])
    def test_it_stays_when_a_list_was_not_read_whole(self, desk: Desk, verb: str, fault: Fault):
        comparing(desk)
        stands = self.until(desk)
        desk.clock.move(timedelta(days=1))
        desk.sandbox.controls.fail_next(verb, fault)
        assert comparing(desk).unread == 1
        assert self.until(desk) == stands

    def test_what_was_made_since_an_hour_before_it_is_listed_anew(self, desk: Desk):
        desk.buy()
        desk.clock.move(timedelta(minutes=59))
        assert comparing(desk).listed == 1
        assert comparing(desk).listed == 1
        desk.clock.move(timedelta(hours=2))
        comparing(desk)
        assert comparing(desk).listed == 0

    def test_it_is_due_once_a_day_and_one_worker_does_it(self, desk: Desk):
        due = lambda: compare_due(desk.store, desk.gateways, desk.clock, by=driver_name("worker"))  # noqa: E731
        assert due().accounts == 0
        desk.clock.move(timedelta(hours=25))
        assert due().accounts == 2
        assert due().accounts == 0


def test_the_disputes_of_one_mode_are_not_those_of_the_other(desk: Desk):
    """I16: both modes may have one name at a gateway."""
    desk.buy()
    desk.sandbox.controls.open_dispute(desk.payments()[0]["id"])
    comparing(desk)
    watch = Watch(desk.store, desk.gateways, desk.clock, driver_name("compare"))

    def open_ones(livemode: bool) -> int:
        gateway = desk.gateways.of("sandbox", ACCOUNT.account, livemode=livemode)
        names = [Account(ACCOUNT.gateway, ACCOUNT.account, livemode)]
        return compare_disputes(watch, names, gateway, [], open_too=True).disputes

    assert (open_ones(livemode=False), open_ones(livemode=True)) == (1, 0)
