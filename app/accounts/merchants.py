"""Make, show and change merchants. A merchant is born with both books, each with a first signing key."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from app.accounts.errors import AccountError, invalid
from app.accounts.keys import add_key
from app.accounts.policy import checked_policy
from app.accounts.profile import CODE, checked_profile, checked_timezone
from app.kit.clock import Clock
from app.kit.ids import Randomness
from app.kit.keys import MasterKeys
from app.models.customers import Customer
from app.models.locks import hold_book
from app.models.merchants import Book, Merchant, SigningKey
from app.models.store import Store
from app.models.subscriptions import Subscription

MODES = ("live", "test")


@dataclass(frozen=True, slots=True)
class NewMerchant:
    """``code`` names the merchant on the command line; ``profile`` is checked by ``checked_profile``."""

    code: str
    name: str
    timezone: str
    profile: Mapping[str, object]
    gateway: str


@dataclass(frozen=True, slots=True)
class BookSummary:
    """One book as a person may see it; counts are of rows."""

    id: int
    mode: str
    gateway: str
    gateway_account: str
    policy: Mapping[str, Any]
    policy_version: int
    catalog_version: int
    customers: int
    subscriptions: int
    signing_key: str


@dataclass(frozen=True, slots=True)
class MerchantSummary:
    """A merchant as ``show`` prints it. ``profile`` is as stored; a logo's content is left out."""

    id: int
    code: str
    name: str
    timezone: str
    profile: Mapping[str, Any]
    created_at: datetime
    books: tuple[BookSummary, ...]


def create_merchant(
    store: Store, clock: Clock, masters: MasterKeys, randomness: Randomness, new: NewMerchant, *, actor: str
) -> MerchantSummary:
    """Stores the merchant with a live and a test book and a signing key in each. ``merchant_exists`` if the code is taken."""
    if not CODE.fullmatch(new.code):
        raise invalid("code", f"{new.code!r} is not 2 to 32 of a-z, 0-9 and -, beginning with a letter")
    name = _checked_name(new.name)
    profile, timezone = checked_profile(new.profile), checked_timezone(new.timezone)
    at = clock.now()
    with store.write() as connection:
        if connection.scalar(select(Merchant.id).where(Merchant.code == new.code)) is not None:
            raise AccountError("merchant_exists", f"there is a merchant {new.code} already", merchant=new.code)
        merchant_id = _inserted(
            connection, Merchant, code=new.code, name=name, timezone=timezone, profile=profile, created_at=at
        )
        for mode in MODES:
            book_id = _inserted(
                connection, Book, merchant_id=merchant_id, mode=mode, gateway=new.gateway,
                gateway_account=f"{new.code}-{mode}", policy={}, created_at=at,
            )  # fmt: skip
            add_key(connection, masters, randomness, book_id=book_id, actor=actor, at=at)
        return _summary(connection, new.code)


def _inserted(connection: Connection, table: Any, **values: object) -> int:
    return int(connection.execute(insert(table).values(**values).returning(table.id)).scalar_one())


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise invalid("name", "1 to 80 printable characters")
    return name


def change_merchant(
    store: Store,
    code: str,
    *,
    name: str | None = None,
    timezone: str | None = None,
    fields: Mapping[str, object] | None = None,
    texts: Mapping[tuple[str, str], str] | None = None,
) -> MerchantSummary:
    """Takes over what is given and leaves the rest. ``texts`` maps (field, language) to a text; an empty one removes it.

    A new time zone or prefix raises both books' policy version: days and prices depend on the one, and every process keeps
    both until that version moves.
    """  # fmt: skip
    new_name = None if name is None else _checked_name(name)
    new_zone = None if timezone is None else checked_timezone(timezone)
    with store.write() as connection:
        row = connection.execute(
            select(Merchant.id, Merchant.name, Merchant.timezone, Merchant.profile).where(Merchant.code == code)
        ).first()
        if row is None:
            raise AccountError("merchant_unknown", f"there is no merchant {code}", merchant=code)
        profile = copy.deepcopy(row.profile) | checked_profile(fields or {})
        for (field, language), text in (texts or {}).items():
            merged = {**profile.get(field, {}), language: text}
            profile |= checked_profile({field: merged})
        connection.execute(
            update(Merchant)
            .where(Merchant.id == row.id)
            .values(name=new_name or row.name, timezone=new_zone or row.timezone, profile=profile)
        )
        if new_zone not in (None, row.timezone) or profile.get("prefix") != row.profile.get("prefix"):
            connection.execute(
                update(Book).where(Book.merchant_id == row.id).values(policy_version=Book.policy_version + 1)
            )
        return _summary(connection, code)


