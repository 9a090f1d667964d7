"""The judge itself: a purchase with all that may follow breaks nothing, and each damage to it is named by its number."""

from __future__ import annotations

import copy
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.kit import fence
from tests.faults import judge
from tests.faults.banks import Contested, GivenBack, Object, Request
from tests.faults.databases import SqliteDatabase
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.outcome import LONGEST_RECOVERY, Outcome
from tests.faults.plan import Plan
from tests.faults.restoring import judge_gate
from tests.faults.view import APART, INVARIANTS, Around, View, Violation

ORDER, FIRST, SECOND, REFUND = "order1", "order1.1", "order1.2", "order1.r1"
CLOSED_OBJECT = Object("pay_1", "canceled", ORDER, FIRST, 500, "USD", "cus_1", "card_1", "acct", 0, 0)
PAID_OBJECT = Object("pay_2", "succeeded", ORDER, SECOND, 500, "USD", "cus_1", "card_2", "acct", 500, 200)
PATHS = {
    ("order", ORDER): ("OPEN", "PAID", "PART_REFUNDED"),
    ("attempt", FIRST): ("CREATED", "INTENT", "DECLINED"),
    ("attempt", SECOND): ("CREATED", "INTENT", "SUCCEEDED"),
    ("refund", REFUND): ("CREATED", "SENT", "SUCCEEDED"),
    ("dispute", "bank:acct:dp_1"): ("OPEN", "WON"),
}


def _attempt(name: str, n: int, state: str, ref: str, card: str) -> dict[str, Any]:
    return {
        "id": name, "order_id": ORDER, "n": n, "amount": 500, "currency": "USD", "gateway": "bank", "account": "acct",
        "payment_method": card, "gw_customer": "cus_1", "state": state, "gw_ref": ref,
    }  # fmt: skip


def _consent(attempt: str) -> dict[str, Any]:
    return {"attempt_id": attempt, "text": "I agree.", "figures": '{"due_now": 500}', "quote_hash": "quote1"}


def _chains() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for (kind, name), states in PATHS.items():
        before, last = "", ""
        for state in states:
            row = {
                "seq": len(rows) + 1, "book_id": 1, "kind": kind, "object": name, "from_state": before,
                "to_state": state, "cause": "because", "actor": "test", "at": len(rows) * 10, "prev_hash": last,
            }  # fmt: skip
            row["hash"] = last = judge._digest(row)
            before = state
            rows.append(row)
    return rows


def honest() -> View:
    """A card was declined, another paid; a dispute was won, then a part was given back; an orphan was adopted by nobody."""
    order = {
        "id": ORDER, "total": 500, "currency": "USD", "state": "PART_REFUNDED", "outcome": "paid",
        "quote_hash": "quote1", "quote": json.dumps({"due_now": 500}),
    }  # fmt: skip
    outbox = [
        {"id": f"{kind}:{what}:1", "kind": kind, "channel": channel, "state": "DELIVERED"}
        for kind, what, channel in (
            ("order.paid", ORDER, "event"), ("receipt", ORDER, "mail"), ("attempt.failed", FIRST, "event"),
        )
    ]  # fmt: skip
    requests = [
        Request("create_payment", f"{FIRST}:create:0", "a", ORDER, FIRST, 500),
        Request("confirm_payment", f"{FIRST}:confirm:0", "b", ORDER, FIRST, 500),
        Request("create_payment", f"{SECOND}:create:0", "c", ORDER, SECOND, 500),
        Request("confirm_payment", f"{SECOND}:confirm:0", "d", ORDER, SECOND, 500),
        Request("refund", f"{REFUND}:0", "e", ORDER, SECOND, 500),
    ]
    return View(
        orders={ORDER: order},
        attempts={
            FIRST: _attempt(FIRST, 1, "DECLINED", "pay_1", "card_1"),
            SECOND: _attempt(SECOND, 2, "SUCCEEDED", "pay_2", "card_2"),
        },
        fulfilments=[{"order_id": ORDER}],
        outbox=outbox,
        transitions=_chains(),
        uses=[{"book_id": 1, "jti": "link1", "order_state": "PART_REFUNDED"}],
        refunds=[
            {
                "id": REFUND, "state": "SUCCEEDED", "amount": 200, "gw_ref": "re_1", "attempt_id": SECOND,
                "cause_order": None, "kind": "asked", "created_at": 10_000,
            }
        ],
        disputes=[
            {"gateway": "bank", "account": "acct", "gw_ref": "dp_1", "state": "WON", "amount": 500, "attempt_id": SECOND}
        ],
        orphans=[],
        consents=[_consent(FIRST), _consent(SECOND)],
        balances=[],
        inbox=[{"gateway": "bank", "account": "acct", "event_id": "ev_1", "payment": "pay_2", "state": "DONE"}],
        objects=[CLOSED_OBJECT, PAID_OBJECT],
        requests=requests,
        given_back=[GivenBack("re_1", "pay_2", 200, REFUND)],
        contested=[Contested("dp_1", "pay_2", 500, "won")],
        around=Around(shown={"quote1": "You pay $5.00 now. I agree."}),
    )  # fmt: skip


