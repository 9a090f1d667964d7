"""A merchant with an empty catalog, or with one product and one customer."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.models.store import Store
from tests import factories
from tests.usecases.importing.files import Files


@pytest.fixture
def files(store: Store, tmp_path: Path) -> Files:
    with store.write() as conn:
        book = factories.create_book(conn, factories.create_merchant(conn))
    return Files(store, book, tmp_path)


@pytest.fixture
def stocked(store: Store, files: Files) -> Files:
    """``crm-seat`` with its option ``email``, ``crm-pro``, and customer ``c-1``."""
    with store.write() as conn:
        options = {
            "email": {"name": "E-mail support", "per": "unit", "active": True, "prices": {"USD": {"1year": 1200}}}
        }
        factories.create_product(conn, files.book, options=options)
        factories.create_product(conn, files.book, code="crm-pro", name="CRM Pro")
        factories.create_customer(conn, files.book, external_ref="c-1", gateway_customer="cus_1")
    return files
