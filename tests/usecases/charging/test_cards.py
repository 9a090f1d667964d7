"""Cards entered on the gateway's page: fetched by the worker, compared with the customer, kept for whom they belong to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from app.charging.cards import SetupRequest, SetupStarted, begin_setup, ensure_customer, finish_due_setups, setup_status
from app.gateways.sandbox import Fault
from app.models.customers import Customer, StoredCard
from app.models.merchants import SigningKey
from app.models.work import CardSetup
from tests.usecases.charging.desk import Desk


def begin(desk: Desk, *, own_email: bool = True, customer: str = "cus_sandbox_1_1001") -> SetupStarted:
    request = SetupRequest(
        book_id=desk.seeded.book, livemode=False, customer_id=desk.seeded.customer, cart_session="cart-1",
        own_email=own_email, gateway="sandbox", account="quillmark-test", gateway_customer=customer,
        description="Due today $5.00",
    )  # fmt: skip
    return begin_setup(
        desk.store, desk.gateways, desk.clock, request, return_url=lambda setup: f"https://shop.example/{setup}"
    )


def enter(desk: Desk, started: SetupStarted, number: str = "4242424242424242") -> None:
    desk.sandbox.pages.add_card(started.url.rpartition("/")[2], number, 9, 2031)


def finish(desk: Desk, *, rung: bool = True) -> int:
    desk.clock.move(timedelta(seconds=2))
    return finish_due_setups(desk.store, desk.gateways, desk.clock, by="worker", rung=rung)


def status(desk: Desk, started: SetupStarted):
    with desk.store.read() as conn:
        return setup_status(conn, desk.seeded.book, started.id)


def card_row(desk: Desk, card_id: int):
    with desk.store.read() as conn:
        return conn.execute(select(StoredCard).where(StoredCard.id == card_id)).one()


def test_a_card_entered_on_the_gateway_s_page_is_on_file(desk: Desk):
    started = begin(desk)
    assert started.url.startswith("https://pay.liftlink.example/")
    enter(desk, started)
    assert finish(desk) == 1
    facts = status(desk, started)
    assert facts.state == "DONE"
    row = card_row(desk, facts.card_id)
    assert (row.last4, row.exp_month, row.exp_year, row.cart_session) == ("4242", 9, 2031, None)


def test_a_card_on_file_keeps_the_gateway_s_mark_of_its_number(desk: Desk):
    """Equal for equal numbers, also when a number is entered again as another card; another number has another."""
    marks: list[str] = []
    for number in ("4242424242424242", "4242424242424242", "5454545454545454"):
        started = begin(desk)
        enter(desk, started, number)
        finish(desk)
        marks.append(card_row(desk, status(desk, started).card_id).fingerprint)
    visa, again, mastercard = marks
    assert visa
    assert visa == again != mastercard


def test_the_card_just_entered_can_pay(desk: Desk):
    started = begin(desk)
    enter(desk, started)
    finish(desk)
    row = card_row(desk, status(desk, started).card_id)
    from app.charging.place import ChosenCard

    card = ChosenCard(row.id, row.token, row.gateway_customer, row.brand, row.last4, row.exp_month, row.exp_year)
    placed = desk.place(card=card)
    desk.drive(placed.attempt_id)
    assert desk.facts(placed.order_id).state == "PAID"


def test_a_card_entered_under_another_email_belongs_to_that_cart_alone(desk: Desk):
    started = begin(desk, own_email=False)
    enter(desk, started)
    finish(desk)
    assert card_row(desk, status(desk, started).card_id).cart_session == "cart-1"


def test_an_unfinished_page_stays_open_and_is_given_up_after_a_day(desk: Desk):
    started = begin(desk)
    finish(desk)
    assert status(desk, started).state == "OPEN"
    desk.clock.move(timedelta(hours=25))
    finish(desk, rung=False)
    assert status(desk, started).state == "ABANDONED"


def test_a_card_of_another_gateway_customer_is_never_stored(desk: Desk):
    started = begin(desk)
    enter(desk, started)
    with desk.store.write() as conn:
        conn.execute(update(CardSetup).values(gateway_customer="cus_of_somebody_else"))
    before = desk.count(StoredCard)
    finish(desk)
    assert status(desk, started).state == "FAILED"
    assert desk.count(StoredCard) == before


def test_a_silent_gateway_opens_no_page_and_the_next_press_may(desk: Desk):
    desk.sandbox.controls.fail_next("begin_card_setup", Fault.TIMEOUT_BEFORE)
    assert begin(desk).url is None
    assert begin(desk).url is not None
    assert desk.count(CardSetup) == 2


def test_a_silent_gateway_is_asked_again_for_the_card(desk: Desk):
    started = begin(desk)
    enter(desk, started)
    desk.sandbox.controls.fail_next("finish_card_setup", Fault.ERROR_BEFORE)
    finish(desk)
    assert status(desk, started).state == "OPEN"
    desk.clock.move(timedelta(seconds=20))
    finish(desk, rung=False)
    assert status(desk, started).state == "DONE"


def test_a_customer_who_is_not_at_the_gateway_is_made_there_once(desk: Desk):
    with desk.store.write() as conn:
        conn.execute(update(Customer).values(gateway_customer=""))
    started = begin(desk, customer="")
    assert started.url is not None
    with desk.store.read() as conn:
        made = conn.execute(select(Customer.gateway_customer)).scalar_one()
    assert made
    again = ensure_customer(
        desk.store, desk.gateways, book_id=desk.seeded.book, livemode=False, gateway="sandbox", account="quillmark-test",
        reference=f"{desk.seeded.book}-{desk.seeded.customer}",
    )  # fmt: skip
    assert again == made


def test_a_database_that_was_made_anew_gets_customers_of_its_own(desk: Desk):
    """Its book and customer have the same numbers, and the gateway remembers keys for a day."""
    made: list[str | None] = []
    for kid in ("k-first", "k-second"):
        with desk.store.write() as conn:
            conn.execute(delete(SigningKey))
            conn.execute(insert(SigningKey).values(
                kid=kid, book_id=desk.seeded.book, salt="", master_mark="", standing_batch=1, state="active", created_at=desk.clock.now()
            ))  # fmt: skip
        made.append(ensure_customer(
            desk.store, desk.gateways, book_id=desk.seeded.book, livemode=False, gateway="sandbox",
            account="quillmark-test", reference="1-1",
        ))  # fmt: skip
    assert len(set(made)) == 2


@pytest.mark.parametrize("times", [2])
def test_the_same_card_entered_twice_is_one_row(desk: Desk, times: int):
    started = begin(desk)
    enter(desk, started)
    for _ in range(times):
        finish(desk)
    assert desk.count(StoredCard, cart_session=None) == 4  # three of the reference case and this one
