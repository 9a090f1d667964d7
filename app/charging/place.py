"""TX1: the order, its use of the link, the consent and the attempt are written before anything is asked of a gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, and_, bindparam, func, literal_column, select
from sqlalchemy.exc import IntegrityError

from app.billing.states import ATTEMPT_CLOSED
from app.charging.attempts import attempt_id_of
from app.charging.balances import check_balance, hold
from app.charging.closing_orders import close_order
from app.charging.errors import ChargingError
from app.charging.gate import is_closed
from app.charging.giving_back import check_captures
from app.charging.ordering import ChosenCard, ConsentGiven, NewOrder
from app.charging.settle import pay
from app.charging.uses import check_tries, check_unheld, free_use, take_use
from app.charging.writing import write_attempt, write_consent, write_order
from app.kit.clock import Clock
from app.kit.faults import fault_point
from app.kit.ids import derive, short_code
from app.models.customers import StoredCard
from app.models.locks import hold_for_order
from app.models.merchants import Book
from app.models.orders import Attempt, Order
from app.models.prepared import Prepared
from app.models.store import Store
from app.models.subscriptions import Subscription

__all__ = ["ChosenCard", "ConsentGiven", "Guard", "NewOrder", "Placed", "order_id_of", "place"]

Guard = Callable[[Connection], Mapping[str, Any] | None]
"""Raises what stands in the way; what it answers is kept with the consent: the step-up that was passed."""
RACES = 3
"""How often TX1 is tried when another transaction took the same order, subscription or use between two statements."""


MOST_LOST = 50
"""How many more races a buyer of a link with many uses may lose before it is an error."""


@dataclass(frozen=True, slots=True)
class Placed:
    """``attempt_id`` is what to drive now; None when there is nothing to drive (paid already, or nothing due)."""

    order_id: str
    attempt_id: str | None
    created: bool


def place(
    store: Store,
    clock: Clock,
    new: NewOrder,
    consent: ConsentGiven,
    card: ChosenCard | None,
    *,
    guard: Guard,
    return_url: str | Callable[[str], str],
    driver: str | None = None,
    decline_limit: int = 5,
) -> Placed:
    """Write the order and its next attempt in one transaction, or find the one that is already there.

    The same ``checkout_id`` gives the same order. ``guard(conn)`` runs inside the transaction before anything is written
    and may raise any ``LiftlinkError``. ``return_url`` is where the bank sends the shopper back, or a function of the order's id.
    ``driver``: the attempt is created under this driver's lease, so that ``drive(..., by=driver)`` needs no commit to take it;
    it must be unique to the request (``drive.driver_name``). ``card`` may be None only when nothing is due here.
    Raises ``ChargingError`` (see ``errors.py``); then nothing was written.
    """
    placing = _Placing(new, new.quote.fingerprint, consent, card, guard, return_url, driver, decline_limit)
    fault_point("C0")
    placed = _race(store, clock, placing)
    fault_point("C1")
    return placed


def _race(store: Store, clock: Clock, placing: _Placing) -> Placed:
    """TX1, read anew whenever a constraint says that another transaction was first: then what it wrote is found."""
    # Of a link with many uses each is taken by its number, so one buyer may lose as many races as there are uses.
    for _ in range(RACES - 1 + min(placing.new.max_uses, MOST_LOST)):
        try:
            return _commit(store, clock, placing)
        except IntegrityError:
            continue
    return _commit(store, clock, placing)


def _commit(store: Store, clock: Clock, placing: _Placing) -> Placed:
    return store.writing(lambda conn: _tx1(conn, placing, clock.now()))


def order_id_of(book_id: int, checkout_id: str) -> str:
    """The order that this checkout makes, before it is made."""
    return derive("order", book_id, checkout_id)


def number_of(book_id: int, order_id: str) -> str:
    """What the shopper may quote of an order: it gives no rights."""
    return short_code("UP", book_id, order_id)


@dataclass(frozen=True, slots=True)
class _Placing:
    new: NewOrder
    fingerprint: str
    consent: ConsentGiven
    card: ChosenCard | None
    guard: Guard
    return_url: str | Callable[[str], str]
    driver: str | None
    decline_limit: int

    def return_url_of(self, order_id: str) -> str:
        return self.return_url if isinstance(self.return_url, str) else self.return_url(order_id)


_CLOSED = [literal_column(f"'{state}'", Text) for state in sorted(ATTEMPT_CLOSED)]
_FOUND = (
    select(
        Order.id, Order.state, Order.quote_hash, Order.valid_until, Order.link_jti, Order.email, Order.language,
        Attempt.id.label("attempt_id"), Attempt.state.label("attempt_state"),
    )
    .outerjoin(Attempt, and_(Attempt.order_id == Order.id, Attempt.state.not_in(_CLOSED)))
    .where(Order.book_id == bindparam("book"))
)  # fmt: skip
_BY_ID = Prepared(_FOUND.where(Order.id == bindparam("order")))
# The state is written out: a partial index serves only a condition that is in the text of the statement.
_OPEN_OF_SUBSCRIPTION = Prepared(
    _FOUND.where(Order.subscription_id == bindparam("subscription"), Order.state == literal_column("'OPEN'"))
)
_STANDING = Prepared(
    select(Subscription.version, Subscription.customer_id, Book.mode)
    .join(Book, Book.id == Subscription.book_id)
    .where(Subscription.book_id == bindparam("book"), Subscription.id == bindparam("subscription"))
)
_CARD = Prepared(
    select(StoredCard.blocked).where(
        StoredCard.book_id == bindparam("book"),
        StoredCard.id == bindparam("card"),
        StoredCard.customer_id == bindparam("customer"),
        StoredCard.token == bindparam("token"),
        StoredCard.gateway == bindparam("gateway"),
        StoredCard.gateway_customer == bindparam("gateway_customer"),
    )
)
_LAST_N = Prepared(select(func.max(Attempt.n)).where(Attempt.order_id == bindparam("order")))


@dataclass(frozen=True, slots=True)
class _Found:
    """An order that is there already. ``attempt_id``: its attempt that is not closed, a succeeded one included."""

    id: str
    state: str
    quote_hash: str
    valid_until: datetime
    link_jti: str | None
    email: str
    language: str
    attempt_id: str | None
    attempt_state: str | None

    def may_be_joined_by(self, new: NewOrder) -> bool:
        """Whether another press for the same figures is answered with this order.

        While it is being paid, any other cart's: it waits for the same charge. Later, only another page of the same offer:
        then uses, receipt and consent stay one person's. What a merchant makes by hand and a shopper's cart never join:
        the one has no page, the other no invoice.
        """
        if (self.link_jti is None) != (new.link_jti is None):
            return False
        if self.attempt_id is not None:
            return True
        return (self.link_jti, self.email, self.language) == (new.link_jti, new.email, new.language)


def _find(conn: Connection, query: Prepared, **scope: int | str) -> _Found | None:
    row = query.first(conn, scope)
    return None if row is None else _Found(*row)


def _tx1(conn: Connection, p: _Placing, now: datetime) -> Placed:
    new = p.new
    # What the guard finds unchanged stays unchanged until this commits, and one subscription's orders come one by one.
    hold_for_order(conn, new.book_id, new.subscription_id)
    order_id = order_id_of(new.book_id, new.checkout_id)
    known = _find(conn, _BY_ID, book=new.book_id, order=order_id)
    if known is not None:
        return _again(conn, p, known, now)
    other = _find(conn, _OPEN_OF_SUBSCRIPTION, book=new.book_id, subscription=new.subscription_id)
    same = other is not None and other.quote_hash == p.fingerprint and now < other.valid_until
    if other is not None and same and other.may_be_joined_by(new):
        return _again(conn, p, other, now)
    if other is not None:
        _make_way(conn, new, other, now)
    return _first(conn, p, order_id, now)


def _again(conn: Connection, p: _Placing, order: _Found, now: datetime) -> Placed:
    """The order is there already: the one that it leads to is the answer, or its next attempt."""
    if order.attempt_id is not None or order.state not in ("OPEN", "EXPIRED", "CANCELLED"):
        moving = order.attempt_state not in (None, "SUCCEEDED", "QUARANTINED")
        return Placed(order.id, order.attempt_id if moving else None, created=False)
    if order.state != "OPEN":
        raise ChargingError("order_closed", "this order ended without money", order=order.id)
    if order.quote_hash != p.fingerprint:
        raise ChargingError("quote_differs", "this order was placed with other figures", order=order.id)
    if now >= order.valid_until:
        raise ChargingError("order_closed", "the price of this order stood until then", order=order.id)
    check_unheld(conn, p.new.book_id, order.id)
    proof = _check(conn, p, now)
    ((last,),) = _LAST_N.all(conn, {"order": order.id})
    return Placed(order.id, _attempt(conn, p, order.id, (last or 0) + 1, proof, now), created=False)


def _make_way(conn: Connection, new: NewOrder, other: _Found, now: datetime) -> None:
    """Another order holds the subscription: without an open attempt it ends here and gives its use of the link back."""
    state, cause = ("CANCELLED", "another order was placed") if now < other.valid_until else ("EXPIRED", "too old")
    if other.attempt_id is not None or not close_order(
        conn, new.book_id, other.id, state, cause=cause, actor="place", at=now
    ):
        raise ChargingError("change_in_progress", "another order is being paid", order=other.id)


def _first(conn: Connection, p: _Placing, order_id: str, now: datetime) -> Placed:
    new = p.new
    # Before the guard: whoever bought already is told so, not that prices or versions have moved since.
    use = free_use(conn, new.book_id, new.link_jti, new.max_uses) if new.link_jti else None
    proof = _check(conn, p, now)
    check_balance(conn, new)
    check_captures(conn, new)
    write_order(conn, new, p.fingerprint, order_id, now)
    hold(conn, new, order_id, now)
    if new.link_jti and use is not None:
        take_use(conn, new.book_id, new.link_jti, use, order_id)
    if new.quote.due_now and not new.invoice:
        return Placed(order_id, _attempt(conn, p, order_id, 1, proof, now), created=True)
    seal = write_consent(conn, new, p.fingerprint, p.consent, p.card, f"{order_id}.0", order_id, proof, now)
    pay(
        conn, new.book_id, order_id, attempt=None, outcome=_outcome(new), actor="place", at=now, changes=new.changes,
        seal=seal,
    )  # fmt: skip
    return Placed(order_id, None, created=True)


def _outcome(new: NewOrder) -> str:
    """Of an order that needs no attempt."""
    if new.quote.due_now:
        return "due"
    return "registered" if new.quote.effective == "next_billing" else "nocharge"


def _attempt(
    conn: Connection, p: _Placing, order_id: str, n: int, proof: Mapping[str, Any] | None, now: datetime
) -> str:
    """Attempt ``n`` with its own consent; the constraints allow it only when every earlier one is closed."""
    new, card = p.new, p.card
    if card is None:
        raise ChargingError("card_unusable", "something is due and no card was chosen")
    _check_card(conn, new, card)
    check_tries(conn, new.book_id, new.customer_id, new.subscription_id, card.id, now, p.decline_limit)
    attempt_id = attempt_id_of(order_id, n)
    seal = write_consent(conn, new, p.fingerprint, p.consent, card, attempt_id, order_id, proof, now)
    write_attempt(conn, new, card, attempt_id, order_id, n, p.return_url_of(order_id), p.driver, seal, now)
    return attempt_id


def _check(conn: Connection, p: _Placing, now: datetime) -> Mapping[str, Any] | None:
    """What must hold for a new attempt; an order that is there already was checked when it was written. The guard's answer."""
    new = p.new
    if is_closed(conn, new.gateway, new.account, new.livemode):
        raise ChargingError("charging_closed", "the database was restored and is not compared with the gateway yet")
    proof = p.guard(conn)
    if not new.quote.eligibility.ok:
        raise ChargingError("not_eligible", "the quote refuses", reason=new.quote.eligibility.code)
    if now >= new.valid_until:
        raise ChargingError("quote_expired", "the quote is too old", valid_until=new.valid_until)
    scope = {"book": new.book_id, "subscription": new.subscription_id}
    ((version, customer_id, mode),) = _STANDING.all(conn, scope)
    if (customer_id, mode == "live") != (new.customer_id, new.livemode):
        raise ValueError("the order names another customer or mode than its subscription")  # a bug of the caller
    if version != new.subscription_version:
        raise ChargingError("subscription_moved", "the subscription changed since it was quoted")
    return proof


def _check_card(conn: Connection, new: NewOrder, card: ChosenCard) -> None:
    """The card is this customer's at this gateway (I13), and may be tried."""
    row = _CARD.first(
        conn,
        {
            "book": new.book_id, "card": card.id, "customer": new.customer_id, "token": card.token,
            "gateway": new.gateway, "gateway_customer": card.gateway_customer,
        },
    )  # fmt: skip
    if row is None or row[0]:
        raise ChargingError("card_unusable", "this card cannot be charged", card=card.id)
