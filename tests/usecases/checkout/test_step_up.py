"""Where the merchant asks for it a link alone buys nothing: a code to the address on file, or a card entered again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.accounts.errors import AccountError
from app.accounts.policy import checked_policy
from app.checkout.cart import Cart, look, session_id
from app.checkout.contact import change_email
from app.checkout.errors import CheckoutRefused
from app.checkout.step_up_codes import (
    A_DAY,
    GOOD_FOR,
    NOT_AGAIN_FOR,
    SENDS,
    SENDS_A_DAY,
    TRIES,
    Asking,
    CodeFacts,
    CodeState,
    code_facts,
    enter_code,
    send_code,
)
from app.checkout.stepping_up import PASSED_FOR, Check
from app.kit.codes import Codes
from app.kit.ids import system_randomness
from app.kit.keys import MasterKeys
from app.links.claims import WrittenOffer
from app.links.sessions import CartSession
from app.models.work import CardSetup, Outbox, StepUp
from tests.factories import create_customer
from tests.usecases.checkout.till import Till

CODES = Codes(MasterKeys([b"the master secret of these tests"]))
MINUTE = timedelta(minutes=1)


def ask_for(till: Till, policy: str = "amount:5.00") -> None:
    import json

    stored = json.dumps(checked_policy({"step_up": policy}))
    till.sql("UPDATE books SET policy = :policy, policy_version = policy_version + 1", policy=stored)


def asking(cart: Cart) -> Asking:
    return Asking(cart.book_id, session_id(cart.session), cart.held.customer, cart.held.reference)


def send(till: Till, cart: Cart) -> CodeFacts:
    return send_code(till.store, till.clock, system_randomness, CODES, asking(cart), language="en")


def enter(till: Till, cart: Cart, typed: str) -> CodeFacts:
    return enter_code(till.store, till.clock, CODES, asking(cart), typed)


def mails(till: Till) -> list[dict[str, Any]]:
    with till.store.read() as conn:
        query = select(Outbox.body).where(Outbox.kind == "step_up").order_by(Outbox.created_at, Outbox.id)
        return list(conn.scalars(query))


def code(till: Till) -> str:
    """As it stands in the newest mail."""
    return CODES.code_of(mails(till)[-1]["seed"])


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06d}"


def refused(till: Till, session: CartSession, **how: Any) -> str:
    with pytest.raises(CheckoutRefused) as caught:
        till.press(till.look(session), **how)
    assert till.desk.captures() == []
    return caught.value.code


def another(till: Till) -> int:
    with till.store.write() as conn:
        return create_customer(conn, till.seeded.book, email="robin@elsewhere.example")


def entered_card(till: Till, cart: Cart, card: int, **facts: Any) -> None:
    """As the worker leaves it after the gateway's card page."""
    from sqlalchemy import insert

    with till.store.write() as conn:
        conn.execute(
            insert(CardSetup).values(
                **{
                    "id": f"setup-{card}", "book_id": cart.book_id, "customer_id": cart.held.customer.id,
                    "cart_session": session_id(cart.session), "own_email": True, "gateway": "sandbox",
                    "gateway_customer": cart.held.customer.gateway_customer, "state": "DONE", "card_id": card,
                    "created_at": till.clock.now(), **facts,
                }
            )
        )  # fmt: skip


def test_without_the_rule_nothing_is_asked(till: Till):
    cart = till.look(till.open())
    assert cart.check is None
    assert till.desk.facts(till.press(cart)).state == "PAID"


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        ("amount:50.00", True), ("amount:50.01", False), ("link_age_days:3", True), ("link_age_days:4", False),
        ("amount:1000,link_age_days:3", True), ("amount:1000,link_age_days:4", False),
    ],
)  # fmt: skip
def test_it_is_asked_by_amount_or_age_of_the_link(till: Till, policy: str, asked: bool):
    session = till.open()
    till.clock.move(timedelta(days=3))
    session = session._replace(expires_at=session.expires_at + 4 * 86400)
    ask_for(till, policy)
    assert (till.look(session).check is not None) is asked


def test_what_costs_nothing_is_not_guarded_and_a_dearer_renewal_is(till: Till):
    ask_for(till, "amount:50.00,how:card")
    free = till.look(till.open(WrittenOffer(1, "crm-seat", 3, unit_price=0)))
    assert free.check is None
    later = till.look(till.open(WrittenOffer(1, "crm-seat", 2, effective="next_billing")))
    assert later.quote.due_now == 0
    assert later.check is not None
    assert later.check.how == "code", "where no card is charged a card proves nothing"


def test_what_costs_little_today_and_much_from_then_on_is_asked_for(till: Till):
    ask_for(till, "amount:100.00")
    cart = till.look(till.open(WrittenOffer(1, "crm-seat", 11, unit_price=1000)))
    assert (cart.quote.due_now < 10_000 < cart.quote.renewal.amount, cart.check is not None) == (True, True)


