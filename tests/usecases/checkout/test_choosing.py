"""The shopper chooses how many: within the offer and the product, priced here, bought exactly as shown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.charging.errors import ChargingError
from app.checkout.choosing import choose_quantity
from app.checkout.contact import change_email
from app.checkout.errors import CheckoutRefused
from app.checkout.opening import restored_session
from app.checkout.placing import stored_session
from app.kit.ids import system_randomness
from app.links.claims import SavedOffer
from app.links.sessions import CartSession
from app.models.orders import Order
from app.offers.saved import save_offer
from app.subscriptions.choices import NO_CHOICES, Choices, QuantityRange
from app.subscriptions.offered import written_change
from tests.rewriting import rewrite
from tests.usecases.checkout.till import SECOND_SEAT, Till

TWO_TO_TEN = Choices(QuantityRange(2, 10))


def session_of(till: Till, choices: Choices = TWO_TO_TEN) -> CartSession:
    number = save_offer(
        till.store, till.clock, till.seeded.book, name="Seats", change=written_change(SECOND_SEAT), ends_at=None,
        choices=choices,
    )  # fmt: skip
    return till.open(SavedOffer(number))


def choose(till: Till, session: CartSession, typed: str) -> CartSession:
    return choose_quantity(till.store, till.clock, system_randomness, till.seeded.book, session, typed)


def refused(till: Till, session: CartSession, typed: str) -> CheckoutRefused:
    with pytest.raises(CheckoutRefused) as error:
        choose(till, session, typed)
    return error.value


def narrow(till: Till, smallest: int, largest: int) -> None:
    choices = json.dumps({"quantity": {"min": smallest, "max": largest}})
    till.sql("UPDATE offers SET choices = :choices, version = version + 1", choices=choices)


def sell_at_most(till: Till, quantity: int) -> None:
    with till.store.write() as conn:
        rewrite(conn, "products", "facts", ("quantity",), {"max": quantity})
    till.sql("UPDATE books SET catalog_version = catalog_version + 1")


@pytest.mark.parametrize(("typed", "due", "renewal"), [("2", 500, 5000), ("3", 1000, 6000), (" 10 ", 4500, 13000)])
def test_the_price_is_that_of_the_chosen_quantity_and_that_is_charged(till: Till, typed: str, due: int, renewal: int):
    cart = till.look(choose(till, session_of(till), typed))
    assert (cart.quote.due_now, cart.quote.renewal.amount) == (due, renewal)
    assert till.desk.facts(till.press(cart)).state == "PAID"
    assert till.desk.captures() == [due]


def test_choosing_writes_nothing(till: Till):
    session = session_of(till)
    before = till.desk.requests()
    assert choose(till, session, "5") == session._replace(quantity=5)
    assert (till.desk.count(Order), till.desk.requests()) == (0, before)


def test_left_alone_it_is_the_offers_own_quantity(till: Till):
    cart = till.look(session_of(till))
    assert (cart.quote.due_now, cart.quantity_range) == (500, (2, 10))


@pytest.mark.parametrize(
    "typed", ["", "  ", "three", "0", "1", "11", "-3", "3.5", "1e1", "٣", "9" * 10, "9" * 5000, "3\0"]
)
def test_what_is_no_number_of_the_offer_is_wrong_by_name(till: Till, typed: str):
    error = refused(till, session_of(till), typed)
    assert (error.code, error.details["field"], error.details["typed"]) == ("quantity_wrong", "quantity", typed)


def test_as_many_as_there_are_already_is_wrong_for_that_reason(till: Till):
    error = refused(till, session_of(till, Choices(QuantityRange(1, 10))), "1")
    assert (error.code, error.details["reason"]) == ("quantity_wrong", "same_target")


def test_an_offer_that_leaves_no_choice_takes_none(till: Till):
    session = session_of(till, NO_CHOICES)
    assert refused(till, session, "3").code == "quantity_not_offered"
    assert refused(till, till.open(), "3").code == "quantity_not_offered"
    assert till.look(session).quantity_range is None


def test_a_session_that_says_more_than_its_offer_is_refused_on_every_look_with_its_field(till: Till):
    with pytest.raises(CheckoutRefused) as error:
        till.look(session_of(till)._replace(quantity=11))
    assert (error.value.code, error.value.details["field"]) == ("quantity_not_offered", "quantity")
    assert (error.value.details["smallest"], error.value.details["largest"]) == (2, 10)


def test_the_products_own_range_counts_too(till: Till):
    session = session_of(till)
    chosen = choose(till, session, "8")
    sell_at_most(till, 4)
    assert till.look(session).quantity_range == (2, 4)
    assert refused(till, session, "5").code == "quantity_wrong"
    with pytest.raises(CheckoutRefused) as error:
        till.look(chosen)
    assert (error.value.code, error.value.details["largest"]) == ("quantity_not_offered", 4)


def test_where_the_product_leaves_one_number_there_is_nothing_to_choose(till: Till):
    session = session_of(till)
    sell_at_most(till, 2)
    assert till.look(session).quantity_range is None


def test_a_press_after_the_offer_was_narrowed_buys_nothing(till: Till):
    cart = till.look(choose(till, session_of(till), "8"))
    narrow(till, 2, 5)
    with pytest.raises(CheckoutRefused) as error:
        till.press(cart)
    assert error.value.code == "quantity_not_offered"
    assert (till.desk.count(Order), till.desk.requests()) == (0, [])


def test_an_offer_that_is_narrowed_during_the_press_buys_nothing(till: Till):
    cart = till.look(choose(till, session_of(till), "8"))
    with pytest.raises((CheckoutRefused, ChargingError)) as error:
        till.press(cart, lambda: narrow(till, 2, 5))
    assert error.value.code == "quantity_not_offered"
    assert (till.desk.count(Order), till.desk.requests()) == (0, [])


def test_a_quote_of_one_quantity_never_buys_another(till: Till):
    session = session_of(till)
    three = till.look(choose(till, session, "3"))
    with pytest.raises(CheckoutRefused) as error:
        till.press(replace(three, session=choose(till, session, "4")))
    assert error.value.code == "price_changed"
    assert till.desk.requests() == []


@pytest.mark.parametrize("quantity", [0, 7])
def test_an_order_remembers_what_was_chosen(till: Till, quantity: int):
    session = session_of(till)._replace(quantity=quantity, other_email=True)
    now = int(till.clock.now().timestamp())
    restored = restored_session(stored_session(session), now)
    assert restored is not None
    assert (restored.quantity, restored.visit, restored.other_email) == (quantity, session.visit, True)


def test_an_order_of_before_there_were_choices_is_still_opened(till: Till):
    stored = stored_session(till.open())
    assert stored.count(".") == 3
    assert restored_session(stored, int(till.clock.now().timestamp())) is not None


def test_another_address_keeps_the_quantity_and_another_quantity_the_address(till: Till):
    chosen = choose(till, session_of(till), "3")
    moved = change_email(till.tools, till.look(chosen), "someone@elsewhere.example")
    assert (moved.quantity, moved.other_email, moved.visit) == (3, True, chosen.visit)
    again = choose(till, moved, "4")
    assert till.look(again).contact.email == "someone@elsewhere.example"
    assert (again.visit, till.look(again).cards) == (chosen.visit, ())
