"""Which objects of a database are ours: a merchant may keep tables of their own beside them."""

from __future__ import annotations

from typing import Any

from app.models import Base


def include_object(found: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """False for tables (and what belongs to them) that no model names, so that a comparison never wants to drop them."""
    table = found if kind == "table" else getattr(found, "table", None)
    return table is None or table.name in Base.metadata.tables
