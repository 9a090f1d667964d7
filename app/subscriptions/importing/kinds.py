"""Every kind of row, in the order in which they are stored: each may name only what comes before it."""

from __future__ import annotations

from app.subscriptions.importing.context import Kind
from app.subscriptions.importing.customers import Cards, Customers
from app.subscriptions.importing.products import Options, Products
from app.subscriptions.importing.rules import Paths, TaxRates
from app.subscriptions.importing.subscriptions import Subscriptions

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (Products(), Options(), Paths(), TaxRates(), Customers(), Cards(), Subscriptions())
}
