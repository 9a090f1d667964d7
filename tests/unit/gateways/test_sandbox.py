from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from app.gateways.port import Answer, AnswerKind, CreatePayment, GatewayError, Marks, PaymentStatus
from app.gateways.sandbox import CARDS, Effect, Fault, open_gateway
from app.gateways.sandbox.cards import card_of_number, card_of_token
from app.gateways.sandbox.keys import IDEMPOTENCY_TTL
from tests.contract.sandbox_world import SandboxWorld


@pytest.fixture
def world(tmp_path: Path) -> Generator[SandboxWorld]:
    world = SandboxWorld(tmp_path / "ledger.sqlite")
    yield world
    world.sandbox.close()


def create(world: SandboxWorld, token: str = "pm_sandbox_visa_ok", customer: str = "cus_1", key: str = "k") -> Answer:
    return world.gateway.create_payment(CreatePayment(500, "USD", customer, token, Marks("o", "o.1")), key=key)


def created(world: SandboxWorld, behaviour: str) -> str:
    payment = create(world, CARDS[behaviour].token).payment
    assert payment
    return payment.ref


def confirm(world: SandboxWorld, ref: str, key: str = "c") -> AnswerKind:
    return world.gateway.confirm_payment(ref, key=key, return_url=None).kind


def paid(world: SandboxWorld) -> str:
    ref = created(world, "visa_ok")
    confirm(world, ref)
    return ref


def test_every_card_number_is_its_own_and_passes_the_check_digit():
    numbers = [card.number for card in CARDS.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(card_of_number(card.number) is card and card_of_token(card.token) is card for card in CARDS.values())


def test_every_effect_and_every_fault_can_be_shown_by_a_card():
    assert {card.effect for card in CARDS.values()} == set(Effect)
    by_command_only = {Fault.KEY_IN_USE, Fault.UNAUTHORIZED, Fault.FORBIDDEN}
    assert {card.fault for card in CARDS.values()} - {None} == set(Fault) - by_command_only


def test_a_token_with_a_suffix_belongs_to_its_first_customer(world: SandboxWorld):
    assert create(world, "pm_sandbox_visa_ok-1048", "cus_1", "a").kind is AnswerKind.DEFINITE
    assert create(world, "pm_sandbox_visa_ok-1048", "cus_2", "b").kind is AnswerKind.BUG_OR_GONE
    assert create(world, "pm_sandbox_visa_ok", "cus_2", "c").kind is AnswerKind.DEFINITE


@pytest.mark.parametrize(
    ("token", "customer"), [("pm_unknown", "cus_1"), ("pm_sandbox_nothing", "cus_1"), ("pm_sandbox_visa_ok", "1048")]
)
def test_an_unknown_card_or_customer_is_a_bug(world: SandboxWorld, token: str, customer: str):
    assert create(world, token, customer).kind is AnswerKind.BUG_OR_GONE


def test_a_card_expires_at_the_end_of_its_month(world: SandboxWorld):
    setup = world.gateway.begin_card_setup(customer="cus_1", return_url="/", description="", key="s").value
    assert setup
    world.sandbox.pages.add_card(setup.ref, CARDS["visa_ok"].number, 7, 2026)
    (card,) = world.gateway.stored_cards("cus_1").value or ()
    first, second = (create(world, card.token, key=key).payment for key in "ab")
    assert first
    assert second
    world.clock.move(timedelta(days=30))
    assert confirm(world, first.ref) is AnswerKind.DEFINITE
    world.clock.move(timedelta(days=1))
    assert confirm(world, second.ref, "d") is AnswerKind.DECLINE


@pytest.mark.parametrize("table", ["captures", "refunds", "requests", "events"])
def test_what_happened_cannot_be_changed(world: SandboxWorld, table: str):
    ref = paid(world)
    world.gateway.refund(ref, amount=100, mark="r1", key="r1")
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET seq = seq + 100"):
        with world.sandbox.ledger.write() as c, pytest.raises(sqlite3.IntegrityError, match="append-only"):
            c.execute(statement)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        (
            "INSERT INTO captures SELECT 9, 'x', payment, amount, currency, order_mark, attempt, at FROM captures",
            "UNIQUE",
        ),
        (
            "INSERT INTO refunds SELECT 9, 'x', payment, 501, currency, '', order_mark, at FROM captures",
            "above the capture",
        ),
        ("UPDATE payments SET status = 'canceled'", "final payment"),
    ],
)
def test_the_file_itself_keeps_the_money_rules(world: SandboxWorld, statement: str, refusal: str):
    paid(world)
    with world.sandbox.ledger.write() as c, pytest.raises(sqlite3.IntegrityError, match=refusal):
        c.execute(statement)


