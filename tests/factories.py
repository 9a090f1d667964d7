"""Rows for tests: ``create_x(conn, **what_matters)`` gives the row's id. Left alone, they make the reference case.

One seat of CRM Standard at 40.00 a year, all of 2026 paid, held by Dana of Brightwell with three cards on file.
Everything is written in the caller's transaction. Amounts are minor units, days are midnights in UTC unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, insert, select, update

from app.models.catalog import Product, TaxRate, UpgradePath
from app.models.customers import BalanceEntry, Customer, StoredCard
from app.models.merchants import Book, Merchant
from app.models.subscriptions import Entitlement, Lot, Subscription, SubscriptionItem

MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
TIMEZONE = "America/Los_Angeles"


@dataclass(frozen=True, slots=True)
class Seeded:
    """The ids of the reference case. ``visa`` is the default card, ``mastercard`` ends 11/2026, ``amex`` ended 05/2026."""

    merchant: int
    book: int
    other_book: int
    customer: int
    visa: int
    mastercard: int
    amex: int
    subscription: int


def seed(
    conn: Connection, *, timezone: str = TIMEZONE, policy: Mapping[str, Any] | None = None, country: str | None = "US"
) -> Seeded:
    """The whole reference case in the merchant's test book; ``other_book`` is the live one, empty."""
    merchant = create_merchant(conn, timezone=timezone)
    book = create_book(conn, merchant, policy=policy or {})
    other = create_book(conn, merchant, mode="live")
    create_product(conn, book)
    create_product(conn, book, code="crm-pro", name="CRM Pro", prices={"USD": {"1year": 10000, "1month": 1000}})
    create_path(conn, book)
    customer = create_customer(conn, book, country=country)
    visa = create_card(conn, book, customer)
    mastercard = create_card(
        conn, book, customer, behaviour="mastercard_ok", brand="mastercard", last4="5454",
        exp_month=11, exp_year=2026, is_default=False,
    )  # fmt: skip
    amex = create_card(
        conn, book, customer, behaviour="amex_ok", brand="amex", last4="0005",
        exp_month=5, exp_year=2026, is_default=False,
    )  # fmt: skip
    subscription = create_subscription(conn, book, customer, card_id=visa, timezone=timezone)
    return Seeded(merchant, book, other, customer, visa, mastercard, amex, subscription)


def _insert(conn: Connection, table: Any, **values: Any) -> int:
    return int(conn.execute(insert(table).values(**values).returning(table.id)).scalar_one())


def create_merchant(
    conn: Connection,
    *,
    code: str = "quillmark",
    name: str = "Quillmark CRM",
    timezone: str = TIMEZONE,
    profile: Mapping[str, Any] | None = None,
) -> int:
    """A merchant; ``profile`` adds to what pages need."""
    usual = {
        "prefix": "QM",
        "legal_name": "Quillmark Software Inc.",
        "help_email": "help@quillmark.example",
        "account_url": "https://app.quillmark.example/account",
        "product_url": "https://app.quillmark.example/",
        "statement_name": "QUILLMARK",
        "return_hosts": ["app.quillmark.example"],
        "brand_colour": "#0e5a73",
        "languages": ["en", "fr"],
        "terms": {"en": "https://quillmark.example/terms"},
    }
    return _insert(
        conn,
        Merchant,
        code=code,
        name=name,
        timezone=timezone,
        profile={**usual, **(profile or {})},
        created_at=MADE_AT,
    )


def create_book(
    conn: Connection, merchant: int, *, mode: str = "test", policy: Mapping[str, Any] | None = None, **what_matters: Any
) -> int:
    """A merchant's book at the sandbox gateway."""
    values: dict[str, Any] = {"gateway": "sandbox", "gateway_account": f"quillmark-{mode}", "created_at": MADE_AT}
    return _insert(conn, Book, merchant_id=merchant, mode=mode, policy=dict(policy or {}), **{**values, **what_matters})


