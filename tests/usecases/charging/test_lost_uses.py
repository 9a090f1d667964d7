"""A use of a link that was paid stays taken when a restore loses the order: the gateway's object says whose it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.billing.facts import Change
from app.charging.audit import run
from app.charging.drive import driver_name
from app.charging.errors import ChargingError
from app.charging.gate import open_or_close
from app.charging.orphaned import look_after_orphans
from app.charging.uses import mark_of_use
from app.models.orders import Attempt, Orphan
from tests.older_copy import Copy, copy_of, put_back, reopened
from tests.usecases.charging.desk import Desk
from tests.usecases.charging.person import decide, waiting
from tests.usecases.charging.test_compare import comparing


def copied(desk: Desk) -> Copy:
    open_or_close(desk.store, desk.clock, "")
    return copy_of(desk.store)


def restored(desk: Desk, copy: Copy) -> None:
    put_back(desk.store, copy)
    reopened(desk.store, desk.gateways, desk.clock)


def look_after(desk: Desk) -> None:
    look_after_orphans(desk.store, desk.gateways, desk.clock, by=driver_name("worker"))


def refused(desk: Desk, checkout: str, **order: Any) -> str:
    with pytest.raises(ChargingError) as error:
        desk.place(desk.order(checkout, **order))
    return error.value.code


def used_up(desk: Desk) -> list[str]:
    """What the audit says of uses of links."""
    findings = list(run(desk.store, desk.gateways, desk.clock))
    return [row.what for one in findings if one.invariant == "I25" for row in one.broken]


def test_a_link_of_one_use_takes_no_money_again_for_an_order_that_a_restore_lost(desk: Desk):
    copy = copied(desk)
    desk.buy()
    restored(desk, copy)
    assert refused(desk, "checkout-2") == "payment_unmatched"
    assert (desk.captures(), desk.uses(), used_up(desk)) == ([500], 0, [])


def test_a_link_may_be_used_again_once_a_person_gave_the_lost_payment_back(desk: Desk):
    copy = copied(desk)
    desk.buy()
    restored(desk, copy)
    (matter,) = [each for each in waiting(desk) if each.kind == "orphan"]
    decide(desk, matter, "refund")
    assert desk.buy(checkout="checkout-2").state == "PAID"
    assert used_up(desk) == []


def test_another_link_of_the_same_shopper_is_not_held_by_a_lost_payment(desk: Desk):
    copy = copied(desk)
    desk.buy()
    restored(desk, copy)
    assert desk.buy(checkout="checkout-2", jti="1.2").state == "PAID"


def test_the_same_link_of_another_merchant_on_the_account_is_not_held(desk: Desk):
    """Links are numbered by each book from its own beginning, and a payment without its order may stand in either book."""
    copy = copied(desk)
    desk.buy()
    restored(desk, copy)
    with desk.store.write() as conn:
        conn.execute(update(Orphan).values(book_id=desk.seeded.other_book))
    assert refused(desk, "checkout-2") == "payment_unmatched"
    with desk.store.write() as conn:
        theirs = mark_of_use(desk.seeded.other_book, "1.1", 1)
        conn.execute(update(Orphan).values(book_id=desk.seeded.book, use_mark=theirs))
    assert desk.buy(checkout="checkout-2").state == "PAID"


def test_of_a_link_with_many_uses_a_lost_payment_holds_one(desk: Desk):
    copy = copied(desk)
    desk.buy(uses=2)
    restored(desk, copy)
    assert desk.buy(checkout="checkout-2", uses=2).state == "PAID"
    assert refused(desk, "checkout-3", uses=2) == "payment_unmatched"


def test_a_link_without_an_end_of_uses_goes_on_selling(desk: Desk):
    copy = copied(desk)
    desk.buy(uses=65535)
    restored(desk, copy)
    assert desk.buy(checkout="checkout-2", uses=65535).state == "PAID"
    more = Change(quantity=3, unit_price=1000)
    assert desk.buy(checkout="checkout-3", uses=65535, change=more).state == "PAID"


def test_an_order_whose_next_attempt_was_lost_with_its_money_begins_no_other(desk: Desk):
    declined = desk.buy("visa_declined")
    copy = copied(desk)
    assert desk.buy().state == "PAID"
    restored(desk, copy)
    assert desk.facts(declined.id).state == "OPEN"
    assert refused(desk, "checkout-1") == "payment_unmatched"
    assert desk.captures() == [500]


def test_an_unconfirmed_payment_holds_its_use_until_it_is_cancelled(desk: Desk):
    copy = copied(desk)
    order = desk.buy("visa_3ds")
    assert order.last.state == "REQUIRES_ACTION"
    restored(desk, copy)
    assert refused(desk, "checkout-2") == "payment_unmatched"
    desk.clock.move(timedelta(hours=30))
    comparing(desk)
    look_after(desk)
    with desk.store.read() as conn:
        assert conn.execute(select(Orphan.state)).scalars().all() == ["CANCELLED"]
    assert desk.buy(checkout="checkout-2").state == "PAID"


def test_the_audit_counts_a_payment_whose_order_is_lost_as_a_use(desk: Desk):
    copy = copied(desk)
    desk.buy()
    restored(desk, copy)
    with desk.store.write() as conn:
        mark = conn.execute(select(Orphan.use_mark)).scalar_one()
        conn.execute(update(Orphan).values(use_mark=None))
    desk.buy(checkout="checkout-2")
    assert used_up(desk) == []
    with desk.store.write() as conn:
        conn.execute(update(Orphan).values(use_mark=mark))
    assert used_up(desk) == ["paid 1 orders and 1 that are lost, it allows 1"]


def test_the_audit_counts_an_order_once_that_was_paid_and_has_an_orphan_too(desk: Desk):
    order = desk.buy()
    copy = copied(desk)
    with desk.store.write() as conn:  # the row lost sight of its payment, so that comparing finds it as nobody's
        conn.execute(update(Attempt).values(gw_ref="elsewhere"))
    comparing(desk)
    with desk.store.read() as conn:
        assert conn.execute(select(Orphan.facts)).scalar_one()["order"] == order.id
    assert copy
    assert used_up(desk) == []