def test_a_press_without_it_is_refused_and_with_the_right_code_it_buys(till: Till):
    ask_for(till)
    session = till.open()
    assert refused(till, session) == "step_up_needed"
    cart = till.look(session)
    assert send(till, cart) == CodeFacts(CodeState.SENT, TRIES, True)
    assert refused(till, session) == "step_up_needed"
    assert enter(till, cart, code(till)).state is CodeState.PASSED
    assert till.desk.facts(till.press(till.look(session))).state == "PAID"
    assert till.desk.captures() == [500]


def test_the_transaction_itself_asks_again(till: Till):
    """The page and the form saw a session that had passed; a moment later it has not."""
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    enter(till, cart, code(till))
    with pytest.raises(CheckoutRefused) as caught:
        till.press(till.look(cart.session), lambda: till.sql("UPDATE step_ups SET passed_at = NULL"))
    assert caught.value.code == "step_up_needed"
    assert (till.desk.captures(), till.desk.uses()) == ([], 0)


def test_a_second_try_after_a_decline_needs_it_too(till: Till):
    ask_for(till)
    cart, declined = till.look(till.open()), till.desk.card("visa_declined")
    send(till, cart)
    enter(till, cart, code(till))
    order = till.press(till.look(cart.session), card=declined.id)
    assert till.desk.facts(order).state == "OPEN"
    till.clock.move(PASSED_FOR)
    with pytest.raises(CheckoutRefused) as caught:
        till.press(till.look(cart.session._replace(expires_at=cart.session.expires_at + 7200)))
    assert caught.value.code == "step_up_needed"