def create_product(
    conn: Connection,
    book: int,
    *,
    code: str = "crm-seat",
    name: str = "CRM Standard",
    prices: Mapping[str, Mapping[str, int]] | None = None,
    options: Mapping[str, Any] | None = None,
    active: bool = True,
    tax_class: str = "standard",
    **facts: Any,
) -> int:
    """A product with list prices per currency and interval; raises the catalog's version. More ``facts`` as stored."""
    stored = {"prices": prices or {"USD": {"1year": 4000}}, "options": options or {}, "unit": "seat", **facts}
    raise_catalog(conn, book)
    return _insert(
        conn, Product, book_id=book, code=code, name=name, active=active, tax_class=tax_class, facts=stored,
        updated_at=MADE_AT,
    )  # fmt: skip


def create_path(
    conn: Connection,
    book: int,
    source: str = "crm-seat",
    target: str = "crm-pro",
    *,
    active: bool = True,
    **rules: Any,
) -> int:
    """An allowed move from one product to another; ``rules`` as stored."""
    raise_catalog(conn, book)
    return _insert(
        conn, UpgradePath, book_id=book, from_product=source, to_product=target, active=active, rules=rules,
        updated_at=MADE_AT,
    )  # fmt: skip


def create_tax_rate(
    conn: Connection,
    book: int,
    *,
    country: str = "US",
    percent: str = "10",
    label: str = "Sales tax",
    tax_class: str = "standard",
    valid_from: str = "0001-01-01",
    valid_to: str | None = None,
) -> int:
    """A percentage for a country, from a day on."""
    raise_catalog(conn, book)
    return _insert(
        conn, TaxRate, book_id=book, country=country, tax_class=tax_class, percent=percent, label=label,
        valid_from=valid_from, valid_to=valid_to,
    )  # fmt: skip


def raise_catalog(conn: Connection, book: int) -> None:
    """What whoever changes a catalog does, so that no process goes on with an older one."""
    conn.execute(update(Book).where(Book.id == book).values(catalog_version=Book.catalog_version + 1))


def create_customer(conn: Connection, book: int, *, number: int | None = None, **what_matters: Any) -> int:
    """Dana, customer 1001; every further one takes the next number unless told."""
    values: dict[str, Any] = {
        "number": number or _next(conn, book, Customer, 1001),
        "external_ref": None,
        "email": "dana@brightwell.example",
        "name": "Dana",
        "country": "US",
        "locale": "en-US",
        "address": {},
        "unpaid": {},
        "gateway_customer": "",
        "created_at": MADE_AT,
    }
    values |= what_matters
    values["gateway_customer"] = values["gateway_customer"] or f"cus_sandbox_{book}_{values['number']}"
    conn.execute(update(Book).where(Book.id == book).values(next_customer=values["number"] + 1))
    return _insert(conn, Customer, book_id=book, **values)


def create_card(
    conn: Connection,
    book: int,
    customer: int,
    *,
    behaviour: str = "visa_ok",
    token: str | None = None,
    brand: str = "visa",
    last4: str = "4242",
    exp_month: int = 8,
    exp_year: int = 2028,
    is_default: bool = True,
    **what_matters: Any,
) -> int:
    """A card on file at the sandbox, by default the Visa that is approved; ``behaviour`` as in the sandbox's table."""
    number, owner = conn.execute(
        select(Customer.number, Customer.gateway_customer).where(Customer.id == customer)
    ).one()
    token = token or f"pm_sandbox_{behaviour}-{book}-{number}"
    values: dict[str, Any] = {"gateway": "sandbox", "gateway_customer": owner, "created_at": MADE_AT, **what_matters}
    return _insert(
        conn, StoredCard, book_id=book, customer_id=customer, token=token, brand=brand, last4=last4,
        exp_month=exp_month, exp_year=exp_year, is_default=is_default, **values,
    )  # fmt: skip