def found(view: View) -> set[str]:
    fresh = View(**{name: getattr(view, name) for name in View.__dataclass_fields__})
    return {each.invariant for each in [*judge.at_rest(fresh), *Outcome(Plan()).add_view(fresh)]}


def _set(rows: Any, **values: Any) -> None:
    rows.update(values)


def _payment(v: View, **values: Any) -> None:
    v.objects[1] = replace(v.objects[1], **values)


def _orphan(v: View, state: str, **values: Any) -> None:
    v.objects.append(replace(PAID_OBJECT, ref="pay_9", order="other", attempt="other.1", refunded=0, **values))
    v.orphans.append({"gw_ref": "pay_9", "state": state})
    v.around.lost.add("other.1")


def _move(v: View, place: int, **values: Any) -> None:
    """Changes a row of the log and seals it anew, with all that follow."""
    v.transitions[place].update(values)
    heads: dict[tuple[str, str], str] = {}
    for row in v.transitions:
        what = (row["kind"], row["object"])
        row["prev_hash"] = heads.get(what, "")
        row["hash"] = heads[what] = judge._digest(row)


def _owing(v: View) -> None:
    """A change that owes 300 and gave 200 back."""
    v.orders[ORDER].update(quote='{"due_now": 500, "refunded": 300}', state="PAID")
    v.refunds[0]["cause_order"] = ORDER


def _not_on_the_balance(v: View) -> None:
    """A change that owed 200, whose refund failed: then the customer is to have it here."""
    v.orders[ORDER].update(quote='{"due_now": 500, "refunded": 200}', state="PAID")
    v.refunds[0].update(cause_order=ORDER, state="FAILED", gw_ref=None)
    v.given_back.clear()
    v.objects[1] = replace(PAID_OBJECT, refunded=0)


