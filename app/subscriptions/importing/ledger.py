"""What was really paid for an item: written out, or said plainly for the current period. Nothing is assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.billing.credits import assumed_payment, pinned
from app.billing.facts import Entitlement, Item, Lot
from app.kit.money import LARGEST
from app.subscriptions.importing import values
from app.subscriptions.importing.context import Context
from app.subscriptions.importing.fields import Fields, Row
from app.subscriptions.importing.problems import Bad

PAID = "paid_for_current_period"
_KNOWN = frozenset({"start", "end", "amount", "lot"})
_lot_number = values.whole(1, 9999)
Ledger = tuple[Entitlement, ...]


def read_ledger(item: Item, paid: list[Any], fields: Fields, row: Row, context: Context, currency: str) -> Ledger:
    """The rows of an item. ``paid`` is what each lot says about the current period (None: nothing)."""
    ledger = _ledger(item, paid, fields, row, context, currency)
    if any(abs(entry.amount) > LARGEST for entry in ledger):
        fields.complain(PAID, "comes to too large an amount")
    return ledger


def _ledger(item: Item, paid: list[Any], fields: Fields, row: Row, context: Context, currency: str) -> Ledger:
    said_per_lot = [said not in (None, "") for said in paid]
    if fields.value("entitlements") is not None:
        if fields.value(PAID) is not None or any(said_per_lot):
            fields.complain(PAID, "does not go with entitlements")
        return _pinned(item, _listed(item, fields, row, context, currency))
    if fields.value(PAID) is not None:
        return _paid(item, item.lots, fields.value(PAID), PAID, fields, context, currency)
    rows: Ledger = ()
    for index, (lot, said) in enumerate(zip(item.lots, paid, strict=True)):
        path = f"lots[{index}].{PAID}"
        if said_per_lot[index]:
            rows += _paid(item, (lot,), said, path, fields, context, currency)
        else:
            fields.complain(path, "is missing: yes, no or the amount (or list the entitlements)")
    return rows


def _paid(
    item: Item, lots: tuple[Lot, ...], said: Any, path: str, fields: Fields, context: Context, currency: str
) -> Ledger:
    """Yes: the lots' prices less their discounts, by the share of the period; no: nothing; else this amount."""
    try:
        if not values.flag(said):
            return ()
    except Bad:
        return _paid_amount(item, lots, said, path, fields, context, currency)
    rows = [assumed_payment(lot, item, context.measure, context.rounding) for lot in lots]
    return tuple(row for row in rows if row.amount)


def _paid_amount(
    item: Item, lots: tuple[Lot, ...], said: Any, path: str, fields: Fields, context: Context, currency: str
) -> Ledger:
    try:
        amount = context.amounts(currency)(said)
    except Bad:
        fields.complain(path, f"{values.shown(said)} is neither yes, no nor an amount such as '40.00'")
        return ()
    number = lots[0].number if len(lots) == 1 else None
    row = Entitlement(item.running_number, number, item.period.start, item.period.end, amount)
    return _pinned(item, [row])


def _listed(item: Item, fields: Fields, row: Row, context: Context, currency: str) -> list[Entitlement]:
    rows: list[Entitlement] = []
    for index, entry in enumerate(fields.several("entitlements")):
        inner = Fields(entry, _KNOWN, row, context.problems, fields.path(f"entitlements[{index}]"))
        start = inner.needed("start", context.instant)
        end = inner.needed("end", context.instant)
        amount = inner.needed("amount", context.amounts(currency, signed=True))
        lot = inner.optional("lot", _lot_number)
        if start is not None and end is not None and end <= start:
            inner.complain("end", "is not after the start")
        if lot is not None and lot > len(item.lots):
            inner.complain("lot", f"the item has no lot {lot}")
        if inner.good and start is not None and end is not None:
            rows.append(Entitlement(item.running_number, lot, start, end, amount))
        else:
            fields.good = False
    return rows


def _pinned(item: Item, rows: list[Entitlement]) -> Ledger:
    """Every row with its lot: a row for all lots is split by what they cost."""
    split = pinned(replace(item, entitlements=tuple(rows)))
    return tuple(row for row in split if row.amount)
