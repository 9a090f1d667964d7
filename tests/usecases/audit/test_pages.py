"""What waits, what belongs together, and that the audit reads page by page: each damaged row is named."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest
from sqlalchemy import text

from app.charging.audit.running import run
from app.charging.audit.scene import Scene
from tests.usecases.audit.busy import Busy

DAMAGES = [
    ("I12", "UPDATE attempts SET state = 'UNKNOWN', next_at = created_at WHERE id = :one || '.1'", "attempt {one}.1: is UNKNOWN, was due at"),
    ("I12", "UPDATE attempts SET state = 'UNKNOWN', next_at = created_at + 86400000000, created_at = created_at - 90000000000 WHERE id = :one || '.1'", "attempt {one}.1: is UNKNOWN for more than a day"),
    ("I12", "UPDATE refunds SET state = 'SENT', next_at = NULL WHERE id = :one || '.r1'", "refund {one}.r1: is SENT, nobody drives it"),
    ("I12", "DELETE FROM refunds WHERE id = :one || '.r1'", "refund {one}.r1: is in the log and nowhere else"),
    ("I22", "UPDATE outbox SET id = 'receipt:nobody:2' WHERE kind = 'receipt' AND id LIKE '%' || :one || '%'", "outbox receipt:nobody:2: tells of order nobody"),
    ("I38", "UPDATE attempts SET book_id = book_id + 1 WHERE id = :one || '.1'", "attempt of order {one}: is of book 2"),
]  # fmt: skip


@pytest.mark.parametrize(("invariant", "statement", "named"), DAMAGES, ids=lambda value: str(value)[:60])
def test_a_damaged_row_is_named(busy: Busy, invariant: str, statement: str, named: str):
    busy.damage(statement, one=busy.paid)
    rows = busy.broken(invariant)
    assert any(row.startswith(named.format(one=busy.paid)) for row in rows), rows


_NOTICE = (
    "INSERT INTO inbox (gateway, account, event_id, book_id, livemode, kind, body, body_hash, state, tries, next_at, received_at) "
    "VALUES ('sandbox', 'quillmark-test', 'evt_1', :book, :live, 'payment.succeeded', 'as sent', :hash, :state, 0, NULL, 0)"
)
_HASH = hashlib.sha256(b"as sent").hexdigest()


@pytest.mark.parametrize(
    ("invariant", "changed", "said"),
    [
        ("I21", {"hash": "x"}, "is not what was received"),
        ("I21", {"live": 1}, "is in the test book"),
        ("I12", {"state": "READY"}, "is READY, nobody drives it"),
        ("", {}, ""),
    ],
)
def test_a_notice_that_is_not_as_it_came_is_named(busy: Busy, invariant: str, changed: dict[str, object], said: str):
    busy.damage(_NOTICE, **{"book": busy.desk.seeded.book, "live": 0, "hash": _HASH, "state": "DONE", **changed})
    broken = [(one.invariant, f"{row.row}: {row.what}") for one in busy.audit() for row in one.broken]
    wanted = [(invariant, f"notice evt_1 of sandbox: {said}")] if said else []
    assert [(name, row[: len(wanted[0][1])]) for name, row in broken] == wanted if wanted else broken == []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_any_size_find_the_same(busy: Busy, size: int):
    busy.damage("UPDATE orders SET total = 499 WHERE id = :one", one=busy.paid)
    whole, paged = (list(run(busy.desk.store, busy.desk.gateways, busy.desk.clock, page_size=n)) for n in (500, size))
    assert [(one.title, one.checked, set(one.broken)) for one in paged] == [
        (one.title, one.checked, set(one.broken)) for one in whole
    ]


def test_a_page_holds_no_more_than_its_orders_and_all_pages_hold_every_order_once(busy: Busy):
    pages = list(Scene(busy.desk.store, busy.desk.gateways, busy.desk.clock, page_size=2).pages())
    assert {len(page.rows.orders) for page in pages} <= {1, 2}
    seen = [row["id"] for page in pages for row in page.rows.orders]
    with busy.desk.store.read() as conn:
        assert sorted(seen) == sorted(conn.execute(text("SELECT id FROM orders")).scalars())
    for page in pages:
        ids = set(page.rows.order)
        assert {row["order_id"] for row in (*page.rows.attempts, *page.rows.refunds, *page.rows.consents)} <= ids


def test_ten_times_the_orders_need_no_more_memory(busy: Busy):
    made = [0]

    def peak(more: int) -> int:
        with busy.desk.store.write() as conn:
            conn.execute(text(_COPY), {"one": busy.left, "first": made[0], "last": made[0] + more})
        made[0] += more
        tracemalloc.start()
        for _ in run(busy.desk.store, busy.desk.gateways, busy.desk.clock, page_size=10):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is made once: compiled statements
    few, many = peak(10), peak(200)
    assert many < 1.5 * few


_COPY = """
WITH RECURSIVE n(i) AS (SELECT CAST(:first AS INTEGER) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :last)
INSERT INTO orders SELECT id || i AS id, book_id, number || i AS number, checkout_id || i AS checkout_id, subscription_id,
 subscription_version, customer_id, source, NULL, NULL, quote, quote_hash, quoted_at, valid_until, total, currency, outcome,
 'CANCELLED', version, email, language, created_at, paid_at FROM orders, n WHERE id = :one
"""


def test_an_order_that_moved_after_the_gateways_were_asked_is_not_compared_with_them(busy: Busy):
    """Its row may be newer than their list."""
    busy.damage("UPDATE transitions SET seq = seq + 1000 WHERE object = :one AND to_state = 'PAID'", one=busy.paid)
    scene = Scene(busy.desk.store, busy.desk.gateways, busy.desk.clock)
    _ = scene.held
    scene.mark -= 1
    (page,) = scene.pages()
    assert page.has_moved(busy.paid)
    assert not page.has_moved(busy.retried)
