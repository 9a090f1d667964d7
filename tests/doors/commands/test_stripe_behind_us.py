"""What happens at Stripe without us, over real sockets: told by a signed notice, or found by nothing but comparing the books."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.gateways.port import CreatePayment, Gateway, Marks
from app.wiring.log import OURS
from tests.doors.commands.conftest import Commands
from tests.server import wait_for
from tests.stripe_shop import ACCOUNT, StripeShop, stripe_serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[StripeShop]:
    """No notice comes unless a test asks for it, and no worker compares anything while it lasts."""
    with stripe_serving(tmp_path_factory.mktemp("behind"), empty_database) as shop:
        yield shop


@pytest.fixture
def typed(shop: StripeShop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Commands]:
    """Commands beside the running server, with its settings."""
    for name in [name for name in os.environ if name.startswith("LIFTLINK_")]:
        monkeypatch.delenv(name)
    for name, value in shop.world.settings.items():
        monkeypatch.setenv(f"LIFTLINK_{name.upper()}", value)
    yield Commands(capsys, shop.world.folder)
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.NOTSET)


def bought(shop: StripeShop, typed: Commands) -> tuple[str, str, int]:
    """A paid order, its payment at Stripe, and the subscription."""
    who = shop.person()
    made = typed(
        "subscription", "change", str(who), "--quantity", "2", "--unit-price", "10.00", "--charge", "default",
        "--consent", "Robin said yes.", "--merchant", "quillmark", "--mode", "test", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    assert shop.taken(who) == [500]
    order = made.json["order"]
    return order, str(shop.world.scalar("SELECT gw_ref FROM attempts WHERE order_id = :o", o=order)), who


def state(shop: StripeShop, order: str) -> str:
    return str(shop.world.scalar("SELECT state FROM orders WHERE id = :o", o=order))


def rewrite(shop: StripeShop, order: str, amount: int) -> None:
    """Our rows tell another sum than Stripe's, and agree with each other."""
    with shop.world.adapters.store.write() as conn:
        for table, name, key in (("attempts", "amount", "order_id"), ("orders", "total", "id")):
            conn.execute(text(f"UPDATE {table} SET {name} = :sum WHERE {key} = :o"), {"sum": amount, "o": order})


def waiting(typed: Commands, payment: str) -> list[dict[str, Any]]:
    """What a person is asked about this payment."""
    return [each for each in typed("queue", "list", "--json").json if payment in each["id"]]


def test_a_signed_notice_through_the_door_changes_the_order(shop: StripeShop, typed: Commands):
    order, payment, _ = bought(shop, typed)
    shop.listen()
    try:
        shop.stripe.refund_by_hand(payment, 200)
        wait_for(lambda: state(shop, order) == "PART_REFUNDED")
    finally:
        shop.stripe.control("DELETE", "webhooks")
    assert shop.world.scalar("SELECT count(*) FROM inbox WHERE payment = :p AND gateway = 'stripe'", p=payment) > 0
    assert shop.world.scalar("SELECT kind FROM refunds WHERE order_id = :o", o=order) == "outside"


def test_a_refund_and_a_dispute_that_nobody_told_of_are_found_by_comparing(shop: StripeShop, typed: Commands):
    refunded, payment, _ = bought(shop, typed)
    disputed, contested, _ = bought(shop, typed)
    shop.stripe.refund_by_hand(payment, 500)
    shop.stripe.dispute(contested)
    assert (state(shop, refunded), state(shop, disputed)) == ("PAID", "PAID")
    done = typed("reconcile", "--json")
    assert done.code == 0, done.err + done.out
    assert (state(shop, refunded), state(shop, disputed)) == ("REFUNDED", "DISPUTED")
    assert shop.world.scalar("SELECT count(*) FROM inbox WHERE payment IN (:a, :b)", a=payment, b=contested) == 0


def test_money_that_no_order_accounts_for_waits_for_a_person_and_is_given_back_by_one(
    shop: StripeShop, typed: Commands
):
    order, _, who = bought(shop, typed)
    gateway: Gateway = shop.world.adapters.gateways.of("stripe", ACCOUNT, livemode=False)
    card = str(shop.world.scalar("SELECT payment_method FROM attempts WHERE order_id = :o", o=order))
    marks = Marks(order=order, attempt=f"{order}.2", use="")
    made = gateway.create_payment(CreatePayment(700, "USD", shop.customer(who), card, marks), key="behind-us-1")
    assert made.payment is not None
    payment = made.payment.ref
    gateway.confirm_payment(payment, key="behind-us-2", return_url=None)
    assert sorted(shop.taken(who)) == [500, 700]
    assert waiting(typed, payment) == []
    typed("reconcile")
    (matter,) = waiting(typed, payment)
    assert shop.stripe.ledger().refunded(payment=payment) == 0
    given_back = typed("queue", "resolve", matter["id"], "--refund", "--reason", "nobody ordered it")
    assert given_back.code == 0, given_back.err
    typed("reconcile")
    assert waiting(typed, payment) == []
    assert shop.stripe.ledger().refunded(payment=payment) == 700
    assert state(shop, order) == "PAID"


def test_the_audit_reads_stripes_own_ledger(shop: StripeShop, typed: Commands):
    order, _, _ = bought(shop, typed)
    typed("reconcile")
    clean = typed("audit")
    assert clean.code == 0, clean.out
    rewrite(shop, order, 501)
    try:
        broken = typed("audit", "--all")
    finally:
        rewrite(shop, order, 500)  # the other tests compare the same books
    assert broken.code == 1
    assert "[audit_failed]" in broken.err
    assert f"{order}.1" in broken.out
