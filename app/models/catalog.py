"""What may be bought: products with their prices and options, allowed moves between them, and tax rates."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import STRICT, Base


class Product(Base):
    """A product of a book. ``facts`` holds prices per interval and currency, options, unit words, countries, range."""

    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    code: Mapped[str]
    name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    tax_class: Mapped[str] = mapped_column(default="standard")
    facts: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("book_id", "code"), STRICT)


class UpgradePath(Base):
    """An allowed move from one product to another. ``rules``: price rule, policy overrides, alignment, trial rule."""

    __tablename__ = "upgrade_paths"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    from_product: Mapped[str]
    to_product: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    rules: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("book_id", "from_product", "to_product"), STRICT)


class TaxRate(Base):
    """A percentage for a country and product class, valid from a day (inclusive) to a day (exclusive, or open).

    Days are ISO texts; ``percent`` is a decimal text such as "19" or "8.875".
    """

    __tablename__ = "tax_rates"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="RESTRICT"))
    country: Mapped[str]
    tax_class: Mapped[str] = mapped_column(default="standard")
    percent: Mapped[str]
    label: Mapped[str]
    valid_from: Mapped[str] = mapped_column(default=date.min.isoformat())
    valid_to: Mapped[str | None]
    __table_args__ = (Index(None, "book_id", "country", "tax_class", "valid_from", unique=True), STRICT)
