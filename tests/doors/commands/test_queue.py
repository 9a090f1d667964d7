"""``liftlink queue``: what waits for a person is listed, shown with the gateway's truth, and decided only as that allows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from app.gateways.sandbox import Fault, Sandbox
from app.kit.clock import StoppedClock
from app.models.orders import Attempt, Order, Orphan
from app.models.store import Store
from app.models.subscriptions import Subscription
from app.models.work import Outbox
from tests.doors.commands.conftest import Commands
from tests.factories import Seeded
from tests.usecases.charging.desk import Desk


@pytest.fixture
def desk(
    run: Commands, store: Store, sandbox: Sandbox, clock: StoppedClock, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    monkeypatch.setenv("LIFTLINK_DATABASE_URL", store.url.render_as_string(hide_password=False))
    monkeypatch.setenv("LIFTLINK_START_AT", clock.now().isoformat())
    return Desk(store, sandbox, clock, seeded)


def waiting(run: Commands) -> list[str]:
    return [each["id"] for each in run("queue", "list", "--json").json]


def paid_but_moved(desk: Desk) -> str:
    """The money is there, the subscription is another: quarantined."""
    order = desk.buy("visa_3ds")
    desk.sandbox.pages.answer_check(desk.payments()[-1]["challenge"], approve=True)
    with desk.store.write() as conn:
        conn.execute(update(Subscription).values(version=Subscription.version + 1))
    desk.heal(hours=0.1)
    assert desk.facts(order.id).last.state == "QUARANTINED"
    return order.id


def unknown_to_the_gateway(desk: Desk) -> str:
    """A 404 for a payment that we hold to be there: the subscription is blocked."""
    order = desk.buy("visa_3ds")
    with desk.sandbox.ledger.write() as c:
        c.execute("UPDATE payments SET account = 'gone'")
    desk.heal(hours=0.1)
    assert desk.facts(order.id).last.state == "QUARANTINED"
    return order.id


def test_nothing_waits_is_said_and_is_zero(run: Commands, desk: Desk):
    listed = run("queue", "list")
    assert (listed.code, listed.out) == (0, "nothing waits for a person\n")


def test_a_quarantined_payment_is_listed_and_shown_with_what_the_gateway_says(run: Commands, desk: Desk):
    order = paid_but_moved(desk)
    assert waiting(run) == [f"attempt:{order}.1"]
    assert run("queue", "list").code == 1
    shown = run("queue", "show", f"attempt:{order}.1")
    assert "succeeded" in shown.out
    assert "the subscription moved meanwhile" in shown.out
    as_json = run("queue", "show", f"attempt:{order}.1", "--json").json
    assert (as_json["gateway"]["captured"], as_json["matter"]["may"]) == (
        500,
        ["refund"],
    )  # it cannot be adopted any more


def test_a_404_that_blocks_a_subscription_is_let_go(run: Commands, desk: Desk):
    order = unknown_to_the_gateway(desk)
    name = f"attempt:{order}.1"
    assert run("queue", "resolve", name, "--adopt", "--reason", "x").code == 1
    done = run("queue", "resolve", name, "--cancel", "--reason", "the card was deleted there")
    assert done.code == 0
    assert waiting(run) == []
    assert desk.facts(order).last.state == "CANCELLED"
    desk.check()


def test_captured_money_is_never_let_go_as_cancelled(run: Commands, desk: Desk):
    order = paid_but_moved(desk)
    refused = run("queue", "resolve", f"attempt:{order}.1", "--cancel", "--reason", "x")
    assert (refused.code, "[act_unfit]" in refused.err) == (1, True)
    assert desk.facts(order).last.state == "QUARANTINED"


def test_money_whose_change_cannot_be_made_is_given_back(run: Commands, desk: Desk):
    order = paid_but_moved(desk)
    name = f"attempt:{order}.1"
    refused = run("queue", "resolve", name, "--adopt", "--reason", "x")
    assert (refused.code, "[subscription_moved]" in refused.err) == (1, True)
    done = run("queue", "resolve", name, "--refund", "--reason", "the plan changed meanwhile")
    assert done.code == 0, done.err
    with desk.sandbox.ledger.read() as c:
        assert [row["amount"] for row in c.execute("SELECT amount FROM refunds")] == [500]
    facts = desk.facts(order)
    assert (facts.state, facts.last.state) == ("CANCELLED", "CANCELLED")
    assert waiting(run) == []


def test_money_that_belongs_to_its_order_is_adopted(run: Commands, desk: Desk):
    order = paid_but_moved(desk)
    with desk.store.write() as conn:
        conn.execute(update(Subscription).values(version=Subscription.version - 1))
    assert run("queue", "show", f"attempt:{order}.1", "--json").json["matter"]["may"] == ["adopt", "refund"]
    assert desk.facts(order).state == "OPEN"  # looking decides nothing
    done = run("queue", "resolve", f"attempt:{order}.1", "--adopt", "--reason", "checked with the customer")
    assert done.code == 0, done.err
    assert desk.facts(order).state == "PAID"
    desk.check()
    with desk.store.read() as conn:
        body = conn.execute(select(Outbox.body).where(Outbox.kind == "queue.resolved")).scalar_one()
    assert (body["act"], body["actor"], body["reason"]) == ("adopt", "command line", "checked with the customer")


def test_sums_are_shown_as_money_and_told_to_machines_in_minor_units(run: Commands, desk: Desk):
    with desk.store.write() as conn:
        facts = {
            "livemode": False,
            "amount": 12000,
            "captured": 12000,
            "refunded": 0,
            "currency": "USD",
            "order": "",
            "attempt": "",
        }
        row = {"gateway": "sandbox", "account": "quillmark-test", "gw_ref": "pay_1", "book_id": desk.seeded.book}
        conn.execute(
            insert(Orphan), {**row, "facts": facts, "state": "PERSON", "found_at": desk.clock.now(), "tries": 3}
        )
    (name,) = waiting(run)
    told = dict(line.split("\t")[:2] for line in run("queue", "show", name).out.splitlines() if "\t" in line)
    assert (told["amount"], told["captured"], told["refunded"]) == ("120.00 USD", "120.00 USD", "0.00 USD")
    assert (told["mode"], told["you may"], "livemode" in told) == ("test", "cancel, release", False)
    as_json = run("queue", "show", name, "--json").json["matter"]
    assert (as_json["amount"], as_json["currency"], as_json["facts"]["captured"]) == (12000, "USD", 12000)


def test_while_the_gateway_does_not_answer_nothing_is_decided(run: Commands, desk: Desk):
    order = paid_but_moved(desk)
    desk.sandbox.controls.fail_next("read_payment", Fault.TIMEOUT_BEFORE)
    refused = run("queue", "resolve", f"attempt:{order}.1", "--refund", "--reason", "x")
    assert (refused.code, "[gateway_silent]" in refused.err) == (1, True)
    assert desk.facts(order).last.state == "QUARANTINED"


def test_a_dead_mail_is_sent_again_or_taken_off(run: Commands, desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.buy()
    with desk.store.write() as conn:
        dead = {"state": "DEAD", "next_at": None, "last_error": "no such mailbox"}
        conn.execute(update(Outbox).where(Outbox.channel == "mail").values(dead))
    (name,) = waiting(run)
    assert name.startswith("mail:receipt:")
    assert run("queue", "resolve", name, "--release", "--reason", "the server is back").code == 0
    later = desk.clock.now() + timedelta(minutes=1)  # each command's clock begins anew
    monkeypatch.setenv("LIFTLINK_START_AT", later.isoformat())
    assert run("reconcile").code == 0
    assert list((run.folder / "outbox").glob("receipt-*.eml"))
    with desk.store.write() as conn:
        conn.execute(update(Outbox).where(Outbox.channel == "mail").values(dead))
    assert run("queue", "resolve", name, "--cancel", "--reason", "told by telephone").code == 0
    assert waiting(run) == []


def test_an_open_dispute_waits_until_the_bank_decides(run: Commands, desk: Desk):
    order = desk.buy()
    dispute = desk.sandbox.controls.open_dispute(desk.payments()[0]["id"])
    assert run("reconcile").code == 0
    assert waiting(run) == [f"dispute:sandbox:quillmark-test:{dispute}"]
    desk.sandbox.controls.close_dispute(dispute, won=True)
    assert run("queue", "resolve", waiting(run)[0], "--release", "--reason", "the bank wrote").code == 0
    assert waiting(run) == []
    assert desk.facts(order.id).state == "PAID"


def test_captured_money_of_no_order_is_given_back(run: Commands, desk: Desk):
    order = desk.buy()
    with desk.store.write() as conn:
        conn.execute(update(Attempt).values(state="CANCELLED"))
        conn.execute(update(Order).values(state="EXPIRED"))
    assert run("reconcile").code == 0
    (name,) = waiting(run)
    assert name.startswith("orphan:sandbox:quillmark-test:pay_sandbox_")
    assert run("queue", "resolve", name, "--adopt", "--reason", "x").code == 1
    assert run("queue", "resolve", name, "--refund", "--reason", "nobody ordered it").code == 0
    assert waiting(run) == []
    with desk.sandbox.ledger.read() as c:
        assert [row["amount"] for row in c.execute("SELECT amount FROM refunds")] == [500]
    assert order.total == 500


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("resolve", "attempt:nobody.1", "--cancel", "--reason", "x"), 1, "matter_unknown"),
        (("resolve", "attempt:nobody.1", "--cancel", "--reason", " "), 1, "reason_missing"),
        (("resolve", "attempt:nobody.1", "--cancel"), 2, "--reason"),
        (("resolve", "attempt:nobody.1", "--reason", "x"), 2, "--adopt"),
        (("show", "attempt:nobody.1"), 1, "matter_unknown"),
        (("list", "--merchant", "nobody"), 1, "nobody"),
    ],
)
def test_what_is_wrong_is_named(run: Commands, desk: Desk, words: tuple[str, ...], code: int, said: str):
    refused = run("queue", *words)
    assert (refused.code, said in refused.err) == (code, True)
