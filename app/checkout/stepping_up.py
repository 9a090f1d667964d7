"""The step-up: where the merchant's policy asks for it, a link alone does not spend (D6).

By amount or age of the link the holder proves that they read the customer's mail, by a six-digit code that is mailed to the
address on file, never to one that was typed in; or that they hold the card that pays, by entering it on the gateway's page,
whosever card it is. Both belong to one cart session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from app.billing.proving import PROVED_FOR
from app.checkout.errors import CheckoutRefused
from app.models.work import CardSetup, StepUp
from app.subscriptions.facts import CustomerFacts

PASSED_FOR: Final = PROVED_FOR
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
_ENTERED_AT = (
    select(CardSetup.created_at)
    .where(
        CardSetup.book_id == bindparam("book"),
        CardSetup.cart_session == bindparam("session"),
        CardSetup.customer_id == bindparam("customer"),
        CardSetup.card_id == bindparam("card"),
        CardSetup.state == "DONE",
        CardSetup.created_at > bindparam("since", type_=CardSetup.created_at.type),
    )
    .order_by(CardSetup.created_at.desc())
    .limit(1)
)
"""When the shopper went to the card page that they came back from: no later than the card was known here."""
_ENTERED = select(CardSetup.card_id).where(
    CardSetup.book_id == bindparam("book"),
    CardSetup.cart_session == bindparam("session"),
    CardSetup.customer_id == bindparam("customer"),
    CardSetup.state == "DONE",
    CardSetup.created_at > bindparam("since", type_=CardSetup.created_at.type),
)


def check_of(
    connection: Connection, book_id: int, session: str, customer: CustomerFacts, how: str, now: datetime
) -> Check:
    """How the session stands. One look for each way that there is."""
    names = {"book": book_id, "session": session, "customer": customer.id, "since": now - PASSED_FOR}
    row = row_of(connection, book_id, session)
    # A code that was entered before the rule became "card" proves nothing to that rule.
    passed = how != "card" and row is not None and row.customer_id == customer.id and row.has_passed(now)
    entered = () if passed or how == "code" else connection.execute(_ENTERED, names).scalars()
    return Check(how, passed, frozenset(card for card in entered if card is not None))


def row_of(connection: Connection, book_id: int, session: str) -> StepUpRow | None:
    """The session's code, if one was ever sent."""
    row = connection.execute(_ROW, {"book": book_id, "session": session}).first()
    return None if row is None else StepUpRow(*row)


def demand(
    connection: Connection, book_id: int, session: str, customer: CustomerFacts, how: str, card_id: int | None,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """For the transaction that places the order: ``step_up_needed`` unless the session has proved itself.

    What is kept with the consent: what was ``asked`` for, which check was ``passed`` and when, and with it the address that
    the code went to or the card that was entered again.
    """
    if not check_of(connection, book_id, session, customer, how, now).allows(card_id):
        raise CheckoutRefused("step_up_needed", how=how)
    row = row_of(connection, book_id, session)
    if how != "card" and row is not None and row.passed_at is not None and row.has_passed(now):
        return {"asked": how, "passed": "code", "at": row.passed_at.isoformat(), "email": customer.email}
    names = {"book": book_id, "session": session, "customer": customer.id, "card": card_id, "since": now - PASSED_FOR}
    entered: datetime = connection.execute(_ENTERED_AT, names).scalar_one()
    return {"asked": how, "passed": "card", "at": entered.isoformat(), "card": card_id}
