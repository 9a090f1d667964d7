"""Cards that the bank renewed or the gateway dropped: ours follow, for that customer alone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert, select, update

from app.gateways.port import AnswerKind, Reply
from app.gateways.sandbox import Fault, SandboxGateway
from app.models.customers import StoredCard
from tests.usecases.inbound.telling import Ears


def cards(ears: Ears) -> dict[str, Any]:
    with ears.desk.store.read() as conn:
        return {row.token: row for row in conn.execute(select(StoredCard))}


def used(ears: Ears) -> tuple[str, str]:
    """The customer and the card of a purchase, which the sandbox knows from then on."""
    order = ears.desk.buy()
    attempt = ears.desk.attempt(order.last.id)
    return attempt.gw_customer, attempt.payment_method


def test_a_renewed_card_shows_its_new_date(ears: Ears):
    customer, token = used(ears)
    with ears.desk.sandbox.ledger.write() as c:
        c.execute("UPDATE cards SET exp_month = 11, exp_year = 2033, last4 = '1881' WHERE token = ?", (token,))
    ears.tell_of(None, customer)
    ears.hear()
    row = cards(ears)[token]
    assert (row.exp_month, row.exp_year, row.last4, row.blocked) == (11, 2033, "1881", False)
    assert ears.inbox() == {"evt_0": "DONE"}


def test_a_card_that_was_taken_away_is_never_tried_again(ears: Ears):
    customer, token = used(ears)
    with ears.desk.sandbox.ledger.write() as c:
        c.execute("DELETE FROM cards WHERE token = ?", (token,))
    ears.tell_of(None, customer)
    ears.hear()
    assert cards(ears)[token].blocked


def test_a_customer_whom_the_gateway_does_not_know_loses_no_card(ears: Ears, monkeypatch: pytest.MonkeyPatch):
    """As under the key of another account."""
    customer, token = used(ears)
    unknown: Reply[Any] = Reply(AnswerKind.BUG_OR_GONE, detail="no such customer")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(SandboxGateway, "stored_cards", lambda self, customer: unknown)
        ears.tell_of(None, customer)
        ears.hear()
    assert not cards(ears)[token].blocked
    ears.settle_down(0.5)
    assert (cards(ears)[token].blocked, ears.inbox()) == (False, {"evt_0": "DONE"})


def test_a_card_that_is_entered_while_the_cards_are_read_stays(ears: Ears, monkeypatch: pytest.MonkeyPatch):
    customer, token = used(ears)
    honest = SandboxGateway.stored_cards

    def then_entered(self: SandboxGateway, customer: str) -> Reply[Any]:
        listed = honest(self, customer)
        with ears.desk.store.write() as conn:
            row = dict(conn.execute(select(StoredCard.__table__).where(StoredCard.token == token)).mappings().one())
            del row["id"]
            conn.execute(insert(StoredCard), row | {"token": "pm_new", "is_default": False})
        return listed

    monkeypatch.setattr(SandboxGateway, "stored_cards", then_entered)
    ears.tell_of(None, customer)
    ears.hear()
    assert not cards(ears)["pm_new"].blocked


def test_a_card_that_the_bank_forbade_stays_forbidden(ears: Ears):
    customer, token = used(ears)
    with ears.desk.store.write() as conn:
        conn.execute(update(StoredCard).where(StoredCard.token == token).values(blocked=True))
    ears.tell_of(None, customer)
    ears.hear()
    assert cards(ears)[token].blocked


def test_nobody_else_s_cards_change(ears: Ears):
    used(ears)
    before = cards(ears)
    ears.tell_of(None, "cus_of_somebody_else")
    ears.hear()
    assert cards(ears) == before


def test_a_card_that_nobody_entered_here_is_not_taken_on(ears: Ears):
    customer, token = used(ears)
    with ears.desk.sandbox.ledger.write() as c:
        c.execute("UPDATE cards SET token = 'pm_added_elsewhere' WHERE token = ?", (token,))
    ears.tell_of(None, customer)
    ears.hear()
    assert "pm_added_elsewhere" not in cards(ears)


def test_a_gateway_that_does_not_answer_changes_nothing_and_is_asked_again(ears: Ears):
    customer, token = used(ears)
    ears.desk.sandbox.controls.fail_next("stored_cards", Fault.TIMEOUT_BEFORE)
    ears.tell_of(None, customer)
    ears.hear()
    assert not cards(ears)[token].blocked
    assert ears.inbox() == {"evt_0": "READY"}
    ears.settle_down(0.5)
    assert ears.inbox() == {"evt_0": "DONE"}
