"""The code of a step-up: mailed to the address on file, entered on our page, kept as a keyed hash, good once and for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from app.checkout.stepping_up import StepUpRow, row_of
from app.kit.clock import Clock
from app.kit.codes import DIGITS, Codes
from app.kit.ids import Randomness, derive
from app.models.base import whole_sum
from app.models.customers import Customer
from app.models.store import Store
from app.models.upsert import insert_or_update
from app.models.work import StepUp
from app.outbox.recording import record
from app.subscriptions.facts import CustomerFacts

KIND: Final = "step_up"
GOOD_FOR: Final = timedelta(minutes=10)
TRIES: Final = 5
"""How often one code may be entered."""
SENDS: Final = 3
"""How many codes one cart session may have."""
SENDS_A_DAY: Final = 10
"""How many codes a customer may be mailed, whatever link is opened how often: fifty guesses among a million."""
A_DAY: Final = timedelta(days=1)
NOT_AGAIN_FOR: Final = timedelta(seconds=30)
"""A second press of "Email me a code" so soon is the same press."""


class CodeState(StrEnum):
    """How far a cart session is with its code."""

    NONE = "none"
    SENT = "sent"
    OVER = "over"
    """Too old, or tried too often: another one may be asked for."""
    STOPPED = "stopped"
    """No more codes, in this session or to this customer today."""
    PASSED = "passed"


class CodeFacts(NamedTuple):
    """``left``: tries of the code that was sent. ``more``: another one may be mailed.

    ``again``: where none may, from when on the link, opened again, may send one; None: at once.
    """

    state: CodeState
    left: int = 0
    more: bool = True
    again: datetime | None = None


_TODAY = (
    StepUp.book_id == bindparam("book"),
    StepUp.customer_id == bindparam("customer"),
    StepUp.sent_at > bindparam("since", type_=StepUp.sent_at.type),
)
_SENT_TODAY = select(whole_sum(StepUp.sent)).where(*_TODAY)
_SENT_WHEN = select(StepUp.sent, StepUp.sent_at).where(*_TODAY).order_by(StepUp.sent_at)


class Asking(NamedTuple):
    """Who asks for a code, or enters one. ``reference`` is the subscription's, as people know it."""

    book_id: int
    session: str
    customer: CustomerFacts
    reference: str

    @property
    def context(self) -> str:
        """What a code is good for: this session of this customer, at the address that it was mailed to."""
        return "\0".join((str(self.book_id), self.session, str(self.customer.id), self.customer.email))


def code_facts(store: Store, clock: Clock, asking: Asking) -> CodeFacts:
    """How the session stands with its code. Reads only."""
    now = clock.now()
    with store.read() as connection:
        return _facts(connection, asking, now)


def _facts(connection: Connection, asking: Asking, now: datetime) -> CodeFacts:
    row = row_of(connection, asking.book_id, asking.session)
    more = _may_send(connection, asking, row, now)
    if row is None:
        return CodeFacts(CodeState.NONE) if more else _stopped(connection, asking, now)
    if row.has_passed(now):
        return CodeFacts(CodeState.PASSED, more=False)
    if row.passed_at is None and now < row.expires_at and row.tries < TRIES:
        return CodeFacts(CodeState.SENT, TRIES - row.tries, more)
    return CodeFacts(CodeState.OVER) if more else _stopped(connection, asking, now)


def _stopped(connection: Connection, asking: Asking, now: datetime) -> CodeFacts:
    rows = connection.execute(_SENT_WHEN, _today(asking, now)).all()
    counted = sum(row.sent for row in rows)
    again = None
    for row in rows:
        if counted < SENDS_A_DAY:
            break
        counted, again = counted - row.sent, row.sent_at + A_DAY
    return CodeFacts(CodeState.STOPPED, more=False, again=again)


def _may_send(connection: Connection, asking: Asking, row: StepUpRow | None, now: datetime) -> bool:
    if row is not None and row.sent >= SENDS:
        return False
    return connection.execute(_SENT_TODAY, _today(asking, now)).scalar_one() < SENDS_A_DAY