def test_the_log_says_who_called_what_with_which_key_and_when(world: SandboxWorld):
    confirm(world, created(world, "visa_timeout_not_acted"))
    first, second = world.sandbox.ledger.requests("o")
    assert [(r.verb, r.key, r.account, r.attempt) for r in (first, second)] == [
        ("create_payment", "k", "acct_1", "o.1"), ("confirm_payment", "c", "acct_1", "o.1"),
    ]  # fmt: skip
    assert first.arrived_at == world.clock.now() - timedelta(seconds=1)
    assert first.params_hash != second.params_hash


def test_a_refused_connection_leaves_no_trace(world: SandboxWorld):
    assert create(world, CARDS["visa_unreachable"].token).kind is AnswerKind.NOT_SENT
    assert world.sandbox.ledger.requests() == []


def test_a_key_is_remembered_for_its_stated_time(world: SandboxWorld):
    first = create(world).payment
    world.clock.move(IDEMPOTENCY_TTL - timedelta(seconds=1))
    assert create(world).payment == first
    world.clock.move(timedelta(seconds=1))
    assert create(world).payment != first


def test_a_key_in_use_is_busy_until_its_call_ends(world: SandboxWorld):
    """The second call comes while the first still sleeps: the clock's sleep is where it gets its turn."""
    ref = created(world, "visa_slow")
    seen: list[AnswerKind] = []
    world.clock.sleep = lambda seconds: seen.append(confirm(world, ref)) if not seen else None  # type: ignore[method-assign]
    assert confirm(world, ref) is AnswerKind.DEFINITE
    assert seen == [AnswerKind.BUSY]
    assert world.captured("o") == 500


def test_a_call_that_died_with_its_process_frees_its_key_later(world: SandboxWorld):
    ref = created(world, "visa_slow")

    def die(seconds: float) -> None:
        raise KeyboardInterrupt

    sleep, world.clock.sleep = world.clock.sleep, die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        confirm(world, ref)
    world.clock.sleep = sleep  # type: ignore[method-assign]
    assert confirm(world, ref) is AnswerKind.BUSY
    world.clock.move(timedelta(seconds=61))
    assert confirm(world, ref) is AnswerKind.DEFINITE
    assert world.captured("o") == 500


def test_an_unsaved_error_leaves_the_key_usable(world: SandboxWorld):
    ref = created(world, "visa_error_unsaved")
    assert confirm(world, ref) is AnswerKind.UNKNOWN
    assert confirm(world, ref) is AnswerKind.DEFINITE


def test_a_card_that_never_answers_never_charges(world: SandboxWorld):
    ref = created(world, "visa_timeout_always")
    assert [confirm(world, ref, f"c{n}") for n in range(3)] == [AnswerKind.UNKNOWN] * 3
    assert world.captured("o") == 0


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.KEY_IN_USE, AnswerKind.BUSY),
        (Fault.UNAUTHORIZED, AnswerKind.MERCHANT_FAULT),
        (Fault.FORBIDDEN, AnswerKind.MERCHANT_FAULT),
        (Fault.REFUSED, AnswerKind.NOT_SENT),
        (Fault.CUT_BODY, AnswerKind.UNKNOWN),
        (Fault.TIMEOUT_AFTER, AnswerKind.UNKNOWN),
        (Fault.ERROR_BEFORE, AnswerKind.UNKNOWN),
    ],
)
@pytest.mark.parametrize("verb", ["read_payment", "confirm_payment"])
def test_faults_come_on_command_as_often_as_asked(world: SandboxWorld, fault: Fault, kind: AnswerKind, verb: str):
    ref = created(world, "visa_ok")
    world.sandbox.controls.fail_next(verb, fault, times=2)

    def call(n: int) -> AnswerKind:
        return world.gateway.read_payment(ref).kind if verb == "read_payment" else confirm(world, ref, f"c{n}")

    assert [call(0), call(1)] == [kind, kind]
    assert call(2) in (AnswerKind.DEFINITE, AnswerKind.READ)