def test_another_opening_of_the_link_proves_nothing(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    enter(till, cart, code(till))
    assert refused(till, till.open()) == "step_up_needed"
    till.clock.move(MINUTE)
    send(till, till.look(till.open()))
    till.sql("UPDATE step_ups SET passed_at = NULL")
    assert enter(till, cart, code(till)).state is not CodeState.PASSED, "that code is the other session's"


def test_a_code_that_was_anothers_proves_nothing(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    enter(till, cart, code(till))
    assert till.look(cart.session).check == Check("code", passed=True, entered=frozenset())
    till.sql("UPDATE step_ups SET customer_id = :other", other=another(till))
    assert refused(till, cart.session) == "step_up_needed"


def test_a_card_that_another_entered_proves_nothing(till: Till):
    ask_for(till, "amount:5.00,how:card")
    cart = till.look(till.open())
    entered_card(till, cart, till.seeded.visa, customer_id=another(till))
    assert till.look(cart.session).usable == frozenset()
    assert refused(till, cart.session, card=till.seeded.visa) == "step_up_needed"


def test_it_goes_to_the_address_on_file_whatever_was_typed(till: Till):
    ask_for(till)
    session = change_email(till.tools, till.look(till.open()), "thief@elsewhere.example")
    send(till, till.look(session))
    assert [mail["to"] for mail in mails(till)] == ["dana@brightwell.example"]


def test_a_code_for_one_address_is_none_for_another(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    till.sql("UPDATE customers SET email = 'new@brightwell.example'")
    assert enter(till, till.look(cart.session), code(till)).state is CodeState.SENT


def test_no_row_holds_the_code(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    known = code(till)
    with till.store.read() as conn:
        for table in ("step_ups", "outbox", "transitions"):
            for row in conn.execute(text(f"SELECT * FROM {table}")):
                assert known not in "|".join(map(str, row)).replace(":", "").replace(".", "|")
    assert enter(till, cart, known).state is CodeState.PASSED


def test_five_wrong_tries_end_a_code_and_the_right_one_comes_too_late(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    right = code(till)
    assert [enter(till, cart, wrong(right)).left for _ in range(TRIES - 1)] == [4, 3, 2, 1]
    assert enter(till, cart, wrong(right)).state is CodeState.OVER
    assert enter(till, cart, right).state is CodeState.OVER


def test_of_twenty_guesses_at_once_five_are_looked_at(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    right = int(code(till))
    guesses = [f"{(right + n) % 10**6:06d}" for n in range(1, 21)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda guess: enter(till, cart, guess), guesses))
    with till.store.read() as conn:
        assert conn.execute(select(StepUp.tries)).scalar() == TRIES


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_costs_no_try(till: Till, typed: str):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    assert enter(till, cart, typed).left == TRIES


def test_spaces_and_a_hyphen_in_it_do_not_matter(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    right = code(till)
    assert enter(till, cart, f" {right[:3]} {right[3:]}-").state is CodeState.PASSED


def test_ten_minutes_and_no_longer(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    till.clock.move(GOOD_FOR - timedelta(seconds=1))
    assert code_facts(till.store, till.clock, asking(cart)).state is CodeState.SENT
    till.clock.move(timedelta(seconds=1))
    assert enter(till, cart, code(till)).state is CodeState.OVER


def test_a_new_code_ends_the_old_one_and_a_double_click_is_one(till: Till):
    ask_for(till)
    cart = till.look(till.open())
    send(till, cart)
    send(till, cart)
    assert len(mails(till)) == 1
    old = code(till)
    till.clock.move(NOT_AGAIN_FOR)
    send(till, cart)
    assert len(mails(till)) == 2
    assert enter(till, cart, old).state is CodeState.SENT
    assert enter(till, cart, code(till)).state is CodeState.PASSED


def test_three_codes_a_session_ten_a_day_for_a_customer(till: Till):
    ask_for(till)
    cart, began = till.look(till.open()), till.clock.now()
    for _ in range(SENDS + 2):
        send(till, cart)
        till.clock.move(MINUTE)
    assert len(mails(till)) == SENDS
    till.clock.move(GOOD_FOR)
    assert send(till, cart) == CodeFacts(CodeState.STOPPED, more=False, again=None), "another cart may"
    for _ in range(SENDS_A_DAY):
        send(till, till.look(till.open()))
        till.clock.move(MINUTE)
    assert len(mails(till)) == SENDS_A_DAY
    stopped = send(till, till.look(till.open()))
    assert stopped.state is CodeState.STOPPED
    assert stopped.again == began + (SENDS - 1) * MINUTE + A_DAY, "the first cart's three count from its last one on"
    till.clock.move(stopped.again - till.clock.now() - timedelta(seconds=1))
    assert send(till, till.look(till.open())).state is CodeState.STOPPED
    till.clock.move(timedelta(seconds=1))
    assert send(till, till.look(till.open())).state is CodeState.SENT
    till.clock.move(A_DAY)
    assert send(till, till.look(till.open())).state is CodeState.SENT
    with till.store.read() as conn:
        assert len(conn.execute(select(StepUp.cart_session)).all()) == 1, "sessions of yesterday are forgotten"


def test_a_card_entered_again_in_this_cart_buys_and_no_other(till: Till):
    ask_for(till, "amount:5.00,how:card")
    cart = till.look(till.open())
    assert cart.usable == frozenset()
    entered_card(till, cart, till.seeded.mastercard)
    again = till.look(cart.session)
    assert again.usable == {till.seeded.mastercard}
    assert refused(till, cart.session, card=till.seeded.visa) == "step_up_needed"
    assert refused(till, till.open(), card=till.seeded.mastercard) == "step_up_needed"
    assert till.desk.facts(till.press(again, card=till.seeded.mastercard)).state == "PAID"


def test_a_card_that_was_entered_long_ago_or_not_to_the_end_proves_nothing(till: Till):
    ask_for(till, "amount:5.00,how:card")
    cart = till.look(till.open())
    entered_card(till, cart, till.seeded.visa, created_at=till.clock.now() - PASSED_FOR)
    entered_card(till, cart, till.seeded.mastercard, state="OPEN")
    assert till.look(cart.session).usable == frozenset()


def test_either_way_will_do_where_the_merchant_says_so(till: Till):
    ask_for(till, "amount:5.00,how:either")
    cart = till.look(till.open())
    send(till, cart)
    enter(till, cart, code(till))
    passed = till.look(cart.session)
    assert {till.seeded.visa, till.seeded.mastercard} <= passed.usable
    assert till.desk.facts(till.press(passed)).state == "PAID"


def test_how_card_takes_no_code(till: Till):
    ask_for(till, "amount:5.00,how:card")
    cart = till.look(till.open())
    assert cart.check is not None
    assert not cart.check.takes_code


def test_a_preview_asks_for_nothing_and_sells_nothing(till: Till):
    ask_for(till)
    cart = look(till.store, till.clock, system_randomness, till.seeded.book, till.open()._replace(preview=True))
    assert cart.check is None


@pytest.mark.parametrize(
    "value", ["", "how:code", "amount:ten", "amount:5,how:fax", "link_age_days:-1", "amount:5,days:3", "amount:-5"]
)
def test_a_rule_that_says_nothing_clear_is_refused(value: str):
    if not value:
        assert checked_policy({"step_up": value}) == {}
        return
    with pytest.raises(AccountError):
        checked_policy({"step_up": value})


def test_the_rule_reads_the_same_as_text_and_as_stored():
    stored = checked_policy({"step_up": "amount:100.00,link_age_days:7,how:either"})["step_up"]
    assert stored == {"amount": "100.00", "link_age_days": 7, "how": "either"}
    assert checked_policy({"step_up": stored})["step_up"] == stored
