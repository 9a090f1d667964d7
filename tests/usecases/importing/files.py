"""Files to import, written from what a test says about them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.kit.clock import StoppedClock
from app.models import Base
from app.models.store import Store
from app.subscriptions.importing import Imported, ImportRefused, import_file
from tests.conftest import TODAY

Said = Sequence[tuple[int, str, str]]

PRODUCT: dict[str, Any] = {"code": "crm-seat", "name": "CRM Standard", "price:USD:1year": "40.00"}
CUSTOMER: dict[str, Any] = {
    "reference": "c-1", "email": "dana@brightwell.example", "name": "Dana", "country": "US", "gateway_customer": "cus_1",
}  # fmt: skip
CARD: dict[str, Any] = {
    "customer": "c-1", "token": "pm_1", "brand": "visa", "last4": "4242", "exp_month": "8", "exp_year": "2028",
    "default": "yes",
}  # fmt: skip
SUBSCRIPTION: dict[str, Any] = {
    "reference": "s-1", "customer": "c-1", "currency": "USD", "product": "crm-seat", "interval": "1year",
    "period_start": "2026-01-01", "period_end": "2027-01-01", "quantity": "1", "unit_price": "40.00",
    "paid_for_current_period": "yes",
}  # fmt: skip
PATH: dict[str, Any] = {"from": "crm-seat", "to": "crm-pro"}
RATE: dict[str, Any] = {"country": "US", "percent": "8.875", "label": "Sales tax"}
OPTION: dict[str, Any] = {"product": "crm-seat", "code": "email", "name": "E-mail support", "price:USD:1year": "12.00"}
USUAL: Mapping[str, dict[str, Any]] = {
    "products": PRODUCT, "customers": CUSTOMER, "cards": CARD, "subscriptions": SUBSCRIPTION, "paths": PATH,
    "tax-rates": RATE, "options": OPTION,
}  # fmt: skip


def item(**what_matters: Any) -> dict[str, Any]:
    """An item of a subscription in JSON."""
    return {
        "product": "crm-seat",
        "interval": "1year",
        "period": {"start": "2026-01-01", "end": "2027-01-01"},
        "lots": [{"quantity": 1, "unit_price": "40.00"}],
        "paid_for_current_period": True,
    } | what_matters


def subscription(*items: Any, **what_matters: Any) -> dict[str, Any]:
    """A subscription in JSON."""
    return {
        "reference": "s-1", "customer": "c-1", "currency": "USD", "items": list(items) or [item()],
    } | what_matters  # fmt: skip


class Files:
    """Imports into one book; ``refused`` gives the problems instead."""

    def __init__(self, store: Store, book: int, folder: Path) -> None:
        self.store, self.book, self.folder = store, book, folder

    def csv(self, kind: str, *rows: Mapping[str, Any], **how: Any) -> Imported:
        """One row per mapping; the header holds every column that any row names."""
        header = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(header)
        writer.writerows([row.get(name, "") for name in header] for row in rows)
        return self.bytes(text.getvalue().encode(), f"{kind}.csv", **how)

    def json(self, document: Any, kind: str | None = None, **how: Any) -> Imported:
        return self.bytes(json.dumps(document).encode(), "file.json", kind=kind, **how)

    def bytes(self, content: bytes, name: str, **how: Any) -> Imported:
        path = self.folder / name
        path.write_bytes(content)
        return import_file(self.store, StoppedClock(TODAY), self.book, path, **how)

    def refused(self, act: Callable[..., Imported], *args: Any, **how: Any) -> Said:
        """The problems of a file that must not be imported; and not a row of it may be stored."""
        before = self.rows()
        try:
            act(*args, **how)
        except ImportRefused as refused:
            assert self.rows() == before, "something of a refused file was stored"
            return [(problem.line, problem.field, problem.reason) for problem in refused.problems]
        raise AssertionError("was imported")

    def rows(self) -> dict[str, int]:
        with self.store.read() as conn:
            return {
                name: conn.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in Base.metadata.tables.items()
            }
