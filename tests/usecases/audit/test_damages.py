"""What somebody changes, adds or removes by hand is named, whichever row it is."""

from __future__ import annotations

import pytest

from app.charging.audit import Finding
from tests.usecases.audit.busy import Busy

SUB = "(SELECT subscription_id FROM orders WHERE id = '{paid}')"
ITEM = f"(SELECT id FROM subscription_items WHERE subscription_id = {SUB})"
OTHER = "(SELECT subscription_id FROM orders WHERE id = '{retried}')"
OF_IMPORT = f"(SELECT min(id) FROM entitlements WHERE subscription_id = {SUB} AND order_id IS NULL AND amount > 0)"
OWN = "(SELECT min(id) FROM entitlements WHERE order_id = '{paid}')"
ENTITLEMENT = "book_id, subscription_id, item, lot, span_start, span_end, amount, order_id, line, created_at"
CONSENT = "book_id, order_id, text, version, language, button, boxes, figures, card, quote_hash, policy_version, step_up, link_jti, ip, user_agent, at"
DISPUTE = (
    "INSERT INTO disputes (gateway, account, gw_ref, book_id, order_id, attempt_id, amount, currency, state, opened_at) "
    "SELECT gateway, account, 'dp_x', book_id, order_id, id, amount, currency, 'LOST', created_at FROM attempts WHERE id = '{paid}.1'"
)
ORPHAN = (
    "INSERT INTO orphans (gateway, account, gw_ref, book_id, facts, state, found_at, tries) "
    "SELECT gateway, account, gw_ref, book_id, '{{}}', '%s', 0, 0 FROM attempts WHERE id = '{paid}.1'"
)
GONE = [
    *[f"DELETE FROM {name} WHERE order_id = '{{waits}}'" for name in ("consents", "fulfilments", "scheduled_changes")],
    "DELETE FROM outbox WHERE id LIKE '%{waits}%'",
    "DELETE FROM transitions WHERE object LIKE '{waits}%'",
    "DELETE FROM orders WHERE id = '{waits}'",
]

