"""The log's lines about money: one for each change of state, said once its transaction has committed.

A line names the order as the shopper knows it, the row, what it was and is, and the sum in minor units of its currency;
never a card, a token, an address, nor what a person gave as a reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

import structlog

from app.charging.attempts import order_of
from app.kit.ids import short_code
from app.kit.redaction import without_secrets
from app.models.afterwards import after_commit

ORDER_PREFIX: Final = "UP"
"""Of an order's number, which is derived from its id."""
_ALARMS: Final = {("attempt", "QUARANTINED"), ("orphan", "FOUND"), ("orphan", "PERSON"), ("refund", "FAILED"),
                  ("dispute", "OPEN"), ("dispute", "LOST")}  # fmt: skip
_HELD: Final = ("QUARANTINED", "PERSON")
"""What leaves these was decided by a person, whose words may hold anything."""
_MAIL: Final = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")
_DIGITS: Final = re.compile(r"(?P<driver>\b[a-z]+-\d+-[0-9a-f]+-[0-9a-f]{12}\b)|\b\d(?:[ -]?\d){11,18}\b", re.ASCII)
"""As many as a card's; a driver's name holds none, though its last parts may happen to be digits only."""
_CARD: Final = re.compile(r"\b(?:pm|card|src|tok)_[\w-]+", re.ASCII)
_CUSTOMER: Final = re.compile(r"\bcus_[\w-]+", re.ASCII)
_DIGEST: Final = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{32,}\b", re.ASCII)
_log = structlog.get_logger(__name__)


class Charged(Protocol):
    """What a line says of the sum: an attempt's row, a refund's, or a ``Sum``."""

    @property
    def gateway(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def currency(self) -> str: ...


class Sum(NamedTuple):
    """Minor units of ``currency``. ``gateway`` is empty where none is asked."""

    gateway: str
    amount: int
    currency: str


class Moved(Protocol):
    """A change of state, as ``transitions.Move``."""

    @property
    def kind(self) -> str: ...
    @property
    def object(self) -> str: ...
    @property
    def old(self) -> str: ...
    @property
    def new(self) -> str: ...
    @property
    def cause(self) -> str: ...


def tell_moves(book_id: int, moves: Iterable[Moved], *, actor: str, of: Charged | None) -> None:
    """A line for each, after the commit: ``attempt_unknown`` ``order_paid`` ``refund_succeeded`` ``orphan_adopted`` …"""
    told = list(moves)

    def tell() -> None:
        for move in told:
            facts = _facts(book_id, move.kind, move.object, of)
            if move.old not in _HELD:
                facts["why"] = clean(move.cause)
            say = _log.warning if (move.kind, move.new) in _ALARMS else _log.info
            say(f"{move.kind}_{move.new.lower()}", was=move.old or "-", now=move.new, by=clean(actor), **facts)

    after_commit(tell)


def tell_taken_over(
    book_id: int, kind: str, name: str, *, of: Charged, left_by: str, since: datetime | None, by: str
) -> None:
    """After the commit: whoever worked this row did not come back within its lease."""
    facts = _facts(book_id, kind, name, of)
    ended = since.isoformat() if since else "-"
    after_commit(lambda: _log.warning("lease_taken_over", left_by=left_by, ended=ended, by=by, **facts))


def tell_person(book_id: int, kind: str, name: str, why: str, *, of: Charged | None = None) -> None:
    """After the commit: no machine decides this any more, or not by itself; it stands in ``liftlink queue``."""
    facts = _facts(book_id, kind, name, of)
    after_commit(lambda: _log.warning("put_before_a_person", why=clean(why), **facts))


def clean(text: str) -> str:
    """Without what a gateway's words may carry: secrets, addresses, numbers as long as a card's, its names for cards and
    customers. Digests are cut short."""
    text = _MAIL.sub("(address)", without_secrets(_DIGEST.sub(r"\1…", text)))
    text = _CUSTOMER.sub("(a customer)", _CARD.sub("(a card)", text))
    return _DIGITS.sub(lambda found: found["driver"] or "(digits)", text)


def _facts(book_id: int, kind: str, name: str, of: Charged | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"book": book_id, kind: name}
    if kind in ("order", "attempt", "refund"):
        facts["number"] = short_code(ORDER_PREFIX, book_id, order_of(name))
    if of is not None:
        facts |= {"amount": of.amount, "currency": of.currency}
        if of.gateway:
            facts["gateway"] = of.gateway
    return facts