Damage = Callable[[View], object]
DAMAGES: dict[str, tuple[str, Damage]] = {
    "charged more than the total": ("I1", lambda v: _payment(v, captured=700)),
    "charged a part of the total": ("I1", lambda v: _payment(v, captured=300)),
    "paid and nothing taken": ("I2", lambda v: _payment(v, captured=0, refunded=0)),
    "taken and not paid": ("I2", lambda v: _set(v.orders[ORDER], state="OPEN", outcome="pending")),
    "a capture of nobody": ("I3", lambda v: _set(v.attempts[SECOND], gw_ref="pay_x")),
    "another currency": ("I3", lambda v: _payment(v, currency="EUR")),
    "another account": ("I3", lambda v: _payment(v, account="acct_2")),
    "an orphan nobody decided": ("I3", lambda v: _orphan(v, "FOUND")),
    "an orphan adopted by nobody": ("I3", lambda v: _orphan(v, "ADOPTED")),
    "an orphan called refunded": ("I3", lambda v: _orphan(v, "REFUNDED")),
    "an orphan called cancelled": ("I3", lambda v: _orphan(v, "CANCELLED")),
    "two open attempts": ("I4", lambda v: _set(v.attempts[FIRST], state="INTENT")),
    "a call before its row": ("I5", lambda v: v.attempts.pop(FIRST)),
    "a call with another amount": ("I5", lambda v: _set(v.attempts[SECOND], amount=400)),
    "a refund sent before its row": ("I5", lambda v: v.refunds.clear()),
    "confirmed before its reference was kept": ("I5", lambda v: _set(v.attempts[FIRST], gw_ref=None)),
    "a key that is none of ours": ("I6", lambda v: v.requests.append(replace(v.requests[0], key="0123abcd"))),
    "a key of another attempt": ("I6", lambda v: v.requests.append(replace(v.requests[0], attempt=SECOND))),
    "two sets of parameters": ("I6", lambda v: v.requests.append(replace(v.requests[0], params="z"))),
    "an earlier payment still open": ("I7", lambda v: v.objects.__setitem__(0, replace(CLOSED_OBJECT, status="requires_action"))),
    "an earlier attempt still open": ("I7", lambda v: _set(v.attempts[FIRST], state="UNKNOWN")),
    "more given back than taken": ("I8", lambda v: _payment(v, refunded=600)),
    "one refund made twice": ("I8", lambda v: v.given_back.append(GivenBack("re_2", "pay_2", 200, REFUND))),
    "a refund that the gateway has not": ("I8", lambda v: v.given_back.clear()),
    "a refund of another amount": ("I8", lambda v: _set(v.refunds[0], amount=100)),
    "a refund that is no row": ("I8", lambda v: v.given_back.append(GivenBack("re_3", "pay_2", 100, ""))),
    "an order that did not follow": ("I8", lambda v: _set(v.orders[ORDER], state="PAID")),
    "a dispute that no row knows": ("I8", lambda v: v.disputes.clear()),
    "a dispute that ended otherwise": ("I8", lambda v: v.contested.__setitem__(0, Contested("dp_1", "pay_2", 500, "lost"))),
    "a dispute of nobody's": ("I8", lambda v: v.contested.clear()),
    "a refund begun in a dispute": ("I8", lambda v: _set(v.refunds[0], created_at=125)),
    "a refund that owes more": ("I8", _owing),
    "a failed refund that is not on the balance": ("I8", _not_on_the_balance),
    "the consent's figure": ("I10", lambda v: _set(v.consents[1], figures='{"due_now": 400}')),
    "the quote's figure": ("I10", lambda v: _set(v.orders[ORDER], quote='{"due_now": 400}')),
    "the order's figure": ("I10", lambda v: _set(v.orders[ORDER], total=400)),
    "a consent to another quote": ("I10", lambda v: _set(v.consents[1], quote_hash="quote2")),
    "no consent": ("I10", lambda v: v.consents.pop()),
    "a page that said otherwise": ("I10", lambda v: _set(v.around.shown, quote1="You pay $4.00 now. I agree.")),
    "closed and its money taken": ("I11", lambda v: _set(v.attempts[SECOND], state="DECLINED")),
    "a refund called failed and made": ("I11", lambda v: _set(v.refunds[0], state="FAILED")),
    "an attempt never final": ("I12", lambda v: _set(v.attempts[SECOND], state="UNKNOWN")),
    "a refund never final": ("I12", lambda v: _set(v.refunds[0], state="SENT")),
    "another customer": ("I13", lambda v: _payment(v, customer="cus_2")),
    "another card": ("I13", lambda v: _payment(v, payment_method="card_9")),
    "a transition of no table": ("I15", lambda v: _move(v, 8, from_state="INTENT", to_state="CANCELLED")),
    "a final state left": ("I15", lambda v: v.transitions.append(copy.deepcopy(v.transitions[5]) | {"from_state": "DECLINED", "to_state": "INTENT"})),
    "a state that was never reached": ("I15", lambda v: _move(v, 8, from_state="UNKNOWN")),
    "fulfilled twice": ("I17", lambda v: v.fulfilments.append({"order_id": ORDER})),
    "paid and not fulfilled": ("I17", lambda v: v.fulfilments.clear()),
    "paid and nobody was told": ("I18", lambda v: v.outbox.pop(0)),
    "no receipt": ("I18", lambda v: v.outbox.pop(1)),
    "a receipt that never left": ("I18", lambda v: _set(v.outbox[1], state="READY")),
    "a decline that nobody was told": ("I18", lambda v: v.outbox.pop(2)),
    "a notice kept twice": ("I20", lambda v: v.inbox.append(dict(v.inbox[0]))),
    "a notice that is dead": ("I20", lambda v: _set(v.inbox[0], state="DEAD")),
    "told of an order that is not paid": ("I22", lambda v: _set(v.orders[ORDER], state="OPEN", outcome="pending")),
    "a link used twice": ("I25", lambda v: v.uses.append(dict(v.uses[0]))),
    "a chain that was rewritten": ("I43", lambda v: _set(v.transitions[1], cause="another")),
    "a chain with a row taken out": ("I43", lambda v: v.transitions.pop(2)),
    "a row that its log does not know": ("I43", lambda v: _set(v.attempts[SECOND], state="QUARANTINED")),
    "a call while nothing could be written": ("I47", lambda v: v.around.silences.append(("it was read-only", 3, 4))),
    "a call whose row could not be written": ("I47", lambda v: (_set(v.around.__dict__, storage=True), v.attempts.pop(FIRST))),
    "confirmed when nothing could be written": ("I47", lambda v: (_set(v.around.__dict__, storage=True), _set(v.attempts[FIRST], gw_ref=None))),
}  # fmt: skip