DAMAGES: dict[str, tuple[str, str | list[str]]] = {
    "lot changed": ("plan subscription", f"UPDATE lots SET quantity = 50 WHERE item_id = {ITEM} AND position = 2"),
    "lot deleted": ("plan subscription", f"DELETE FROM lots WHERE item_id = {ITEM} AND position = 2"),
    "canceled by hand": ("plan subscription", f"UPDATE subscriptions SET status = 'canceled' WHERE id = {SUB}"),
    "version set back": ("plan subscription", f"UPDATE subscriptions SET version = 1 WHERE id = {SUB}"),
    "other product": ("plan subscription", f"UPDATE subscription_items SET product = 'crm-pro' WHERE subscription_id = {SUB}"),
    "history lost": ("plan subscription", "DELETE FROM subscription_changes WHERE order_id = '{paid}' AND cause = 'order'"),
    "granted version": ("I17 fulfilment of order {paid}", "UPDATE fulfilments SET to_version = 99 WHERE order_id = '{paid}'"),
    "granted to another": ("I17 fulfilment of order {paid}", f"UPDATE fulfilments SET subscription_id = {OTHER} WHERE order_id = '{{paid}}'"),
    "row moved": ("ledger entitlement", f"UPDATE entitlements SET subscription_id = {OTHER} WHERE id = {OWN}"),
    "span lengthened": ("ledger entitlement", f"UPDATE entitlements SET span_end = span_end + 1000000 WHERE id = {OWN}"),
    "row invented": ("ledger entitlement", f"INSERT INTO entitlements ({ENTITLEMENT}) SELECT {ENTITLEMENT.replace('order_id', 'NULL').replace('amount', '777')} FROM entitlements WHERE id = {OWN}"),
    "import deleted": ("ledger subscription", f"DELETE FROM entitlements WHERE id = {OF_IMPORT}"),
    "import doubled": ("ledger entitlement", f"UPDATE entitlements SET amount = amount * 2 WHERE id = {OF_IMPORT}"),
    "takes emptied": ("ledger refund {paid}.r1", ["UPDATE refunds SET takes = '[]' WHERE id = '{paid}.r1'", f"DELETE FROM entitlements WHERE amount = -200 AND subscription_id = {SUB}"]),
    "balance invented": ("ledger balance entry", "INSERT INTO balance_entries (book_id, customer_id, currency, amount, cause, created_at) SELECT book_id, customer_id, 'USD', 99, 'import', 0 FROM orders WHERE id = '{paid}'"),
    "balance of nobody": ("ledger balance entry", "UPDATE balance_entries SET order_id = 'ghost' WHERE id = (SELECT min(id) FROM balance_entries WHERE cause = 'used')"),
    "balance of another": ("ledger balance entry", "UPDATE balance_entries SET customer_id = customer_id + 1 WHERE cause = 'used'"),
    "balance below zero": ("ledger balance of customer", "UPDATE balance_entries SET amount = 0 WHERE cause IN ('import', 'credited')"),
    "consent's text": ("I51 consent of attempt {paid}.1", "UPDATE consents SET text = 'nothing' WHERE attempt_id = '{paid}.1'"),
    "consent's boxes": ("I51 consent of attempt {paid}.1", "UPDATE consents SET boxes = '{{}}' WHERE attempt_id = '{paid}.1'"),
    "free order's consent": ("I51 consent of attempt {waits}.0", "UPDATE consents SET figures = '{{}}' WHERE attempt_id = '{waits}.0'"),
    "consent to nothing": ("I51 consent of attempt {paid}.7", f"INSERT INTO consents (attempt_id, {CONSENT}) SELECT '{{paid}}.7', {CONSENT} FROM consents WHERE attempt_id = '{{paid}}.1'"),
    "outcome": ("I2 order {paid}", "UPDATE orders SET outcome = 'due' WHERE id = '{paid}'"),
    "free outcome": ("I2 order {waits}", "UPDATE orders SET outcome = 'nocharge' WHERE id = '{waits}'"),
    "never paid": ("I2 order {paid}", "UPDATE orders SET paid_at = NULL WHERE id = '{paid}'"),
    "free order's customer": ("I14 order {waits}", "UPDATE orders SET customer_id = customer_id + 1 WHERE id = '{waits}'"),
    "free order's subscription": ("I14 order {waits}", f"UPDATE orders SET subscription_id = {OTHER} WHERE id = '{{waits}}'"),
    "order's address": ("I14 order {paid}", "UPDATE orders SET email = 'x@y' WHERE id = '{paid}'"),
    "deferral invented": ("ledger deferral of order {paid}", "INSERT INTO deferrals (order_id, book_id, subscription_id, amount, currency, created_at) SELECT id, book_id, subscription_id, 100, currency, 0 FROM orders WHERE id = '{paid}'"),
    "scheduled change lost": ("plan order {waits}", "DELETE FROM scheduled_changes WHERE order_id = '{waits}'"),
    "scheduled change undone by nobody": ("plan order {waits}", "UPDATE scheduled_changes SET state = 'UNDONE' WHERE order_id = '{waits}'"),
    "free order lost": ("plan subscription", GONE),
    "lost dispute": ("I20 order {paid}", DISPUTE),
    "dispute of nobody": ("I20 dispute dp_x", DISPUTE),
    "dispute without a log": ("I15 dispute dp_x", DISPUTE),
    "orphan before a person": ("I3 payment", ORPHAN % "PERSON"),
    "orphan cancelled": ("I3 payment", ORPHAN % "CANCELLED"),
    "orphan refunded": ("I3 payment", ORPHAN % "REFUNDED"),
    "orphan never due": ("I12 orphan", ORPHAN % "FOUND"),
    "orphan without a log": ("I15 orphan", ORPHAN % "FOUND"),
    "fulfilment of nothing": ("I42 fulfilments row ghost", "INSERT INTO fulfilments SELECT 'ghost', book_id, subscription_id, 1, 2, 0 FROM fulfilments WHERE order_id = '{paid}'"),
    "takes cannot be read": ("I42 refund {paid}.r1", "UPDATE refunds SET takes = '{{' WHERE id = '{paid}.r1'"),
    "quote cannot be read": ("I42 order {paid}", "UPDATE orders SET quote = '{{' WHERE id = '{paid}'"),
    "quote is a list": ("I42 order {paid}", "UPDATE orders SET quote = '[]' WHERE id = '{paid}'"),
    "quote is nothing": ("I42 order {paid}", "UPDATE orders SET quote = 'null' WHERE id = '{paid}'"),
    "refund's mail lost": ("I18 refund {paid}.r1: has 0 mails refunded, not 1", "DELETE FROM outbox WHERE id = 'refunded:{paid}.r1:1'"),
    "refund mailed and failed": ("I18 refund {paid}.r1: has 1 mails refunded, not 0", "UPDATE refunds SET state = 'FAILED' WHERE id = '{paid}.r1'"),
    "refund's currency": ("I8 refund {paid}.r1: is in EUR", "UPDATE refunds SET currency = 'EUR' WHERE id = '{paid}.r1'"),
    "refund made by hand": ("I8 refund {paid}.r1: is outside", "UPDATE refunds SET kind = 'outside' WHERE id = '{paid}.r1'"),
    "refund's sum at the gateway": ("I8 refund {paid}.r1: of 200 EUR is ['200 USD'] at the gateway", "UPDATE refunds SET currency = 'EUR' WHERE id = '{paid}.r1'"),
    "bad news lost": ("I18 attempt {left}.1: has 0 mails not_charged, not 1", "DELETE FROM outbox WHERE id = 'not_charged:{left}.1:1'"),
    "attempt gone": ("I42 refunds row {paid}.r1", "DELETE FROM attempts WHERE id = '{paid}.1'"),
    "book unknown": ("I16 attempt {paid}.1", "UPDATE attempts SET book_id = 77 WHERE id = '{paid}.1'"),
}  # fmt: skip


def named(found: list[Finding]) -> list[str]:
    return [f"{one.invariant} {row.row}: {row.what}" for one in found for row in one.broken]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_by_hand_is_named(busy: Busy, damage: str):
    names = {"paid": busy.paid, "retried": busy.retried, "left": busy.left, "waits": busy.waits}
    row, statements = DAMAGES[damage]
    busy.damage_all([each.format(**names) for each in ([statements] if isinstance(statements, str) else statements)])
    found = named(busy.audit())
    assert any(each.startswith(row.format(**names)) for each in found), found


@pytest.mark.parametrize("rule", ["one_open", "one_open_order"])
def test_an_index_that_is_gone_is_named(busy: Busy, rule: str):
    busy.damage_index(rule)
    assert f"I42 unique partial index {rule}" in "\n".join(named(busy.audit()))