def test_a_fault_for_one_order_spares_the_others(world: SandboxWorld):
    world.sandbox.controls.fail_next("create_payment", Fault.RATE_LIMITED, order="another")
    assert create(world).kind is AnswerKind.DEFINITE


def test_the_silent_bank_leaves_the_payment_waiting(world: SandboxWorld):
    ref = created(world, "visa_3ds_silent")
    answer = world.gateway.confirm_payment(ref, key="c", return_url="http://shop.test/")
    assert answer.payment
    assert answer.payment.action_url
    world.answer_bank(answer.payment.action_url, approve=True)
    found = world.gateway.read_payment(ref).payment
    assert found
    assert found.status is PaymentStatus.REQUIRES_ACTION


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("visa_3ds_fails", "authentication_failed"), ("visa_3ds_then_declined", "insufficient_funds")],
)
def test_an_approved_check_may_still_end_in_a_decline(world: SandboxWorld, behaviour: str, reason: str):
    ref = created(world, behaviour)
    answer = world.gateway.confirm_payment(ref, key="c", return_url="http://shop.test/")
    assert answer.payment
    assert answer.payment.action_url
    world.answer_bank(answer.payment.action_url, approve=True)
    found = world.gateway.read_payment(ref).payment
    assert found
    assert found.decline
    assert found.decline.reason == reason


def test_no_card_number_is_in_the_ledgers_files(world: SandboxWorld, tmp_path: Path):
    setup = world.gateway.begin_card_setup(customer="cus_1", return_url="/", description="", key="s").value
    assert setup
    world.sandbox.pages.add_card(setup.ref, CARDS["visa_ok"].number, 8, 2034)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"cus_1" in stored
    assert CARDS["visa_ok"].number.encode() not in stored


def test_a_second_press_on_the_card_page_adds_no_second_card(world: SandboxWorld):
    setup = world.gateway.begin_card_setup(customer="cus_1", return_url="/", description="", key="s").value
    assert setup
    for _ in range(2):
        world.sandbox.pages.add_card(setup.ref, CARDS["visa_ok"].number, 8, 2034)
    assert len(world.gateway.stored_cards("cus_1").value or ()) == 1


def test_a_card_page_closes_after_a_day(world: SandboxWorld):
    setup = world.gateway.begin_card_setup(customer="cus_1", return_url="/", description="", key="s").value
    assert setup
    world.clock.move(timedelta(hours=24))
    world.sandbox.pages.add_card(setup.ref, CARDS["visa_ok"].number, 8, 2034)
    finished = world.gateway.finish_card_setup(setup.ref).value
    assert finished
    assert (finished.status, finished.card) == ("expired", None)


def test_a_ledger_of_another_version_is_refused(world: SandboxWorld):
    with world.sandbox.ledger.read() as c:
        c.execute("PRAGMA user_version = 99")
    with pytest.raises(GatewayError, match="version 99"):
        open_gateway({"production": False, "path": world.sandbox.ledger.path, "public_url": "http://sandbox.test"})


def test_many_openers_of_a_new_file_make_one_ledger(tmp_path: Path):
    settings = {"production": False, "path": tmp_path / "new.sqlite", "public_url": "http://sandbox.test"}
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_gateway(settings), range(8)))
    assert len({sandbox.pages.form_token("x") for sandbox in opened}) == 1
    for sandbox in opened:
        sandbox.close()


def test_a_forked_child_uses_connections_of_its_own(world: SandboxWorld):
    ref = created(world, "visa_ok")
    child = os.fork()
    if child == 0:  # pragma: no cover - runs in the child
        os._exit(0 if confirm(world, ref) is AnswerKind.DEFINITE else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert confirm(world, ref, "c2") is AnswerKind.READ