def create_subscription(
    conn: Connection,
    book: int,
    customer: int,
    *,
    number: int | None = None,
    timezone: str = TIMEZONE,
    product: str = "crm-seat",
    interval: str = "1year",
    start: date = date(2026, 1, 1),
    end: date = date(2027, 1, 1),
    lots: Sequence[tuple[int, int]] = ((1, 4000),),
    paid: Sequence[int] | None = None,
    options: Sequence[str] = (),
    lot_facts: Mapping[str, Any] | None = None,
    **what_matters: Any,
) -> int:
    """QM-1048. ``lots`` are (quantity, unit price); ``paid`` what the ledger has for each over the period (None: in full)."""
    values: dict[str, Any] = {
        "number": number or _next(conn, book, Subscription, 1048),
        "external_ref": None,
        "status": "active",
        "currency": "USD",
        "delivered_code": None,
        "mandate": {"at": "2026-01-01T08:00:00+00:00", "text": "Renews yearly until cancelled.", "source": "import"},
        "card_id": None,
        "created_at": MADE_AT,
    }
    values |= what_matters
    subscription = _insert(conn, Subscription, book_id=book, customer_id=customer, **values)
    conn.execute(update(Book).where(Book.id == book).values(next_subscription=values["number"] + 1))
    create_item(
        conn, book, subscription, product=product, interval=interval, timezone=timezone, start=start, end=end,
        lots=lots, paid=paid, options=options, lot_facts=lot_facts,
    )  # fmt: skip
    return subscription


def create_item(
    conn: Connection,
    book: int,
    subscription: int,
    *,
    running_number: int = 1,
    product: str = "crm-seat",
    interval: str = "1year",
    timezone: str = TIMEZONE,
    start: date = date(2026, 1, 1),
    end: date = date(2027, 1, 1),
    lots: Sequence[tuple[int, int]] = ((1, 4000),),
    paid: Sequence[int] | None = None,
    options: Sequence[str] = (),
    lot_facts: Mapping[str, Any] | None = None,
) -> int:
    """One product of a subscription, from local midnight to local midnight, with its lots and what was paid for them."""
    first, last = _midnight(start, timezone), _midnight(end, timezone)
    item = _insert(
        conn, SubscriptionItem, book_id=book, subscription_id=subscription, running_number=running_number,
        product=product, options=list(options), interval=interval, period_start=first, period_end=last,
        anchor_day=start.day, committed_until=None,
    )  # fmt: skip
    amounts = [quantity * unit_price for quantity, unit_price in lots] if paid is None else list(paid)
    for position, ((quantity, unit_price), amount) in enumerate(zip(lots, amounts, strict=True), 1):
        conn.execute(
            insert(Lot).values(
                item_id=item, position=position, book_id=book, code=product, quantity=quantity, unit_price=unit_price,
                facts=dict(lot_facts or {}),
            )
        )  # fmt: skip
        if amount:
            create_entitlement(
                conn, book, subscription, item=running_number, lot=position, start=first, end=last, amount=amount
            )
    return item


def create_entitlement(
    conn: Connection,
    book: int,
    subscription: int,
    *,
    item: int = 1,
    lot: int = 1,
    start: datetime,
    end: datetime,
    amount: int,
) -> int:
    """One row of the ledger of what was paid."""
    return _insert(
        conn, Entitlement, book_id=book, subscription_id=subscription, item=item, lot=lot, span_start=start,
        span_end=end, amount=amount, order_id=None, line=None, created_at=MADE_AT,
    )  # fmt: skip


def create_balance(conn: Connection, book: int, customer: int, amount: int, currency: str = "USD") -> int:
    """Money that stands to a customer's credit."""
    return _insert(
        conn, BalanceEntry, book_id=book, customer_id=customer, currency=currency, amount=amount, cause="test",
        order_id=None, created_at=MADE_AT,
    )  # fmt: skip


def _next(conn: Connection, book: int, table: Any, first: int) -> int:
    highest = conn.execute(select(func.max(table.number)).where(table.book_id == book)).scalar()
    return first if highest is None else highest + 1


def _midnight(day: date, timezone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(timezone))
