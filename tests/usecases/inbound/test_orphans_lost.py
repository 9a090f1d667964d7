"""An orphan whose money the bank took in a dispute holds no money any more: no machine and no person keeps it waiting."""

from __future__ import annotations

from tests.usecases.audit.test_honest_stories import named
from tests.usecases.charging.person import decide, may, waiting
from tests.usecases.inbound.telling import Ears
from tests.usecases.inbound.test_orphans import GONE, found


def lost(ears: Ears, ref: str, *, amount: int | None = None) -> None:
    dispute = ears.desk.sandbox.controls.open_dispute(ref)
    if amount is not None:
        with ears.desk.sandbox.ledger.write() as c:
            c.execute("UPDATE disputes SET amount = ?", (amount,))
    ears.desk.sandbox.controls.close_dispute(dispute, won=False)


def wrong(ears: Ears) -> list[str]:
    return [each for each in named(ears.desk) if ": was due at " not in each]


def test_one_that_was_lost_before_it_was_looked_after_is_put_down_as_given_back(ears: Ears):
    ref = ears.pay_behind(GONE)
    lost(ears, ref)
    found(ears, ref)
    ears.settle_down(0.5)
    assert (ears.orphan_state(ref), ears.desk.requests("refund")) == ("REFUNDED", [])
    assert (waiting(ears.desk), wrong(ears)) == ([], [])


def test_one_that_is_lost_while_a_person_has_it_may_be_closed_without_a_refund(ears: Ears):
    ref = ears.pay_behind(GONE)
    found(ears, ref)
    ears.settle_down(0.5)
    (matter,) = waiting(ears.desk)
    lost(ears, ref)
    assert "refund" in may(ears.desk, matter)
    decide(ears.desk, matter, "refund")
    assert (ears.orphan_state(ref), ears.desk.requests("refund")) == ("REFUNDED", [])
    assert (waiting(ears.desk), wrong(ears)) == ([], [])


def test_of_one_that_was_lost_in_part_the_rest_stays_a_persons_matter(ears: Ears):
    ref = ears.pay_behind(GONE)
    lost(ears, ref, amount=300)
    found(ears, ref)
    ears.settle_down(0.5)
    assert (ears.orphan_state(ref), ears.desk.requests("refund")) == ("PERSON", [])
