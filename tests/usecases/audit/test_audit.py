"""The audit is clean over a busy book, and names the row once somebody damages one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.charging.audit.running import CHECKS
from app.gateways.sandbox.cards import Fault
from tests.usecases.audit.busy import Busy


def test_a_busy_book_is_clean(busy: Busy):
    findings = busy.audit()
    assert [one for one in findings if not one.holds] == []
    assert len(findings) == len(CHECKS)
    looked_at = {one.invariant: one.checked for one in findings}
    seldom = {"D6", "I12", "I15", "I20", "I21", "I27", "I31", "I34", "I49"}
    assert {name for name, count in looked_at.items() if not count} <= seldom


def test_the_audit_writes_nothing(busy: Busy):
    with busy.desk.store.read() as conn:
        tables = ["orders", "attempts", "refunds", "entitlements", "outbox", "transitions", "consents", "link_uses"]
        before = [conn.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in tables]
        calls = len(busy.desk.requests())
        busy.audit()
        assert [conn.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in tables] == before
    assert len(busy.desk.requests()) == calls


DAMAGES: list[tuple[str, str, str]] = [
    ("I10", "UPDATE attempts SET amount = 501 WHERE id = :paid || '.1'", "attempt {paid}.1"),
    ("I3", "UPDATE attempts SET amount = 501 WHERE id = :paid || '.1'", "payment"),
    ("I3", "UPDATE attempts SET gw_ref = 'pay_other' WHERE id = :paid || '.1'", "attempt {paid}.1"),
    ("I1", "UPDATE orders SET total = 499 WHERE id = :paid", "order {paid}"),
    ("I2", "UPDATE orders SET state = 'CANCELLED' WHERE id = :paid", "order {paid}"),
    ("I2", "UPDATE orders SET state = 'PAID' WHERE id = :left", "order {left}"),
    ("I7", "UPDATE attempts SET state = 'SUCCEEDED' WHERE id = :retried || '.1'", "attempt {retried}.2"),
    ("I4", "UPDATE attempts SET state = 'SUCCEEDED' WHERE id = :retried || '.1'", "order {retried}"),
    ("I7", "UPDATE attempts SET state = 'CANCELLED' WHERE id = :paid || '.1'", "attempt {paid}.1"),
    ("I7", "UPDATE attempts SET n = 7 WHERE id = :retried || '.2'", "attempt {retried}.2"),
    ("I8", "UPDATE refunds SET amount = 501 WHERE id = :paid || '.r1'", "attempt {paid}.1"),
    ("I8", "UPDATE refunds SET amount = 199 WHERE id = :paid || '.r1'", "refund {paid}.r1"),
    ("I8", "UPDATE refunds SET gw_ref = 're_other' WHERE id = :paid || '.r1'", "refund {paid}.r1"),
    ("I8", "UPDATE orders SET state = 'REFUNDED' WHERE id = :paid", "order {paid}"),
    ("I9", "UPDATE orders SET total = 499 WHERE id = :paid", "order {paid}"),
    ("I9", "UPDATE orders SET currency = 'EUR' WHERE id = :paid", "order {paid}"),
    ("I9", "UPDATE orders SET quote = replace(quote, 'subtotal', 'sub_total') WHERE id = :paid", "order {paid}"),
    ("I12", "UPDATE attempts SET state = 'UNKNOWN', next_at = NULL WHERE id = :paid || '.1'", "attempt {paid}.1"),
    ("I13", "UPDATE stored_cards SET token = 'pm_stolen' WHERE id = (SELECT card_id FROM attempts WHERE id = :paid || '.1')", "attempt {paid}.1"),
    ("I14", "UPDATE orders SET quote = replace(quote, '1000', '1001') WHERE id = :paid", "order {paid}"),
    ("I15", "UPDATE attempts SET state = 'CREATED' WHERE id = :paid || '.1'", "attempt {paid}.1"),
    ("I15", "UPDATE transitions SET to_state = 'SUCCEEDED' WHERE object = :paid || '.1' AND to_state = 'INTENT'", "transition"),
    ("I15", "DELETE FROM transitions WHERE object = :paid || '.r1'", "refund {paid}.r1"),
    ("I16", "UPDATE attempts SET livemode = 1 WHERE id = :paid || '.1'", "attempt {paid}.1"),
    ("I43", "UPDATE transitions SET actor = 'somebody' WHERE object = :paid AND to_state = 'PAID'", "transition"),
    ("I43", "DELETE FROM transitions WHERE object = :paid || '.1' AND to_state = 'INTENT'", "transition"),
    ("I51", "DELETE FROM consents WHERE attempt_id = :paid || '.1'", "attempt {paid}.1"),
    ("I51", "UPDATE consents SET quote_hash = 'x' WHERE attempt_id = :paid || '.1'", "attempt {paid}.1"),
    ("I51", "UPDATE consents SET at = at + 1 WHERE attempt_id = :paid || '.1'", "attempt {paid}.1"),
    ("I17", "DELETE FROM fulfilments WHERE order_id = :paid", "order {paid}"),
    ("I18", "DELETE FROM outbox WHERE kind = 'receipt' AND id LIKE '%' || :paid || '%'", "order {paid}"),
    ("I18", "DELETE FROM outbox WHERE kind = 'order.refunded' AND id LIKE '%' || :paid || '.r1%'", "refund {paid}.r1"),
    ("I18", "UPDATE outbox SET next_at = NULL WHERE kind = 'receipt' AND id LIKE '%' || :paid || '%'", "outbox"),
    ("I25", "UPDATE orders SET link_jti = '1.1' WHERE id = :retried", "link 1.1"),
    ("I26", "DELETE FROM link_uses WHERE order_id = :paid", "order {paid}"),
    ("ledger", "UPDATE entitlements SET amount = amount + 1 WHERE order_id = :paid", "order {paid}"),
    ("ledger", "UPDATE entitlements SET amount = -199 WHERE amount = -200 AND order_id IS NULL", "refund {paid}.r1"),
    ("ledger", "UPDATE balance_entries SET amount = -400 WHERE cause = 'used'", "order"),
    ("ledger", "UPDATE refunds SET cause_order = :left WHERE id = :paid || '.r1'", "order {left}"),
]  # fmt: skip


@pytest.mark.parametrize(("invariant", "statement", "named"), DAMAGES, ids=lambda value: str(value)[:60])
def test_a_damaged_row_is_named(busy: Busy, invariant: str, statement: str, named: str):
    names = {"paid": busy.paid, "retried": busy.retried, "left": busy.left}
    if "state = 'SUCCEEDED' WHERE id = :retried" in statement:
        busy.damage_index("one_open")
    busy.damage(statement, **{name: value for name, value in names.items() if f":{name}" in statement})
    rows = busy.broken(invariant)
    assert any(row.startswith(named.format(**names)) for row in rows), rows


@pytest.mark.parametrize("verb", ["list_payments", "list_refunds", "list_disputes"])
def test_a_gateway_that_does_not_answer_is_no_clean_book(busy: Busy, verb: str):
    busy.desk.sandbox.controls.fail_next(verb, Fault.TIMEOUT_BEFORE, times=50)
    unread = [one for one in busy.audit() if one.unread]
    assert {one.invariant for one in unread} == {"I1", "I2", "I3", "I7", "I8", "I20"}
    assert not any(one.holds for one in unread)


def test_a_capture_that_no_row_knows_is_named(busy: Busy):
    with busy.desk.sandbox.ledger.write() as c:
        c.execute("UPDATE payments SET attempt = 'of-nobody' WHERE attempt = ?", (f"{busy.paid}.1",))
    assert any("is of no attempt of ours" in row for row in busy.broken("I3"))


def test_a_second_capture_of_an_order_is_named(busy: Busy):
    with busy.desk.sandbox.ledger.write() as c:
        c.execute("UPDATE payments SET order_mark = ? WHERE order_mark = ?", (busy.paid, busy.retried))
    assert f"order {busy.paid}: captured 1000, its total is 500 USD" in busy.broken("I1")


def test_a_refund_that_no_row_knows_is_named(busy: Busy):
    busy.damage("DELETE FROM refunds WHERE id = :one", one=f"{busy.paid}.r1")
    busy.desk.clock.at += timedelta(days=2)  # type: ignore[attr-defined]  # by then a comparison had found it
    assert any("is no row of ours" in row for row in busy.broken("I8"))


def test_money_given_back_in_a_dispute_is_named(busy: Busy):
    busy.damage(
        "INSERT INTO disputes (gateway, account, gw_ref, book_id, order_id, attempt_id, amount, currency, state, opened_at) "
        "SELECT gateway, account, 'dp_1', book_id, order_id, id, amount, currency, 'OPEN', created_at FROM attempts WHERE id = :one",
        one=f"{busy.paid}.1",
    )  # fmt: skip
    assert any(row.startswith(f"refund {busy.paid}.r1: began in a dispute") for row in busy.broken("I8"))


def test_a_charge_behind_a_closed_gate_is_named(busy: Busy):
    busy.damage(
        "INSERT INTO gateway_watch (gateway, account, livemode, gate, closed_at) "
        "VALUES ('sandbox', 'quillmark-test', 0, 'CLOSED', 0)"
    )
    assert any(row.startswith("gate of sandbox quillmark-test") for row in busy.broken("I49"))


def test_references_that_may_lead_nowhere_are_named(busy: Busy):
    if busy.desk.store.is_sqlite:
        busy.damage_without_keys("UPDATE fulfilments SET subscription_id = 999999 WHERE order_id = :one", one=busy.paid)
        named = "fulfilments row"
    else:
        busy.leave_unproved("fulfilments")
        named = "constraint left_unproved"
    assert any(row.startswith(named) for row in busy.broken("I42"))
