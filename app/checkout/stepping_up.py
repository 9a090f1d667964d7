"""The step-up: where the merchant's policy asks for it, a link alone does not spend (D6).

By amount or age of the link the holder proves that they are the customer: by a six-digit code that is mailed to the address
on file, never to one that was typed in, or by entering a card again on the gateway's page. Both belong to one cart session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from app.billing.result import Quote
from app.checkout.errors import CheckoutRefused
from app.kit.money import MoneyError, parse_minor
from app.models.work import CardSetup, StepUp
from app.subscriptions.facts import CustomerFacts

PASSED_FOR: Final = timedelta(hours=1)
"""As long as a cart session; an order's page that opens its cart again does not renew it."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a cart asks of its holder. ``how``: ``code``, ``card`` or ``either``. ``entered``: cards of this very session."""

    how: str
    passed: bool
    entered: frozenset[int]

    @property
    def takes_code(self) -> bool:
        return self.how in {"code", "either"}

    @property
    def takes_card(self) -> bool:
        return self.how in {"card", "either"}

    @property
    def is_open(self) -> bool:
        """Nothing was proved yet, by whatever way there is."""
        return not self.passed and not (self.takes_card and self.entered)

    def allows(self, card_id: int | None) -> bool:
        """Whether a press with this card may buy."""
        return self.passed or (self.takes_card and card_id in self.entered)


class StepUpRow(NamedTuple):
    """What is kept of one session's code."""

    code_hash: str
    sent: int
    tries: int
    sent_at: datetime
    expires_at: datetime
    passed_at: datetime | None
    customer_id: int

    def has_passed(self, now: datetime) -> bool:
        return self.passed_at is not None and now < self.passed_at + PASSED_FOR


_ROW = select(
    StepUp.code_hash, StepUp.sent, StepUp.tries, StepUp.sent_at, StepUp.expires_at, StepUp.passed_at, StepUp.customer_id
).where(StepUp.book_id == bindparam("book"), StepUp.cart_session == bindparam("session"))  # fmt: skip
_ENTERED = select(CardSetup.card_id).where(
    CardSetup.book_id == bindparam("book"),
    CardSetup.cart_session == bindparam("session"),
    CardSetup.customer_id == bindparam("customer"),
    CardSetup.state == "DONE",
    CardSetup.created_at > bindparam("since", type_=CardSetup.created_at.type),
)


def way_asked(
    policy: Mapping[str, Any], quote: Quote, *, asks_card: bool, rises: bool, issued: datetime, now: datetime
) -> str | None:
    """How the holder has to prove themselves for this change; None: not at all. Only what costs something is guarded.

    The amount is what is due today, or, where nothing is, what the next renewal comes to. Where no card is charged a card
    proves nothing, so then it is a code.
    """
    rule: Mapping[str, Any] | None = policy.get("step_up")
    if rule is None or not rises:
        return None
    if not (_is_large(rule.get("amount"), quote) or _is_old(rule.get("link_age_days"), now - issued)):
        return None
    return rule.get("how", "code") if asks_card else "code"


def _is_large(threshold: str | None, quote: Quote) -> bool:
    if threshold is None:
        return False
    try:
        least = parse_minor(threshold, quote.currency)
    except MoneyError:
        return True  # 0.50 of a yen: the merchant meant less than any amount
    return (quote.due_now or quote.renewal.amount) >= least


def _is_old(days: int | None, age: timedelta) -> bool:
    return days is not None and age >= timedelta(days=days)


def check_of(
    connection: Connection, book_id: int, session: str, customer: CustomerFacts, how: str, now: datetime
) -> Check:
    """How the session stands. One look for each way that there is."""
    names = {"book": book_id, "session": session, "customer": customer.id, "since": now - PASSED_FOR}
    row = row_of(connection, book_id, session)
    passed = row is not None and row.customer_id == customer.id and row.has_passed(now)
    entered = () if passed or how == "code" else connection.execute(_ENTERED, names).scalars()
    return Check(how, passed, frozenset(card for card in entered if card is not None))


def row_of(connection: Connection, book_id: int, session: str) -> StepUpRow | None:
    """The session's code, if one was ever sent."""
    row = connection.execute(_ROW, {"book": book_id, "session": session}).first()
    return None if row is None else StepUpRow(*row)


def demand(
    connection: Connection, book_id: int, session: str, customer: CustomerFacts, how: str, card_id: int | None,
    now: datetime,
) -> None:  # fmt: skip
    """For the transaction that places the order: ``step_up_needed`` unless the session has proved itself."""
    if not check_of(connection, book_id, session, customer, how, now).allows(card_id):
        raise CheckoutRefused("step_up_needed", how=how)
