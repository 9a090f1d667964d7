"""How items and lots are written in rows and read back: one place, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.billing.facts import Interval, Item, Lot, LotDiscount

_DISCOUNT_FIELDS = ("percent", "amount", "unit_price", "periods_left")


def lot_facts(lot: Lot) -> dict[str, Any]:
    """What a lot's row keeps beside quantity and price; what is usual is left out."""
    facts: dict[str, Any] = {}
    if lot.kind != "product":
        facts["kind"] = lot.kind
    if lot.per != "unit":
        facts["per"] = lot.per
    if lot.discount is not None:
        held = {name: getattr(lot.discount, name) for name in _DISCOUNT_FIELDS}
        facts["discount"] = {name: value for name, value in held.items() if value is not None}
    return facts


def lot_from(number: int, code: str, quantity: int, unit_price: int, facts: Mapping[str, Any]) -> Lot:
    """The lot of a row, the inverse of ``lot_facts``."""
    if not facts:
        return Lot(number, code, quantity, unit_price)
    discount = facts.get("discount")
    return Lot(
        number,
        code,
        quantity,
        unit_price,
        facts.get("kind", "product"),
        facts.get("per", "unit"),
        None if discount is None else LotDiscount(**discount),
    )


def item_row(item: Item) -> dict[str, Any]:
    """The columns of ``subscription_items`` that an item decides."""
    return {
        "running_number": item.running_number,
        "product": item.product,
        "options": list(item.options),
        "interval": str(item.interval),
        "period_start": item.period.start,
        "period_end": item.period.end,
        "anchor_day": item.anchor_day,
        "committed_until": item.committed_until,
    }


def lot_rows(item: Item) -> list[dict[str, Any]]:
    """The columns of ``lots`` for every lot of an item, ``item_id`` and ``book_id`` left to the caller."""
    return [
        {
            "position": lot.number,
            "code": lot.code,
            "quantity": lot.quantity,
            "unit_price": lot.unit_price,
            "facts": lot_facts(lot),
        }
        for lot in item.lots
    ]


def history(items: tuple[Item, ...]) -> list[dict[str, Any]]:
    """Items as plain JSON for the history of a subscription; amounts in minor units, instants as ISO text."""
    return [
        {
            "running_number": item.running_number,
            "product": item.product,
            "options": list(item.options),
            "interval": str(item.interval),
            "period": [item.period.start.isoformat(), item.period.end.isoformat()],
            "anchor_day": item.anchor_day,
            "lots": [
                {"number": lot.number, "code": lot.code, "quantity": lot.quantity, "unit_price": lot.unit_price}
                | lot_facts(lot)
                for lot in item.lots
            ],
        }
        for item in items
    ]


_intervals: dict[str, Interval] = {}


def interval_from(text: str) -> Interval:
    """The interval of a stored text; few exist, so each is parsed once."""
    found = _intervals.get(text)
    if found is None:
        found = _intervals[text] = Interval.parse(text)
    return found