def test_an_honest_purchase_breaks_nothing_and_is_really_compared():
    view = honest()
    assert list(judge.at_rest(view)) == []
    assert list(Outcome(Plan()).add_view(view)) == []
    compared = {name for name, count in view.checked.items() if count}
    assert {
        "I1",
        "I2",
        "I3",
        "I4",
        "I5",
        "I6",
        "I7",
        "I8",
        "I10",
        "I11",
        "I13",
        "I15",
        "I17",
        "I18",
        "I20",
        "I25",
    } <= compared


@pytest.mark.parametrize("name", DAMAGES)
def test_the_judge_names(name: str):
    invariant, damage = DAMAGES[name]
    view = honest()
    damage(view)
    assert invariant in found(view)


def test_each_invariant_of_the_figures_has_a_damage_here():
    named = {invariant for invariant, _ in DAMAGES.values()}
    assert named | {"I42", "I44", "I49"} == {*INVARIANTS, *APART}


@pytest.mark.parametrize(
    "seen",
    [{"noticed": False}, {"moved": 1}, {"looked": 1}, {"is_open": False}],
    ids=["not noticed", "charged while closed", "opened after one look", "never opened"],
)
def test_a_gate_that_does_not_hold_after_a_restore_is_named(seen: dict[str, Any]):
    well: dict[str, Any] = {"noticed": True, "moved": 0, "looked": 2, "is_open": True}
    assert list(judge_gate(**well)) == []
    assert [each.invariant for each in judge_gate(**well | seen)] == ["I49"]


def test_a_call_inside_a_transaction_is_found_in_what_the_application_itself_says():
    assert list(judge.in_the_log("all is well")) == []
    with pytest.raises(AssertionError) as caught, fence.transaction():
        fence.assert_outside_transaction("the gateway")
    assert [each.invariant for each in judge.in_the_log(str(caught.value))] == ["I44"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_counts_as_caught_only_by_what_it_stands_for(mutant: Mutant):
    assert mutant.breaks
    assert set(mutant.breaks) <= set(INVARIANTS)
    assert mutant.caught_by([Violation("I99", "something else")]) == []
    assert mutant.caught_by([Violation(mutant.breaks[0], "it")]) == [mutant.breaks[0]]


def test_an_attempt_that_took_too_long_is_named():
    out = Outcome(Plan(), recovery=[LONGEST_RECOVERY + 1])
    assert {each.invariant for each in out.add_view(honest())} == {"I12"}


def test_a_damaged_file_and_a_lost_parent_are_named(tmp_path: Path):
    database = SqliteDatabase(tmp_path)
    try:
        with sqlite3.connect(database.path) as made:
            made.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
            made.execute("CREATE TABLE children (parent INTEGER REFERENCES parents (id), x TEXT)")
            made.execute("CREATE INDEX by_x ON children (x)")
            made.execute("INSERT INTO parents VALUES (1)")
            made.executemany("INSERT INTO children VALUES (1, ?)", [("a",), ("b",)])
        made.close()
        assert database.faults() == []
        with sqlite3.connect(database.path) as made:
            made.execute("DELETE FROM parents")
        made.close()
        assert len(database.faults()) == 2
        with sqlite3.connect(database.path) as made:
            made.execute("PRAGMA writable_schema = ON")
            made.execute("DELETE FROM sqlite_schema WHERE name = 'by_x'")
        made.close()
        assert any("never used" in each for each in database.faults())
    finally:
        database.close()
