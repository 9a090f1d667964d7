"""Loads one subscription with everything that pricing and the cart need, in two prepared statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Select, and_, bindparam, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from app.billing import facts as billing
from app.models.base import whole_sum
from app.models.customers import BalanceEntry, Customer
from app.models.links import WITHDRAWALS, link_names
from app.models.merchants import Book, Merchant
from app.models.orders import Deferral, Order, Renewal
from app.models.prepared import Prepared
from app.models.subscriptions import ScheduledChange, Subscription
from app.subscriptions.holdings import read_holdings
from app.subscriptions.scheduling import IS_PENDING, PENDING_COLUMNS, Scheduled, scheduled_from


class BookFacts(NamedTuple):
    """A merchant in one mode, as pricing and charging need it. ``prefix`` stands before our numbers (``QM``)."""

    id: int
    mode: str
    merchant_id: int
    timezone: str
    policy: dict[str, Any]
    policy_version: int
    catalog_version: int
    gateway: str
    gateway_account: str
    prefix: str


class CardFacts(NamedTuple):
    """A card on file. ``pays``: it is the subscription's card. ``cart_session``: it may be used in that cart only.

    ``fingerprint`` is empty where the gateway gave none.
    """

    id: int
    token: str
    gateway: str
    gateway_customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    is_default: bool
    blocked: bool
    pays: bool
    cart_session: str | None
    fingerprint: str

    def is_expired(self, year: int, month: int) -> bool:
        """A card is good to the end of its last month."""
        return (self.exp_year, self.exp_month) < (year, month)


class CustomerFacts(NamedTuple):
    """``unpaid`` is what was imported: ``{"count": 1, "totals": {"USD": 4000}, "url": …}`` or empty."""

    id: int
    number: int
    external_ref: str | None
    email: str
    name: str
    country: str | None
    locale: str | None
    gateway_customer: str
    unpaid: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """A subscription as stored. ``facts`` is what ``billing`` prices; ``open_order`` the id of an order not yet settled;
    ``held_back`` (≤ 0) is what that order holds of the balance, which is without it in ``facts``; ``scheduled`` a change
    that waits for the next billing date; ``owed`` is what earlier orders put off to the next renewal."""

    id: int
    book: BookFacts
    number: int
    external_ref: str | None
    version: int
    created_at: datetime
    delivered_code: str | None
    mandate: dict[str, Any] | None
    card_id: int | None
    customer: CustomerFacts
    cards: tuple[CardFacts, ...]
    facts: billing.Subscription
    open_order: str | None
    scheduled: Scheduled | None = None
    held_back: int = 0
    owed: int = 0

    @property
    def reference(self) -> str:
        """What people are shown, such as ``QM-1048``."""
        return f"{self.book.prefix}-{self.number}" if self.book.prefix else str(self.number)


_Rows = Select[*tuple[Any, ...]]
_BOOK_COLUMNS = (
    Book.id, Book.mode, Book.merchant_id, Book.policy_version, Book.catalog_version, Book.gateway, Book.gateway_account,
)  # fmt: skip
_CUSTOMER_COLUMNS = (
    Customer.id, Customer.number, Customer.external_ref, Customer.email, Customer.name, Customer.country,
    Customer.locale, Customer.gateway_customer, Customer.unpaid,
)  # fmt: skip
_OPEN_ORDER = (
    select(Order.id)
    .where(Order.subscription_id == Subscription.id, Order.state == literal_column("'OPEN'"))
    .correlate(Subscription)
    .scalar_subquery()
)
_RENEWING = (
    select(func.count())
    .select_from(Renewal)
    .where(Renewal.subscription_id == Subscription.id, Renewal.state == literal_column("'ORDERED'"))
    .correlate(Subscription)
    .scalar_subquery()
)
_BALANCE = (
    select(whole_sum(BalanceEntry.amount))
    .where(
        BalanceEntry.book_id == Subscription.book_id,
        BalanceEntry.customer_id == Subscription.customer_id,
        BalanceEntry.currency == Subscription.currency,
    )
    .correlate(Subscription)
    .scalar_subquery()
)
_HELD_BACK = (
    select(whole_sum(BalanceEntry.amount))
    .join(Order, Order.id == BalanceEntry.order_id)
    .where(Order.subscription_id == Subscription.id, Order.state == literal_column("'OPEN'"))
    .correlate(Subscription)
    .scalar_subquery()
)
_OWED = (
    select(whole_sum(Deferral.amount))
    .where(Deferral.subscription_id == Subscription.id, Deferral.collected_order.is_(None))
    .correlate(Subscription)
    .scalar_subquery()
)
_HEAD_COLUMNS = (
    Subscription.id, Subscription.number, Subscription.external_ref, Subscription.version, Subscription.created_at,
    Subscription.delivered_code, Subscription.mandate, Subscription.card_id, Subscription.status,
    Subscription.ends_at_period_end, Subscription.auto_renewal, Subscription.currency,
    Subscription.last_item, _OPEN_ORDER, _RENEWING, _BALANCE, _HELD_BACK, _OWED,
)  # fmt: skip
_LARGEST_NUMBER = 2**63 - 1
_HEADS, _CUSTOMERS, _BOOKS = len(_HEAD_COLUMNS), len(_CUSTOMER_COLUMNS), len(_BOOK_COLUMNS)
_FACTS = _HEADS + _CUSTOMERS + _BOOKS
_ALL = _FACTS + len(PENDING_COLUMNS)


def _head(*wanted: ColumnElement[bool], more: tuple[ColumnElement[Any], ...] = ()) -> _Rows:
    return (
        select(*_HEAD_COLUMNS, *_CUSTOMER_COLUMNS, *_BOOK_COLUMNS, *PENDING_COLUMNS, *more)
        .select_from(Subscription)
        .join(Customer, and_(Customer.id == Subscription.customer_id, Customer.book_id == Subscription.book_id))
        .join(Book, Book.id == Subscription.book_id)
        .outerjoin(ScheduledChange, and_(ScheduledChange.subscription_id == Subscription.id, IS_PENDING))
        .where(Subscription.book_id == bindparam("book"), *wanted)
    )


# A link names customer and subscription, each by our number or by the merchant's reference: both must agree.
_SUBSCRIPTION_IS = {
    int: Subscription.number == bindparam("ref"),
    str: Subscription.external_ref == bindparam("ref"),
}
_CUSTOMER_IS = {
    int: Customer.number == bindparam("customer"),
    str: Customer.external_ref == bindparam("customer"),
}
_HEAD_BY: dict[tuple[type, type], Prepared] = {
    (kind, type(None)): Prepared(_head(wanted)) for kind, wanted in _SUBSCRIPTION_IS.items()
} | {
    (kind, customer): Prepared(_head(wanted, owner))
    for kind, wanted in _SUBSCRIPTION_IS.items()
    for customer, owner in _CUSTOMER_IS.items()
}
_OF_LINK = (
    select(func.count())
    .select_from(Order)
    .where(Order.book_id == bindparam("book"), Order.link_jti == bindparam("of_link"))
)
_SPENT = _OF_LINK.where(Order.paid_at.is_not(None)).scalar_subquery()
_GIVEN_UP = _OF_LINK.where(Order.paid_at.is_(None)).scalar_subquery()
_HEAD_OF_LINK: dict[tuple[type, type], Prepared] = {
    (kind, customer): Prepared(_head(wanted, owner, more=(WITHDRAWALS, _SPENT, _GIVEN_UP)))
    for kind, wanted in _SUBSCRIPTION_IS.items()
    for customer, owner in _CUSTOMER_IS.items()
}
_BOOK: _Rows = select(*_BOOK_COLUMNS).where(Book.id == bindparam("book"))
_RULES: _Rows = (
    select(Merchant.timezone, Book.policy, Merchant.profile)
    .select_from(Book)
    .join(Merchant, Merchant.id == Book.merchant_id)
    .where(Book.id == bindparam("book"))
)


def load(conn: Connection, book_id: int, ref: int | str, *, by_customer: int | str | None = None) -> Held | None:
    """The subscription with our number (int) or the merchant's reference (str); None when the book has no such one.

    With ``by_customer`` it must also belong to that customer, named the same two ways.
    """
    if _is_no_number(ref) or _is_no_number(by_customer):
        return None
    statement = _HEAD_BY[type(ref), type(by_customer)]
    head = statement.first(conn, {"book": book_id, "ref": ref, "customer": by_customer})
    return None if head is None else _held(conn, head)


class HeldByLink(NamedTuple):
    """What a link names, and how the link stands: whether it was taken back, how many paid orders came from it, and how many
    that are not paid."""

    held: Held
    withdrawn: bool
    spent: int
    given_up: int


def load_by_link(
    conn: Connection, book_id: int, ref: int | str, customer: int | str, names: Mapping[str, str], issued_at: datetime
) -> HeldByLink | None:
    """As ``load``, with the standing of the link in the same statement. ``names`` are those by which it may be withdrawn."""
    if _is_no_number(ref) or _is_no_number(customer):
        return None
    values = {"book": book_id, "ref": ref, "customer": customer, **link_names(names, issued_at)}
    head = _HEAD_OF_LINK[type(ref), type(customer)].first(conn, values)
    if head is None:
        return None
    withdrawals, spent, given_up = head[-3:]
    return HeldByLink(_held(conn, head), withdrawals > 0, spent, given_up)


def _is_no_number(ref: int | str | None) -> bool:
    return isinstance(ref, int) and not 0 < ref <= _LARGEST_NUMBER


def book_facts(conn: Connection, book_id: int) -> BookFacts | None:
    """The book with its merchant's time zone and prefix; None when there is none."""
    row = conn.execute(_BOOK, {"book": book_id}).first()
    return None if row is None else _book(conn, tuple(row))