def _today(asking: Asking, now: datetime) -> dict[str, Any]:
    return {"book": asking.book_id, "customer": asking.customer.id, "since": now - A_DAY}


def send_code(
    store: Store, clock: Clock, randomness: Randomness, codes: Codes, asking: Asking, *, language: str
) -> CodeFacts:
    """Record the mail with a new code, which ends the one before. Where none may be sent, things stay as they are.

    Row and mail are one transaction; neither holds the code.
    """
    now = clock.now()
    with store.write() as connection:
        _hold(connection, asking)
        row = row_of(connection, asking.book_id, asking.session)
        found = _facts(connection, asking, now)
        just_sent = row is not None and now < row.sent_at + NOT_AGAIN_FOR
        if found.state is CodeState.PASSED or not found.more or (found.state is CodeState.SENT and just_sent):
            return found
        seed = codes.new_seed(randomness)
        _write(connection, codes, asking, codes.code_of(seed), now)
        sent = 1 if row is None else row.sent + 1
        record(
            connection, asking.book_id, KIND, derive(KIND, asking.book_id, asking.session), sent, "mail",
            _body(asking, seed, language, now), now,
        )  # fmt: skip
        return _facts(connection, asking, now)


def _hold(connection: Connection, asking: Asking) -> None:
    """Two at once must not both be the day's last one."""
    connection.execute(
        select(Customer.id)
        .where(Customer.book_id == asking.book_id, Customer.id == asking.customer.id)
        .with_for_update()
    )


def _write(connection: Connection, codes: Codes, asking: Asking, code: str, now: datetime) -> None:
    """Sessions of days ago are forgotten on the way: nothing is bought with them any more."""
    connection.execute(
        delete(StepUp).where(
            StepUp.book_id == asking.book_id,
            StepUp.customer_id == asking.customer.id,
            StepUp.sent_at <= now - A_DAY,
            StepUp.cart_session != asking.session,
        )
    )
    fresh = {
        "code_hash": codes.sealed(asking.context, code), "tries": 0, "sent_at": now, "expires_at": now + GOOD_FOR,
        "passed_at": None,
    }  # fmt: skip
    names = {"cart_session": asking.session, "book_id": asking.book_id, "customer_id": asking.customer.id}
    insert_or_update(
        connection, StepUp, {**names, **fresh, "sent": 1}, key=("cart_session",),
        update={**fresh, "sent": StepUp.sent + 1},
    )  # fmt: skip


def _body(asking: Asking, seed: str, language: str, now: datetime) -> dict[str, Any]:
    until = (now + GOOD_FOR).isoformat()
    return {
        "to": asking.customer.email, "language": language, "subscription": asking.reference, "seed": seed,
        "expires_at": until, "not_after": until,
    }  # fmt: skip


def enter_code(store: Store, clock: Clock, codes: Codes, asking: Asking, typed: str) -> CodeFacts:
    """Compare what was typed with the code that was sent; what is no code at all costs no try.

    The try is counted before the code is looked at and in the same transaction, so that a hundred at once are five.
    """
    now = clock.now()
    given = "".join(typed.split()).replace("-", "")
    if len(given) != DIGITS or not (given.isascii() and given.isdigit()):
        return code_facts(store, clock, asking)
    mine = (StepUp.book_id == asking.book_id, StepUp.cart_session == asking.session)
    with store.write() as connection:
        counted = connection.execute(
            update(StepUp)
            .where(*mine, StepUp.tries < TRIES, StepUp.expires_at > now, StepUp.passed_at.is_(None))
            .values(tries=StepUp.tries + 1)
        )
        if counted.rowcount == 1:
            row = row_of(connection, asking.book_id, asking.session)
            if row is not None and codes.fits(row.code_hash, asking.context, given):
                connection.execute(update(StepUp).where(*mine).values(passed_at=now))
        return _facts(connection, asking, now)