def change_book(
    store: Store,
    code: str,
    mode: str,
    *,
    policy: Mapping[str, str] | None = None,
    gateway: str | None = None,
    gateway_account: str | None = None,
) -> MerchantSummary:
    """Sets rules of pricing (``None`` values take one away) or the gateway of one book; the policy's version rises."""  # fmt: skip
    with store.write() as connection:
        book_id = book_of(connection, code, mode)
        hold_book(connection, book_id)
        old: dict[str, Any] = connection.scalars(select(Book.policy).where(Book.id == book_id)).one()
        new = checked_policy({**old, **(policy or {})})
        values: dict[str, Any] = {}
        if new != old:
            values |= {"policy": new, "policy_version": Book.policy_version + 1}
        if gateway is not None:
            values["gateway"] = gateway
        if gateway_account is not None:
            values["gateway_account"] = gateway_account
        if values:
            connection.execute(update(Book).where(Book.id == book_id).values(**values))
        return _summary(connection, code)


def show_merchant(store: Store, code: str) -> MerchantSummary:
    """``merchant_unknown`` names the code."""
    with store.read() as connection:
        return _summary(connection, code)


def merchant_codes(connection: Connection) -> list[str]:
    """Every merchant's code, in the order of the alphabet."""
    return list(connection.scalars(select(Merchant.code).order_by(Merchant.code)))


def only_merchant(connection: Connection) -> str:
    """The code of the only merchant; with none or several, ``merchant_needed`` lists them."""
    codes = merchant_codes(connection)
    if len(codes) == 1:
        return codes[0]
    listed = f"name one with --merchant: {', '.join(codes)}" if codes else "there is none yet: liftlink merchant create"
    raise AccountError("merchant_needed", listed, merchants=codes)


def book_of(connection: Connection, code: str, mode: str) -> int:
    """The book's id. ``mode_unknown`` · ``merchant_unknown``."""
    if mode not in MODES:
        raise AccountError("mode_unknown", f"{mode!r} is no mode (live or test)", mode=mode)
    found = connection.scalar(
        select(Book.id)
        .join(Merchant, Merchant.id == Book.merchant_id)
        .where(Merchant.code == code, Book.mode == mode)
    )  # fmt: skip
    if found is None:
        raise AccountError("merchant_unknown", f"there is no merchant {code}", merchant=code)
    return found


def stored_logo(kind: str, content: bytes) -> dict[str, str]:
    """A logo as a profile holds it. The caller has looked inside the picture."""
    return {"kind": kind, "content": base64.b64encode(content).decode("ascii")}


def _count(connection: Connection, table: type[Customer] | type[Subscription], book_id: int) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(table.book_id == book_id)) or 0


def _summary(connection: Connection, code: str) -> MerchantSummary:
    row = connection.execute(
        select(Merchant.id, Merchant.name, Merchant.timezone, Merchant.profile, Merchant.created_at).where(
            Merchant.code == code
        )
    ).first()
    if row is None:
        raise AccountError("merchant_unknown", f"there is no merchant {code}", merchant=code)
    books = connection.execute(
        select(
            Book.id, Book.mode, Book.gateway, Book.gateway_account, Book.policy, Book.policy_version, Book.catalog_version
        )
        .where(Book.merchant_id == row.id)
        .order_by(Book.mode)
    ).all()  # fmt: skip
    profile = {name: value for name, value in row.profile.items() if name != "logo"}
    if "logo" in row.profile:
        profile["logo"] = row.profile["logo"]["kind"]
    found: list[BookSummary] = []
    for book in books:
        signing_key = connection.scalar(
            select(SigningKey.kid).where(SigningKey.book_id == book.id, SigningKey.state == "active")
        )
        found.append(
            BookSummary(
                id=book.id,
                mode=book.mode,
                gateway=book.gateway,
                gateway_account=book.gateway_account,
                policy=book.policy,
                policy_version=book.policy_version,
                catalog_version=book.catalog_version,
                customers=_count(connection, Customer, book.id),
                subscriptions=_count(connection, Subscription, book.id),
                signing_key=signing_key or "",
            )
        )
    return MerchantSummary(row.id, code, row.name, row.timezone, profile, row.created_at, tuple(found))