def _held(conn: Connection, head: tuple[Any, ...]) -> Held:
    customer = CustomerFacts(*head[_HEADS : _HEADS + _CUSTOMERS])
    book = _book(conn, head[_HEADS + _CUSTOMERS : _FACTS])
    (
        identity, number, external_ref, version, created_at, delivered_code, mandate, card_id, status,
        ends, auto_renewal, currency, last_item, open_order, renewing, balance, held_back, owed,
    ) = head[:_HEADS]  # fmt: skip
    scheduled = scheduled_from(head[_FACTS:_ALL])
    items, cards = read_holdings(conn, book.id, identity, customer.id)
    facts = billing.Subscription(
        currency=currency,
        items=items,
        status=status,
        auto_renewal=auto_renewal,
        ends_at_period_end=ends,
        customer=billing.Customer(
            country=customer.country,
            unpaid_invoices=customer.unpaid.get("count", 0),
            unpaid_url=customer.unpaid.get("url"),
        ),
        balance=int(balance),
        change_in_progress=open_order is not None or scheduled is not None,
        renewal_in_progress=renewing > 0,
        last_item=last_item,
    )
    return Held(
        identity, book, number, external_ref, version, created_at, delivered_code, mandate, card_id,
        customer, tuple([CardFacts(*card[:10], card[0] == card_id, *card[10:]) for card in cards]), facts, open_order,
        scheduled, int(held_back), int(owed),
    )  # fmt: skip


# Time zone, policy and prefix by book, as of a policy version (every change of one of them raises it): the profile beside
# them holds a logo and whole texts, too much to read for every page. By engine, since every database has its book 1.
_rules: WeakKeyDictionary[Engine, dict[int, tuple[int, str, dict[str, Any], str]]] = WeakKeyDictionary()


def _book(conn: Connection, row: tuple[Any, ...]) -> BookFacts:
    identity, mode, merchant_id, policy_version, catalog_version, gateway, account = row
    known = _rules.setdefault(conn.engine, {})
    rules = known.get(identity)
    if rules is None or rules[0] != policy_version:
        timezone, policy, profile = conn.execute(_RULES, {"book": identity}).one()
        rules = known[identity] = (policy_version, timezone, policy, str(profile.get("prefix") or ""))
    _, timezone, policy, prefix = rules
    return BookFacts(
        identity, mode, merchant_id, timezone, policy, policy_version, catalog_version, gateway, account, prefix
    )  # fmt: skip
